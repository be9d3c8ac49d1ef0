//! Bodies under way: trailers, aborts on either side, half-closed peers, and what follows an Upgrade that came to nothing.

use std::sync::mpsc;

use crate::support::{H2, Origin, PATIENCE, World};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";

/// Identity behind a body would slip past the scrubbing in front of it.
#[test]
fn request_trailers_pass_without_what_only_we_may_say() {
    let world = World::start();
    let mut tls = world.gateway.tls();
    tls.say(
        "POST /open HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\
         Trailer: X-Sum, X-Auth-User, X_Auth_User, Content-Length, X-Forwarded-For, Cookie, Authorization\r\n\r\n\
         4\r\nbody\r\n0\r\nX-Sum: 1f\r\nX-Auth-User: mallory\r\nX_Auth_User: mallory\r\nContent-Length: 9\r\nX-Forwarded-For: 1.1.1.1\r\n\
         Cookie: a=b\r\nAuthorization: Bearer x\r\nX-Unannounced: 1\r\n\r\n",
    );
    assert_eq!(tls.answer().status(), 200);
    let last = world.origin.last();
    assert_eq!(last.get("trailer"), Some("x-sum"));
    assert_eq!(last.trailers, [("x-sum".to_owned(), "1f".to_owned())]);
    // The connections on both sides are as good as before.
    tls.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
    assert_eq!(tls.answer().status(), 200);
    assert_eq!(world.origin.last().connection, last.connection);
}

#[test]
fn answer_trailers_reach_clients_that_take_them() {
    let origin = Origin::answering(|request| {
        let teased = if request.get("te") == Some("trailers") { "yes" } else { "no" };
        format!("{CHUNKED}Trailer: X-Sum, Set-Cookie\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: {teased}\r\nSet-Cookie: a=b\r\n\r\n").into_bytes()
    });
    let world = World::around(origin);
    let mut tls = world.gateway.tls();
    tls.say("GET /open HTTP/1.1\r\nHost: x.test\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
    let answer = tls.answer();
    assert_eq!((answer.text().as_str(), answer.trailers.as_slice()), ("body", &[("x-sum".to_owned(), "yes".to_owned())][..]));
    tls.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
    let answer = tls.answer();
    assert_eq!((answer.text().as_str(), answer.trailers.len(), answer.get("trailer")), ("body", 0, None));

    let mut h2 = H2::connect(world.gateway.address());
    let request = h2.request("GET", "/open").header("te", "trailers");
    let answer = h2.send(request, b"");
    assert_eq!((answer.text().as_str(), answer.trailers.as_slice()), ("body", &[("x-sum".to_owned(), "yes".to_owned())][..]));
}

/// The application learns at once that nobody is waiting, over either protocol, before the answer's head and after.
#[test]
fn a_client_that_goes_away_is_told_to_the_application() {
    for begun in [false, true] {
        let (gone, was_gone) = mpsc::channel();
        let (asked, was_asked) = mpsc::channel();
        let origin = Origin::conversing(move |conversation| {
            if conversation.request().is_none() {
                return;
            }
            if begun {
                conversation.say(format!("{CHUNKED}\r\n5\r\nfirst\r\n").as_bytes());
            }
            asked.send(()).unwrap();
            assert!(conversation.some_bytes(1).is_empty());
            gone.send(()).unwrap();
        });
        let world = World::around(origin);
        let mut tls = world.gateway.tls();
        tls.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
        was_asked.recv_timeout(PATIENCE).unwrap();
        if begun {
            assert_eq!(tls.answer_head().status(), 200);
        }
        drop(tls);
        was_gone.recv_timeout(PATIENCE).expect("the application was told over HTTP/1.1");
        let mut raw = crate::support::FramedH2::connect(world.gateway.address());
        raw.ask(1, "GET", "/open");
        was_asked.recv_timeout(PATIENCE).unwrap();
        raw.say(0x3, 0, 1, &8_u32.to_be_bytes()); // RST_STREAM, CANCEL
        was_gone.recv_timeout(PATIENCE).expect("the application was told over HTTP/2");
        raw.ping();
    }
}

/// A client that breaks off its upload must not look to the application as if it had ended.
#[test]
fn a_broken_upload_is_visibly_broken_to_the_application() {
    let (told, what) = mpsc::channel();
    let origin = Origin::conversing(move |conversation| {
        if conversation.request_head().is_some() {
            let mut all = Vec::new();
            loop {
                let some = conversation.some_bytes(1 << 10);
                if some.is_empty() {
                    break;
                }
                all.extend(some);
                if all.ends_with(b"half\r\n") || all.ends_with(b"half") {
                    let _ = told.send(Vec::new());
                }
            }
            let _ = told.send(all);
        }
    });
    let world = World::around(origin);
    for (framing, body) in [("Transfer-Encoding: chunked", "4\r\nhalf\r\n"), ("Content-Length: 10", "half")] {
        let mut tls = world.gateway.tls();
        tls.say(format!("POST /open HTTP/1.1\r\nHost: x.test\r\n{framing}\r\n\r\n{body}"));
        assert!(what.recv_timeout(PATIENCE).unwrap().is_empty());
        drop(tls);
        let all = what.recv_timeout(PATIENCE).unwrap();
        assert!(!all.ends_with(b"0\r\n\r\n"), "{:?}", String::from_utf8_lossy(&all));
    }
}

/// Pingora CVE-2026-2833: bytes behind an Upgrade that was not granted are a request like any other.
#[test]
fn what_follows_a_refused_upgrade_is_judged_anew() {
    let origin = Origin::answering(|request| {
        let body = request.target().to_owned();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    });
    let world = World::around(origin);
    let mut tls = world.gateway.tls();
    tls.say(
        "GET /open HTTP/1.1\r\nHost: x.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\
         GET /secret HTTP/1.1\r\nHost: x.test\r\nX-Auth-User: mallory\r\n\r\nGET /open?2 HTTP/1.1\r\nHost: x.test\r\n\r\n",
    );
    assert_eq!(tls.answer().text(), "/open");
    assert_eq!(tls.answer().status(), 401);
    assert_eq!(tls.answer().text(), "/open?2");
    assert!(world.origin.seen().iter().all(|request| request.target() != "/secret"));
}

/// Security lesson 47: nothing but a websocket is an upgrade.
#[test]
fn h2c_is_ignored() {
    let world = World::start();
    let mut tls = world.gateway.tls();
    tls.say(
        "GET /open HTTP/1.1\r\nHost: x.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n\
         PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    );
    assert_eq!(tls.answer().status(), 200);
    let last = world.origin.last();
    assert_eq!((last.get("upgrade"), last.get("http2-settings"), last.get("connection")), (None, None, None));
    let next = tls.try_answer();
    assert!(next.as_ref().is_err() || next.is_ok_and(|answer| answer.is_none_or(|answer| answer.status() >= 400)));
    assert_eq!(world.origin.seen().len(), 1);
}

/// An application may close its side for writing once it has answered, and still read.
#[test]
fn an_application_that_half_closes_is_heard_out() {
    let origin = Origin::conversing(|conversation| {
        if conversation.request().is_some() {
            conversation.say(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end");
            let _ = conversation.stream.get_ref().shutdown(std::net::Shutdown::Write);
            let _ = conversation.some_bytes(1);
        }
    });
    let world = World::around(origin);
    let answer = world.gateway.program().get("/open").send();
    assert_eq!((answer.status(), answer.whole, answer.text()), (200, true, "to the end".to_owned()));
}
