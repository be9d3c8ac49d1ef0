//! An SSO can be down, slow, confused or hostile. None of it is ever a login, and the person and the operator are told
//! what happened in words they understand.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::support::{Gateway, Message, Origin, RIGHT, Sso, World, bomb, json_answer, text_answer};

/// Row 0.5's beginning; the rest must not be a stack of library errors.
const BEGINNING: &str = "외부 API 요청 중 오류 발생";

fn try_login(gateway: &Gateway, id: &str) -> Message {
    gateway.program().post("/login").json(&json!({ "id": id, "password": "very-secret-pw" })).send()
}

#[track_caller]
fn assert_told(gateway: &Gateway, answer: &Message, wanted: (u16, &str), what: &str) {
    assert_eq!(answer.refusal(), (wanted.0, wanted.1.to_owned()), "{what}");
    let said = answer.msg();
    assert!(said.starts_with(BEGINNING), "{what}: {said}");
    for inside in ["127.0.0.1", "reqwest", "hyper", "userCheck", "Os {", "error sending"] {
        assert!(!said.contains(inside), "{what}: {said}");
    }
    assert!(!gateway.printed().contains("very-secret-pw"), "{what}: the password was logged");
}

/// One gateway, one SSO whose next answer is set before each login.
#[test]
fn every_odd_answer_is_understood_as_no_answer() {
    let next: Arc<Mutex<Vec<u8>>> = Arc::default();
    let (elsewhere, script) = (Origin::start(), next.clone());
    let sso = Sso::conversing(move |conversation| {
        if conversation.request().is_some() {
            let bytes = script.lock().unwrap().clone();
            conversation.say(&bytes);
            conversation.hang_up();
        }
    });
    let gateway = World::builder(&Origin::start(), &sso).start();
    let right = json!({ "error": "0000", "error_message": "" });
    let chunked_half = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"error\":\"0000\"}\r\n".to_vec();
    let redirect = |status: u16| {
        format!("HTTP/1.1 {status} Found\r\nLocation: {}/mju/userCheck.do\r\nContent-Length: 0\r\n\r\n", elsewhere.url()).into_bytes()
    };
    let padded = |bytes: usize| json_answer(200, &json!({ "error": "0000", "pad": "A".repeat(bytes) }));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a page", text_answer(200, "text/html", "<html><body>\"error\":\"0000\"</body></html>")),
        ("an empty body", text_answer(200, "application/json", "")),
        ("a number", json_answer(200, &json!(0))),
        ("a string", json_answer(200, &json!("0000"))),
        ("an array", json_answer(200, &json!(["0000"]))),
        ("an array of right answers", json_answer(200, &json!([right]))),
        ("null", json_answer(200, &json!(null))),
        ("no error field", json_answer(200, &json!({ "error_message": "정상처리되었습니다." }))),
        ("the number 0", json_answer(200, &json!({ "error": 0 }))),
        ("the code in an array", json_answer(200, &json!({ "error": ["0000"] }))),
        ("two codes", text_answer(200, "application/json", r#"{"error":"VL-1","error":"0000"}"#)),
        ("two answers", text_answer(200, "application/json", r#"{"error":"0000"}{"error":"0000"}"#)),
        ("no UTF-8", [b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"error\":\"0000\xff\xfe\"}".as_slice()].concat()),
        ("half a body", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"error\":\"0000\"}".to_vec()),
        ("half a chunked body", chunked_half),
        ("half a JSON", text_answer(200, "application/json", r#"{"error":"0000""#)),
        ("a redirect", redirect(302)),
        ("a redirect that keeps the method", redirect(307)),
        ("a right body with status 500", json_answer(500, &right)),
        ("a right body with status 401", json_answer(401, &right)),
        ("a right body with status 203", json_answer(203, &right)),
        ("ten megabytes", padded(10 << 20)),
        ("a gzip bomb", bomb(20 << 20)),
        ("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        ("nothing", Vec::new()),
    ];
    let table: String = cases
        .iter()
        .enumerate()
        .map(|(n, (what, bytes))| {
            // A good login in between: a provider that fails again and again is left alone for a while.
            *next.lock().unwrap() = json_answer(200, &right);
            gateway.login(RIGHT.0, "any");
            next.lock().unwrap().clone_from(bytes);
            let answer = try_login(&gateway, &format!("6024{n:04}"));
            assert_told(&gateway, &answer, (502, "provider_unavailable"), what);
            format!("| {what} | {} | {} |\n", answer.status(), answer.msg())
        })
        .collect();
    println!("| the SSO sends | status | the person reads |\n|---|---|---|\n{table}");
    assert_eq!(elsewhere.connections(), 0, "a redirect was followed");
    // The operator reads which provider it was.
    gateway.process.logged("mju");
}

#[test]
fn an_sso_that_is_not_there_is_said_to_be_unreachable() {
    let sso = Sso::closed();
    let gateway = World::builder(&Origin::start(), &sso).start();
    assert_told(&gateway, &try_login(&gateway, RIGHT.0), (502, "provider_unavailable"), "closed");
    gateway.process.logged("mju");
    // At a browser it is the page with the reason.
    let page = gateway.browser().post("/login").form(&[("id", RIGHT.0), ("password", "very-secret-pw")]).send();
    assert_eq!(page.status(), 502);
    assert!(page.get("content-type").unwrap().starts_with("text/html") && page.text().contains(BEGINNING), "{}", page.text());
}

#[test]
fn an_sso_that_does_not_answer_is_not_waited_for_for_ever() {
    let sso = Sso::silent();
    let gateway = World::builder(&Origin::start(), &sso).toml("[provider.mju]\ntimeout = \"200ms\"").start();
    assert_told(&gateway, &try_login(&gateway, RIGHT.0), (504, "provider_timeout"), "silent");
}

/// A byte now and then keeps a connection alive, but not a login.
#[test]
fn an_sso_that_never_comes_to_an_end_is_cut_off() {
    let sso = Sso::conversing(|conversation| {
        conversation.request();
        conversation.say(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"error\":\"0000\"");
        // Held open until the gateway gives up.
        conversation.some_bytes(1);
    });
    let gateway = World::builder(&Origin::start(), &sso).toml("[provider.mju]\ntimeout = \"300ms\"").start();
    assert_told(&gateway, &try_login(&gateway, RIGHT.0), (504, "provider_timeout"), "half a body, then nothing");
}

#[test]
fn an_sso_without_the_tls_it_should_have_is_not_talked_to() {
    let sso = Sso::start();
    let url = sso.url().replace("http://", "https://");
    let gateway = World::builder(&Origin::start(), &sso).toml(&format!("[provider.mju]\nurl = \"{url}\"")).start();
    assert_told(&gateway, &try_login(&gateway, RIGHT.0), (502, "provider_unavailable"), "no TLS");
    assert_eq!(sso.attempts(), [], "the password was sent in the clear");
}

/// People who are logged in do not notice that the SSO is down.
#[test]
fn who_is_logged_in_stays_so_while_the_sso_is_down() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let mut gateway = World::builder(&origin, &sso).start();
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    let gone = Sso::closed();
    gateway.configure(&format!("[provider.mju]\nurl = \"{}\"", gone.url()));
    gateway.reload("reloaded");
    assert_eq!(try_login(&gateway, "60241234").status(), 502);
    assert_eq!(gateway.program().get("/protected").bearer(&pair.access).send().status(), 200);
    assert_eq!(gateway.program().post("/refresh").bearer(&pair.refresh).send().status(), 200);
}
