//! The road through the gateway: what a request looks like on the other side, and that no byte is lost on the way.
//!
//! Assumed: the gateway writes `X-Forwarded-For`, `-Proto` and `-Host`, and `X-Request-Id` both ways; the plain listener's
//! redirect keeps the host without its port and names the TLS port unless it is 443.

use std::sync::mpsc;

use rustls::version::{TLS12, TLS13};
use serde_json::json;

use crate::support::{Client, H2, Message, Origin, RIGHT, Sso, Tls, World, any_certificate, json_answer, only_trusting};

#[test]
fn the_application_is_told_who_asks_and_from_where() {
    let world = World::start();
    let token = world.login().access;
    world.gateway.program().get("/grades?term=2").bearer(&token).send();
    let seen = world.origin.last();
    assert_eq!((seen.method(), seen.target()), ("GET", "/grades?term=2"));
    assert_eq!((seen.get("x-auth-user"), seen.get("x-auth-provider")), (Some(RIGHT.0), Some("mju")));
    assert_eq!(seen.get("x-auth-session").map(str::len), Some(22));
    let host = world.gateway.address().to_string();
    assert_eq!((seen.get("host"), seen.get("x-forwarded-host")), (Some(host.as_str()), Some(host.as_str())));
    assert_eq!((seen.get("x-forwarded-for"), seen.get("x-forwarded-proto")), (Some("127.0.0.1"), Some("https")));
}

#[test]
fn nobody_gets_to_the_application_without_a_login() {
    let world = World::start();
    for path in ["/", "/protected", "/a/b?c=d"] {
        assert_eq!(world.gateway.program().get(path).send().refusal(), (401, "token_missing".to_owned()), "{path}");
    }
    // Not even a connection was made.
    assert_eq!(world.origin.connections(), 0);
    assert_eq!(world.gateway.program().get("/open/door").send().status(), 200);
    assert_eq!(world.origin.last().get("x-auth-user"), None);
}

#[test]
fn h2_takes_the_same_road() {
    let world = World::start();
    let token = world.login().access;
    let mut h2 = H2::connect(world.gateway.address());
    assert_eq!(h2.send(h2.request("GET", "/protected"), b"").refusal(), (401, "token_missing".to_owned()));
    let answer = h2.send(h2.request("GET", "/protected").header("authorization", format!("Bearer {token}")), b"");
    assert_eq!((answer.status(), answer.json()), (200, json!({ "logged_in_as": RIGHT.0 })));
    assert_eq!(world.origin.last().get("host"), Some(world.gateway.address().to_string().as_str()));

    let body = vec![0xa5; 300_000];
    let answer = h2.send(h2.request("POST", "/upload").header("authorization", format!("Bearer {token}")), &body);
    assert_eq!(answer.status(), 200);
    assert_eq!(world.origin.last().body, body);
}

#[test]
fn queries_methods_and_fields_arrive_byte_for_byte() {
    let world = World::start();
    let token = world.login().access;
    let target = "/open?a=%zz&b=%2e%2e//../;x&&=&c=%41+%20'[]{}|^`~\\";
    let mut tls = world.gateway.tls();
    tls.say(format!(
        "FROB {target} HTTP/1.1\r\nHost: x.test\r\nAuthorization: Bearer {token}\r\nX-One: a\r\nX-Two:  spaced  out \r\nX-One: b\r\nX-Bytes: \u{e9}\u{ac00}\r\nX-Empty:\r\n\r\n"
    ));
    assert_eq!(tls.answer().status(), 200);
    let seen = world.origin.last();
    assert_eq!((seen.method(), seen.target()), ("FROB", target));
    assert_eq!((seen.all("x-one"), seen.get("x-two"), seen.get("x-empty")), (vec!["a", "b"], Some("spaced  out"), Some("")));
    assert_eq!(seen.get("x-bytes"), Some("\u{e9}\u{ac00}"));
}

