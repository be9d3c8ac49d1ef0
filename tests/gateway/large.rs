//! Bodies far larger than memory pass in constant memory. `MUNJIGI_TEST_LARGE` says how many MiB; 128 unless said.

use std::fs;
use std::io::Read as _;

use crate::support::{Gateway, Origin, Sso, World};

const PIECE: usize = 1 << 20;

/// More than this a stream may not cost, in KiB, however long it is.
const MOST_GROWTH: u64 = 32 * 1024;

fn pieces() -> usize {
    std::env::var("MUNJIGI_TEST_LARGE").ok().and_then(|text| text.parse().ok()).unwrap_or(128)
}

fn resident(gateway: &Gateway) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.process.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Notes the memory at sixteen moments and judges it at the end.
struct Curve<'a> {
    gateway: &'a Gateway,
    all: usize,
    seen: Vec<u64>,
}

impl Curve<'_> {
    fn at(&mut self, piece: usize) {
        if piece.is_multiple_of(self.all.div_ceil(16)) {
            self.seen.push(resident(self.gateway));
        }
    }

    fn judge(&self, what: &str) {
        println!("{what}, {} MiB: resident KiB {:?}", self.all, self.seen);
        let (first, most) = (self.seen[0], self.seen.iter().max().unwrap());
        assert!(*most < first + MOST_GROWTH, "{what}: from {first} to {most} KiB");
    }
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
                let mut buffer = vec![0; PIECE];
                while count < all * PIECE {
                    let read = conversation.stream.read(&mut buffer).unwrap();
                    assert!(read > 0 && buffer[..read].iter().all(|byte| *byte == b'u'));
                    count += read;
                }
                conversation.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{count}", count.to_string().len()).as_bytes());
            }
        }
    });
    let sso = Sso::start();
    let gateway = World::builder(&origin, &sso).toml("[server]\nmax_body = \"100g\"").start();
    let mut tls = gateway.tls();
    tls.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
    assert_eq!(tls.answer_head().status(), 200);
    let mut curve = Curve { gateway: &gateway, all, seen: Vec::new() };
    for piece in 0..all {
        assert!(tls.some_bytes_exactly(PIECE).unwrap().iter().all(|byte| *byte == b'd'));
        curve.at(piece);
    }
    curve.judge("download");
    tls.say(format!("POST /open HTTP/1.1\r\nHost: x.test\r\nContent-Length: {}\r\n\r\n", all * PIECE));
    let mut curve = Curve { gateway: &gateway, all, seen: Vec::new() };
    let bytes = vec![b'u'; PIECE];
    for piece in 0..all {
        tls.say(&bytes);
        curve.at(piece);
    }
    curve.judge("upload");
    assert_eq!(tls.answer().text(), (all * PIECE).to_string());
}
