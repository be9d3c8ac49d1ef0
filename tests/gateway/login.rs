//! Logging in: by JSON and by form, with tokens or cookies in return, and every way it is refused.
//!
//! Assumed where neither the design nor the issue says: the form's fields are `id`, `password`, `provider`, `remember`
//! and `next`; an unknown provider is a 400.

use serde_json::{Value, json};

use crate::support::{Origin, RIGHT, Sso, World, claims, header, now};

const ACCESS: &str = "__Host-munjigi_access";
const REFRESH: &str = "__Host-munjigi_refresh";

#[test]
fn a_program_gets_a_pair_of_tokens() {
    let world = World::start();
    let answer = world.gateway.program().post("/login").json(&json!({ "id": RIGHT.0, "password": RIGHT.1 })).send();
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert!(answer.get("cache-control").unwrap().contains("no-store"));
    assert_eq!(answer.set_cookies(), []);
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"], &body["refresh_expires_in"]), (&json!("Bearer"), &json!(900), &json!(2_592_000)));

    let protected = world.gateway.program().get("/protected").bearer(body["access_token"].as_str().unwrap()).send();
    assert_eq!((protected.status(), protected.json()), (200, json!({ "logged_in_as": RIGHT.0 })));
}

#[test]
fn tokens_carry_the_claims_flask_applications_know() {
    let pair = World::start().login();
    for (token, kind, life) in [(&pair.access, "access", 900), (&pair.refresh, "refresh", 2_592_000)] {
        assert_eq!(header(token), json!({ "alg": "HS256", "typ": "JWT", "kid": "k1" }));
        let claims = claims(token);
        let number = |name: &str| claims[name].as_u64().unwrap_or_else(|| panic!("{name} is no number: {claims}"));
        let text = |name: &str| claims[name].as_str().unwrap_or_else(|| panic!("{name} is no text: {claims}"));
        assert_eq!((text("type"), text("sub"), text("iss"), text("idp")), (kind, RIGHT.0, "https://gate.test", "mju"));
        assert_eq!((text("jti").len(), text("csrf").len(), text("sid").len()), (36, 36, 22));
        assert!(claims["fresh"].is_boolean() && claims["rsn"].is_u64(), "{claims}");
        assert!(claims.get("aud").is_none(), "plain PyJWT refuses a token that names an audience");
        // Dated back, so that a machine whose clock is behind takes a new token.
        assert_eq!((number("iat"), number("exp") - number("iat")), (number("nbf"), life + 5));
        assert!(number("exp").abs_diff(now() + life) < 60);
    }
    assert_eq!(claims(&pair.access)["sid"], claims(&pair.refresh)["sid"]);
    assert_ne!(claims(&pair.access)["jti"], claims(&pair.refresh)["jti"]);
}

#[test]
fn the_sso_is_asked_in_its_own_words() {
    let origin = Origin::start();
    let password = "p&ss=wörd+%25 한글\"'";
    let sso = Sso::telling(&json!({ "error": "0000" }));
    let gateway = World::builder(&origin, &sso).start();
    gateway.login("60241234", password);
    let request = sso.seen().pop().unwrap();
    assert_eq!((request.method(), request.target()), ("POST", "/mju/userCheck.do"));
    assert_eq!(request.get("content-type").map(|kind| kind.starts_with("application/x-www-form-urlencoded")), Some(true));
    assert_eq!(sso.attempts(), [("60241234".to_owned(), password.to_owned())]);
    assert_eq!(request.get("cookie"), None);
}

#[test]
fn a_right_password_with_a_notice_is_right() {
    let world = World::start();
    let pair = world.gateway.login("60241234", "due-60241234");
    assert_eq!(claims(&pair.access)["sub"], "60241234");
}

