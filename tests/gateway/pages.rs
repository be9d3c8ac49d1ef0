//! The browser's road and the pages on it: where one is led, what one is told, and what a page of ours may change.

use serde_json::json;

use crate::support::{Client, Message, Origin, RIGHT, Sso, World};

const ACCESS: &str = "__Host-munjigi_access";
const ACCOUNT: &str = "/.auth/account";
const FORM: [(&str, &str); 2] = [("id", RIGHT.0), ("password", RIGHT.1)];

fn logged_in(world: &World, agent: &str) -> Client {
    let browser = world.gateway.browser().always("User-Agent", agent);
    assert_eq!(browser.post("/login").form(&FORM).send().status(), 303);
    browser
}

/// The value of a form's field on a page.
fn hidden(page: &str, name: &str) -> Option<String> {
    let (_, behind) = page.split_once(&format!("name=\"{name}\" value=\""))?;
    behind.split_once('"').map(|(value, _)| value.to_owned())
}

fn says(answer: &Message, status: u16, words: &str) {
    assert_eq!(answer.status(), status, "{}", answer.text());
    assert!(answer.text().contains(words), "{words}: {}", answer.text());
}

#[test]
fn one_comes_back_to_exactly_where_one_wanted_to_go() {
    let world = World::start();
    for place in ["/grades?term=2&x=%2F%2f&y=a+b&z", "/a/b?q=%EA%B0%80%20&r=~!*'()", "/x?next=https://evil.example/%2e%2e"] {
        let browser = world.gateway.browser();
        let sent = browser.get(place).send();
        assert_eq!(sent.status(), 303);
        let page = browser.get(sent.get("location").unwrap()).send().text();
        let next = hidden(&page, "next").unwrap().replace("&#38;", "&").replace("&amp;", "&").replace("&#39;", "'").replace("&#x27;", "'");
        let back = browser.post("/login").form(&[FORM[0], FORM[1], ("next", &next)]).send();
        assert_eq!((back.status(), back.get("location")), (303, Some(place)));
    }
}

#[test]
fn only_what_a_person_opens_is_led_to_the_login() {
    let world = World::start();
    let browser = world.gateway.browser();
    for (mode, dest) in
        [("cors", "empty"), ("no-cors", "image"), ("no-cors", "script"), ("same-origin", "empty"), ("websocket", "websocket")]
    {
        let answer = browser.get("/data.json").instead("Sec-Fetch-Mode", mode).instead("Sec-Fetch-Dest", dest).send();
        assert_eq!((answer.refusal(), answer.get("location")), ((401, "token_missing".to_owned()), None), "{mode} {dest}");
    }
    let answer =
        browser.get("/data.json").without("Sec-Fetch-Mode").without("Sec-Fetch-Dest").with("X-Requested-With", "XMLHttpRequest").send();
    assert_eq!(answer.refusal(), (401, "token_missing".to_owned()));
    assert_eq!(world.origin.connections(), 0);
}

/// What somebody wrote for an hour must not be lost behind a login page.
#[test]
fn a_form_that_meets_an_ended_login_is_told_so() {
    let world = World::start();
    let browser = logged_in(&world, "A");
    browser.lose(ACCESS);
    browser.lose("__Host-munjigi_refresh");
    let answer = browser.post("/board/new").form(&[("text", "an hour's work")]).send();
    says(&answer, 401, "href=\"/login?next=/.auth/logged-in\" target=\"_blank\"");
    says(&answer, 401, "작성하신 내용");
    assert_eq!(world.origin.connections(), 0);

    // The other tab: log in, be told to go back. The form can then be sent again.
    let login = browser.get("/login?next=/.auth/logged-in").send().text();
    assert_eq!(hidden(&login, "next").as_deref(), Some("/.auth/logged-in"));
    let on = browser.post("/login").form(&[FORM[0], FORM[1], ("next", "/.auth/logged-in")]).send();
    assert_eq!(on.get("location"), Some("/.auth/logged-in"));
    says(&browser.get("/.auth/logged-in").with("Accept-Language", "en").send(), 200, "Go back to the tab");
    assert_eq!(browser.post("/board/new").form(&[("text", "an hour's work")]).send().status(), 200);
    // A program gets JSON still.
    assert_eq!(world.gateway.program().post("/board/new").form(&[("a", "b")]).send().refusal(), (401, "token_missing".to_owned()));
}