#[test]
fn answers_arrive_byte_for_byte() {
    let origin = Origin::answering(|_| {
        b"HTTP/1.1 418 I'm a teapot\r\nX-A: 1\r\nX-B: 2\r\nX-A: 3\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nX-Hop: gone\r\nConnection: keep-alive, X-Hop\r\n\
          Keep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nContent-Length: 5\r\n\r\n\x00\xff\r\n."
            .to_vec()
    });
    let world = World::around(origin);
    let answer = world.gateway.program().get("/open").send();
    assert_eq!((answer.status(), answer.body.as_slice()), (418, b"\x00\xff\r\n.".as_slice()));
    assert_eq!((answer.all("x-a"), answer.get("x-b"), answer.all("set-cookie")), (vec!["1", "3"], Some("2"), vec!["a=1; Path=/", "b=2"]));
    for gone in ["x-hop", "keep-alive", "proxy-authenticate"] {
        assert_eq!(answer.get(gone), None, "{gone}");
    }
}

#[test]
fn bodies_stream_upwards() {
    let (first_came, wait_first) = mpsc::channel();
    let origin = Origin::conversing(move |conversation| {
        if conversation.request_head().is_some() {
            let mut body = Vec::new();
            while !body.ends_with(b"0\r\n\r\n") {
                let some = conversation.some_bytes(4096);
                assert!(!some.is_empty(), "the body was cut");
                body.extend(some);
                if String::from_utf8_lossy(&body).contains("first") {
                    let _ = first_came.send(());
                }
            }
            conversation.say(&json_answer(200, &json!({ "body": String::from_utf8_lossy(&body) })));
        }
    });
    let world = World::around(origin);
    let mut tls = world.gateway.tls();
    tls.say("POST /open HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    wait_first.recv_timeout(crate::support::PATIENCE).expect("the first part arrives before the second is sent");
    tls.say("6\r\nsecond\r\n0\r\n\r\n");
    let body = tls.answer().json()["body"].as_str().unwrap().to_owned();
    assert!(body.contains("first") && body.contains("second"), "{body}");
}

#[test]
fn bodies_stream_downwards() {
    let (first_read, wait_read) = mpsc::channel::<()>();
    let wait_read = std::sync::Mutex::new(wait_read);
    let origin = Origin::conversing(move |conversation| {
        if conversation.request().is_some() {
            conversation.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
            let read = wait_read.lock().unwrap().recv_timeout(crate::support::PATIENCE);
            assert!(read.is_ok(), "the first part does not arrive before the second is sent");
            conversation.say(b"6\r\nsecond\r\n0\r\n\r\n");
        }
    });
    let world = World::around(origin);
    let mut tls = world.gateway.tls();
    tls.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
    assert_eq!(tls.answer_head().status(), 200);
    let mut came = Vec::new();
    while !String::from_utf8_lossy(&came).contains("first") {
        let some = tls.some_bytes();
        assert!(!some.is_empty(), "the answer was cut: {came:?}");
        came.extend(some);
    }
    first_read.send(()).unwrap();
    while !came.ends_with(b"0\r\n\r\n") {
        let some = tls.some_bytes();
        assert!(!some.is_empty(), "the answer was cut: {came:?}");
        came.extend(some);
    }
    assert!(String::from_utf8_lossy(&came).contains("second"));
}

#[test]
fn large_bodies_arrive_whole() {
    let large: Vec<u8> = (0..4_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let sent = large.clone();
    let origin = Origin::answering(move |_| {
        let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", sent.len()).into_bytes();
        answer.extend_from_slice(&sent);
        answer
    });
    let world = World::around(origin);
    let answer = world.gateway.program().post("/open").body("application/octet-stream", large.clone()).send();
    assert!(answer.whole && answer.body == large, "{} of {} bytes", answer.body.len(), large.len());
    assert!(world.origin.last().body == large);
}

/// An answer that breaks off must not look whole.
#[test]
fn a_cut_answer_is_visibly_cut() {
    for cut in ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"] {
        let origin = Origin::conversing(move |conversation| {
            if conversation.request().is_some() {
                conversation.say(cut.as_bytes());
                conversation.hang_up();
            }
        });
        let world = World::around(origin);
        let mut tls = world.gateway.tls();
        tls.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
        // No answer at all is a visible cut, too.
        if let Ok(Some(answer)) = tls.try_answer() {
            assert!(answer.status() == 502 || !answer.whole, "{} {:?}", answer.start, answer.text());
        }
        let mut h2 = H2::connect(world.gateway.address());
        let answer = h2.try_send(h2.request("GET", "/open"), b"");
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 502 || !answer.whole));
    }
}

