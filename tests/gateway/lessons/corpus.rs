//! Every attack of the collection over HTTP/1.1 and HTTP/2, with what was answered and what the application saw: as a table that people
//! read (`docs/lessons.md`) and that is compared here, cell by cell.

use std::path::Path;

use crate::support::{Message, RIGHT, RawH2, World, hs256, unsigned};

/// Stands in every value a client makes up; must never be seen behind the gateway.
const EVIL: &str = "evil-7b1d";

/// One attack. `{token}` in a field stands for a good access token.
struct Attack {
    lesson: u8,
    what: &'static str,
    method: &'static str,
    path: &'static str,
    host: &'static str,
    fields: Vec<(&'static str, String)>,
}

fn attack(lesson: u8, what: &'static str, path: &'static str, fields: &[(&'static str, &str)]) -> Attack {
    let fields = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Attack { lesson, what, method: "GET", path, host: "x.test", fields }
}

fn with(method: &'static str, attack: Attack) -> Attack {
    Attack { method, ..attack }
}

fn attacks() -> Vec<Attack> {
    let signed_in = ("authorization", "Bearer {token}");
    let unsigned_token = unsigned(r#"{"alg":"none","typ":"JWT"}"#, r#"{"sub":"rightid","type":"access"}"#);
    let wrong_key =
        hs256(r#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#, r#"{"sub":"rightid","type":"access"}"#, b"another secret of 32 bytes or more");
    vec![
        attack(1, "identity header, underscore", "/open", &[("x_auth_user", EVIL), ("remote_user", EVIL)]),
        attack(
            1,
            "identity header, logged in",
            "/protected",
            &[signed_in, ("x-auth-user", EVIL), ("x_auth_user", EVIL), ("x.auth.user", EVIL)],
        ),
        attack(2, "header of what is not known", "/protected", &[signed_in, ("x-auth-groups", EVIL), ("remote-groups", EVIL)]),
        attack(3, "`Connection` names our header", "/protected", &[signed_in, ("connection", "keep-alive, X-Auth-User, X-Forwarded-For")]),
        with(
            "OPTIONS",
            attack(
                4,
                "preflight with an identity",
                "/open",
                &[("origin", "https://e.test"), ("access-control-request-method", "GET"), ("remote-user", EVIL)],
            ),
        ),
        with(
            "OPTIONS",
            attack(
                4,
                "preflight to a guarded place",
                "/protected",
                &[("origin", "https://e.test"), ("access-control-request-method", "GET")],
            ),
        ),
        attack(
            5,
            "`X-Forwarded-*` from outside",
            "/open",
            &[("x-forwarded-for", EVIL), ("x-forwarded-prefix", EVIL), ("x-real-ip", EVIL), ("forwarded", EVIL), ("true-client-ip", EVIL)],
        ),
        attack(6, "two lines of one name", "/protected", &[signed_in, ("x-auth-user", EVIL), ("x-auth-user", EVIL)]),
        attack(7, "a line break in a value", "/open", &[("x-a", "b\r\nx-auth-user: evil-7b1d")]),
        attack(8, "a rule in a header", "/protected", &[("x-tinyauth-allow", "*"), ("x-skip-auth", "1")]),
        attack(9, "the open path in the query", "/protected?x=/open", &[]),
        attack(10, "the open path behind `%23`", "/protected%23/open", &[]),
        attack(
            11,
            "another path in a header",
            "/protected",
            &[("x-forwarded-uri", "/open"), ("x-original-url", "/open"), ("x-rewrite-url", "/open")],
        ),
        attack(12, "the name of a health check", "/protected", &[("user-agent", "GoogleHC/1.0")]),
        attack(13, "`..`", "/open/../protected", &[]),
        attack(13, "`%2e%2E`", "/open/%2e%2E/protected", &[]),
        attack(13, "`%2f`", "/open%2f..%2fprotected", &[]),
        attack(13, "`%5c`", "/open/..%5cprotected", &[]),
        attack(13, "`\\`", "/open/..\\protected", &[]),
        attack(13, "`//`", "//protected", &[]),
        attack(13, "`;`", "/open/..;/protected", &[]),
        attack(13, "`%00`", "/open/%00/../protected", &[]),
        attack(13, "escaped twice", "/open/%252e%252e/protected", &[]),
        attack(13, "overlong UTF-8", "/open/%c0%ae%c0%ae/protected", &[]),
        attack(13, "other letters", "/OPEN", &[]),
        attack(13, "a dot behind", "/open.", &[]),
        attack(14, "half an escape", "/open/%zz", &[]),
        Attack { host: "X.TEST.", ..attack(15, "the host in another spelling", "/protected", &[]) },
        Attack { host: "x.test@y.test", ..attack(15, "a host with a user", "/open", &[]) },
        attack(15, "two hosts", "/open", &[("host", "y.test")]),
        attack(16, "the scheme from outside", "/protected", &[("x-forwarded-proto", "http")]),
        with("POST", attack(17, "another method in a header", "/protected", &[("x-http-method-override", "OPTIONS")])),
        with("FROB", attack(17, "a method nobody knows", "/protected", &[])),
        attack(18, "half a token", "/protected", &[("authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.e30")]),
        attack(18, "a cookie that is none", "/protected", &[("cookie", "__Host-munjigi_access=%ff; ;=")]),
        attack(19, "a token without signature", "/protected", &[("authorization", &format!("Bearer {unsigned_token}."))]),
        attack(19, "a token under another key", "/protected", &[("authorization", &format!("Bearer {wrong_key}"))]),
        attack(19, "two tokens", "/protected", &[signed_in, ("authorization", "Bearer e30.e30.e30")]),
        with("POST", attack(45, "length and chunked", "/open", &[("content-length", "4"), ("transfer-encoding", "chunked")])),
        with("POST", attack(45, "two lengths", "/open", &[("content-length", "0"), ("content-length", "5")])),
        with("POST", attack(45, "a coding that looks like chunked", "/open", &[("transfer-encoding", "xchunked")])),
        attack(
            47,
            "h2c",
            "/open",
            &[("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c"), ("http2-settings", "AAMAAABkAAQAAP__")],
        ),
        with("TRACE", attack(48, "TRACE", "/open", &[])),
        with("CONNECT", attack(48, "CONNECT", "internal.test:22", &[])),
        attack(48, "another host's URL", "http://internal.test/", &[]),
        attack(49, "an upper-case name (h2)", "/open", &[("X-Upper", "a")]),
        attack(49, "a colon in a name", "/open", &[("x-auth-user:", EVIL)]),
    ]
}

/// What the application saw, in few words.
fn seen(world: &World, before: usize, attack: &Attack) -> String {
    let all = world.origin.seen();
    let Some(request) = all.get(before) else { return "nothing".to_owned() };
    assert_eq!(all.len(), before + 1, "{}: more than one request came of it", attack.what);
    assert!(!String::from_utf8_lossy(&request.head).contains(EVIL), "{}:\n{}", attack.what, String::from_utf8_lossy(&request.head));
    let who = request.get("x-auth-user").map_or_else(|| "nobody".to_owned(), |user| format!("`{user}`"));
    assert!(request.get("x-auth-user").is_none_or(|user| user == RIGHT.0), "{}", attack.what);
    for name in ["upgrade", "http2-settings", "x-http-method-override-applied"] {
        assert_eq!(request.get(name), None, "{}", attack.what);
    }
    format!("`{} {}` from {who}", request.method(), request.target())
}

fn over_h1(world: &World, attack: &Attack, token: &str) -> (String, String) {
    let before = world.origin.seen().len();
    let fields: String = attack.fields.iter().map(|(name, value)| format!("{name}: {}\r\n", value.replace("{token}", token))).collect();
    let mut tls = world.gateway.tls();
    let body = if attack.fields.iter().any(|(name, _)| *name == "transfer-encoding") { "0\r\n\r\n" } else { "" };
    tls.say(format!("{} {} HTTP/1.1\r\nhost: {}\r\n{fields}\r\n{body}", attack.method, attack.path, attack.host));
    let status = tls.try_answer().ok().flatten().map(|answer: Message| answer.status().to_string());
    (status.unwrap_or_else(|| "closed".to_owned()), seen(world, before, attack))
}

fn over_h2(world: &World, attack: &Attack, token: &str) -> (String, String) {
    let before = world.origin.seen().len();
    let mut fields = vec![(":method", attack.method.to_owned())];
    if attack.method == "CONNECT" {
        fields.push((":authority", attack.path.to_owned()));
    } else {
        fields.extend([(":scheme", "https".to_owned()), (":authority", attack.host.to_owned()), (":path", attack.path.to_owned())]);
    }
    fields.extend(attack.fields.iter().map(|(name, value)| (*name, value.replace("{token}", token))));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let status =
        RawH2::connect(world.gateway.address()).ask_status(&fields).map_or_else(|| "refused".to_owned(), |status| status.to_string());
    (status, seen(world, before, attack))
}

#[test]
fn the_application_sees_of_every_attack_what_the_table_says() {
    let world = World::start();
    let token = world.login().access;
    let mut table =
        String::from("| lesson | attack | HTTP/1.1 | application saw | HTTP/2 | application saw |\n|---|---|---|---|---|---|\n");
    for attack in attacks() {
        let ((h1, h1_seen), (h2, h2_seen)) = (over_h1(&world, &attack, &token), over_h2(&world, &attack, &token));
        let target = format!("`{} {}`", attack.method, attack.path);
        table += &format!("| {} | {}: {target} | {h1} | {h1_seen} | {h2} | {h2_seen} |\n", attack.lesson, attack.what);
    }
    let paper = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lessons.md");
    let text = std::fs::read_to_string(&paper).unwrap();
    let (before, rest) = text.split_once("<!-- attacks -->\n").expect("the docs have a place for the table");
    let (told, after) = rest.split_once("<!-- /attacks -->").unwrap();
    if std::env::var_os("MUNJIGI_WRITE_TABLES").is_some() {
        std::fs::write(&paper, format!("{before}<!-- attacks -->\n{table}<!-- /attacks -->{after}")).unwrap();
        return;
    }
    for (told, found) in told.lines().zip(table.lines()) {
        assert_eq!(found, told, "(MUNJIGI_WRITE_TABLES=1 writes the table anew, to be looked at)");
    }
    assert_eq!(told.lines().count(), table.lines().count());
}