#[test]
fn tabs_do_not_break_each_other() {
    let world = World::start();
    let browser = world.gateway.browser();
    // Two tabs show the login page; both are used, in any order, and an old form without a password just goes on.
    for place in ["/one?a=1", "/two?b=2"] {
        let answer = browser.post("/login").form(&[FORM[0], FORM[1], ("next", place)]).send();
        assert_eq!((answer.status(), answer.get("location")), (303, Some(place)));
        assert_eq!(browser.get(place).send().status(), 200);
    }
    let asked = world.sso.seen().len();
    let stale = browser.post("/login").form(&[("id", ""), ("password", ""), ("next", "/three?c=3")]).send();
    assert_eq!((stale.status(), stale.get("location")), (303, Some("/three?c=3")));
    let page = browser.get("/login?next=/four").send();
    assert_eq!((page.status(), page.get("location")), (303, Some("/four")));
    // Also when only the refresh cookie is left: it is a login to go on with.
    browser.lose(ACCESS);
    assert_eq!(browser.get("/login?next=/five").send().get("location"), Some("/five"));
    assert_eq!(world.sso.seen().len(), asked);
    // Nobody who is logged out goes on by it.
    assert_eq!(world.gateway.browser().post("/login").form(&[("id", ""), ("password", ""), ("next", "/x")]).send().status(), 400);
}

#[test]
fn who_is_not_allowed_here_is_offered_another_account() {
    let world = World::with("[[route]]\npath = \"/staff/\"\naccess = { users = [\"mju:60249999\"] }\nupstream = \"app\"");
    let browser = logged_in(&world, "A");
    let refused = browser.get("/staff/list?x=1&y=2").send();
    says(&refused, 403, RIGHT.0);
    let text = refused.text();
    let switch = text.split("href=\"").map(|part| part.split('"').next().unwrap()).find(|href| href.contains("switch=1"));
    let switch = switch.unwrap_or_else(|| panic!("{text}")).replace("&#38;", "&").replace("&amp;", "&");
    assert_eq!(switch, "/login?next=/staff/list%3Fx%3D1%26y%3D2&switch=1");
    // The page stays with the wish for another account, in either language and after a wrong password.
    let page = browser.get(&switch).send();
    says(&page, 200, RIGHT.0);
    assert!(page.text().contains("switch=1"), "{}", page.text());
    let wrong = browser.post("/login").form(&[("id", "60249999"), ("password", "wrong"), ("next", "/staff/list?x=1&y=2")]).send();
    says(&wrong, 401, "switch=1");
    let other = browser.post("/login").form(&[("id", "60249999"), ("password", "pw-60249999"), ("next", "/staff/list?x=1&y=2")]).send();
    assert_eq!(other.get("location"), Some("/staff/list?x=1&y=2"));
    assert_eq!(browser.get("/staff/list?x=1&y=2").send().status(), 200);
}

/// A browser that keeps no cookies would meet the login page again and again.
#[test]
fn a_login_that_does_not_hold_is_told_with_its_cause() {
    let world = World::start();
    let browser = world.gateway.browser();
    let login_page = format!("{}/login?next=%2Fa%3Fb", browser.origin());
    // Before anybody has logged in from here, the same request is an ordinary one.
    let before = browser.get("/a?b").with("Referer", &login_page).send();
    assert_eq!(before.status(), 303);
    assert_eq!(browser.post("/login").form(&[FORM[0], FORM[1], ("next", "/a?b")]).send().status(), 303);
    let without_cookies = world.gateway.browser();
    let looped = without_cookies.get("/a?b").with("Referer", &login_page).with("Accept-Language", "en").send();
    says(&looped, 400, "does not send the login cookie back");
    says(&looped, 400, "href=\"/login?next=/a%3Fb\"");
    // Whoever comes from anywhere else, or is no navigation, is answered as ever; and with the cookie one passes.
    for referer in ["https://evil.example/login", &format!("{}/elsewhere", browser.origin())] {
        assert_eq!(without_cookies.get("/a?b").with("Referer", referer).send().status(), 303, "{referer}");
    }
    assert_eq!(without_cookies.get("/a?b").send().status(), 303);
    let fetched = without_cookies.get("/a?b").with("Referer", &login_page).instead("Sec-Fetch-Mode", "cors").send();
    assert_eq!(fetched.refusal(), (401, "token_missing".to_owned()));
    assert_eq!(browser.get("/a?b").with("Referer", &login_page).send().status(), 200);
}

