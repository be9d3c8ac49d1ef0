//! Behind another proxy: plain listeners, the PROXY protocol, and whose word is believed.

use std::io::Read as _;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::support::{Builder, Front, Gateway, Message, Origin, Process, RIGHT, Sso, mode, plainly, tls_behind};

/// A TLS port, a plain port and a socket file, for proxies on this machine.
const IN_FRONT: &str = r#"
    [server]
    listen = ["127.0.0.1:0"]
    listen_plain = ["127.0.0.1:0", "unix:http.sock"]
    trusted_proxies = ["127.0.0.1", "unix:"]

    [[route]]
    path = "/campus"
    access = { networks = ["203.0.113.0/24"] }
    upstream = "app"
"#;

/// The same ports, where every connection begins with a PROXY header.
const INTRODUCED: &str = r#"
    [server]
    listen = ["127.0.0.1:0"]
    listen_plain = ["127.0.0.1:0", "unix:http.sock"]
    proxy_protocol = ["127.0.0.1:0", "unix:http.sock"]
    trusted_proxies = ["127.0.0.1", "unix:"]
"#;

struct Scene {
    origin: Origin,
    gateway: Gateway,
    _sso: Sso,
}

impl Scene {
    #[track_caller]
    fn with(toml: &str) -> Self {
        let (origin, sso) = (Origin::start(), Sso::start());
        let gateway = builder(&origin, &sso).toml(toml).start();
        Self { origin, gateway, _sso: sso }
    }

    /// One request through the plain port.
    #[track_caller]
    fn ask(&self, request: &str) -> Message {
        plainly(self.gateway.plain_address(), request)
    }

    /// One request through the socket file.
    #[track_caller]
    fn ask_file(&self, request: &str) -> Message {
        Front::file(&self.gateway.path("http.sock")).say(request).answer().expect("an answer came before the connection ended")
    }

    /// What the application saw of the last request.
    #[track_caller]
    fn seen(&self, name: &str) -> Option<String> {
        self.origin.last().get(name).map(str::to_owned)
    }
}

fn builder(origin: &Origin, sso: &Sso) -> Builder {
    crate::support::World::builder(origin, sso)
}

fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n{fields}\r\n")
}

const FROM_OUTSIDE: &str = "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n";

#[test]
fn a_plain_listener_serves_what_the_tls_listener_serves() {
    let scene = Scene::with(IN_FRONT);
    let token = scene.gateway.login(RIGHT.0, RIGHT.1).access;
    let known = format!("{FROM_OUTSIDE}Authorization: Bearer {token}\r\n");
    assert_eq!(scene.ask(&get("/protected", FROM_OUTSIDE)).status(), 401);
    for ask in [Scene::ask, Scene::ask_file] {
        assert_eq!(ask(&scene, &get("/protected", &known)).json()["logged_in_as"], RIGHT.0);
        assert_eq!(scene.seen("x-forwarded-proto").as_deref(), Some("https"));
        assert_eq!(scene.seen("x-forwarded-for").as_deref(), Some("203.0.113.9, 127.0.0.1"));
        assert_eq!(scene.seen("x-real-ip").as_deref(), Some("203.0.113.9"));
        assert_eq!(scene.seen("host").as_deref(), Some("app.test"));
        // Rules about networks judge whom the proxy names.
        let rule = |field: &str| ask(&scene, &get("/campus", &format!("{known}{field}"))).status();
        assert_eq!((rule(""), rule("X-Forwarded-For: 198.51.100.7\r\n")), (200, 403));
    }
}

