//! The five small systems this project grew from: every ability of theirs that belongs to the first light, named by the
//! row it has in the list of them. Rows that are a story of their own elsewhere are named here by a comment.
//!
//! Elsewhere: 0.2 and 0.4 `login`, 0.5 `sso_faults`, 0.10 `road`, 0.11 `cookies`, 0.12 `store`, 0.13 `process`, 0.14
//! `process::weak_secrets_are_refused`, 0.17 `floor_plan`, 0.18 `curl`, 1.7 `cookies`, 1.9 `cookies`.

use serde_json::json;

use crate::support::{RIGHT, World, claims, now, resigned};

#[test]
fn row_0_1_both_fields_are_needed() {
    let world = World::start();
    let answer = world.gateway.program().post("/login").json(&json!({ "id": "60241234" })).send();
    assert_eq!((answer.status(), answer.msg()), (400, "ID와 비밀번호를 입력해주세요.".to_owned()));
}

#[test]
fn row_0_3_a_login_gives_two_tokens_of_the_library() {
    let world = World::start();
    let pair = world.login();
    for token in [&pair.access, &pair.refresh] {
        for name in ["fresh", "iat", "jti", "type", "sub", "nbf", "csrf", "exp"] {
            assert!(claims(token).get(name).is_some(), "{name}");
        }
    }
}

#[test]
fn row_0_6_the_refresh_token_gives_an_access_token_and_the_access_token_does_not() {
    let world = World::start();
    let pair = world.login();
    let answer = world.gateway.program().post("/refresh").bearer(&pair.refresh).send();
    assert_eq!(answer.status(), 200);
    assert!(answer.json()["access_token"].is_string());
    assert_eq!(world.gateway.program().post("/refresh").bearer(&pair.access).send().status(), 401);
}

#[test]
fn row_0_7_every_path_but_the_login_and_the_refresh_is_guarded() {
    let world = World::start();
    for path in ["/", "/protected", "/users", "/login/x", "/refreshx"] {
        for method in ["GET", "POST", "DELETE"] {
            assert_eq!(world.gateway.program().call(method, path).send().status(), 401, "{method} {path}");
        }
    }
    assert_eq!(world.origin.connections(), 0);
}

#[test]
fn row_0_8_the_protected_page_says_who_is_logged_in() {
    let world = World::start();
    let token = world.login().access;
    let answer = world.gateway.program().get("/protected").bearer(&token).send();
    assert_eq!((answer.status(), answer.json()), (200, json!({ "logged_in_as": RIGHT.0 })));
}

#[test]
fn row_0_9_the_lives_of_tokens_are_settings() {
    let world = World::with("[auth]\naccess_ttl = 60\nrefresh_ttl = \"7d\"");
    let pair = world.login();
    for (token, life) in [(&pair.access, 60), (&pair.refresh, 604_800)] {
        assert!(claims(token)["exp"].as_u64().unwrap().abs_diff(now() + life) <= 5);
    }
}

#[test]
fn row_1_1_a_login_by_username_with_cookies_says_only_that_it_worked() {
    let world = World::start();
    let login = |password: &str| {
        world.gateway.browser().post("/login").json(&json!({ "username": RIGHT.0, "password": password, "cookies": true })).send()
    };
    assert_eq!((login(RIGHT.1).status(), login(RIGHT.1).json()), (200, json!({ "login": true })));
    assert_eq!(login("wrong").status(), 401);
}

#[test]
fn row_1_2_to_1_6_both_tokens_can_live_in_cookies_under_the_names_of_the_library() {
    let world = World::with("[auth]\ncookies = \"flask\"");
    let browser = world.gateway.browser();
    let answer = browser.post("/login").json(&json!({ "username": RIGHT.0, "password": RIGHT.1, "cookies": true })).send();
    for name in ["access_token_cookie", "refresh_token_cookie", "csrf_access_token", "csrf_refresh_token"] {
        assert!(answer.cookie(name).1.contains("Secure"), "{name}");
    }
    assert_eq!(browser.get("/protected").send().json(), json!({ "logged_in_as": RIGHT.0 }));
}

#[test]
fn row_1_8_a_logout_clears_the_cookies() {
    let world = World::start();
    let browser = world.gateway.browser();
    browser.post("/login").json(&json!({ "id": RIGHT.0, "password": RIGHT.1, "cookies": true })).send();
    assert!(browser.post("/logout").send().status() < 400);
    assert_eq!(browser.kept("__Host-munjigi_access"), None);
}

#[test]
fn row_1_10_no_token_is_for_ever() {
    let world = World::start();
    let token = resigned(&world.login().access, &json!({ "exp": null }));
    assert_eq!(world.gateway.program().get("/protected").bearer(&token).send().status(), 401);
}

