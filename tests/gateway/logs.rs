//! What is written down: a line for each request, an event for each login and its end, and never a secret.

use std::fs;

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::support::{Message, Origin, RIGHT, Sso, World, claims, resigned};

#[test]
fn the_access_log_is_what_operators_know() {
    let world = World::start();
    let token = world.login().access;
    world
        .gateway
        .program()
        .get("/grades?term=2")
        .bearer(&token)
        .with("User-Agent", "tester/1.0")
        .with("Referer", "https://a.test/b")
        .send();
    let line = world.gateway.process.out.wait_for("/grades").expect("a line in the access log");
    assert!(line.starts_with("127.0.0.1 - rightid ["), "{line}");
    assert!(line.contains("] \"GET /grades?term=2 HTTP/1.1\" 200 ") && line.contains("\"https://a.test/b\" \"tester/1.0\""), "{line}");
    world.gateway.program().get("/refused").send();
    let line = world.gateway.process.out.wait_for("/refused").expect("a refusal has its line, too");
    assert!(line.starts_with("127.0.0.1 - - [") && line.contains("\" 401 "), "{line}");
}

#[test]
fn the_access_log_can_be_json_and_go_to_a_file() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let mut gateway = World::builder(&origin, &sso).toml("[log]\naccess = \"json\"\naccess_path = \"access.log\"").start();
    let token = gateway.login(RIGHT.0, RIGHT.1).access;
    gateway.program().get("/grades").bearer(&token).send();
    // Stopping writes what is still on its way.
    gateway.stop("TERM");
    let text = String::from_utf8(fs::read(gateway.path("access.log")).unwrap()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let grades = lines.iter().find(|line| line["target"] == "/grades").unwrap_or_else(|| panic!("no line: {text}"));
    assert_eq!((&grades["person"], &grades["status"], &grades["method"]), (&json!(RIGHT.0), &json!(200), &json!("GET")));
}

/// What a client sends cannot make a line of its own, nor steer the terminal it is read on.
#[test]
fn one_request_is_one_line() {
    let world = World::start();
    let mut tls = world.gateway.tls();
    tls.say(
        "GET /open/%0a%1b[31m\"?x=%0d%0afake HTTP/1.1\r\nHost: x.test\r\nUser-Agent: a\" \\ \tb\u{9b}31m\u{2028}c\r\nReferer: \"\r\n\r\n",
    );
    tls.answer();
    world.gateway.program().get("/open/last").send();
    world.gateway.process.out.wait_for("/open/last").unwrap();
    let text = world.gateway.process.out.text();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
}

#[test]
fn requests_have_an_id_on_both_sides_and_in_the_log() {
    let world = World::start();
    let answer = world.gateway.program().get("/open").with("X-Request-Id", "made-up").send();
    let id = answer.get("x-request-id").expect("the answer names the request").to_owned();
    assert_ne!(id, "made-up", "only a listed proxy may choose it");
    assert_eq!(world.origin.last().get("x-request-id"), Some(id.as_str()));
    world.gateway.process.out.wait_for(&id).expect("the log names it");
}

