//! The admin listener: alive, ready, numbers, and the administration for administrators.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::{Gateway, Message, Origin, Pair, RIGHT, Sso, World, munjigi, plainly};

const ADMIN: &str = "[server]\nadmin = \"127.0.0.1:0\"";

fn address(gateway: &Gateway) -> SocketAddr {
    let line = gateway.process.logged("administration, metrics and health on http://");
    line.rsplit("http://").next().unwrap().parse().unwrap()
}

fn ask(gateway: &Gateway, request: &str) -> Message {
    plainly(address(gateway), &format!("{request}\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
}

fn get(gateway: &Gateway, place: &str) -> Message {
    ask(gateway, &format!("GET {place} HTTP/1.1"))
}

fn with_token(gateway: &Gateway, method: &str, place: &str, pair: &Pair, body: &Value) -> Message {
    let body = body.to_string();
    let length = body.len();
    let head = format!("{method} {place} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {}", pair.access);
    plainly(address(gateway), &format!("{head}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"))
}

/// The value of a line of the metrics; `None` when there is no such line.
fn number(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')).map(|value| value.parse().unwrap())
}

#[test]
fn it_says_that_it_lives_and_is_ready() {
    let world = World::with(ADMIN);
    assert_eq!(get(&world.gateway, "/live").json(), json!({ "live": true }));
    let ready = get(&world.gateway, "/ready");
    assert_eq!(ready.status(), 200, "{}", ready.text());
    let told = ready.json();
    assert_eq!((&told["ready"], &told["reasons"], &told["generation"]), (&json!(true), &json!([]), &json!(1)));
    assert!(told["view"]["lag_seconds"].as_f64().unwrap() < 10.0 && told["store"]["trouble"].is_null(), "{told}");
    assert!(told["certificates"][0]["days_left"].as_u64().unwrap() > 30, "{told}");
    world.gateway.reload("reloaded");
    assert_eq!(get(&world.gateway, "/ready").json()["generation"], 2);
    assert_eq!(ask(&world.gateway, "POST /ready HTTP/1.1\r\nContent-Length: 0").status(), 405);
    assert_eq!(get(&world.gateway, "/").status(), 404);
}

/// A page whose name leads to 127.0.0.1 reads nothing (DNS rebinding).
#[test]
fn only_names_of_this_machine_are_answered() {
    let world = World::with(ADMIN);
    let at = |host: &str| plainly(address(&world.gateway), &format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
    for host in ["127.0.0.1:9901", "localhost", "[::1]:9901", "LOCALHOST:1"] {
        assert_eq!(at(host).status(), 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "gate.test:9901", "127.0.0.1.evil.example"] {
        assert_eq!(at(host).status(), 421, "{host}");
    }
}

#[test]
fn a_store_that_cannot_be_followed_is_not_ready_and_is_again() {
    let world = World::with(ADMIN);
    let (file, away) = (world.gateway.path("state/munjigi.db"), world.gateway.path("state/away.db"));
    std::fs::rename(&file, &away).unwrap();
    world.gateway.process.logged("the store cannot be followed");
    let refused = get(&world.gateway, "/ready");
    assert_eq!((refused.status(), refused.json()["ready"].as_bool()), (503, Some(false)));
    assert!(!refused.json()["reasons"][0].as_str().unwrap().is_empty());
    let health = munjigi(&world.gateway.path(""), &["health"]);
    assert_eq!(health.code, 1);
    assert!(health.err.contains("not ready: "), "{}", health.err);
    assert_eq!(get(&world.gateway, "/live").status(), 200);
    std::fs::rename(&away, &file).unwrap();
    world.gateway.process.logged("the store can be followed again");
    assert_eq!(get(&world.gateway, "/ready").status(), 200);
}

#[test]
fn stopping_is_told_before_it_begins_and_a_second_signal_hurries_it() {
    let mut world = World::with(&format!("{ADMIN}\ndrain_delay = \"60m\""));
    world.gateway.process.signal("TERM");
    world.gateway.process.logged("not ready any more");
    let refused = get(&world.gateway, "/ready");
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.json()["reasons"], json!(["the gateway is stopping"]));
    // There is nothing to reload any more.
    world.gateway.process.signal("HUP");
    assert_eq!(world.gateway.program().get("/open").send().status(), 200, "connections are still taken");
    let finished = world.gateway.stop("TERM");
    assert_eq!(finished.code, 0, "{}", finished.err);
    assert!(!finished.err.contains("reload"), "{}", finished.err);
    assert!(!world.gateway.path("state/munjigi.sock").exists());
}

#[test]
fn health_is_an_exit_code() {
    let mut world = World::start();
    let dir = world.gateway.path("");
    let healthy = munjigi(&dir, &["health", "-c", "gateway.toml"]);
    assert_eq!((healthy.code, healthy.out.as_str()), (0, "ready"), "{}", healthy.err);
    world.gateway.stop("TERM");
    let gone = munjigi(&dir, &["health"]);
    assert_eq!(gone.code, 1);
    assert!(gone.err.contains("no gateway is running here"), "{}", gone.err);
}

#[test]
fn everything_is_counted_and_nobody_outside_makes_a_label() {
    let (origin, sso, nowhere) = (Origin::start(), Sso::start(), Origin::closed());
    let gateway = World::builder(&origin, &sso)
        .upstream("gone", &nowhere)
        .toml(&format!("{ADMIN}\n[[route]]\npath = \"/gone\"\naccess = \"public\"\nupstream = \"gone\""))
        .start();
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    gateway.program().post("/login").json(&json!({ "id": RIGHT.0, "password": "wrong" })).send();
    let passed = || gateway.program().get("/protected").bearer(&pair.access).send().status();
    assert_eq!((passed(), passed()), (200, 200));
    assert_eq!(gateway.program().get("/open").send().status(), 200);
    assert_eq!(gateway.program().get("/gone").send().status(), 502);
    let strange = gateway.program().host("strange-host.example");
    let strange = strange.call("STRANGEMETHOD", "/strange-path?strange-query").bearer("strange-token");
    assert_eq!(strange.with("User-Agent", "strange-agent").send().status(), 401);
    gateway.program().get("/a//../strange-dots").send();

    let answer = get(&gateway, "/metrics");
    assert!(answer.get("content-type").unwrap().starts_with("application/openmetrics-text"), "{:?}", answer.fields);
    let text = answer.text();
    let (app, gone) = (origin.url(), nowhere.url());
    for (series, least) in [
        (r#"munjigi_requests_total{route="*/",method="read",status="2xx"}"#.to_owned(), 2.0),
        (r#"munjigi_requests_total{route="*/open",method="read",status="2xx"}"#.to_owned(), 1.0),
        (r#"munjigi_requests_total{route="own",method="write",status="2xx"}"#.to_owned(), 1.0),
        (r#"munjigi_requests_total{route="none",method="read",status="4xx"}"#.to_owned(), 1.0),
        (r#"munjigi_decisions_total{decision="admitted"}"#.to_owned(), 2.0),
        (r#"munjigi_decisions_total{decision="public"}"#.to_owned(), 1.0),
        (r#"munjigi_decisions_total{decision="own"}"#.to_owned(), 1.0),
        (r#"munjigi_decisions_total{decision="refused"}"#.to_owned(), 4.0),
        (r#"munjigi_refusals_total{reason="login_refused"}"#.to_owned(), 1.0),
        (r#"munjigi_refusals_total{reason="upstream_unavailable"}"#.to_owned(), 1.0),
        ("munjigi_request_own_seconds_count".to_owned(), 8.0),
        ("munjigi_request_upstream_seconds_count".to_owned(), 3.0),
        (format!(r#"munjigi_upstream_connections_made_total{{endpoint="{app}"}}"#), 1.0),
        (format!(r#"munjigi_upstream_connect_errors_total{{endpoint="{gone}"}}"#), 1.0),
        (format!(r#"munjigi_upstream_errors_total{{endpoint="{gone}",kind="connect"}}"#), 1.0),
        ("munjigi_tls_handshakes_full_total".to_owned(), 1.0),
        (r#"munjigi_logins_total{provider="mju",outcome="accepted"}"#.to_owned(), 1.0),
        (r#"munjigi_logins_total{provider="mju",outcome="refused"}"#.to_owned(), 1.0),
        (r#"munjigi_provider_answer_seconds_count{provider="mju"}"#.to_owned(), 2.0),
        ("munjigi_sessions".to_owned(), 1.0),
        ("munjigi_change_log_position".to_owned(), 0.0),
        ("munjigi_change_log_lag_seconds".to_owned(), 0.0),
        ("munjigi_store_queue".to_owned(), 0.0),
        ("munjigi_log_queue_bytes".to_owned(), 0.0),
        ("munjigi_log_lines_dropped_total".to_owned(), 0.0),
        ("munjigi_configuration_generation".to_owned(), 1.0),
        ("munjigi_ready".to_owned(), 1.0),
        ("munjigi_connections_open".to_owned(), 0.0),
    ] {
        let found = number(&text, &series).unwrap_or_else(|| panic!("no {series} in\n{text}"));
        assert!(found >= least, "{series} is {found}, not {least}");
    }
    for line in ["munjigi_certificate_expiry_timestamp_seconds{certificate=", "# EOF"] {
        assert!(text.lines().any(|l| l.starts_with(line)), "{line}");
    }
    for outside in ["strange-", "STRANGE", RIGHT.0] {
        assert!(!text.contains(outside), "{outside}: {text}");
    }
    // Each request counts in exactly one decision, and in one route.
    let sum = |prefix: &str| -> f64 {
        text.lines().filter(|line| line.starts_with(prefix)).map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    };
    assert!((sum("munjigi_decisions_total{") - sum("munjigi_requests_total{")).abs() < 0.5, "{text}");
    assert!((sum("munjigi_decisions_total{decision=\"refused\"}") - sum("munjigi_refusals_total{")).abs() < 0.5, "{text}");
}

/// Every number that is told is drawn or at least known: a dashboard whose names have gone stale shows empty panels.
#[test]
fn the_dashboard_asks_for_numbers_there_are() {
    // A number that nothing was counted in yet has no name either.
    let (nowhere, sso) = (Origin::closed(), Sso::start());
    let gateway = World::builder(&nowhere, &sso).toml(ADMIN).start();
    gateway.login(RIGHT.0, RIGHT.1);
    assert_eq!(gateway.program().get("/open").send().status(), 502);
    let text = get(&gateway, "/metrics").text();
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/grafana.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&file).unwrap();
    let mut asked = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expr = target["expr"].as_str().unwrap();
            for word in expr.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| word.starts_with("munjigi_")) {
                let bare = ["_total", "_bucket", "_count", "_sum"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
                assert!(names.contains(&bare), "{word} in {expr:?} is no number of ours: {names:?}");
                asked += 1;
            }
        }
    }
    assert!(asked >= 20, "{asked}");
}

#[test]
fn the_administration_needs_an_administrator() {
    let world = World::with(ADMIN);
    let gateway = &world.gateway;
    let bare = get(gateway, "/.auth/api/users");
    assert_eq!((bare.status(), bare.json()["error"].as_str()), (401, Some("token_missing")));
    assert!(bare.get("www-authenticate").is_some());
    let pair = world.login();
    let member = with_token(gateway, "GET", "/.auth/api/users", &pair, &json!({}));
    assert_eq!((member.status(), member.json()["error"].as_str()), (403, Some("not_admin")));
    let refresh = Pair { access: pair.refresh.clone(), refresh: String::new() };
    assert_eq!(with_token(gateway, "GET", "/.auth/api/users", &refresh, &json!({})).status(), 401);

    let made = munjigi(&gateway.path(""), &["users", "role", RIGHT.0, "admin"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let listed = with_token(gateway, "GET", "/.auth/api/users", &pair, &json!({}));
    assert_eq!((listed.status(), listed.json()["users"][0]["role"].as_str()), (200, Some("admin")));
    gateway.login("60240001", "pw-60240001");
    let ended = with_token(gateway, "DELETE", "/.auth/api/users/60240001/sessions", &pair, &json!({}));
    assert_eq!((ended.status(), ended.json()["sessions_ended"].as_u64()), (200, Some(1)), "{}", ended.text());
    let trail = with_token(gateway, "GET", "/.auth/api/audit?kind=person_logged_out", &pair, &json!({})).json();
    assert_eq!(trail["events"][0]["detail"], format!("by mju:{}", RIGHT.0));
    assert_eq!((&trail["events"][0]["user"], &trail["events"][0]["address"]), (&json!("mju:60240001"), &json!("127.0.0.1")));
    // Taking the role away acts on the token that is out.
    assert_eq!(munjigi(&gateway.path(""), &["users", "role", RIGHT.0, "member"]).code, 0);
    assert_eq!(with_token(gateway, "GET", "/.auth/api/users", &pair, &json!({})).status(), 403);
}
