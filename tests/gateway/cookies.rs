//! Sessions in cookies: their names and flags, what renews them, what they may not do, and that nobody else sees them.

use serde_json::json;

use crate::support::{Client, Gateway, H2, Origin, Pair, RIGHT, Sso, World, claims, json_answer, now, resigned};

const ACCESS: &str = "__Host-munjigi_access";
const REFRESH: &str = "__Host-munjigi_refresh";

/// A browser in which [`RIGHT`] has logged in by the form, "remember me" ticked or not.
fn logged_in(gateway: &Gateway, remember: bool) -> Client {
    let browser = gateway.browser();
    let mut form = vec![("id", RIGHT.0), ("password", RIGHT.1)];
    if remember {
        form.push(("remember", "on"));
    }
    assert_eq!(browser.post("/login").form(&form).send().status(), 303);
    browser
}

/// The tokens a browser keeps.
fn tokens(browser: &Client) -> Pair {
    Pair { access: browser.kept(ACCESS).unwrap(), refresh: browser.kept(REFRESH).unwrap() }
}

#[test]
fn cookies_are_flagged_and_last_as_long_as_asked() {
    let world = World::start();
    for remember in [true, false] {
        let mut form = vec![("id", RIGHT.0), ("password", RIGHT.1)];
        if remember {
            form.push(("remember", "on"));
        }
        let answer = world.gateway.browser().post("/login").form(&form).send();
        for name in [ACCESS, REFRESH] {
            let attributes = answer.cookie(name).1.to_ascii_lowercase();
            for wanted in ["httponly", "secure", "samesite=lax", "path=/"] {
                assert!(attributes.split(';').any(|a| a.trim() == wanted), "{name}: {wanted} in {attributes}");
            }
            assert!(!attributes.contains("domain="), "{name}: a __Host- cookie has no domain");
            let lasts = attributes.contains("max-age=") || attributes.contains("expires=");
            assert_eq!(lasts, remember, "{name}: {attributes}");
        }
    }
}

#[test]
fn the_application_sees_its_own_cookies_and_none_of_ours() {
    let world = World::start();
    let browser = logged_in(&world.gateway, true);
    browser.keep("theme", "dark");
    browser.keep("__Host-munjigi_other", "x");
    assert_eq!(browser.get("/protected").send().status(), 200);
    let seen = world.origin.last();
    assert_eq!(seen.get("x-auth-user"), Some(RIGHT.0));
    let cookie = seen.get("cookie").unwrap();
    assert!(cookie.contains("theme=dark") && !cookie.contains("munjigi_access") && !cookie.contains("munjigi_refresh"), "{cookie}");
    // With none of its own there is no field at all; a public route is no exception.
    let plain = logged_in(&world.gateway, true);
    for path in ["/protected", "/open"] {
        plain.get(path).send();
        assert_eq!(world.origin.last().get("cookie"), None, "{path}");
    }
}

#[test]
fn the_application_cannot_set_our_cookies() {
    let origin = Origin::answering(|_| {
        let lines: String =
            [ACCESS, REFRESH, "__host-MUNJIGI_access", "app"].iter().map(|name| format!("Set-Cookie: {name}=evil; Path=/\r\n")).collect();
        format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n").into_bytes()
    });
    let world = World::around(origin);
    let answer = world.gateway.program().get("/open").send();
    let names: Vec<String> =
        answer.set_cookies().into_iter().map(|(name, _, _)| name).filter(|name| name.starts_with("__Host") || name == "app").collect();
    assert_eq!(names, ["app"]);
}

#[test]
fn a_token_near_its_end_is_replaced_on_the_way_through() {
    let world = World::start();
    let browser = logged_in(&world.gateway, true);
    let before = tokens(&browser);
    browser.keep(ACCESS, &before.access_ending_in(600));
    assert_eq!(browser.get("/protected").send().set_cookies(), [], "not in the last third of its life yet");

    browser.keep(ACCESS, &before.access_ending_in(200));
    let answer = browser.get("/protected").send();
    assert_eq!(answer.status(), 200);
    let fresh = answer.cookie(ACCESS).0;
    assert_eq!(claims(&fresh)["sid"], claims(&before.access)["sid"]);
    assert!(claims(&fresh)["exp"].as_u64() > claims(&before.access)["exp"].as_u64().map(|exp| exp - 60));
    assert_eq!(browser.kept(REFRESH), Some(before.refresh));
    // A cookie on an answer that a cache may keep would be handed to the next person.
    let kept = answer.get("cache-control").unwrap_or_default().to_owned();
    assert!(kept.contains("private") || kept.contains("no-store"), "{kept:?}");
    assert_eq!(browser.get("/protected").send().set_cookies(), []);
}

