//! Framing, upgrades and what HTTP/2 can carry that HTTP/1 cannot (lessons 45 to 49).

use crate::support::{RIGHT, RawH2, RawVerdict, World};

/// A second request hidden in the first one's body.
const HIDDEN: &str = "GET /open/hidden HTTP/1.1\r\nHost: x.test\r\n\r\n";

/// Pingora CVE-2026-2833, -2835, -2836, CVE-2025-4366: two readings of where a request ends.
#[test]
fn l45_a_request_has_one_end() {
    let world = World::start();
    let post = "POST /open/outer HTTP/1.1\r\nHost: x.test\r\n";
    let chunked_then_hidden = format!("0\r\n\r\n{HIDDEN}");
    let cases = [
        ("both", format!("{post}Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n{chunked_then_hidden}", chunked_then_hidden.len())),
        ("both, the other way round", format!("{post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{chunked_then_hidden}")),
        ("two lengths", format!("{post}Content-Length: 0\r\nContent-Length: {}\r\n\r\n{HIDDEN}", HIDDEN.len())),
        ("a list of lengths", format!("{post}Content-Length: 0, {}\r\n\r\n{HIDDEN}", HIDDEN.len())),
        ("a signed length", format!("{post}Content-Length: +0\r\n\r\n{HIDDEN}")),
        ("a hexadecimal length", format!("{post}Content-Length: 0x0\r\n\r\n{HIDDEN}")),
        ("another coding", format!("{post}Transfer-Encoding: gzip, chunked\r\n\r\n{chunked_then_hidden}")),
        ("an unknown coding", format!("{post}Transfer-Encoding: xchunked\r\n\r\n{chunked_then_hidden}")),
        ("chunked twice", format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n{chunked_then_hidden}")),
        ("identity", format!("{post}Transfer-Encoding: identity\r\n\r\n{HIDDEN}")),
        ("a vertical tab", format!("{post}Transfer-Encoding: \u{b}chunked\r\n\r\n{chunked_then_hidden}")),
        ("a space before the colon", format!("{post}Transfer-Encoding : chunked\r\n\r\n{chunked_then_hidden}")),
        ("a folded line", format!("{post}X-Fold: a\r\n Transfer-Encoding: chunked\r\n\r\n{HIDDEN}")),
        (
            "chunked in HTTP/1.0",
            format!("POST /open/outer HTTP/1.0\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n{chunked_then_hidden}"),
        ),
    ];
    for (what, bytes) in cases {
        let mut tls = world.gateway.tls();
        tls.say(&bytes);
        let status = tls.try_answer().ok().flatten().map(|answer| answer.status());
        // With both, chunked is the one reading (RFC 9112, section 6.1), as long as nothing is read after it.
        let fine = matches!(status, None | Some(400 | 501)) || (what.starts_with("both") && status == Some(200));
        assert!(fine, "{what}: {status:?}");
        assert!(tls.some_bytes().is_empty(), "{what}: the connection goes on");
    }
    for seen in world.origin.seen() {
        assert_eq!((seen.target(), seen.body.len(), seen.all("content-length")), ("/open/outer", 0, vec![]));
    }
}

/// After a refusal the rest of the bytes is nobody's request.
#[test]
fn l45_a_refused_request_takes_its_body_with_it() {
    let world = World::start();
    let mut tls = world.gateway.tls();
    tls.say(format!("POST /protected HTTP/1.1\r\nHost: x.test\r\nContent-Length: {}\r\n\r\n{HIDDEN}", HIDDEN.len()));
    assert_eq!(tls.answer().status(), 401);
    // Whether the connection goes on or not, what was in the body is not answered.
    let _ = tls.try_say(b"GET /protected?next HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n");
    if let Ok(Some(answer)) = tls.try_answer() {
        assert_eq!(answer.status(), 401);
    }
    assert_eq!(world.origin.seen().len(), 0);
}

/// What follows a request for an upgrade that was not granted is judged as every request is, and not tunnelled.
#[test]
fn l45_what_follows_a_refused_upgrade_is_a_request_of_its_own() {
    let world = World::start();
    let token = world.login().access;
    let mut tls = world.gateway.tls();
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    let upgrade = format!(
        "GET /protected HTTP/1.1\r\nHost: x.test\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{key}\r\n"
    );
    // Both at once, as somebody would who takes the tunnel for granted.
    tls.say(format!("{upgrade}GET /protected/hidden HTTP/1.1\r\nHost: x.test\r\nX-Auth-User: evil\r\n\r\n"));
    assert_eq!(tls.answer().status(), 200, "the application speaks no websocket");
    // Either the connection ends, or the second request is asked who sends it.
    if let Ok(Some(answer)) = tls.try_answer() {
        assert_eq!(answer.status(), 401);
    }
    assert_eq!(world.origin.seen().iter().map(|request| request.target().to_owned()).collect::<Vec<_>>(), ["/protected"]);
}

/// h2c: an upgrade to a protocol in which nobody checks anything any more.
#[test]
fn l47_only_websockets_may_upgrade() {
    let world = World::start();
    for upgrade in ["h2c", "h2c, websocket", "TLS/1.3", "websocket, h2c", "foo"] {
        let mut tls = world.gateway.tls();
        tls.say(format!(
            "GET /open HTTP/1.1\r\nHost: x.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: {upgrade}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
        ));
        let answer = tls.answer();
        assert!(matches!(answer.status(), 200 | 400 | 501), "{upgrade}: {}", answer.start);
        for seen in world.origin.seen() {
            assert_eq!((seen.get("upgrade"), seen.get("http2-settings")), (None, None), "{upgrade}");
        }
    }
}

/// Methods and targets that make a proxy something else.
#[test]
fn l48_nobody_tunnels_or_traces() {
    let world = World::start();
    let token = world.login().access;
    let before = world.origin.connections();
    for request in [
        "CONNECT internal.test:22 HTTP/1.1\r\nHost: internal.test:22\r\n",
        "TRACE /open HTTP/1.1\r\nHost: x.test\r\nX-Secret: s3cr3t\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: x.test\r\n",
        "GET http://internal.test/ HTTP/1.1\r\nHost: x.test\r\n",
        "GET ftp://x.test/open HTTP/1.1\r\nHost: x.test\r\n",
        "GET open HTTP/1.1\r\nHost: x.test\r\n",
        "GET /open HTTP/3.7\r\nHost: x.test\r\n",
        "GET /op en HTTP/1.1\r\nHost: x.test\r\n",
    ] {
        let mut tls = world.gateway.tls();
        tls.say(format!("{request}Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"));
        let answer = tls.try_answer().ok().flatten();
        assert!(
            answer.as_ref().is_none_or(|answer| (400..=505).contains(&answer.status()) && !answer.text().contains("s3cr3t")),
            "{request}: {answer:?}"
        );
    }
    assert_eq!(world.origin.connections(), before);
}

/// What h2 can carry and HTTP/1 cannot must not become two lines on the other side.
#[test]
fn l49_nothing_is_smuggled_through_h2_fields() {
    let world = World::start();
    let token = world.login().access;
    let (address, bearer) = (world.gateway.address(), format!("Bearer {token}"));
    let authority = address.to_string();
    let head: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "https"), (":authority", &authority), (":path", "/open")];
    let with = |more: &[(&'static str, &'static str)]| [&head[..], more].concat();
    assert_eq!(RawH2::connect(address).ask(&head), RawVerdict::Answered, "the frames themselves are right");
    let reached = world.origin.seen().len();
    let cases = [
        ("an upper-case name", with(&[("X-Auth-User", "evil")])),
        ("a line break in a value", with(&[("x-a", "b\r\nx-auth-user: evil")])),
        ("a NUL in a value", with(&[("x-a", "b\0c")])),
        ("a line break in a name", with(&[("x-a: b\r\nx-auth-user", "evil")])),
        ("a colon in a name", with(&[("x-auth-user:", "evil")])),
        ("an empty name", with(&[("", "evil")])),
        ("a connection field", with(&[("connection", "keep-alive")])),
        ("chunked", with(&[("transfer-encoding", "chunked")])),
        ("a second path", with(&[(":path", "/open/other")])),
        ("an unknown pseudo field", with(&[(":user", "evil")])),
        ("a pseudo field after the others", [&head[..3], &[("x-a", "b"), (":path", "/open")]].concat()),
        ("a line break in the path", [&head[..3], &[(":path", "/open HTTP/1.1\r\nx-auth-user: evil\r\nx: ")]].concat()),
        ("a line break in the method", [&[(":method", "GET /open HTTP/1.1\r\nx-auth-user: evil\r\n\r\nGET")], &head[1..]].concat()),
        ("no path", head[..3].to_vec()),
        ("no method", head[1..].to_vec()),
    ];
    for (what, fields) in cases {
        RawH2::connect(address).ask(&fields);
        let seen = world.origin.seen();
        assert!(
            seen[reached..].iter().all(|request| !String::from_utf8_lossy(&request.head).contains("evil")),
            "{what}: {:?}",
            seen.last()
        );
        assert_eq!(seen.len(), reached, "{what} was passed on");
    }
    let asked = RawH2::connect(address).ask(&[&head[..], &[("authorization", bearer.as_str())]].concat());
    assert_eq!((asked, world.origin.last().get("x-auth-user")), (RawVerdict::Answered, Some(RIGHT.0)));
}