/// A page of the application logs in with `fetch` and JSON, and then calls the API with the cookie.
#[test]
fn row_1_12_a_page_can_log_in_by_itself() {
    let world = World::start();
    let page =
        world.gateway.browser().always("Sec-Fetch-Mode", "cors").always("Sec-Fetch-Dest", "empty").always("Accept", "application/json");
    assert_eq!(page.get("/protected").send().refusal(), (401, "token_missing".to_owned()));
    let answer = page.post("/login").json(&json!({ "username": RIGHT.0, "password": RIGHT.1, "cookies": true })).send();
    assert_eq!(answer.json(), json!({ "login": true }));
    assert_eq!(page.get("/protected").send().json(), json!({ "logged_in_as": RIGHT.0 }));
    assert_eq!(page.post("/protected").json(&json!({})).send().status(), 200);
}

#[test]
fn row_2_4_missing_expired_and_invalid_are_told_apart() {
    let world = World::start();
    let token = world.login().access;
    let told = |token: &str| world.gateway.program().get("/protected").bearer(token).send();
    let missing = world.gateway.program().get("/protected").send();
    let expired = told(&resigned(&token, &json!({ "exp": now() - 1 })));
    let invalid = told("x.y.z");
    assert_eq!((missing.status(), expired.status(), invalid.status()), (401, 401, 401));
    let said: std::collections::BTreeSet<String> = [missing.msg(), expired.msg(), invalid.msg()].into();
    assert_eq!(said.len(), 3, "{said:?}");
}

/// Mistake of system 4: a forged token was taken and a real one given for it.
#[test]
fn row_4_mistake_a_forged_expired_token_is_never_renewed() {
    let world = World::start();
    let browser = world.gateway.browser();
    browser.post("/login").json(&json!({ "id": RIGHT.0, "password": RIGHT.1, "cookies": true })).send();
    let token = browser.kept("__Host-munjigi_access").unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let expired = resigned(&token, &json!({ "exp": now() - 1, "sub": "60249999" }));
    browser.lose("__Host-munjigi_refresh");
    let unsigned = expired.rsplit_once('.').unwrap().0;
    for forged in [format!("{unsigned}.{signature}"), format!("{unsigned}."), format!("{signed}.AAAA")] {
        browser.keep("__Host-munjigi_access", &forged);
        let answer = browser.get("/protected").send();
        assert_eq!((answer.status(), answer.set_cookies().iter().any(|(_, value, _)| !value.is_empty())), (303, false));
    }
}

/// Row 4.8: the access token has ended, the refresh token has not.
#[test]
fn row_4_8_an_ended_access_cookie_is_replaced_and_the_request_served() {
    let world = World::start();
    let browser = world.gateway.browser();
    browser.post("/login").json(&json!({ "id": RIGHT.0, "password": RIGHT.1, "cookies": true })).send();
    let token = browser.kept("__Host-munjigi_access").unwrap();
    browser.keep("__Host-munjigi_access", &resigned(&token, &json!({ "exp": now() - 1, "iat": now() - 901, "nbf": now() - 901 })));
    let answer = browser.get("/protected").send();
    assert_eq!(answer.json(), json!({ "logged_in_as": RIGHT.0 }));
    assert_ne!(answer.cookie("__Host-munjigi_access").0, token);
}

/// Rows 2.2 and 2.3: the token stands bare in the header, and a token that is still good gives a new one.
#[test]
fn row_2_2_and_2_3_a_bare_token_renews_itself_before_its_end() {
    let world =
        World::with("[auth]\ntoken_scheme = \"\"\nrenew_with = \"access\"\nrefresh_paths = [\"/refresh_token\"]\naccess_ttl = \"30m\"");
    let token = world.login().access;
    let program = world.gateway.program();
    assert_eq!(program.get("/protected").with("Authorization", &token).send().json(), json!({ "logged_in_as": RIGHT.0 }));
    assert_eq!(world.origin.last().get("authorization"), None);
    let answer = program.post("/refresh_token").with("Authorization", &token).send();
    let newer = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&newer)["sid"], claims(&token)["sid"]);
    let expired = resigned(&token, &json!({ "exp": now() - 1 }));
    assert_eq!(program.post("/refresh_token").with("Authorization", &expired).send().status(), 401);
    program.post("/logout").with("Authorization", &newer).send();
    assert_eq!(program.post("/refresh_token").with("Authorization", &token).send().status(), 401);
}