#[test]
fn an_expired_token_is_replaced_only_with_a_good_refresh_cookie() {
    let world = World::start();
    let browser = logged_in(&world.gateway, true);
    let before = tokens(&browser);
    browser.keep(ACCESS, &before.access_ending_in(-5));
    let answer = browser.get("/protected").send();
    assert_eq!((answer.status(), answer.json()), (200, json!({ "logged_in_as": RIGHT.0 })));
    assert_ne!(answer.cookie(ACCESS).0, before.access);

    // The access cookie may have run out in the browser, too.
    browser.lose(ACCESS);
    assert_eq!(browser.get("/protected").send().status(), 200);

    let reached = world.origin.seen().len();
    browser.keep(ACCESS, &before.access_ending_in(-5));
    browser.lose(REFRESH);
    assert_eq!(browser.get("/protected").send().status(), 303);
    browser.keep(REFRESH, "garbage");
    assert_eq!(browser.get("/protected").send().status(), 303);
    assert_eq!(world.origin.seen().len(), reached);
}

#[test]
fn a_bearer_token_is_never_renewed_by_itself() {
    let world = World::start();
    let token = world.login().access_ending_in(60);
    let answer = world.gateway.program().get("/protected").bearer(&token).send();
    assert_eq!((answer.status(), answer.set_cookies().len()), (200, 0));
}

#[test]
fn refreshing_by_cookie_answers_in_cookies_only() {
    let world = World::start();
    let browser = logged_in(&world.gateway, true);
    let before = tokens(&browser);
    let answer = browser.post("/refresh").send();
    assert_eq!((answer.status(), answer.body.len()), (204, 0));
    assert_ne!(answer.cookie(ACCESS).0, before.access);
    assert_eq!(browser.get("/protected").send().status(), 200);
    // Asked for from a strange page, nothing happens.
    let strange = browser.post("/refresh").instead("Sec-Fetch-Site", "cross-site").send();
    assert_eq!((strange.status(), strange.set_cookies().len()), (403, 0));
}

#[test]
fn logging_out_clears_the_cookies_and_ends_the_session() {
    let world = World::start();
    let browser = logged_in(&world.gateway, true);
    let Pair { access, refresh } = tokens(&browser);
    let answer = browser.post("/logout").send();
    assert!(answer.status() < 400, "{}", answer.start);
    for name in [ACCESS, REFRESH] {
        let (value, attributes) = answer.cookie(name);
        assert_eq!(value, "");
        assert!(
            attributes.contains("Secure") && attributes.contains("Path=/"),
            "a browser takes no __Host- cookie without them: {attributes}"
        );
    }
    assert_eq!((browser.kept(ACCESS), browser.kept(REFRESH)), (None, None));
    browser.keep(ACCESS, &access);
    browser.keep(REFRESH, &refresh);
    let reached = world.origin.seen().len();
    assert_eq!(browser.get("/protected").send().status(), 303);
    assert_eq!(world.origin.seen().len(), reached);
}

#[test]
fn logging_out_by_link_works_from_our_own_pages_only() {
    let world = World::start();
    let browser = logged_in(&world.gateway, true);
    let strange = browser.get("/logout").instead("Sec-Fetch-Site", "cross-site").send();
    assert_eq!((strange.status(), strange.set_cookies().len()), (200, 0), "it asks with a button");
    assert!(strange.text().contains("<form") && strange.text().contains("<button"), "{}", strange.text());
    assert_eq!(browser.get("/protected").send().status(), 200);
    assert!(browser.get("/logout").send().status() < 400);
    assert_eq!(browser.kept(ACCESS), None);
    // What a page loads: a script of ours does it, a picture that somebody put there and other sites do not.
    for (site, dest, done) in
        [("same-origin", "image", false), ("same-site", "empty", false), ("cross-site", "empty", false), ("same-origin", "empty", true)]
    {
        let browser = logged_in(&world.gateway, true);
        let mode = if dest == "image" { "no-cors" } else { "cors" };
        let call = browser.get("/logout").instead("Sec-Fetch-Site", site).instead("Sec-Fetch-Mode", mode).instead("Sec-Fetch-Dest", dest);
        assert_eq!(call.instead("Accept", "*/*").send().status() < 400, done, "{site} {dest}");
        assert_eq!(browser.kept(ACCESS).is_none(), done, "{site} {dest}");
    }
}

/// Who may make a browser do something with its cookies.
#[test]
fn a_strange_page_cannot_act_with_the_cookies_of_a_visitor() {
    let world = World::start();
    let browser = logged_in(&world.gateway, true);
    let own = browser.origin();
    let cases: [(Option<&str>, Option<&str>, u16); 12] = [
        (Some("same-origin"), None, 200),
        (Some("same-origin"), Some(&own), 200),
        (Some("none"), None, 200),
        (None, Some(&own), 200),
        (Some("same-site"), None, 403),
        (Some("same-site"), Some("https://neighbour.gate.test"), 403),
        (Some("cross-site"), None, 403),
        (Some("cross-site"), Some(&own), 403),
        (Some("nonsense"), None, 403),
        (None, Some("https://evil.example"), 403),
        (None, Some("null"), 403),
        (None, None, 403),
    ];
    for method in ["POST", "PUT", "PATCH", "DELETE", "FROB"] {
        for (site, origin, wanted) in cases {
            let mut call = browser.call(method, "/change").without("Sec-Fetch-Site");
            for (name, value) in [("Sec-Fetch-Site", site), ("Origin", origin)] {
                if let Some(value) = value {
                    call = call.with(name, value);
                }
            }
            assert_eq!(call.send().status(), wanted, "{method} {site:?} {origin:?}");
        }
    }
    // Reading is what links are for.
    for method in ["GET", "HEAD", "OPTIONS"] {
        assert_eq!(browser.call(method, "/page").instead("Sec-Fetch-Site", "cross-site").send().status(), 200, "{method}");
    }
    // A token in the header was put there by the program itself.
    let token = tokens(&browser).access;
    let program = world.gateway.program().post("/change").bearer(&token).with("Sec-Fetch-Site", "cross-site").send();
    assert_eq!(program.status(), 200);
}

