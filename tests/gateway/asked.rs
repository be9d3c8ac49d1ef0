//! Asked by real proxies: nginx and Caddy with the configurations of `examples/in-front`, in which only places are changed.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::{Client, Daemon, Gateway, Origin, RIGHT, Sso, World, need};

/// The gateway both ask, on a port and a socket file without TLS.
const ASKED: &str = r#"
    [server]
    listen_plain = ["127.0.0.1:0", "unix:http.sock"]
    trusted_proxies = ["127.0.0.1", "unix:"]

    [[route]]
    path = "/staff"
    access = { groups = ["staff"] }
    upstream = "app"
"#;

/// An application behind a proxy that asks a gateway.
struct Scene {
    origin: Origin,
    sso: Sso,
    gateway: Gateway,
}

impl Scene {
    fn start() -> Self {
        let (origin, sso) = (Origin::start(), Sso::start());
        let gateway = World::builder(&origin, &sso).toml(ASKED).start();
        Self { origin, sso, gateway }
    }

    /// An example with the places of this scene in it.
    #[track_caller]
    fn example(&self, name: &str, places: &[(&str, String)]) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/in-front").join(name);
        let mut text = fs::read_to_string(path).unwrap();
        let here = [
            ("/etc/ssl/gate.crt", self.gateway.path("certs/gateway.crt").display().to_string()),
            ("/etc/ssl/gate.key", self.gateway.path("certs/gateway.key").display().to_string()),
            ("127.0.0.1:3000", self.origin.url().trim_start_matches("http://").to_owned()),
        ];
        for (place, ours) in here.iter().chain(places) {
            assert!(text.contains(place), "{name} does not name {place}");
            text = text.replace(place, ours);
        }
        text
    }
}

