//! Nobody but the gateway says who somebody is (lessons 1 to 8).

use crate::support::framed::fields;
use crate::support::{FramedH2, H2, Message, RIGHT, RawH2, World};

/// Stands in every value a client makes up; must never be seen behind the gateway.
const EVIL: &str = "evil-7b1d";

/// Spellings of identity headers that some application reads as the real one.
const SPELLINGS: [&str; 26] = [
    "X-Auth-User",
    "x-auth-user",
    "X-AUTH-USER",
    "X_Auth_User",
    "x_auth_user",
    "X-Auth_User",
    "X.Auth.User",
    "X~Auth~User",
    "X-Auth-Name",
    "X-Auth-Email",
    "X-Auth-Groups",
    "X_Auth_Groups",
    "X-Auth-Provider",
    "X-Auth-Session",
    "Remote-User",
    "REMOTE-USER",
    "Remote_User",
    "remote_user",
    "Remote-Groups",
    "X-Remote-User",
    "X-Forwarded-User",
    "X_Forwarded_User",
    "X-Forwarded-Preferred-Username",
    "X-Auth-Request-User",
    "X-WebAuth-User",
    "X-Munjigi-Assertion",
];

#[track_caller]
fn assert_clean(seen: &Message, what: &str) {
    let head = String::from_utf8_lossy(&seen.head).into_owned();
    assert!(!head.contains(EVIL), "{what}:\n{head}");
    assert!(seen.trailers.iter().all(|(_, value)| !value.contains(EVIL)), "{what}: {:?}", seen.trailers);
}