/// Row 0.5: a failed SSO is 500 where clients expect what the library's applications say.
#[test]
fn row_0_5_a_failed_sso_is_500_in_the_flask_profile() {
    let (origin, sso) = (crate::support::Origin::start(), crate::support::Sso::closed());
    let gateway = World::builder(&origin, &sso).toml("[auth]\nerror_profile = \"flask\"").start();
    let answer = gateway.program().post("/login").json(&json!({ "id": RIGHT.0, "password": RIGHT.1 })).send();
    assert_eq!(answer.status(), 500);
    assert!(answer.msg().starts_with("외부 API 요청 중 오류 발생: "), "{}", answer.msg());
    assert_eq!(answer.json().as_object().unwrap().len(), 1);
}

/// Row 1.3: where tokens are looked for is a setting.
#[test]
fn row_1_3_tokens_are_looked_for_where_the_settings_say() {
    let world = World::with("[auth]\ntoken_places = [\"headers\", \"query\"]\ntoken_query = \"jwt\"");
    let token = world.login().access;
    let answer = world.gateway.program().get(&format!("/x?a=1&jwt={token}&b=2")).send();
    assert_eq!(answer.json()["target"], "/x?a=1&b=2", "the application does not see it");
    let other = world.login().access;
    let both = world.gateway.program().get(&format!("/x?jwt={token}")).bearer(&other).send();
    assert_eq!(both.refusal(), (401, "token_ambiguous".to_owned()));
}

/// A front end on another origin reads our own endpoints when it is listed, and nothing of the applications.
#[test]
fn row_1_12_a_front_end_elsewhere_is_listed_or_left_out() {
    let world = World::with("[auth]\ncors_origins = [\"https://front.test\"]");
    let asks = |origin: &str, path: &str| {
        let answer =
            world.gateway.program().call("OPTIONS", path).with("Origin", origin).with("Access-Control-Request-Method", "POST").send();
        (answer.status(), answer.get("access-control-allow-origin").map(str::to_owned))
    };
    assert_eq!(asks("https://front.test", "/login"), (204, Some("https://front.test".to_owned())));
    assert_eq!(asks("https://evil.test", "/login").1, None);
    assert_eq!(asks("https://front.test", "/protected").1, None);
    let wrong = world.gateway.program().post("/refresh").with("Origin", "https://front.test").send();
    assert_eq!((wrong.status(), wrong.get("access-control-allow-origin")), (401, Some("https://front.test")));
}

/// Row 1.3: two tokens of different sessions in one request are nobody's; one that is over counts for nothing.
#[test]
fn row_1_3_two_good_tokens_of_different_sessions_are_refused() {
    let world = World::with("[auth]\ncookies = \"flask\"");
    let browser = world.gateway.browser().always("Accept", "application/json").always("Sec-Fetch-Mode", "cors");
    browser.post("/login").json(&json!({ "id": RIGHT.0, "password": RIGHT.1, "cookies": true })).send();
    let (other, another) = (world.login(), world.login());
    let ambiguous = (401, "token_ambiguous".to_owned());
    let both = || browser.get("/protected").bearer(&other.access).send();
    assert_eq!(both().refusal(), ambiguous);
    let token = browser.kept("access_token_cookie").unwrap();
    assert_eq!(browser.get("/protected").bearer(&token).send().status(), 200, "the same one twice is one");
    let renew = || browser.post("/refresh").bearer(&other.refresh).send();
    assert_eq!(renew().refusal(), ambiguous);
    let in_body = world.gateway.program().post("/refresh").bearer(&other.refresh).json(&json!({ "refresh_token": another.refresh })).send();
    assert_eq!(in_body.refusal(), ambiguous);
    let same = world.gateway.program().post("/refresh").bearer(&other.refresh).json(&json!({ "refresh_token": other.refresh })).send();
    assert_eq!(same.status(), 200);
    // Browsers send along what has ended.
    world.gateway.program().post("/logout").bearer(&token).send();
    assert_eq!((both().status(), renew().status()), (200, 200));
}

/// Row 3.2: whoever guesses hears the same of an id that is not there as of a wrong password.
#[test]
fn row_3_2_one_text_for_both_causes() {
    let world = World::with("[auth]\nproviders = [\"guests\"]\n[provider.guests]\nkind = \"local\"\nregistration = \"open\"");
    let program = world.gateway.program();
    let made = program
        .post("/.auth/api/signup")
        .json(&json!({ "id": "hana", "password": "바다로 가는 기차 열두시", "name": "하나", "email": "hana@example.kr" }))
        .send();
    assert_eq!(made.status(), 201, "{}", made.text());
    let refused = |id: &str| {
        let answer = program.post("/login").json(&json!({ "username": id, "password": "another long phrase 7" })).send();
        (answer.refusal(), answer.msg())
    };
    assert_eq!(refused("hana").0, (401, "login_refused".to_owned()));
    assert_eq!(refused("hana"), refused("nobody"));
}