#[test]
fn nginx_asks_about_each_request() {
    if !need("nginx_asks_about_each_request") {
        return;
    }
    let scene = Scene::start();
    let dir = tempfile::tempdir().unwrap();
    let write = |port: u16| {
        let places = [("127.0.0.1:8080", scene.gateway.plain_address().to_string()), ("listen 443 ", format!("listen 127.0.0.1:{port} "))];
        fs::write(dir.path().join("gate.conf"), scene.example("nginx.conf", &places)).unwrap();
        let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|kind| format!("{kind}_temp_path temp_{kind};")).join("");
        let whole =
            format!("daemon off; master_process off; pid nginx.pid; events {{}} http {{ access_log off; {kinds} include gate.conf; }}");
        fs::write(dir.path().join("nginx.conf"), whole).unwrap();
    };
    let command = || {
        let mut command = Command::new("sh");
        let folder = format!("{}/", dir.path().display());
        command.args(["-c", r#"PATH=$PATH:/usr/sbin exec nginx -e stderr -p "$0" -c nginx.conf"#, &folder]);
        command
    };
    let nginx = Daemon::start(dir.path(), write, command);
    a_proxy_that_asks(&scene, &nginx);
}

#[test]
fn caddy_asks_about_each_request() {
    if !need("caddy_asks_about_each_request") {
        return;
    }
    let scene = Scene::start();
    let dir = tempfile::tempdir().unwrap();
    let write = |port: u16| {
        let places = [
            ("unix//run/munjigi/http.sock", format!("unix/{}", scene.gateway.path("http.sock").display())),
            ("https://gate.example.ac.kr", format!("https://127.0.0.1:{port}")),
        ];
        // No administration, no port 80, no names to look after.
        let quiet = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n";
        fs::write(dir.path().join("Caddyfile"), format!("{quiet}{}", scene.example("Caddyfile", &places))).unwrap();
    };
    let command = || {
        let mut command = Command::new("caddy");
        command.args(["run", "--config", "Caddyfile", "--adapter", "caddyfile"]);
        command.envs([("HOME", dir.path()), ("XDG_DATA_HOME", dir.path()), ("XDG_CONFIG_HOME", dir.path())]);
        command
    };
    let caddy = Daemon::start(dir.path(), write, command);
    a_proxy_that_asks(&scene, &caddy);
}

/// What holds behind any of them.
fn a_proxy_that_asks(scene: &Scene, front: &Daemon) {
    let (program, browser) = (Client::program(front.address), Client::browser(front.address));

    // Nobody is let in: programs are told so, people are led to the login, with everything they asked for.
    assert_eq!(program.get("/protected").send().status(), 401);
    let answer = browser.get("/protected?a=b&c=%26d").send();
    assert_eq!((answer.status(), answer.get("location")), (303, Some("/login?next=/protected%3Fa%3Db%26c%3D%2526d")));
    assert_eq!(browser.post("/protected").form(&[("a", "b")]).send().status(), 401);
    assert_eq!(scene.origin.connections(), 0, "the application hears of none of it");
    the_question_is_the_proxys_own(&program, scene);
    paths_with_two_readings_lead_nowhere(&program, scene);

    // The login is the gateway's, through the proxy, and leads back.
    let page = browser.get("/login?next=%2Fprotected%3Fa%3Db").send();
    assert!(page.status() == 200 && page.text().contains("<form"), "{}", page.text());
    let form = [("id", RIGHT.0), ("password", RIGHT.1), ("next", "/protected?a=b")];
    let answer = browser.post("/login").form(&form).instead("Origin", &browser.origin()).without("Sec-Fetch-Site").send();
    assert_eq!((answer.status(), answer.get("location")), (303, Some("/protected?a=b")), "{}", answer.text());
    assert_eq!(browser.get("/protected").send().json(), json!({ "logged_in_as": RIGHT.0 }));
    assert_eq!(browser.get("/staff/x").send().status(), 403);
    identity_is_the_gateways_word(&browser, &program, scene);

    // Bodies pass untouched, and the question has none.
    let body = "x".repeat(200_000);
    assert_eq!(browser.post("/echo").body("text/plain", body.clone()).send().json()["body"], body);
    assert_eq!(browser.post("/echo").instead("Sec-Fetch-Site", "cross-site").body("text/plain", "x").send().status(), 403);

    // The question renews nothing; the way by the login page does, without asking anything.
    browser.lose("__Host-munjigi_access");
    let answer = browser.get("/protected").send();
    assert_eq!((answer.status(), answer.get("location")), (303, Some("/login?next=/protected")));
    let back = browser.get("/login?next=/protected").send();
    assert_eq!((back.status(), back.get("location")), (303, Some("/protected")));
    assert_eq!(browser.get("/protected").send().json(), json!({ "logged_in_as": RIGHT.0 }));
    assert_eq!(scene.sso.attempts().len(), 1, "the password was checked once");

    // The end of the session is an end here, too.
    assert_eq!(browser.post("/logout").send().status(), 200);
    assert_eq!(browser.get("/protected").send().status(), 303);
}

/// oauth2-proxy CVE-2026-40575 (lesson 11): a client says what only the proxy may say.
fn the_question_is_the_proxys_own(program: &Client, scene: &Scene) {
    for (name, value) in [
        ("X-Original-URI", "/open"),
        ("X-Original-URL", "https://127.0.0.1/open"),
        ("X-Original-Method", "OPTIONS"),
        ("X-Forwarded-Uri", "/open"),
        ("X-Forwarded-Method", "OPTIONS"),
        ("X-Forwarded-Host", "open.test"),
        ("X-Forwarded-Prefix", "/open"),
        ("X-HTTP-Method-Override", "OPTIONS"),
        ("X_Original_URI", "/open"),
        ("X-Rewrite-URL", "/open"),
        ("Host", "open.test"),
        ("X-Auth-User", "60240001"),
    ] {
        let answer = program.get("/protected").with(name, value).send();
        assert!(matches!(answer.status(), 400 | 401 | 404), "{name}: {value} was answered {}", answer.status());
    }
    // Caddy answers 200 with nothing for a host it does not know.
    let absolute = program.get("https://open.test/protected").send();
    assert!(absolute.status() >= 400 || absolute.body.is_empty(), "{}", absolute.text());
    for path in ["/.auth/check", "/.auth/check/open", "/.munjigi"] {
        let answer = program.get(path).with("X-Original-URI", "/open").with("X-Original-Method", "GET").send();
        assert!(matches!(answer.status(), 401 | 404), "{path} was answered {}", answer.status());
    }
    assert_eq!(scene.origin.connections(), 0);
}

/// The proxy forwards the bytes it was sent, so what the gateway judges must have one reading (lesson 13).
fn paths_with_two_readings_lead_nowhere(program: &Client, scene: &Scene) {
    for path in [
        "/open/../protected",
        "/open/%2e%2e/protected",
        "/open/%2E./protected",
        "/open%2f..%2fprotected",
        "/open/..%2fprotected",
        "/open/..%5cprotected",
        "/open//../protected",
        "/open/;/../protected",
        "/open/..;/protected",
        "/open%00/../protected",
        "/open/%252e%252e/protected/..",
        "//protected",
        "/open/./../protected",
        "/open#/../protected",
        "/login/../protected",
        "/.auth/../protected",
        "/.auth/check/../../protected",
        "/protected?next=/open",
        "/%70rotected",
        "/PROTECTED/../protected",
    ] {
        let answer = program.get(path).send();
        assert!((400..500).contains(&answer.status()), "{path} was answered {}", answer.status());
    }
    assert_eq!(scene.origin.connections(), 0, "the application hears of none of it");
}

/// Lessons 1, 2 and 6: what a client says of itself reaches nobody, on public routes neither, and when the gateway has no
/// word of its own for it (Caddy CVE-2026-30851).
fn identity_is_the_gateways_word(browser: &Client, program: &Client, scene: &Scene) {
    for (client, path, wanted) in [(browser, "/x", Some(RIGHT.0)), (program, "/open/x", None)] {
        let mut call = client.get(path);
        for name in
            ["X-Auth-User", "x-auth-user", "X-Auth-Name", "X-Auth-Email", "X-Auth-Groups", "X_Auth_User", "X-Auth_User", "X_Auth-User"]
        {
            call = call.with(name, "forged");
        }
        assert_eq!(call.send().status(), 200);
        let seen = scene.origin.last();
        assert_eq!(seen.get("x-auth-user"), wanted, "{path}");
        let forged: Vec<_> = seen.fields.iter().filter(|(_, value)| value == "forged").collect();
        assert!(forged.is_empty(), "{path}: {forged:?}");
    }
}