#[test]
fn whoever_is_not_named_is_not_believed_on_a_plain_listener_either() {
    let scene = Scene::with(&IN_FRONT.replace(r#""127.0.0.1", "unix:""#, r#""10.9.9.9""#));
    for ask in [Scene::ask, Scene::ask_file] {
        assert_eq!(ask(&scene, &get("/open", FROM_OUTSIDE)).status(), 200);
        assert_eq!(scene.seen("x-forwarded-proto").as_deref(), Some("http"));
        assert_eq!(scene.seen("x-forwarded-for").as_deref(), Some("127.0.0.1"));
        assert_eq!(ask(&scene, &get("/.auth/check/open", "")).status(), 404);
    }
    // Each of the two is believed by its own name only.
    for (trusted, port, file) in [("127.0.0.1", "https", "http"), ("unix:", "http", "https")] {
        let scene = Scene::with(&IN_FRONT.replace(r#""127.0.0.1", "unix:""#, &format!("{trusted:?}")));
        scene.ask(&get("/open", FROM_OUTSIDE));
        assert_eq!(scene.seen("x-forwarded-proto").as_deref(), Some(port), "{trusted}");
        scene.ask_file(&get("/open", FROM_OUTSIDE));
        assert_eq!(scene.seen("x-forwarded-proto").as_deref(), Some(file), "{trusted}");
    }
}

/// Oathkeeper GHSA-vhr5-ggp3-qq85 (lesson 16): the scheme is the proxy's word, said once and plainly.
#[test]
fn l16_the_scheme_is_what_one_trusted_proxy_says() {
    let scene = Scene::with(IN_FRONT);
    for (said, scheme) in [
        ("X-Forwarded-Proto: https\r\n", "https"),
        ("X-Forwarded-Proto: http\r\n", "http"),
        ("X-Forwarded-Proto: HTTPS\r\n", "http"),
        ("X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n", "http"),
        ("X-Forwarded-Proto: https, http\r\n", "http"),
        ("Forwarded: proto=https\r\n", "http"),
        ("X-Forwarded-Ssl: on\r\nFront-End-Https: on\r\nX-Url-Scheme: https\r\n", "http"),
        ("", "http"),
    ] {
        scene.ask(&get("/open", said));
        assert_eq!(scene.seen("x-forwarded-proto").as_deref(), Some(scheme), "{said:?}");
    }
}

/// Several lines of a field are one list, and all of it is carried on.
#[test]
fn a_chain_in_several_lines_is_walked_and_carried_on_whole() {
    let scene = Scene::with(IN_FRONT);
    scene.ask(&get("/open", "X-Forwarded-For: 198.51.100.1, 203.0.113.9\r\nX-Forwarded-For: 127.0.0.1\r\n"));
    assert_eq!(scene.seen("x-real-ip").as_deref(), Some("203.0.113.9"));
    assert_eq!(scene.seen("x-forwarded-for").as_deref(), Some("198.51.100.1, 203.0.113.9, 127.0.0.1, 127.0.0.1"));
}

/// TLS ends at the proxy in front: cookies, origin and HSTS are those of https where it says so, and only there.
#[test]
fn a_browser_behind_a_proxy_with_tls_is_served_as_over_tls() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let plain = "[server]\nlisten = []\nlisten_plain = [\"127.0.0.1:0\"]\ntrusted_proxies = [\"127.0.0.1\"]";
    let gateway = builder(&origin, &sso).toml(plain).start_plain();
    let plain = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let form = format!("id={}&password={}", plain(RIGHT.0), plain(RIGHT.1));
    let log_in = |fields: &str| {
        let kind = "Content-Type: application/x-www-form-urlencoded";
        let head =
            format!("POST /login HTTP/1.1\r\nHost: app.test:443\r\nConnection: close\r\n{kind}\r\nContent-Length: {}\r\n", form.len());
        plainly(gateway.address(), &format!("{head}{fields}\r\n{form}"))
    };
    // No browser writes :443 into its origin, whatever the proxy writes into Host.
    let answer = log_in(&format!("{FROM_OUTSIDE}Origin: https://app.test\r\n"));
    assert_eq!(answer.status(), 303, "{}", answer.text());
    assert!(answer.get("strict-transport-security").is_some_and(|value| value.contains("max-age=")), "{:?}", answer.fields);
    let cookies = answer.set_cookies();
    assert!(cookies.iter().all(|(name, _, attributes)| name.starts_with("__Host-") && attributes.contains("Secure")), "{cookies:?}");
    let cookie = format!("Cookie: {}={}\r\n", cookies[0].0, cookies[0].1);
    let act = |fields: &str| {
        let request = format!("POST /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nContent-Length: 0\r\n{cookie}{fields}\r\n");
        plainly(gateway.address(), &request).status()
    };
    assert_eq!(act(&format!("{FROM_OUTSIDE}Origin: https://app.test\r\n")), 200);
    // Pages of the same host without TLS are anybody's who is on the way.
    assert_eq!(act(&format!("{FROM_OUTSIDE}Origin: http://app.test\r\n")), 403);
    assert_eq!(act("Origin: https://app.test\r\n"), 403, "no proxy says https");
    let bare = plainly(gateway.address(), &get("/open", ""));
    assert_eq!((bare.status(), bare.get("strict-transport-security")), (200, None), "RFC 6797, section 7.2");
}

#[test]
fn limits_and_deadlines_are_those_of_the_tls_listener() {
    let scene =
        Scene::with(&IN_FRONT.replace("trusted_proxies", "header_timeout = \"1s\"\nmax_headers = 20\nmax_body = \"1k\"\ntrusted_proxies"));
    for ask in [Scene::ask, Scene::ask_file] {
        assert_eq!(ask(&scene, &get("/open", &"X-A: b\r\n".repeat(21))).status(), 431);
        let long = "POST /open HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nContent-Length: 1025\r\n\r\n";
        assert_eq!(ask(&scene, &format!("{long}{}", "a".repeat(1025))).status(), 413);
        assert_eq!(ask(&scene, "GET /open HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").status(), 400);
        // No HTTP/2 here: neither by an upgrade nor, below, by its preface; nothing is guessed.
        let upgrade = "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
        assert_eq!(ask(&scene, &format!("GET /open HTTP/1.1\r\nHost: app.test\r\n{upgrade}\r\n")).status(), 200);
    }
    let preface = Front::port(scene.gateway.plain_address()).say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").answer();
    assert!(preface.is_none_or(|answer| answer.status() == 400));
    let late = Front::port(scene.gateway.plain_address()).say("GET /open HTT").answer();
    assert!(late.is_none_or(|answer| answer.status() == 408), "a head that does not end is no request");
    assert!(scene.gateway.process.out.wait_for("head_timeout").is_some());
}

#[test]
fn a_socket_file_is_for_whom_it_says_and_goes_with_the_gateway() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let start = |gateway: Builder| gateway.toml(IN_FRONT).start();
    let mut gateway = start(builder(&origin, &sso));
    let path = gateway.path("http.sock");
    assert_eq!(mode(&path), 0o660);
    let second = builder(&origin, &sso).toml(&IN_FRONT.replace("unix:http.sock", &format!("unix:{}", path.display())));
    let refused = second.finish(&["run", "-c", "gateway.toml"]);
    assert_eq!(refused.code, 3, "{}", refused.err);
    assert!(refused.err.contains("http.sock is taken"), "{}", refused.err);
    assert!(path.exists(), "another gateway leaves it alone");
    assert_eq!(gateway.stop("TERM").code, 0);
    assert!(!path.exists());
    // What a gateway that was killed left behind is replaced.
    let gateway = start(builder(&origin, &sso).toml("[server]\nsocket_mode = \"600\""));
    let path = gateway.path("http.sock");
    let left = gateway.killed();
    assert!(path.exists());
    let gateway = left.start();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(Front::file(&path).say(get("/open", "")).answer().unwrap().status(), 200);
    drop(gateway);
}

#[test]
fn a_socket_file_of_the_service_manager_is_served_and_stays() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let builder = builder(&origin, &sso).toml(IN_FRONT);
    let path = builder.dir().join("http.sock");
    let socket = UnixListener::bind(&path).unwrap();
    builder.write();
    for _ in 0..2 {
        let mut command = Command::new("sh");
        let start = r#"exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" run -c gateway.toml"#;
        command.args(["-c", start, env!("CARGO_BIN_EXE_munjigi")]).current_dir(builder.dir());
        let mut process = Process::start_with(&mut command, Stdio::from(OwnedFd::from(socket.try_clone().unwrap())));
        process.logged("listening without TLS on unix:");
        assert_eq!(Front::file(&path).say(get("/open", "")).answer().unwrap().status(), 200);
        process.signal("TERM");
        assert_eq!(process.finish().code, 0);
        assert!(path.exists(), "whoever connects now waits for the next gateway");
    }
}

const CLIENT_V1: &[u8] = b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 443\r\n";

fn v2(what: u8, family: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[what, family, length[0], length[1]][..], content].concat()
}