#[test]
fn a_websocket_from_a_strange_page_gets_no_cookie_identity() {
    let world = World::start();
    let browser = logged_in(&world.gateway, true);
    let reached = world.origin.seen().len();
    let answer = browser
        .get("/socket")
        .instead("Sec-Fetch-Site", "cross-site")
        .with("Origin", "https://evil.example")
        .with("Upgrade", "websocket")
        .with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .with("Sec-WebSocket-Version", "13")
        .with("Connection", "Upgrade")
        .send();
    assert_eq!(answer.status(), 403);
    assert_eq!(world.origin.seen().len(), reached);
}

#[test]
fn on_a_public_route_a_bad_cookie_is_no_cookie() {
    let world = World::start();
    let browser = logged_in(&world.gateway, true);
    browser.get("/open").send();
    assert_eq!(world.origin.last().get("x-auth-user"), Some(RIGHT.0));
    browser.keep(ACCESS, "garbage");
    browser.lose(REFRESH);
    assert_eq!(browser.get("/open").send().status(), 200);
    assert_eq!(world.origin.last().get("x-auth-user"), None);
}

/// A browser splits its cookies into several fields over h2 (RFC 9113, section 8.2.3).
#[test]
fn cookie_crumbs_are_one_cookie_field() {
    let world = World::start();
    let Pair { access, .. } = tokens(&logged_in(&world.gateway, true));
    let mut h2 = H2::connect(world.gateway.address());
    let request =
        h2.request("GET", "/protected").header("cookie", "a=1").header("cookie", format!("{ACCESS}={access}")).header("cookie", "b=2");
    assert_eq!(h2.send(request, b"").status(), 200);
    assert_eq!(world.origin.last().get("cookie"), Some("a=1; b=2"));
}

/// flask-jwt-extended's own names and its double submit, for front ends that were written for it.
#[test]
fn the_flask_profile_has_the_names_and_the_check_of_the_library() {
    let (origin, sso) = (Origin::answering(|request| json_answer(200, &json!({ "method": request.method() }))), Sso::start());
    let gateway = World::builder(&origin, &sso).toml("[auth]\ncookies = \"flask\"").start();
    let browser = gateway.browser();
    let login = browser.post("/login").json(&json!({ "id": RIGHT.0, "password": RIGHT.1, "cookies": true })).send();
    for name in ["access_token_cookie", "refresh_token_cookie"] {
        assert!(login.cookie(name).1.contains("HttpOnly"));
    }
    for (name, token) in [("csrf_access_token", "access_token_cookie"), ("csrf_refresh_token", "refresh_token_cookie")] {
        let (value, attributes) = login.cookie(name);
        assert!(!attributes.contains("HttpOnly"), "a page's script has to read it");
        assert_eq!(claims(&login.cookie(token).0)["csrf"], value.as_str());
    }
    assert_eq!(browser.get("/").send().status(), 200);
    let csrf = browser.kept("csrf_access_token").unwrap();
    assert_eq!(browser.post("/").with("X-CSRF-TOKEN", &csrf).send().status(), 200);
    assert_eq!(browser.post("/").send().status(), 401);
    assert_eq!(browser.post("/").with("X-CSRF-TOKEN", "6f2c1b7e-3c5d-4f0e-9a1b-2c3d4e5f6071").send().status(), 401);
}

/// A session that has ended is no reason to take away what an application on a public route is told in its own way.
#[test]
fn an_ended_cookie_costs_a_public_route_no_authorization_of_its_own() {
    let world = World::start();
    let spent = resigned(&tokens(&logged_in(&world.gateway, false)).access, &json!({ "exp": now() - 1 }));
    let program = world.gateway.program();
    let asked = program.get("/open").with("Cookie", &format!("{ACCESS}={spent}")).with("Authorization", "Basic YTpi");
    assert_eq!(asked.send().status(), 200);
    assert_eq!(world.origin.last().get("authorization"), Some("Basic YTpi"));
    // Our own token, no longer good, is still nobody else's business.
    assert_eq!(world.gateway.program().get("/open").bearer(&spent).send().status(), 200);
    assert_eq!(world.origin.last().get("authorization"), None);
}