#[test]
fn head_and_empty_answers_have_no_body() {
    let origin = Origin::answering(|request| match request.method() {
        "HEAD" => b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n".to_vec(),
        _ => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
    });
    let world = World::around(origin);
    let mut tls = world.gateway.tls();
    // All on one connection: a body that should not be there would stand in the next answer's way.
    for _ in 0..2 {
        tls.say("HEAD /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
        let answer = tls.bare_answer();
        assert_eq!((answer.status(), answer.get("content-length")), (200, Some("1234")));
        tls.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
        assert_eq!(tls.answer().status(), 204);
    }
}

#[test]
fn connections_are_kept_on_both_sides() {
    let world = World::with("[server]\nworkers = 1");
    let mut tls = world.gateway.tls();
    for _ in 0..5 {
        tls.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
        assert_eq!(tls.answer().status(), 200);
    }
    assert_eq!(world.origin.connections(), 1);
    // One after the other without waiting: answered in order.
    tls.say("GET /open?1 HTTP/1.1\r\nHost: x.test\r\n\r\nGET /open?2 HTTP/1.1\r\nHost: x.test\r\n\r\n");
    assert_eq!((tls.answer().json()["target"].clone(), tls.answer().json()["target"].clone()), (json!("/open?1"), json!("/open?2")));
}

/// An application may close an unused connection at the very moment it is used again.
#[test]
fn a_connection_the_application_closed_costs_nobody_an_error() {
    let origin = Origin::conversing(|conversation| {
        if let Some(request) = conversation.request() {
            conversation.say(&json_answer(200, &json!({ "target": request.target() })));
            conversation.hang_up();
        }
    });
    let world = World::around(origin);
    for n in 0..30 {
        let answer = world.gateway.program().get(&format!("/open?{n}")).send();
        assert_eq!((answer.status(), answer.json()["target"].clone()), (200, json!(format!("/open?{n}"))));
    }
}

/// What may have been acted on is never sent a second time.
#[test]
fn a_request_the_application_read_is_not_repeated() {
    let origin = Origin::conversing(|conversation| {
        conversation.request();
        conversation.hang_up();
    });
    let world = World::around(origin);
    let answer = world.gateway.program().post("/open").body("text/plain", "pay").send();
    assert_eq!(answer.status(), 502);
    assert_eq!(world.origin.seen().len(), 1);
}

#[test]
fn routes_go_by_host_and_longest_path() {
    let (a, b, c) = (Origin::start(), Origin::start(), Origin::start());
    let sso = Sso::start();
    let gateway = crate::support::Builder::new()
        .sso(&sso)
        .upstream("a", &a)
        .upstream("b", &b)
        .upstream("c", &c)
        .toml(
            r#"
            [[route]]
            host = "a.test"
            path = "/"
            access = "public"
            upstream = "a"

            [[route]]
            host = "a.test"
            path = "/api/"
            access = "public"
            upstream = "b"

            [[route]]
            host = "c.test"
            path = "/only"
            access = "public"
            upstream = "c"
            "#,
        )
        .start();
    let asked = |host: &str, path: &str| Client::program(gateway.address()).host(host).get(path).send();
    let reaches = |host: &str, path: &str, origin: &Origin| {
        let before = origin.seen().len();
        assert_eq!(asked(host, path).status(), 200, "{host} {path}");
        assert_eq!(origin.seen().len(), before + 1, "{host} {path}");
    };
    reaches("a.test", "/", &a);
    reaches("a.test", "/apiary", &a);
    reaches("a.test", "/api", &b);
    reaches("a.test", "/api/x", &b);
    reaches("A.Test.", "/api/x", &b);
    reaches("a.test:8443", "/API", &a);
    reaches("c.test", "/only/this", &c);
    for (host, path) in [("c.test", "/"), ("c.test", "/onlyx"), ("other.test", "/"), ("x.a.test", "/")] {
        let answer = asked(host, path);
        assert!(matches!(answer.status(), 404 | 421), "{host} {path}: {}", answer.start);
    }
}

#[test]
fn http_1_0_is_answered() {
    let world = World::start();
    let mut tls = world.gateway.tls();
    tls.say("GET /open HTTP/1.0\r\nHost: x.test\r\n\r\n");
    let answer = tls.answer();
    assert_eq!((answer.status(), answer.whole), (200, true));
    assert!(tls.some_bytes().is_empty(), "the connection ends with the answer");
}

#[test]
fn tls_is_1_2_or_1_3_and_h2_is_offered() {
    let world = World::start();
    for version in [&TLS12, &TLS13] {
        for (offered, agreed) in
            [(&[b"h2".as_slice(), b"http/1.1"][..], Some(b"h2".as_slice())), (&[b"http/1.1"], Some(b"http/1.1")), (&[], None)]
        {
            let tls = Tls::with(world.gateway.address(), "localhost", any_certificate(offered, &[version])).unwrap();
            assert_eq!(tls.session().protocol_version(), Some(version.version));
            assert_eq!(tls.session().alpn_protocol(), agreed);
        }
    }
    // RFC 7301, section 3.2: nothing in common is an alert, not a guess.
    assert!(Tls::with(world.gateway.address(), "localhost", any_certificate(&[b"spdy/3"], &[&TLS13])).is_err());
}

/// A browser must not be told to insist on TLS by a certificate it had to be talked into.
#[test]
fn hsts_is_for_real_certificates() {
    let self_made = World::start();
    assert_eq!(self_made.gateway.program().get("/open").send().get("strict-transport-security"), None);

    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.distinguished_name.push(rcgen::DnType::CommonName, "an authority");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_cert = authority.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = rcgen::CertificateParams::new(vec!["gate.test".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = World::builder(&origin, &sso)
        .file("certs/gateway.crt", format!("{}{}", cert.pem(), authority_cert.pem()))
        .file("certs/gateway.key", key.serialize_pem())
        .start();
    let answer = gateway.program().get("/open").send();
    assert!(answer.get("strict-transport-security").is_some_and(|value| value.contains("max-age=")), "{:?}", answer.fields);
    Tls::with(gateway.address(), "gate.test", only_trusting([authority_cert.der().clone()])).unwrap();
}

#[test]
fn the_plain_listener_only_points_to_the_other() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = World::builder(&origin, &sso)
        .toml("[server]\nredirect_http = \"127.0.0.1:0\"\nacme_webroot = \"acme\"")
        .file("acme/tok-en_1", "tok-en_1.print")
        .file("secret", "not for you")
        .start();
    let plain = gateway.redirect_address();
    let ask = |request: &str| -> Message { crate::support::plainly(plain, request) };
    let port = gateway.address().port();
    for method in ["GET", "HEAD"] {
        let answer = ask(&format!("{method} /grades?term=2&x=%2F HTTP/1.1\r\nHost: gate.test:8080\r\nConnection: close\r\n\r\n"));
        assert_eq!(answer.status(), 308, "{method}");
        assert_eq!(answer.get("location"), Some(format!("https://gate.test:{port}/grades?term=2&x=%2F").as_str()));
    }
    for method in ["POST", "PUT", "OPTIONS", "FROB"] {
        let answer = ask(&format!("{method} /login HTTP/1.1\r\nHost: gate.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
        assert_eq!(answer.status(), 403, "{method}: a password was sent in the clear and must not be led on");
    }
    let acme =
        |name: &str| ask(&format!("GET /.well-known/acme-challenge/{name} HTTP/1.1\r\nHost: gate.test\r\nConnection: close\r\n\r\n"));
    assert_eq!((acme("tok-en_1").status(), acme("tok-en_1").text()), (200, "tok-en_1.print".to_owned()));
    for name in ["missing", "../secret", "%2e%2e/secret", "..%2fsecret", ""] {
        let answer = acme(name);
        assert!(!answer.text().contains("not for you") && answer.status() != 200, "{name}: {}", answer.start);
    }
    for host in ["", "a b", "x@y", "[::g]", "x/y"] {
        assert_eq!(ask(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).status(), 400, "{host:?}");
    }
    assert_eq!(origin.connections(), 0);
}