/// 203.0.113.9:40000 to 192.0.2.1:443, with extras.
fn client_v2(extras: &[u8]) -> Vec<u8> {
    v2(0x21, 0x11, &[&[203, 0, 113, 9, 192, 0, 2, 1, 0x9c, 0x40, 1, 0xbb], extras].concat())
}

#[test]
fn a_proxy_header_names_the_client_on_every_kind_of_listener() {
    let scene = Scene::with(INTRODUCED);
    let request = get("/open", FROM_OUTSIDE);
    for header in [CLIENT_V1.to_vec(), client_v2(&[]), client_v2(&[2, 0, 8, b'a', b'p', b'p', b'.', b't', b'e', b's', b't', 4, 0, 0])] {
        let mut tls = tls_behind(scene.gateway.address(), &header).unwrap();
        tls.say(&request);
        assert_eq!(tls.answer().status(), 200);
        assert_eq!(scene.seen("x-forwarded-proto").as_deref(), Some("https"));
        for answer in [
            Front::port(scene.gateway.plain_address()).say(&header).say(&request).answer(),
            Front::file(&scene.gateway.path("http.sock")).say(&header).say(&request).answer(),
        ] {
            assert_eq!(answer.unwrap().status(), 200);
            // The client is nobody's proxy: what it says of others counts for nothing.
            assert_eq!(scene.seen("x-forwarded-proto").as_deref(), Some("http"));
        }
        for seen in scene.origin.seen() {
            assert_eq!((seen.get("x-real-ip"), seen.get("x-forwarded-for")), (Some("203.0.113.9"), Some("203.0.113.9")));
        }
    }
    assert!(scene.gateway.process.out.wait_for("203.0.113.9 - - [").is_some(), "the access log names the client");
    // TLS that ended at the proxy is told in an extra of version 2.
    Front::port(scene.gateway.plain_address()).say(client_v2(&[0x20, 0, 5, 1, 0, 0, 0, 0])).say(&request).answer().unwrap();
    assert_eq!(scene.seen("x-forwarded-proto").as_deref(), Some("https"));
}

