//! `/.auth/check`: the same decision for a proxy that asks and forwards itself.

use crate::support::{Client, Gateway, H2, Message, Origin, RIGHT, Sso, World};

const TRUSTED: &str =
    "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[[route]]\npath = \"/staff\"\naccess = { groups = [\"staff\"] }\nupstream = \"app\"";

fn ask(gateway: &Gateway, token: Option<&str>, path: &str, fields: &[(&str, &str)]) -> Message {
    let program = gateway.program();
    let mut call = program.get(path);
    for (name, value) in fields {
        call = call.with(name, value);
    }
    if let Some(token) = token {
        call = call.bearer(token);
    }
    call.send()
}

/// The three ways to ask about one request.
fn ways<'a>(method: &'a str, target: &'a str) -> [(String, Vec<(&'a str, &'a str)>); 2] {
    [
        ("/.auth/check".to_owned(), vec![("X-Original-URI", target), ("X-Original-Method", method)]),
        (
            "/.auth/check".to_owned(),
            vec![
                ("X-Forwarded-Uri", target),
                ("X-Forwarded-Method", method),
                ("X-Forwarded-Host", "app.test"),
                ("X-Forwarded-Proto", "https"),
            ],
        ),
    ]
}

#[test]
fn whoever_asks_gets_the_decision_the_road_would_make() {
    let world = World::with(TRUSTED);
    let token = world.login().access;
    for (target, with_token, without) in [
        ("/", 200, 401),
        ("/protected?x=/open", 200, 401),
        ("/open/x", 200, 200),
        ("/staff/x", 403, 401),
        ("/OPEN", 200, 401),
        ("/open/../protected", 400, 400),
        ("/open/%2e%2e/protected", 400, 400),
        ("/open%2f..%2fprotected", 400, 400),
        ("/open//x", 400, 400),
        ("/open;x", 400, 400),
        ("/open#/x", 400, 400),
        ("open", 400, 400),
        ("", 400, 400),
        ("/.auth/me", 404, 404),
        ("/login", 404, 404),
    ] {
        for (path, fields) in ways("GET", target) {
            let answer = ask(&world.gateway, Some(&token), &path, &fields);
            assert_eq!(answer.status(), with_token, "{target} by {}", fields[0].0);
            assert_eq!(answer.get("x-auth-user"), (with_token == 200).then_some(RIGHT.0), "{target} by {}", fields[0].0);
            let answer = ask(&world.gateway, None, &path, &fields);
            assert_eq!((answer.status(), answer.get("x-auth-user")), (without, None), "{target} by {}", fields[0].0);
        }
    }
    // Envoy puts the path behind ours.
    for (path, status) in
        [("/.auth/check/protected", 200), ("/.auth/check/staff", 403), ("/.auth/check/open//x", 400), ("/.auth/check/../x", 400)]
    {
        assert_eq!(ask(&world.gateway, Some(&token), path, &[]).status(), status, "{path}");
    }
    // What a proxy sends along with its question plays no part.
    let program = world.gateway.program();
    let asked = program.post("/.auth/check").with("X-Original-URI", "/protected").with("X-Original-Method", "POST").bearer(&token);
    assert_eq!(asked.body("text/plain", "x".repeat(100_000)).send().status(), 200);
    let mut h2 = H2::connect(world.gateway.address());
    let request = h2.request("GET", "/.auth/check").header("x-original-uri", "/protected").header("x-original-method", "GET");
    assert_eq!(h2.send(request.header("authorization", format!("Bearer {token}")), b"").get("x-auth-user"), Some(RIGHT.0));
    assert_eq!(world.origin.connections(), 0, "asking forwards nothing");
}

/// oauth2-proxy CVE-2026-40575 (lesson 11): who may say what is asked about.
#[test]
fn l11_only_a_listed_proxy_may_ask() {
    let world = World::start();
    let token = world.login().access;
    for (path, fields) in ways("GET", "/open") {
        assert_eq!(ask(&world.gateway, Some(&token), &path, &fields).status(), 404);
    }
    assert_eq!(ask(&world.gateway, Some(&token), "/.auth/check/open", &[]).status(), 404);
}

