//! Bodies far larger than memory pass in constant memory. `MUNJIGI_TEST_LARGE` says how many MiB; 64 unless said, and 10240
//! with a release build for the ten gigabytes that are promised:
//!
//! ```sh
//! cargo build --release
//! MUNJIGI_TEST_BINARY=target/release/munjigi MUNJIGI_TEST_LARGE=10240 cargo test --test gateway large:: -- --nocapture
//! ```

use std::fs;
use std::io::Read as _;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::support::{FramedH2, Gateway, Origin, Sso, Tls, World, framed};

const PIECE: usize = 1 << 20;

/// More than this a stream may not cost, in KiB, however long it is.
const MOST_GROWTH: u64 = 32 * 1024;

/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(100);

fn pieces() -> usize {
    std::env::var("MUNJIGI_TEST_LARGE").ok().and_then(|text| text.parse().ok()).unwrap_or(64)
}

fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Looks at the memory from before the work to its end, and judges it.
fn watched(gateway: &Gateway, what: &str, work: impl FnOnce()) {
    let (pid, began) = (gateway.process.pid(), std::time::Instant::now());
    let first = resident(pid);
    let (done, is_done) = mpsc::channel::<()>();
    let looking = thread::spawn(move || {
        let mut seen = vec![first];
        while is_done.recv_timeout(LOOK) == Err(mpsc::RecvTimeoutError::Timeout) {
            seen.push(resident(pid));
        }
        seen.push(resident(pid));
        seen
    });
    work();
    drop(done);
    let mut seen = looking.join().unwrap();
    let count = seen.len();
    let curve: Vec<u64> = (0..=16).map(|n| seen[n * (count - 1) / 16]).collect();
    seen.sort_unstable();
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{what}: {} MiB in {seconds:.1} s; resident KiB: before {first}, min {}, median {}, max {} of {count} looks; curve {curve:?}",
        pieces(),
        seen[0],
        seen[count / 2],
        seen[count - 1]
    );
    assert!(seen[count - 1] < first + MOST_GROWTH, "{what}: from {first} to {} KiB", seen[count - 1]);
}

fn download_h1(tls: &mut Tls, all: usize) {
    tls.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
    assert_eq!(tls.answer_head().status(), 200);
    let expected = vec![b'd'; PIECE];
    for _ in 0..all {
        assert!(tls.some_bytes_exactly(PIECE).unwrap() == expected);
    }
}

fn upload_h1(tls: &mut Tls, all: usize) {
    tls.say(format!("POST /open HTTP/1.1\r\nHost: x.test\r\nContent-Length: {}\r\n\r\n", all * PIECE));
    let bytes = vec![b'u'; PIECE];
    for _ in 0..all {
        tls.say(&bytes);
    }
    assert_eq!(tls.answer().text(), (all * PIECE).to_string());
}

const DATA: u8 = 0x0;
const WINDOW_UPDATE: u8 = 0x8;

fn download_h2(h2: &mut FramedH2, all: usize) {
    h2.ask(1, "GET", "/open");
    let (mut left, mut owed, expected) = (all * PIECE, 0_u32, vec![b'd'; PIECE]);
    while left > 0 {
        let frame = h2.next().expect("the connection goes on");
        assert!(!matches!(frame.kind, 0x3 | 0x7), "{frame:?}");
        if frame.kind == DATA {
            assert!(frame.payload == expected[..frame.payload.len()]);
            left -= frame.payload.len();
            owed += u32::try_from(frame.payload.len()).unwrap();
        }
        // Half of the window that a connection begins with.
        if owed > 32 * 1024 && left > 0 {
            for stream in [0, 1] {
                h2.say(WINDOW_UPDATE, 0, stream, &owed.to_be_bytes());
            }
            owed = 0;
        }
    }
}

fn upload_h2(h2: &mut FramedH2, all: usize) {
    let length = (all * PIECE).to_string();
    let mut fields = framed::request("POST", "/open").to_vec();
    fields.push(("content-length", &length));
    h2.say(0x1, 0x4, 1, &framed::fields(&fields));
    // RFC 9113, section 6.9.2: what may be sent before the peer has said anything.
    let (mut connection, mut stream, mut left) = (65_535_usize, 65_535_usize, all * PIECE);
    let piece = [b'u'; 16_384];
    while left > 0 {
        let most = piece.len().min(connection).min(stream).min(left);
        if most == 0 {
            let frame = h2.next().expect("the connection goes on");
            let number = |bytes: &[u8]| bytes.try_into().map(u32::from_be_bytes).unwrap() as usize;
            match (frame.kind, frame.stream) {
                (WINDOW_UPDATE, 0) => connection += number(&frame.payload),
                (WINDOW_UPDATE, 1) => stream += number(&frame.payload),
                // The window that streams begin with, and that of this one with it; it holds from our answer on.
                (0x4, _) if frame.flags & 1 == 0 => {
                    h2.say(0x4, 1, 0, &[]);
                    for setting in frame.payload.chunks(6).filter(|setting| setting[..2] == [0, 4]) {
                        stream = stream + number(&setting[2..]) - 65_535;
                    }
                }
                (0x3 | 0x7, _) => panic!("{frame:?}"),
                _ => {}
            }
            continue;
        }
        left -= most;
        h2.say(DATA, u8::from(left == 0), 1, &piece[..most]);
        connection -= most;
        stream -= most;
    }
    assert_eq!(h2.until(DATA, 1).expect("an answer").payload, length.as_bytes());
}

#[test]
fn large_streams_pass_in_constant_memory() {
    let all = pieces();
    let origin = Origin::conversing(move |conversation| {
        while let Some(request) = conversation.request_head() {
            if request.method() == "GET" {
                conversation.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", all * PIECE).as_bytes());
                let piece = vec![b'd'; PIECE];
                (0..all).for_each(|_| conversation.say(&piece));
            } else {
                let mut count = 0;
                let (mut buffer, expected) = (vec![0; PIECE], vec![b'u'; PIECE]);
                while count < all * PIECE {
                    let read = conversation.stream.read(&mut buffer).unwrap();
                    assert!(read > 0 && buffer[..read] == expected[..read]);
                    count += read;
                }
                conversation.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{count}", count.to_string().len()).as_bytes());
            }
        }
    });
    let sso = Sso::start();
    let gateway = World::builder(&origin, &sso).toml("[server]\nmax_body = \"100g\"").start();
    let mut tls = gateway.tls();
    watched(&gateway, "HTTP/1.1 down", || download_h1(&mut tls, all));
    watched(&gateway, "HTTP/1.1 up", || upload_h1(&mut tls, all));
    watched(&gateway, "HTTP/2 down", || download_h2(&mut FramedH2::connect(gateway.address()), all));
    watched(&gateway, "HTTP/2 up", || upload_h2(&mut FramedH2::connect(gateway.address()), all));
}