/// A proxy that passes somebody on without naming them lends them neither its address's trust nor its word.
#[test]
fn whom_the_proxy_does_not_name_is_not_the_proxy() {
    let scene = Scene::with(INTRODUCED);
    let unnamed = [b"PROXY UNKNOWN\r\n".to_vec(), b"PROXY UNKNOWN 1.1.1.1 2.2.2.2 1 2\r\n".to_vec(), v2(0x20, 0, &[]), v2(0x21, 0, &[])];
    for header in unnamed {
        let ask = |request: &str| Front::port(scene.gateway.plain_address()).say(&header).say(request).answer().unwrap().status();
        assert_eq!(ask(&get("/open", FROM_OUTSIDE)), 200);
        assert_eq!(scene.seen("x-real-ip").as_deref(), Some("127.0.0.1"));
        assert_eq!(scene.seen("x-forwarded-for").as_deref(), Some("127.0.0.1"));
        assert_eq!(scene.seen("x-forwarded-proto").as_deref(), Some("http"));
        assert_eq!(ask(&get("/.auth/check/open", "")), 404);
    }
    // A proxy behind a balancer is named by it, and then believed as itself.
    let proxy = b"PROXY TCP4 127.0.0.1 192.0.2.1 40000 443\r\n";
    Front::port(scene.gateway.plain_address()).say(proxy).say(get("/open", FROM_OUTSIDE)).answer().unwrap();
    assert_eq!(scene.seen("x-real-ip").as_deref(), Some("203.0.113.9"));
}