/// oauth2-proxy CVE-2025-64484, Traefik CVE-2026-39858, Caddy CVE-2026-52845: a twin with an underscore survived.
/// `mod_auth_openidc` 2026: a path without a login forgot to scrub.
#[test]
fn l01_l04_every_spelling_is_dropped_on_every_road() {
    let world = World::start();
    let token = world.login().access;
    for (method, path, signed_in) in [
        ("GET", "/protected", true),
        ("GET", "/open", false),
        ("GET", "/open", true),
        ("OPTIONS", "/open", false),
        ("OPTIONS", "/protected", true),
        ("POST", "/open", false),
    ] {
        let program = world.gateway.program();
        let mut call = program.call(method, path);
        for name in SPELLINGS {
            call = call.with(name, EVIL).with(name, &format!("{EVIL}, staff"));
        }
        if signed_in {
            call = call.bearer(&token);
        }
        assert_eq!(call.send().status(), 200, "{method} {path}");
        let seen = world.origin.last();
        assert_clean(&seen, &format!("{method} {path}"));
        assert_eq!(seen.get("x-auth-user"), signed_in.then_some(RIGHT.0), "{method} {path}");

        let mut h2 = H2::connect(world.gateway.address());
        let mut request = h2.request(method, path);
        for name in SPELLINGS {
            request = request.header(name.to_ascii_lowercase(), EVIL);
        }
        if signed_in {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        assert_eq!(h2.send(request, b"").status(), 200, "{method} {path} over h2");
        let seen = world.origin.last();
        assert_clean(&seen, &format!("{method} {path} over h2"));
        assert_eq!(seen.get("x-auth-user"), signed_in.then_some(RIGHT.0), "{method} {path} over h2");
    }
    // A preflight is no way around the login.
    let reached = world.origin.seen().len();
    assert_eq!(world.gateway.program().call("OPTIONS", "/protected").with("Access-Control-Request-Method", "GET").send().status(), 401);
    assert_eq!(world.origin.seen().len(), reached);
}

/// Caddy CVE-2026-30851: where there was nothing to say, the client's word stayed.
#[test]
fn l02_what_is_not_known_is_not_said() {
    let world = World::start();
    let token = world.login().access;
    world.gateway.program().get("/protected").bearer(&token).with("X-Auth-Groups", EVIL).with("X-Auth-Email", EVIL).send();
    let over_h1 = world.origin.last();
    let mut h2 = H2::connect(world.gateway.address());
    let request = h2.request("GET", "/protected").header("authorization", format!("Bearer {token}"));
    h2.send(request.header("x-auth-groups", EVIL).header("x_auth_email", EVIL), b"");
    for seen in [over_h1, world.origin.last()] {
        assert_eq!(seen.get("x-auth-user"), Some(RIGHT.0));
        for name in ["x-auth-groups", "x-auth-email", "x_auth_email", "x-auth-name"] {
            assert_eq!(seen.all(name), Vec::<&str>::new(), "{name}");
        }
    }
}

/// Fabio CVE-2025-48865, Traefik CVE-2024-45410, Apache CVE-2022-31813: a field named in `Connection` is dropped by the
/// next hop, ours among them.
#[test]
fn l03_connection_cannot_take_our_headers_away() {
    let world = World::start();
    let token = world.login().access;
    let mut tls = world.gateway.tls();
    tls.say(format!(
        "GET /protected HTTP/1.1\r\nHost: x.test\r\nAuthorization: Bearer {token}\r\nX-Custom: {EVIL}\r\nConnection: keep-alive, X-Auth-User\r\n\
         Connection: X-Forwarded-For, X-Custom, Host, Authorization, Cookie\r\nProxy-Connection: X-Auth-Session\r\nKeep-Alive: timeout=5\r\n\
         Proxy-Authorization: Basic {EVIL}\r\n\r\n"
    ));
    assert_eq!(tls.answer().status(), 200);
    let seen = world.origin.last();
    assert_clean(&seen, "Connection");
    assert_eq!(
        (seen.get("x-auth-user"), seen.get("x-forwarded-for"), seen.get("host")),
        (Some(RIGHT.0), Some("127.0.0.1"), Some("x.test"))
    );
    assert!(seen.get("x-auth-session").is_some());
    let connection = seen.all("connection").join(",").to_ascii_lowercase();
    assert!(!connection.contains("x-"), "{connection}");
    assert_eq!((seen.get("keep-alive"), seen.get("proxy-connection")), (None, None));
    // HTTP/2 has no such field: a request that has one is no request.
    let reached = world.origin.seen().len();
    let (authority, bearer) = (world.gateway.address().to_string(), format!("Bearer {token}"));
    let head = [(":method", "GET"), (":scheme", "https"), (":authority", &authority), (":path", "/protected"), ("authorization", &bearer)];
    for field in [("connection", "x-auth-user"), ("proxy-connection", "x-auth-user"), ("keep-alive", "timeout=5")] {
        RawH2::connect(world.gateway.address()).ask(&[&head[..], &[field]].concat());
        assert_eq!(world.origin.seen().len(), reached, "{field:?}");
    }
    assert_eq!(RawH2::connect(world.gateway.address()).ask_status(&head), Some(200));
}

/// Traefik GHSA-6384-m2mw-rf54: one of the family was missing in the list. Oathkeeper GHSA-vhr5-ggp3-qq85: the scheme was
/// believed.
#[test]
fn l05_l16_nobody_untrusted_says_where_a_request_came_from() {
    let world = World::start();
    let names = [
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
        "X-Forwarded-Prefix",
        "X-Forwarded-Server",
        "X-Forwarded-Uri",
        "X-Forwarded-Method",
        "X-Forwarded-Anything",
        "X_Forwarded_For",
        "X-Real-IP",
        "Forwarded",
        "X-Original-URL",
        "X-Original-Host",
        "X-Original-Method",
        "X-Rewrite-URL",
        "True-Client-IP",
        "X-Client-IP",
        "CF-Connecting-IP",
    ];
    let program = world.gateway.program();
    let mut call = program.get("/open");
    for name in names {
        call = call.with(name, EVIL);
    }
    assert_eq!(call.send().status(), 200);
    let over_h1 = world.origin.last();
    let mut h2 = H2::connect(world.gateway.address());
    let request = names.iter().fold(h2.request("GET", "/open"), |request, name| request.header(name.to_ascii_lowercase(), EVIL));
    assert_eq!(h2.send(request, b"").status(), 200);
    for seen in [over_h1, world.origin.last()] {
        assert_clean(&seen, "X-Forwarded-*");
        assert_eq!((seen.get("x-forwarded-for"), seen.get("x-forwarded-proto")), (Some("127.0.0.1"), Some("https")));
    }
}

/// What a proxy in front may say is believed when it is listed, read from the right.
#[test]
fn l05_a_listed_proxy_is_believed() {
    let world = World::with("[server]\ntrusted_proxies = [\"127.0.0.1\"]");
    world.gateway.program().get("/open").with("X-Forwarded-For", "6.6.6.6, 203.0.113.7").send();
    let seen = world.origin.last();
    assert!(seen.get("x-forwarded-for").is_some_and(|chain| chain.contains("203.0.113.7")), "{:?}", seen.fields);
    world.gateway.process.out.wait_for("203.0.113.7").expect("the access log names the client, not the proxy");
}

/// A trailer becomes a field for applications that merge them.
#[test]
fn l06_trailers_name_nobody() {
    let world = World::start();
    let token = world.login().access;
    let mut tls = world.gateway.tls();
    tls.say(format!(
        "POST /protected HTTP/1.1\r\nHost: x.test\r\nAuthorization: Bearer {token}\r\nTrailer: X-Auth-User, Remote_User\r\nTE: trailers\r\n\
         Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Auth-User: {EVIL}\r\nRemote_User: {EVIL}\r\nContent-Length: {EVIL}\r\n\r\n"
    ));
    assert_eq!(tls.answer().status(), 200);
    let seen = world.origin.last();
    assert_eq!(seen.body, b"body");
    assert_clean(&seen, "trailers");

    // The same over HTTP/2, where trailers are a second block of fields.
    let reached = world.origin.seen().len();
    let mut h2 = FramedH2::connect(world.gateway.address());
    let bearer = format!("Bearer {token}");
    let head = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "x.test"),
        (":path", "/protected"),
        ("authorization", &bearer),
        ("trailer", "x-auth-user, remote_user, x-sum"),
        ("te", "trailers"),
    ];
    let trailers = [("x-auth-user", EVIL), ("remote_user", EVIL), ("content-length", EVIL), ("x-sum", "1")];
    h2.say(0x1, 0x4, 1, &fields(&head));
    h2.say(0x0, 0, 1, b"body");
    h2.say(0x1, 0x5, 1, &fields(&trailers));
    let seen = &world.origin.wait_seen(reached + 1)[reached];
    assert_eq!((&*seen.body, &*seen.trailers), (&b"body"[..], &[("x-sum".to_owned(), "1".to_owned())][..]));
    assert_clean(seen, "trailers over h2");
}