/// Success is in the body; what the SSO calls its content is not looked at.
#[test]
fn the_content_type_of_the_sso_does_not_matter() {
    for kind in ["text/html; charset=UTF-8", "text/plain", "application/x-nonsense"] {
        let sso = Sso::saying(crate::support::text_answer(200, kind, r#"{"error":"0000","error_message":""}"#));
        World::builder(&Origin::start(), &sso).start().login(RIGHT.0, "any");
    }
}

#[test]
fn a_missing_field_is_told_before_anybody_is_asked() {
    let world = World::start();
    let program = world.gateway.program();
    let bodies = [
        json!({}),
        json!({ "id": "a" }),
        json!({ "password": "b" }),
        json!({ "id": "", "password": "b" }),
        json!({ "id": "a", "password": "" }),
        json!({ "id": null, "password": "b" }),
        json!({ "id": "  ", "password": "b" }),
    ];
    for body in bodies {
        let answer = program.post("/login").json(&body).send();
        assert_eq!(answer.refusal(), (400, "missing_credentials".to_owned()), "{body}");
        assert_eq!(answer.msg(), "ID와 비밀번호를 입력해주세요.");
    }
    assert_eq!(world.sso.seen().len(), 0);
}

#[test]
fn what_is_no_login_is_refused_before_anybody_is_asked() {
    let world = World::start();
    let program = world.gateway.program();
    let bodies: [(&str, &[u8]); 7] = [
        ("application/json", b"{\"id\": \"rightid\", \"password\": "),
        ("application/json", b"[\"rightid\", \"rightPasswd\"]"),
        ("application/json", b"{\"id\": 60241234, \"password\": [\"rightPasswd\"]}"),
        ("application/json", b"{\"id\": \"a\", \"id\": \"rightid\", \"password\": \"rightPasswd\"}"),
        ("application/json", b"\xff\xfe"),
        ("text/plain", b"id=rightid&password=rightPasswd"),
        ("application/xml", b"<id>rightid</id>"),
    ];
    for (kind, body) in bodies {
        let answer = program.post("/login").body(kind, body).send();
        assert!(matches!(answer.status(), 400 | 415 | 422), "{kind} {}: {}", String::from_utf8_lossy(body), answer.start);
    }
    let large = program.post("/login").body("application/json", format!("{{\"id\": \"{}\"}}", "1".repeat(1 << 20))).try_send();
    assert!(large.as_ref().is_none_or(|answer| answer.status() == 413), "{large:?}");
    assert_eq!(world.sso.seen().len(), 0);
}

#[test]
fn a_refusal_is_in_the_words_of_the_sso() {
    let world = World::start();
    let answer = world.gateway.program().post("/login").json(&json!({ "id": "60241234", "password": "wrong" })).send();
    assert_eq!(answer.refusal(), (401, "login_refused".to_owned()));
    assert_eq!(answer.msg(), "아이디 또는 비밀번호가 다릅니다.");
}

#[test]
fn a_refusal_without_words_gets_ours() {
    for message in [Value::Null, json!(""), json!(7), json!(["no"])] {
        let sso = Sso::telling(&json!({ "error": "VL-9999", "error_message": message }));
        let gateway = World::builder(&Origin::start(), &sso).start();
        let answer = gateway.program().post("/login").json(&json!({ "id": "60241234", "password": "wrong" })).send();
        assert_eq!(answer.refusal(), (401, "login_refused".to_owned()), "{message}");
        assert_eq!(answer.msg(), "로그인 실패: 알 수 없는 오류");
    }
}

#[test]
fn one_person_has_one_id_however_it_is_typed() {
    let world = World::start();
    for typed in [" 60241234\t", "６０２４１２３４"] {
        assert_eq!(claims(&world.gateway.login(typed, "pw-60241234").access)["sub"], "60241234", "{typed}");
    }
    assert_eq!(claims(&world.gateway.login("RightID", RIGHT.1).access)["sub"], RIGHT.0);
    let asked: Vec<String> = world.sso.attempts().into_iter().map(|(id, _)| id).collect();
    assert_eq!(asked, ["60241234", "60241234", RIGHT.0]);
}

#[test]
fn an_id_that_cannot_be_one_is_refused_like_a_wrong_password_and_nobody_is_asked() {
    let world = World::start();
    for id in ["a@mju", "a:b", "관리자", "a b", "a\r\nX: y", "../../etc", &"1".repeat(64)] {
        let answer = world.gateway.program().post("/login").json(&json!({ "id": id, "password": "x" })).send();
        assert_eq!(answer.refusal(), (401, "login_refused".to_owned()), "{id}");
    }
    assert_eq!(world.sso.seen().len(), 0);
}

#[test]
fn username_and_provider_are_understood() {
    let world = World::start();
    let program = world.gateway.program();
    let login = |body: Value| program.post("/login").json(&body).send().status();
    assert_eq!(login(json!({ "username": RIGHT.0, "password": RIGHT.1 })), 200);
    assert_eq!(login(json!({ "id": RIGHT.0, "password": RIGHT.1, "provider": "mju" })), 200);
    assert_eq!(login(json!({ "id": RIGHT.0, "password": RIGHT.1, "provider": "nobody" })), 400);
}

#[test]
fn a_program_that_asks_for_cookies_gets_no_token_in_the_body() {
    let world = World::start();
    let browser = world.gateway.browser();
    let answer = browser.post("/login").json(&json!({ "id": RIGHT.0, "password": RIGHT.1, "cookies": true })).send();
    assert_eq!((answer.status(), answer.json()), (200, json!({ "login": true })));
    assert!(browser.kept(ACCESS).is_some() && browser.kept(REFRESH).is_some());
    assert_eq!(browser.get("/protected").send().json(), json!({ "logged_in_as": RIGHT.0 }));
}

#[test]
fn a_form_leads_back_to_where_the_person_wanted_to_go() {
    let world = World::start();
    let browser = world.gateway.browser();
    let form = [("id", RIGHT.0), ("password", RIGHT.1), ("next", "/grades?term=2&x=%2F")];
    let answer = browser.post("/login").form(&form).send();
    assert_eq!((answer.status(), answer.get("location")), (303, Some("/grades?term=2&x=%2F")));
    assert!(answer.get("cache-control").unwrap().contains("no-store"));
    assert_eq!(browser.get("/protected").send().json(), json!({ "logged_in_as": RIGHT.0 }));

    let without = world.gateway.browser().post("/login").form(&form[..2]).send();
    assert_eq!((without.status(), without.get("location")), (303, Some("/")));
}

#[test]
fn a_refused_form_is_the_page_again_with_the_reason_escaped() {
    let sso = Sso::telling(&json!({ "error": "VL-9999", "error_message": "<script>alert(1)</script>\"'&" }));
    let gateway = World::builder(&Origin::start(), &sso).start();
    let answer = gateway.browser().post("/login").form(&[("id", "6024\"><b>"), ("password", "secret-typed"), ("next", "/a\"><b>")]).send();
    assert_eq!(answer.status(), 401);
    assert!(answer.get("content-type").unwrap().starts_with("text/html"));
    let page = gateway.browser().post("/login").form(&[("id", "60241234"), ("password", "secret-typed")]).send().text();
    assert!(page.contains("&lt;script&gt;") || page.contains("&#60;script&#62;"), "{page}");
    for text in [answer.text(), page] {
        assert!(!text.contains("<script>alert") && !text.contains("\"><b>"), "{text}");
        assert!(!text.contains("secret-typed"), "the password is shown again");
    }
}

#[test]
fn a_long_message_of_the_sso_is_cut_and_made_one_line() {
    let long = format!("잘못된\r\n\u{1b}[31m 비밀번호\0 {}", "아".repeat(10_000));
    let sso = Sso::telling(&json!({ "error": "VL-9999", "error_message": long }));
    let gateway = World::builder(&Origin::start(), &sso).start();
    let said = gateway.program().post("/login").json(&json!({ "id": "60241234", "password": "x" })).send().msg();
    assert!(said.starts_with("잘못된") && said.len() < 4096, "{} bytes: {}", said.len(), said.chars().take(80).collect::<String>());
    assert!(!said.chars().any(char::is_control), "{said:?}");
}

#[test]
fn the_login_page_is_a_form_that_nobody_can_frame_or_keep() {
    let world = World::start();
    let answer = world.gateway.browser().get("/login?next=/grades").send();
    assert_eq!(answer.status(), 200);
    assert!(answer.get("content-type").unwrap().starts_with("text/html"));
    let page = answer.text();
    for part in ["name=\"id\"", "name=\"password\"", "type=\"password\"", "/grades", "lang=\"ko\""] {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
    assert!(answer.get("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    assert!(answer.get("cache-control").unwrap().contains("no-store"));
    // Not `no-referrer`: browsers would then send `Origin: null` with our own form.
    assert_eq!(answer.get("referrer-policy"), Some("same-origin"));
    assert_eq!(world.origin.connections(), 0);
    let english = world.gateway.browser().get("/login").with("Accept-Language", "en-US,en;q=0.9").send().text();
    assert!(english.contains("lang=\"en\""), "{english}");
}

/// Without this, somebody's page could log a visitor in as somebody else and read what they then type.
#[test]
fn a_login_from_a_strange_page_is_refused() {
    let world = World::start();
    let form = [("id", RIGHT.0), ("password", RIGHT.1)];
    for (site, origin) in [
        (Some("cross-site"), Some("https://evil.example")),
        (Some("same-site"), None),
        (None, Some("https://evil.example")),
        (None, Some("null")),
    ] {
        let browser = world.gateway.browser();
        let mut call = browser.post("/login").form(&form).without("Sec-Fetch-Site");
        for (name, value) in [("Sec-Fetch-Site", site), ("Origin", origin)] {
            if let Some(value) = value {
                call = call.with(name, value);
            }
        }
        let answer = call.send();
        assert_eq!((answer.status(), answer.set_cookies().len()), (403, 0), "{site:?} {origin:?}");
    }
    assert_eq!(world.sso.seen().len(), 0);
    let browser = world.gateway.browser();
    let own = browser.origin();
    assert_eq!(browser.post("/login").form(&form).without("Sec-Fetch-Site").with("Origin", &own).send().status(), 303);
}

/// One counter per account behind every entrance, and it stands before the SSO.
#[test]
fn guessing_is_slowed_down_before_the_sso_is_asked() {
    let world = World::start();
    let program = world.gateway.program();
    let mut refused = 0;
    let throttled = loop {
        // Every spelling of the id counts for the one person.
        let id = if refused % 2 == 0 { "60241234" } else { " ６０２４１２３４" };
        let answer = program.post("/login").json(&json!({ "id": id, "password": format!("guess-{refused}") })).send();
        if answer.status() == 429 {
            break answer;
        }
        assert_eq!(answer.status(), 401);
        refused += 1;
        assert!(refused < 100, "nothing slows guessing down");
    };
    assert_eq!(throttled.refusal().1, "too_many_attempts");
    assert!(throttled.get("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    assert_eq!(world.sso.seen().len(), refused);

    let form = world.gateway.browser().post("/login").form(&[("id", "60241234"), ("password", "pw-60241234")]).send();
    assert_eq!(form.status(), 429, "the form has a counter of its own");
    assert_eq!(world.sso.seen().len(), refused);
    // Everybody else goes on logging in from the same address.
    world.gateway.login("60249999", "pw-60249999");
}

#[test]
fn one_address_cannot_try_everybody() {
    let world = World::start();
    let program = world.gateway.program();
    let mut refused = 0;
    while program.post("/login").json(&json!({ "id": format!("6024{refused:04}"), "password": "123456" })).send().status() == 401 {
        refused += 1;
        assert!(refused < 300, "nothing slows one address down");
    }
    assert_eq!(world.sso.seen().len(), refused);
}