#[test]
fn a_language_chosen_once_stays() {
    let world = World::start();
    let browser = world.gateway.browser().always("Accept-Language", "ko");
    let chosen = browser.get("/login?lang=en&next=/a").send();
    let (value, attributes) = chosen.cookie("__Host-munjigi_lang");
    assert_eq!(value, "en");
    assert!(attributes.contains("HttpOnly") && attributes.contains("Secure"), "{attributes}");
    for path in ["/login", "/.auth/logged-in", "/no\\where"] {
        assert!(browser.get(path).send().text().contains("<html lang=\"en\">"), "{path}");
    }
    let refused = browser.post("/login").form(&[("id", RIGHT.0), ("password", "wrong")]).send();
    assert!(refused.text().contains("<html lang=\"en\">"));
    // The application neither sees the choice nor can make it; a logout does not forget it.
    browser.post("/login").form(&FORM).send();
    browser.get("/a?lang=ko").send();
    assert_eq!(world.origin.last().get("cookie"), None);
    let out = browser.post("/logout").form(&[]).send();
    assert!(out.text().contains("<html lang=\"en\">"));
    assert_eq!(browser.kept("__Host-munjigi_lang").as_deref(), Some("en"));
    assert!(browser.get("/login?lang=ko").send().text().contains("<html lang=\"ko\">"));
    assert!(browser.get("/login").send().text().contains("<html lang=\"ko\">"));
    // Nothing but a language of ours is kept.
    assert_eq!(world.gateway.browser().get("/login?lang=%3Cscript%3E").send().set_cookies(), []);
    assert_eq!(world.gateway.browser().get("/.well-known/jwks.json?lang=en").send().set_cookies(), []);
}

#[test]
fn the_account_page_shows_my_sessions_and_this_device() {
    let world = World::start();
    let here = logged_in(&world, "Mozilla/5.0 (Windows NT 10.0) Chrome/150.0");
    let there = logged_in(&world, "Mozilla/5.0 (iPhone) Version/19.0 Safari/604.1");
    world.gateway.login("60241234", "pw-60241234");
    let page = here.get(ACCOUNT).send();
    says(&page, 200, "Windows · Chrome");
    let text = page.text();
    assert!(text.contains("iPhone · Safari"));
    assert_eq!(text.matches("name=\"session\"").count(), 1, "mine has no button, a stranger's is not here: {text}");
    assert!(page.get("content-security-policy").is_some() && page.get("cache-control").unwrap().contains("no-store"));
    let named = hidden(&text, "session").unwrap();
    let its = crate::support::claims(&there.kept(ACCESS).unwrap())["sid"].clone();
    assert_eq!(json!(named), its);
    // Without a login one is led there and back; and a spent access cookie is renewed on the way.
    let away = world.gateway.browser().get(ACCOUNT).send();
    assert_eq!((away.status(), away.get("location")), (303, Some("/login?next=/.auth/account")));
    here.lose(ACCESS);
    let renewed = here.get(ACCOUNT).send();
    assert_eq!((renewed.status(), renewed.set_cookies().len()), (200, 1));
}

#[test]
fn a_session_elsewhere_is_ended_with_the_password_and_only_with_it() {
    let world = World::start();
    let (here, there) = (logged_in(&world, "A"), logged_in(&world, "B"));
    let session = hidden(&here.get(ACCOUNT).send().text(), "session").unwrap();
    let button = [("do", "end-session"), ("session", session.as_str())];
    let asked = here.post(ACCOUNT).form(&button).send();
    says(&asked, 200, "type=\"password\"");
    assert_eq!(there.get("/").send().status(), 200, "a button alone ended a session");

    let with = |password| [button[0], button[1], ("password", password)];
    for password in ["wrong", ""] {
        let wrong = here.post(ACCOUNT).form(&with(password)).send();
        says(&wrong, 403, "aria-invalid=\"true\"");
        assert_eq!(hidden(&wrong.text(), "session").as_deref(), Some(session.as_str()));
        assert!(!wrong.text().contains("value=\"wrong\""));
    }
    assert_eq!(there.get("/").send().status(), 200);
    says(&here.post(ACCOUNT).form(&with(RIGHT.1)).send(), 200, "href=\"/.auth/account\"");
    let ended = there.get("/").send();
    assert_eq!((ended.status(), ended.get("location")), (303, Some("/login?why=elsewhere")));
    assert_eq!(here.get("/").send().status(), 200);
    // It asked the provider, opened nothing, and says the same when the session is gone already.
    assert_eq!(here.post(ACCOUNT).form(&with(RIGHT.1)).send().status(), 200);
    assert_eq!(here.get(ACCOUNT).send().text().matches("name=\"session\"").count(), 0);
}

