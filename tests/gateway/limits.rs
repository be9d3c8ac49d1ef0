//! What a client may ask of us: how much, how many, how slowly; and that it sees why it was refused.

use std::fs;
use std::io::Write as _;

use crate::support::{FramedH2, H2, Message, Origin, RIGHT, Sso, Tls, World, need};

const HEAD: &str = "Host: x.test\r\n";

fn answer_to(world: &World, request: &str) -> Message {
    let mut tls = world.gateway.tls();
    tls.say(request);
    tls.answer()
}

/// The system resets a connection that is closed with bytes unread, and a client that writes everything before it reads
/// would see that instead of the answer.
#[test]
fn a_refused_upload_is_drained_and_its_sender_sees_the_answer() {
    let world = World::with("[server]\nmax_body = \"1m\"");
    let upload = vec![b'u'; 4 << 20];
    let length = format!("Content-Length: {}\r\n", upload.len());
    let chunked = [format!("{:x}\r\n", upload.len()).as_bytes(), &upload, b"\r\n0\r\n\r\n"].concat();
    for (path, framing, body, status) in [
        ("/", length.as_str(), &upload, 401),
        ("/open", length.as_str(), &upload, 413),
        ("/open", "Transfer-Encoding: chunked\r\n", &chunked, 413),
        ("/.auth/nothing", length.as_str(), &upload, 404),
        ("/a/../b", length.as_str(), &upload, 400),
        ("/login", length.as_str(), &upload, 413),
    ] {
        let mut tls = world.gateway.tls();
        tls.say(format!("POST {path} HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\n{framing}\r\n"));
        tls.say(body);
        let answer = tls.answer();
        assert_eq!((answer.status(), answer.whole), (status, true), "{path} {framing}");
        if answer.get("connection") != Some("close") {
            tls.say(format!("GET /open HTTP/1.1\r\n{HEAD}\r\n"));
            assert_eq!(tls.answer().status(), 200, "{path} {framing}: the rest was read, so the connection goes on");
        }
    }
    // An upload that says too much of itself bothers no application.
    assert!(world.origin.seen().iter().all(|request| request.method() == "GET" || request.all("content-length").is_empty()));
}

/// What an application that answers early and reads nothing says reaches the client too.
#[test]
fn an_early_answer_is_seen_by_a_client_still_sending() {
    let origin = Origin::conversing(|conversation| {
        if conversation.request_head().is_some() {
            conversation.say(b"HTTP/1.1 422 No\r\nContent-Length: 2\r\n\r\nno");
            while !conversation.some_bytes(1 << 16).is_empty() {}
        }
    });
    let world = World::around(origin);
    let mut tls = world.gateway.tls();
    tls.say(format!("POST /open HTTP/1.1\r\n{HEAD}Content-Length: {}\r\n\r\n", 4 << 20));
    tls.say(vec![b'u'; 4 << 20]);
    let answer = tls.answer();
    assert_eq!((answer.status(), answer.text()), (422, "no".to_owned()));
}

#[test]
fn draining_has_a_bound() {
    let world = World::with("[server]\ndrain_body = \"64k\"");
    let mut tls = world.gateway.tls();
    tls.say(format!("POST / HTTP/1.1\r\n{HEAD}Content-Length: {}\r\n\r\n", 1 << 30));
    let piece = vec![b'u'; 1 << 20];
    let cut = (0..256).any(|_| tls.try_say(&piece).is_err());
    assert!(cut, "256 MiB were read for nothing");
}

#[test]
fn curl_sees_why_its_upload_was_refused() {
    if !need("curl_sees_why_its_upload_was_refused") {
        return;
    }
    let world = World::with("[server]\nmax_body = \"1m\"");
    let file = world.gateway.path("upload");
    fs::File::create(&file).unwrap().write_all(&vec![b'u'; 6 << 20]).unwrap();
    for version in ["--http1.1", "--http2"] {
        for (path, expect, status) in
            [("/", "Expect:", "401"), ("/open", "Expect:", "413"), ("/", "X-A: b", "401"), ("/open", "X-A: b", "413")]
        {
            let url = format!("https://{}{path}", world.gateway.address());
            let output = std::process::Command::new("curl")
                .args(["-sSk", "--noproxy", "*", "--max-time", "30", version, "-o", "/dev/null", "-w", "%{http_code}", "-H", expect, "-T"])
                .arg(&file)
                .arg(&url)
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), status, "{version} {path} {expect}: {output:?}");
        }
    }
}