#[test]
fn what_is_no_proxy_header_is_refused_and_told() {
    let scene = Scene::with(&format!("{INTRODUCED}\nhandshake_timeout = \"1s\""));
    let request = get("/open", "");
    for bytes in
        [&b"GET / HTTP/1.1\r\n"[..], b"PROXY TCP4 x y 1 2\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n\n", b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0"]
    {
        for answer in [
            Front::port(scene.gateway.plain_address()).say(bytes).say(&request).answer(),
            Front::file(&scene.gateway.path("http.sock")).say(bytes).say(&request).answer(),
        ] {
            assert!(answer.is_none(), "{}", bytes.escape_ascii());
        }
        assert!(tls_behind(scene.gateway.address(), bytes).is_err(), "{}", bytes.escape_ascii());
    }
    assert!(tls_behind(scene.gateway.address(), b"").is_err(), "a handshake where a header is expected");
    assert!(scene.gateway.process.out.wait_for("proxy_header").is_some());
    // One that does not come is not waited for any longer than a handshake.
    let mut slow = TcpStream::connect(scene.gateway.plain_address()).unwrap();
    std::io::Write::write_all(&mut slow, b"PROXY TCP4 ").unwrap();
    slow.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    assert_eq!(slow.read(&mut [0; 1]).unwrap_or(0), 0);
    assert!(scene.gateway.process.out.wait_for("proxy_header_timeout").is_some());
    assert_eq!(scene.origin.connections(), 0);
}

#[test]
fn only_a_trusted_proxy_introduces_anybody_and_a_reload_says_who() {
    let mut scene = Scene::with(INTRODUCED);
    let ask = |scene: &Scene| {
        let answer = Front::port(scene.gateway.plain_address()).say(CLIENT_V1).say(get("/open", "")).answer();
        answer.map(|answer| answer.status())
    };
    assert_eq!(ask(&scene), Some(200));
    scene.gateway.configure("[server]\ntrusted_proxies = [\"10.9.9.9\", \"unix:\"]");
    scene.gateway.reload("reloaded");
    assert_eq!(ask(&scene), None);
    assert!(scene.gateway.process.out.wait_for("proxy_untrusted").is_some());
    assert!(tls_behind(scene.gateway.address(), CLIENT_V1).is_err());
    scene.gateway.configure("[server]\ntrusted_proxies = [\"127.0.0.1\", \"unix:\"]");
    scene.gateway.reload("reloaded");
    assert_eq!(ask(&scene), Some(200));
}

/// A limit on one address is about clients; behind a proxy all would share one.
#[test]
fn connections_are_counted_for_the_client_and_not_for_the_proxy() {
    let scene = Scene::with(&INTRODUCED.replace("trusted_proxies", "max_connections_per_address = 1\ntrusted_proxies"));
    let open = |client: &str| {
        let mut front = Front::port(scene.gateway.plain_address());
        front.say(format!("PROXY TCP4 {client} 192.0.2.1 1 443\r\nGET /open HTTP/1.1\r\nHost: app.test\r\n\r\n"));
        let status = front.answer().map(|answer| answer.status());
        (front, status)
    };
    let (_first, status) = open("203.0.113.1");
    assert_eq!(status, Some(200));
    assert_eq!(open("203.0.113.1").1, None);
    assert_eq!(open("203.0.113.2").1, Some(200));
    let scene = Scene::with(&IN_FRONT.replace("trusted_proxies", "max_connections_per_address = 1\ntrusted_proxies"));
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut front = Front::port(scene.gateway.plain_address());
        front.say("GET /open HTTP/1.1\r\nHost: app.test\r\n\r\n");
        assert_eq!(front.answer().unwrap().status(), 200);
        held.push(front);
    }
}