/// A client's own header must not choose what its proxy asks about.
#[test]
fn l11_a_question_in_two_ways_is_refused() {
    let world = World::with(TRUSTED);
    let original = [("X-Original-URI", "/protected"), ("X-Original-Method", "GET")];
    let forwarded = [("X-Forwarded-Uri", "/open"), ("X-Forwarded-Method", "GET"), ("X-Forwarded-Host", "a.test")];
    let one_more = |name: &'static str, value: &'static str| [&original[..], &[(name, value)]].concat();
    for (what, path, fields) in [
        ("both families", "/.auth/check", [&original[..], &forwarded[..]].concat()),
        ("two targets", "/.auth/check", one_more("X-Original-URI", "/open")),
        ("a URL too", "/.auth/check", one_more("X-Original-URL", "https://a.test/open")),
        ("two methods", "/.auth/check", one_more("X-Original-Method", "OPTIONS")),
        ("a path too", "/.auth/check/open", original.to_vec()),
        ("no method", "/.auth/check", vec![("X-Original-URI", "/open")]),
        ("no host", "/.auth/check", vec![("X-Forwarded-Uri", "/open"), ("X-Forwarded-Method", "GET")]),
        ("nothing", "/.auth/check", vec![]),
        ("an odd method", "/.auth/check", vec![("X-Original-URI", "/open"), ("X-Original-Method", "G T")]),
    ] {
        assert_eq!(ask(&world.gateway, None, path, &fields).status(), 400, "{what}");
    }
}

#[test]
fn people_are_led_to_the_login_where_the_answer_is_handed_on() {
    let world = World::with(TRUSTED);
    let browser = world.gateway.browser();
    let [(_, original), (_, forwarded)] = ways("GET", "/protected?a=b");
    let ask = |path: &str, fields: &[(&str, &str)]| {
        let mut call = browser.get(path);
        for (name, value) in fields {
            call = call.with(name, value);
        }
        call.send()
    };
    let place = Some("/login?next=/protected%3Fa%3Db");
    let answer = ask("/.auth/check", &forwarded);
    assert_eq!((answer.status(), answer.get("location")), (303, place));
    let answer = ask("/.auth/check", &original);
    assert_eq!((answer.status(), answer.get("location")), (401, place), "nginx knows 401 and 403");
    assert!(answer.get("www-authenticate").is_some(), "RFC 9110, section 15.5.2");
    assert_eq!(
        browser
            .get("/.auth/check")
            .instead("Accept", "*/*")
            .instead("Sec-Fetch-Mode", "cors")
            .with("X-Original-URI", "/protected")
            .with("X-Original-Method", "GET")
            .send()
            .get("location"),
        None
    );
    let answer = ask("/.auth/check?redirect=1", &original);
    assert_eq!((answer.status(), answer.get("location")), (303, place));
    let answer = ask("/.auth/check/protected?a=b", &[]);
    assert_eq!((answer.status(), answer.get("location")), (303, place));
    let [_, (_, posted)] = ways("POST", "/protected");
    assert_eq!(ask("/.auth/check", &posted).status(), 401, "what cannot be asked again is not led away");
}

#[test]
fn a_cookie_acts_only_for_our_own_pages_behind_a_proxy_too() {
    let world = World::with(TRUSTED);
    let token = world.login().access;
    let browser = |site: &str| {
        let browser = Client::browser(world.gateway.address()).host("app.test").always("Sec-Fetch-Site", site);
        browser.keep("__Host-munjigi_access", &token);
        browser
    };
    for (site, method, extra, wanted) in [
        ("same-origin", "POST", None, 200),
        ("cross-site", "POST", None, 403),
        ("cross-site", "GET", None, 200),
        ("cross-site", "GET", Some(("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")), 403),
        ("same-origin", "GET", Some(("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")), 200),
    ] {
        let browser = browser(site);
        let mut call = browser.get("/.auth/check");
        let [_, (_, fields)] = ways(method, "/protected");
        for (name, value) in fields.into_iter().chain(extra) {
            call = call.with(name, value);
        }
        assert_eq!(call.send().status(), wanted, "{site} {method} {extra:?}");
    }
}

/// The question renews nothing; the login page does, without asking anything.
#[test]
fn an_ended_access_cookie_is_renewed_on_the_way_back_from_the_login() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = World::builder(&origin, &sso).toml(TRUSTED).start();
    let browser = gateway.browser();
    let login = browser.post("/login").json(&serde_json::json!({ "id": RIGHT.0, "password": RIGHT.1, "cookies": true })).send();
    assert_eq!(login.status(), 200, "{}", login.text());
    let ask = || {
        let mut call = browser.get("/.auth/check");
        for (name, value) in [("X-Forwarded-Uri", "/protected"), ("X-Forwarded-Method", "GET"), ("X-Forwarded-Host", "app.test")] {
            call = call.with(name, value);
        }
        call.send()
    };
    assert_eq!(ask().status(), 200);
    browser.lose("__Host-munjigi_access");
    let answer = ask();
    assert_eq!((answer.status(), answer.set_cookies().len()), (303, 0));
    let back = browser.get("/login?next=%2Fprotected").send();
    assert_eq!((back.status(), back.get("location")), (303, Some("/protected")));
    assert!(browser.kept("__Host-munjigi_access").is_some());
    assert_eq!(ask().status(), 200);
    assert_eq!(sso.attempts().len(), 1, "the password was checked once");
}