/// A hundred bytes a second, each of them in time, are not enough.
#[test]
fn a_body_that_only_trickles_is_refused() {
    let (seen, each) = std::sync::mpsc::channel();
    let origin = Origin::conversing(move |conversation| {
        if conversation.request_head().is_some() {
            while !conversation.some_bytes(1 << 10).is_empty() {
                let _ = seen.send(true);
            }
            let _ = seen.send(false);
        }
    });
    let sso = Sso::start();
    let gateway = World::builder(&origin, &sso).toml("[server]\nbody_timeout = \"500ms\"\nbody_min_rate = \"64m\"").start();
    let mut tls = gateway.tls();
    tls.say(format!("POST /open HTTP/1.1\r\n{HEAD}Content-Length: 100000000\r\n\r\n"));
    // The next byte follows as soon as the last one has gone through: the body never stands still for long.
    while tls.try_say(b"u").is_ok() && each.recv() == Ok(true) {}
    let answer = tls.answer();
    assert_eq!(answer.refusal(), (408, "body_too_slow".to_owned()));
}

#[test]
fn a_body_that_stands_still_is_refused() {
    let world = World::with("[server]\nbody_timeout = \"300ms\"");
    let answer = answer_to(&world, &format!("POST /open HTTP/1.1\r\n{HEAD}Content-Length: 10\r\n\r\nhalf"));
    assert_eq!((answer.refusal(), answer.get("connection")), ((408, "body_too_slow".to_owned()), Some("close")));
}

#[test]
fn a_route_may_allow_more_or_less() {
    let world = World::with(
        "[server]\nmax_body = \"10\"\n\n[[route]]\npath = \"/big\"\naccess = \"public\"\nupstream = \"app\"\nmax_body = \"20\"",
    );
    let post = |path: &str, length: usize| world.gateway.program().post(path).body("text/plain", vec![b'u'; length]).send().status();
    assert_eq!((post("/open", 10), post("/open", 11), post("/big", 20), post("/big", 21)), (200, 413, 200, 413));
}

#[test]
fn heads_have_limits_over_both_protocols() {
    let world = World::with("[server]\nmax_headers = 50\nmax_head = \"16k\"\nmax_target = \"4k\"");
    let lines = |count: usize| (0..count).map(|n| format!("X-{n}: 1\r\n")).collect::<String>();
    assert_eq!(answer_to(&world, &format!("GET /open HTTP/1.1\r\n{HEAD}{}\r\n", lines(45))).status(), 200);
    assert_eq!(answer_to(&world, &format!("GET /open HTTP/1.1\r\n{HEAD}{}\r\n", lines(60))).status(), 431);
    assert_eq!(answer_to(&world, &format!("GET /open HTTP/1.1\r\n{HEAD}X-Long: {}\r\n\r\n", "a".repeat(20_000))).status(), 431);
    assert_eq!(answer_to(&world, &format!("GET /open?{} HTTP/1.1\r\n{HEAD}\r\n", "a".repeat(5_000))).status(), 414);

    let mut h2 = H2::connect(world.gateway.address());
    let with = |h2: &H2, count: usize| (0..count).fold(h2.request("GET", "/open"), |request, n| request.header(format!("x-{n}"), "1"));
    let (few, many) = (with(&h2, 45), with(&h2, 60));
    assert_eq!(h2.send(few, b"").status(), 200);
    assert_eq!(h2.send(many, b"").refusal(), (431, "too_many_headers".to_owned()));
    let long = h2.request("GET", "/open").header("x-long", "a".repeat(20_000));
    let answer = h2.try_send(long, b"");
    assert!(answer.as_ref().is_err() || answer.is_ok_and(|answer| answer.status() == 431));
    let target = h2.request("GET", &format!("/open?{}", "a".repeat(5_000)));
    assert_eq!(h2.send(target, b"").refusal(), (414, "target_too_long".to_owned()));
}