#[test]
fn logins_and_their_ends_are_audited() {
    let World { origin: _origin, sso: _sso, mut gateway } = World::start();
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    gateway.program().post("/login").json(&json!({ "id": "60241234", "password": "wrong" })).send();
    gateway.program().post("/logout").bearer(&pair.access).send();
    for (kind, who) in [("login_accepted", "mju:rightid"), ("login_refused", "mju:60241234"), ("session_ended", "mju:rightid")] {
        let line = gateway.process.logged(kind);
        assert!(line.contains(who) && line.contains("127.0.0.1"), "{line}");
    }
    let stopped = gateway.stop("TERM");
    assert_eq!(stopped.code, 0, "{}", stopped.err);
    let database = Connection::open_with_flags(gateway.path("state/munjigi.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = database.prepare("SELECT kind, realm, user_id, address FROM audit ORDER BY number").unwrap();
    let text = |row: &rusqlite::Row<'_>, n: usize| row.get::<_, Option<String>>(n).map(Option::unwrap_or_default);
    let rows: Vec<String> = statement
        .query_map([], |row| Ok([text(row, 0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?].join(" ")))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for wanted in ["login_accepted mju rightid 127.0.0.1", "login_refused mju 60241234 127.0.0.1", "session_ended mju rightid 127.0.0.1"] {
        assert!(rows.iter().any(|row| row == wanted), "{wanted} is missing: {rows:?}");
    }
}

/// oauth2-proxy PR 3264, Vouch 0.34.2: everything that is secret is used in every way there is, at the finest level, and
/// then looked for in all that was printed.
#[test]
fn no_secret_is_in_any_log() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let mut gateway = World::builder(&origin, &sso).trace().start();
    let (program, browser) = (gateway.program(), gateway.browser());
    let mut secrets = vec![RIGHT.1.to_owned(), crate::support::SECRET.to_owned()];
    let mut type_in = |password: &str| {
        secrets.push(password.to_owned());
        program.post("/login").json(&json!({ "id": "60241234", "password": password })).send();
        browser.post("/login").form(&[("id", "60241234"), ("password", password)]).send();
        program.post("/login").body("application/json", format!("{{\"id\": \"60241234\", \"password\": \"{password}\", }}")).send();
        program.post("/login").body("text/plain", format!("id=60241234&password={password}")).send();
        program.get(&format!("/login?id=60241234&password={password}")).send();
    };
    type_in("hunter2-hunter2");
    type_in("pässwört-한글-비밀");
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    browser
        .post("/login")
        .form(&[("id", RIGHT.0), ("password", RIGHT.1), ("remember", "on"), ("next", "/back?token=secret-in-next")])
        .send();
    secrets.push("secret-in-next".to_owned());
    let cookies = ["__Host-munjigi_access", "__Host-munjigi_refresh"].map(|name| browser.kept(name).unwrap());
    let forged = [resigned(&pair.access, &json!({ "exp": 1 })), format!("{}x", pair.access), "garbage-token-7f3a".to_owned()];
    for token in [&pair.access, &pair.refresh].into_iter().chain(&cookies).chain(&forged) {
        secrets.push(token.clone());
        for path in ["/protected", "/open", "/.auth/me"] {
            program.get(path).bearer(token).send();
            program.get(path).with("Authorization", token).send();
            program.get(path).with("Cookie", &format!("__Host-munjigi_access={token}; access_token_cookie={token}")).send();
            program.get(path).with("X-CSRF-TOKEN", token).send();
        }
        for name in ["access_token", "token", "jwt", "refresh_token"] {
            program.get(&format!("/open?a=b&{name}={token}")).with("Referer", &format!("https://a.test/?{name}={token}")).send();
        }
        program.post("/refresh").json(&json!({ "refresh_token": token })).send();
    }
    browser.get("/protected").send();
    browser.post("/refresh").send();
    browser.post("/logout").send();
    program.post("/logout").bearer(&pair.access).send();
    for token in [&pair.access, &pair.refresh].into_iter().chain(&cookies) {
        secrets.push(claims(token)["csrf"].as_str().unwrap().to_owned());
        secrets.push(token.rsplit('.').next().unwrap().to_owned());
    }
    program.get("/open/the-last-one").send();
    gateway.process.out.wait_for("/open/the-last-one").unwrap();
    let finished = gateway.stop("TERM");
    let printed = format!("{}\n{}", finished.out, finished.err);
    assert!(printed.contains("/protected") && printed.contains("login_accepted"), "nothing was printed that could hold a secret");
    for secret in secrets {
        let line = printed.lines().find(|line| line.contains(&secret));
        assert!(line.is_none(), "{secret:?} is in the log: {}", line.unwrap_or_default());
    }
}

/// What the operator reads names the cause, not only the symptom.
#[test]
fn a_fault_of_the_sso_is_explained_to_the_operator() {
    let sso = Sso::saying(crate::support::text_answer(200, "text/html", "<html>점검 중입니다</html>"));
    let gateway = World::builder(&Origin::start(), &sso).start();
    let answer: Message = gateway.program().post("/login").json(&json!({ "id": "60241234", "password": "x" })).send();
    assert_eq!(answer.status(), 502);
    let line = gateway.process.logged("provider_failed");
    assert!(line.contains("mju"), "{line}");
}