/// oauth2-proxy GHSA-5hvv-m4w4-gf6v (`User-Agent` of a health check), CVE-2026-40575 (`X-Forwarded-Uri`), Tinyauth PR 340
/// (rules in a header): nothing a client can write changes a decision.
#[test]
fn l08_l11_l12_l17_no_header_changes_a_decision() {
    let world = World::start();
    let fields = [
        ("User-Agent", "GoogleHC/1.0"),
        ("User-Agent", "kube-probe/1.30"),
        ("X-Forwarded-Uri", "/open"),
        ("X-Original-URL", "/open"),
        ("X-Rewrite-URL", "/open"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-HTTP-Method-Override", "OPTIONS"),
        ("X-Method-Override", "HEAD"),
        ("X-Auth-User", "rightid"),
        ("X-Skip-Auth", "1"),
        ("Access-Control-Request-Method", "GET"),
    ];
    for (name, value) in fields {
        for method in ["GET", "HEAD", "POST", "OPTIONS", "FROB"] {
            let answer = world.gateway.program().call(method, "/protected").with(name, value).send();
            assert_eq!(answer.status(), 401, "{method} {name}: {value}");
            let mut h2 = H2::connect(world.gateway.address());
            let request = h2.request(method, "/protected").header(name.to_ascii_lowercase(), value);
            assert_eq!(h2.send(request, b"").status(), 401, "{method} {name}: {value} over h2");
        }
    }
    assert_eq!(world.origin.connections(), 0);
}