#[test]
fn all_others_are_ended_at_once() {
    let world = World::start();
    let (here, there) = (logged_in(&world, "A"), logged_in(&world, "B"));
    let token = world.login();
    let stranger = world.gateway.login("60241234", "pw-60241234");
    says(&here.post(ACCOUNT).form(&[("do", "end-others")]).send(), 200, "type=\"password\"");
    assert_eq!(here.post(ACCOUNT).form(&[("do", "end-others"), ("password", RIGHT.1)]).send().status(), 200);
    assert_eq!(there.get("/").send().status(), 303);
    assert_eq!(world.gateway.program().get("/").bearer(&token.access).send().refusal(), (401, "token_revoked".to_owned()));
    assert_eq!(here.get("/").send().status(), 200);
    assert_eq!(world.gateway.program().get("/").bearer(&stranger.access).send().status(), 200);
    // And everywhere, this one too.
    let out = here.post("/.auth/logout/all").form(&[]).send();
    assert_eq!((out.status(), here.kept(ACCESS)), (200, None));
}

/// An application's script shares the origin, a stranger's page does not: neither may act, and a guess is a guess.
#[test]
fn the_account_page_lets_nobody_else_act() {
    let world = World::start();
    let (here, there) = (logged_in(&world, "A"), logged_in(&world, "B"));
    let full = [("do", "end-others"), ("password", RIGHT.1)];
    for (site, origin) in [("cross-site", "https://evil.example"), ("same-site", "https://neighbour.example")] {
        let call = here.post(ACCOUNT).form(&full).instead("Sec-Fetch-Site", site).with("Origin", origin);
        assert_eq!(call.send().status(), 403, "{site}");
    }
    assert_eq!(here.post(ACCOUNT).form(&full).without("Sec-Fetch-Site").send().status(), 403);
    let stranger = world.gateway.browser();
    stranger.post("/login").form(&[("id", "60241234"), ("password", "pw-60241234")]).send();
    let sid = crate::support::claims(&there.kept(ACCESS).unwrap())["sid"].as_str().unwrap().to_owned();
    let theft = [("do", "end-session"), ("session", sid.as_str()), ("password", "pw-60241234")];
    assert_eq!(stranger.post(ACCOUNT).form(&theft).send().status(), 200);
    assert_eq!(there.get("/").send().status(), 200, "somebody ended a stranger's session");
    let own = crate::support::claims(&here.kept(ACCESS).unwrap())["sid"].as_str().unwrap().to_owned();
    for form in
        [vec![], vec![("do", "x")], vec![("do", "end-session"), ("session", "x")], vec![("do", "end-session"), ("session", own.as_str())]]
    {
        assert_eq!(here.post(ACCOUNT).form(&form).send().status(), 400, "{form:?}");
    }
    assert_eq!(here.post(ACCOUNT).json(&json!({ "do": "end-others", "password": RIGHT.1 })).send().status(), 400);
    // A token in a header is a program's: it has an API, and no page.
    let pair = world.login();
    let bearer = world.gateway.browser().post(ACCOUNT).form(&full).bearer(&pair.access).send();
    assert_eq!(bearer.status(), 400);
    // One budget with the login: guessing here is slowed down as there.
    let asked = world.sso.seen().len();
    let mut guesses = 0;
    while here.post(ACCOUNT).form(&[("do", "end-others"), ("password", "guess")]).send().status() == 403 {
        guesses += 1;
        assert!(guesses < 100, "nothing slows guessing down");
    }
    assert_eq!(world.sso.seen().len(), asked + guesses);
    assert_eq!(world.gateway.browser().post("/login").form(&FORM).send().status(), 429);
    assert_eq!(there.get("/").send().status(), 200);
}

/// The pages' forms cannot send the library's double-submit header; the browser's own word protects them.
#[test]
fn forms_work_in_the_flask_profile_too() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = World::builder(&origin, &sso).toml("[auth]\ncookies = \"flask\"").start();
    let browser = gateway.browser();
    browser.post("/login").form(&FORM).send();
    assert_eq!(browser.post(ACCOUNT).form(&[("do", "end-others"), ("password", RIGHT.1)]).send().status(), 200);
    let strange = browser.post("/logout").form(&[]).instead("Sec-Fetch-Site", "cross-site").send();
    assert_eq!((strange.status(), browser.get("/").send().status()), (403, 200));
    assert_eq!(browser.post("/logout").body("text/plain", "").send().status(), 401);
    assert_eq!(browser.post("/logout").form(&[]).send().status(), 200);
    assert_eq!(browser.get("/").send().status(), 303);
}
