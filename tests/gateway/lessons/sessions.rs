//! Sessions that are planted, tossed, floated or cached (lessons 39 to 43).

use serde_json::json;

use crate::support::{RIGHT, World, claims};

const ACCESS: &str = "__Host-munjigi_access";
const REFRESH: &str = "__Host-munjigi_refresh";

/// oauth2-proxy GHSA-f24x-5g9q-753f: the session that was there before the login was kept.
#[test]
fn l39_a_login_is_always_a_new_session() {
    let world = World::start();
    let browser = world.gateway.browser();
    let form = [("id", RIGHT.0), ("password", RIGHT.1)];
    browser.post("/login").form(&form).send();
    let first = (browser.kept(ACCESS).unwrap(), browser.kept(REFRESH).unwrap());
    browser.post("/login").form(&form).send();
    let second = (browser.kept(ACCESS).unwrap(), browser.kept(REFRESH).unwrap());
    assert_ne!(claims(&first.0)["sid"], claims(&second.0)["sid"]);
    for name in ["jti", "csrf"] {
        assert_ne!(claims(&first.0)[name], claims(&second.0)[name], "{name}");
    }
    // The one that was presented has ended, the new one lives.
    assert_eq!(world.gateway.program().get("/protected").bearer(&first.0).send().status(), 401);
    assert_eq!(world.gateway.program().post("/refresh").bearer(&first.1).send().status(), 401);
    assert_eq!(browser.get("/protected").send().status(), 200);
}

/// The "Cookie Chaos" paper of 2025, and cookies tossed by a sibling host: names are bytes, and two of one name are none.
#[test]
fn l40_cookies_are_read_by_their_bytes() {
    let world = World::start();
    let token = world.login().access;
    let reached = world.origin.connections();
    for cookie in [
        format!("{ACCESS}={token}; {ACCESS}={token}"),
        format!("{ACCESS}=garbage; {ACCESS}={token}"),
        format!("__host-munjigi_access={token}"),
        format!("munjigi_access={token}"),
        format!("\u{2000}{ACCESS}={token}"),
        format!("\u{a0}{ACCESS}={token}"),
        format!("{ACCESS} ={token}"),
        format!("{ACCESS}\t={token}"),
        format!("$Version=1; $Path=/; $Domain=x; ${ACCESS}={token}"),
        format!("a=\"; {ACCESS}={token}\""),
        format!("{ACCESS}=\"{token}\""),
        format!("a=1, {ACCESS}={token}"),
        format!("{REFRESH}={token}"),
    ] {
        let status = world.gateway.program().get("/protected").with("Cookie", &cookie).send().status();
        assert!(matches!(status, 400 | 401), "{status}: {cookie:?}");
    }
    assert_eq!(world.origin.connections(), reached);
    for cookie in [format!("$Version=1; {ACCESS}={token}"), format!("a=b; ;{ACCESS}={token};"), format!("x=\u{ac00}; {ACCESS}={token}")] {
        assert_eq!(world.gateway.program().get("/protected").with("Cookie", &cookie).send().status(), 200, "{cookie:?}");
    }
}

/// `mod_auth_openidc` CVE-2024-24814 and CVE-2023-28625: a crafted cookie cost more than it should.
#[test]
fn l41_a_monstrous_cookie_is_only_refused() {
    let world = World::start();
    let cookies = [
        ";".repeat(8000),
        "=".repeat(8000),
        (0..2000).map(|n| format!("a{n}=;")).collect::<String>(),
        format!("{ACCESS}={}", "A".repeat(7000)),
        format!("{ACCESS}={}", ".".repeat(7000)),
        format!("a={}", "b".repeat(200_000)),
        (0..20_000).map(|n| format!("a{n}=b; ")).collect::<String>(),
    ];
    for cookie in cookies {
        let answer = world.gateway.program().get("/protected").with("Cookie", &cookie).try_send();
        assert!(answer.as_ref().is_none_or(|answer| matches!(answer.status(), 400 | 401 | 431)), "{answer:?}");
    }
    assert_eq!(world.origin.connections(), 0);
    world.login();
}

/// `mod_auth_openidc`: somebody else's page could log a visitor out.
#[test]
fn l42_nobody_else_logs_somebody_out() {
    let world = World::start();
    let browser = world.gateway.browser();
    browser.post("/login").json(&json!({ "id": RIGHT.0, "password": RIGHT.1, "cookies": true })).send();
    for path in ["/logout", "/.auth/logout"] {
        for site in ["cross-site", "same-site"] {
            let answer = browser.post(path).instead("Sec-Fetch-Site", site).send();
            assert_eq!((answer.status(), answer.set_cookies().len()), (403, 0), "{path} {site}");
        }
        let foreign = browser.post(path).without("Sec-Fetch-Site").with("Origin", "https://evil.example").send();
        assert_eq!((foreign.status(), foreign.set_cookies().len()), (403, 0), "{path}");
    }
    assert_eq!(browser.get("/protected").send().status(), 200);
}

/// What was answered to one person is not kept for the next.
#[test]
fn l43_answers_to_a_person_are_private() {
    let world = World::start();
    let token = world.login().access;
    let answer = world.gateway.program().get("/protected").bearer(&token).send();
    assert!(
        answer.get("cache-control").is_some_and(|value| value.contains("private") || value.contains("no-store")),
        "{:?}",
        answer.fields
    );
    // The application's own word stands.
    let world = World::around(crate::support::Origin::answering(|_| {
        b"HTTP/1.1 200 OK\r\nCache-Control: public, max-age=60\r\nContent-Length: 0\r\n\r\n".to_vec()
    }));
    let token = world.login().access;
    let answer = world.gateway.program().get("/style.css").bearer(&token).send();
    assert_eq!(answer.get("cache-control"), Some("public, max-age=60"));
    // Where nobody is told anything, nothing is changed.
    assert_eq!(world.gateway.program().get("/open").send().get("cache-control"), Some("public, max-age=60"));
}
