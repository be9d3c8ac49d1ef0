//! Clients that ask for much and take nothing of it: the application is let go, and whoever reads is served beside them.

use std::io::Write as _;
use std::sync::mpsc::{self, Receiver};

use crate::support::{FramedH2, Origin, PATIENCE, Sso, World};

const RST_STREAM: u8 = 0x3;
const WINDOW_UPDATE: u8 = 0x8;
const DATA: u8 = 0x0;

/// An application that answers `/open/small` and for everything else writes without end; it tells when it cannot any more.
fn endless() -> (Origin, Receiver<()>) {
    let (let_go, was_let_go) = mpsc::channel();
    let origin = Origin::conversing(move |conversation| {
        while let Some(request) = conversation.request() {
            if request.target() == "/open/small" {
                conversation.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
                continue;
            }
            conversation.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
            let piece = vec![b'd'; 1 << 16];
            while conversation.stream.get_mut().write_all(&piece).is_ok() {}
            let _ = let_go.send(());
            return;
        }
    });
    (origin, was_let_go)
}

fn world(origin: Origin, terms: &str) -> World {
    let sso = Sso::start();
    let gateway = World::builder(&origin, &sso).toml(&format!("[server]\nworkers = 1\n{terms}")).start();
    World { origin, sso, gateway }
}

/// hyper asks a body for nothing while the socket takes nothing, so that no deadline of the body would ever be looked at.
#[test]
fn who_stops_reading_is_cut_and_the_application_let_go() {
    let (origin, was_let_go) = endless();
    let world = world(origin, "send_timeout = \"400ms\"");
    let mut h1 = world.gateway.tls();
    h1.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
    was_let_go.recv_timeout(PATIENCE).expect("the application was let go over HTTP/1.1");
    // With windows that never end it is the socket that is full, as it is over HTTP/1.1.
    let mut h2 = FramedH2::with_settings(world.gateway.address(), &[(0x4, 0x7fff_ffff)]);
    h2.say(WINDOW_UPDATE, 0, 0, &0x7fff_0000_u32.to_be_bytes());
    h2.ask(1, "GET", "/open");
    was_let_go.recv_timeout(PATIENCE).expect("the application was let go over HTTP/2");
    world.gateway.process.out.wait_until(|lines| (lines.iter().filter(|line| line.ends_with(" send_timeout")).count() == 2).then_some(()));
    assert_eq!(world.gateway.program().get("/open/small").send().text(), "good");
    // What there is left to read does not end as a whole answer would.
    let mut read = 0;
    while let Some(piece) = Some(h1.some_bytes()).filter(|piece| !piece.is_empty()) {
        read += piece.len();
    }
    assert!(read > 0);
}

/// The connection lives, and other streams of it are served: only the stream without a window is reset.
#[test]
fn a_stream_without_a_window_is_reset_and_its_neighbours_go_on() {
    let (origin, was_let_go) = endless();
    let world = world(origin, "send_timeout = \"400ms\"");
    let mut h2 = FramedH2::with_settings(world.gateway.address(), &[(0x4, 0)]);
    h2.ask(1, "GET", "/open");
    let reset = h2.until(RST_STREAM, 1).expect("the stream is reset");
    assert_eq!(reset.payload, 8_u32.to_be_bytes(), "CANCEL");
    was_let_go.recv_timeout(PATIENCE).expect("the application was let go");
    h2.ask(3, "GET", "/open/small");
    h2.say(WINDOW_UPDATE, 0, 3, &100_u32.to_be_bytes());
    assert_eq!(h2.until(DATA, 3).expect("the neighbour is served").payload, b"good");
    world.gateway.process.out.wait_for(" send_timeout").expect("it is written down");
}

/// A few bytes now and then are not reading.
#[test]
fn a_window_that_trickles_is_not_enough() {
    let (origin, was_let_go) = endless();
    let world = world(origin, "send_timeout = \"300ms\"\nsend_min_rate = \"1g\"");
    let mut h2 = FramedH2::with_settings(world.gateway.address(), &[(0x4, 0)]);
    h2.ask(1, "GET", "/open");
    // Each byte that came through asks for the next: the answer never stands still for long.
    loop {
        h2.say(WINDOW_UPDATE, 0, 1, &1_u32.to_be_bytes());
        match h2.next() {
            Some(frame) if frame.kind == RST_STREAM => break,
            Some(_) => {}
            None => panic!("the connection ended"),
        }
    }
    was_let_go.recv_timeout(PATIENCE).expect("the application was let go");
}

/// An application that has nothing to say for a while is not a client that does not read.
#[test]
fn who_waits_for_the_application_is_not_cut() {
    let (go, gone) = mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let origin = Origin::conversing(move |conversation| {
        while conversation.request().is_some() {
            conversation.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst");
            let _ = gone.lock().unwrap().recv_timeout(PATIENCE);
            conversation.say(b"after");
        }
    });
    let world = world(origin, "send_timeout = \"200ms\"\nheader_timeout = \"1s\"");
    // A connection that nobody uses ends after a second: five times the patience with readers.
    let clock = || {
        let mut idle = world.gateway.tls();
        assert!(idle.some_bytes().is_empty());
        go.send(()).unwrap();
    };
    let mut h1 = world.gateway.tls();
    h1.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
    assert_eq!(h1.answer_head().status(), 200);
    clock();
    assert_eq!(h1.some_bytes_exactly(10).unwrap(), b"firstafter");
    let mut h2 = FramedH2::connect(world.gateway.address());
    h2.ask(1, "GET", "/open");
    assert_eq!(h2.until(DATA, 1).unwrap().payload, b"first");
    clock();
    assert_eq!(h2.until(DATA, 1).unwrap().payload, b"after");
}