#[test]
fn a_route_may_limit_the_whole_of_a_request() {
    let origin = Origin::conversing(|conversation| {
        if conversation.request().is_some_and(|request| request.target() == "/open/half") {
            conversation.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        }
        let _ = conversation.request();
    });
    let sso = Sso::start();
    let limited = "[[route]]\npath = \"/open/half\"\naccess = \"public\"\nupstream = \"app\"\nrequest_timeout = \"300ms\"\n\n\
                   [[route]]\npath = \"/open/never\"\naccess = \"public\"\nupstream = \"app\"\nrequest_timeout = \"300ms\"";
    let gateway = World::builder(&origin, &sso).toml(limited).start();
    assert_eq!(gateway.program().get("/open/never").send().refusal(), (504, "upstream_timeout".to_owned()));
    let answer = gateway.program().get("/open/half").send();
    assert_eq!((answer.status(), answer.whole, answer.text()), (200, false, "half".to_owned()));
}

#[test]
fn one_address_may_hold_so_many_connections() {
    let world = World::with("[server]\nmax_connections_per_address = 2");
    let (mut first, mut second) = (world.gateway.tls(), world.gateway.tls());
    let refused = crate::support::any_certificate(&[b"http/1.1"], rustls::DEFAULT_VERSIONS);
    assert!(Tls::with(world.gateway.address(), "localhost", refused).is_err());
    for tls in [&mut first, &mut second] {
        tls.say(format!("GET /open HTTP/1.1\r\n{HEAD}\r\n"));
        assert_eq!(tls.answer().status(), 200);
    }
}

/// RFC 9113, section 5.1.2.
#[test]
fn one_connection_may_hold_so_many_streams() {
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let origin = Origin::conversing(move |conversation| {
        while conversation.request().is_some() {
            let _ = gone.lock().unwrap().recv();
            conversation.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
        }
    });
    let sso = Sso::start();
    let gateway = World::builder(&origin, &sso).toml("[server]\nmax_streams = 2").start();
    let mut h2 = FramedH2::connect(gateway.address());
    let settings = h2.until(0x4, 0).unwrap().payload;
    assert!(settings.chunks(6).any(|setting| setting == [0, 3, 0, 0, 0, 2]), "{settings:?}");
    for stream in [1, 3, 5] {
        h2.ask(stream, "GET", "/open");
    }
    assert_eq!(h2.until(0x3, 5).expect("the third is refused").payload, 7_u32.to_be_bytes(), "REFUSED_STREAM");
    // Which of the two the application answers first is its own affair.
    (0..2).for_each(|_| go.send(()).unwrap());
    while h2.next().expect("both are answered").kind != 0x0 {}
    while h2.next().expect("both are answered").kind != 0x0 {}
    h2.ask(7, "GET", "/open");
    go.send(()).unwrap();
    assert_eq!(h2.until(0x0, 7).expect("there is room again").payload, b"good");
}

/// RFC 9110, section 10.1.1. Whoever is not let in is not asked for the body.
#[test]
fn a_hundred_is_said_after_admission_only() {
    let world = World::start();
    let token = world.gateway.login(RIGHT.0, RIGHT.1).access;
    let expect = "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n";
    let mut tls = world.gateway.tls();
    tls.say(format!("POST /in HTTP/1.1\r\n{HEAD}{expect}"));
    assert_eq!(tls.answer().status(), 401);
    let mut tls = world.gateway.tls();
    tls.say(format!("POST /in HTTP/1.1\r\n{HEAD}Authorization: Bearer {token}\r\n{expect}"));
    assert_eq!(tls.answer_head().start, "HTTP/1.1 100 Continue");
    tls.say("body");
    let answer = tls.answer();
    assert_eq!((answer.status(), answer.json()["body"].clone()), (200, "body".into()));
    assert_eq!(world.origin.last().get("expect"), None);
}

/// A shell's soft limit of 1024 would be reached by a few hundred clients.
#[test]
fn descriptors_are_raised_to_the_hard_limit() {
    let world = World::start();
    let limits = fs::read_to_string(format!("/proc/{}/limits", world.gateway.process.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let numbers: Vec<_> = line.split_whitespace().filter(|word| word.bytes().all(|b| b.is_ascii_digit())).collect();
    assert!(numbers.len() == 2 && numbers[0] == numbers[1], "{line}");
}
