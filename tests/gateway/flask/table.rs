//! The library's table of errors: each row asked of the library and of us.

use serde_json::{Value, json};

use super::app::App;
use super::gateway;
use crate::support::{Builder, Gateway, RIGHT, SECRET, Sso, claims, header, hs256, munjigi, now, resigned};

/// What is asked: what it is about, the method, the path, the fields.
type Row<'a> = (&'a str, &'a str, &'a str, Vec<(&'a str, String)>);

/// Every row: what the library answers, and what we answer to the same request.
#[test]
fn every_row_of_the_table_of_errors_is_answered_alike() {
    let Some(app) = App::start(SECRET, &json!({})) else { return };
    let sso = Sso::start();
    let gateway = gateway(
        &app,
        &sso,
        "[auth]\nerror_profile = \"flask\"\ncookies = \"flask\"\n[[route]]\npath = \"/\"\nupstream = \"app\"\naccess = { users = [\"mju:rightid\"] }",
    );
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    let good = pair.access.clone();
    let with = |change: Value| resigned(&good, &change);
    let cookie = |token: &str, csrf: Option<&str>| {
        let mut fields = vec![("Cookie", format!("access_token_cookie={token}"))];
        fields.extend(csrf.map(|csrf| ("X-CSRF-TOKEN", csrf.to_owned())));
        fields
    };
    let (signed, _) = good.rsplit_once('.').unwrap();
    let other_alg = hs256(
        &json!({ "alg": "HS384", "typ": "JWT", "kid": header(&good)["kid"] }).to_string(),
        &claims(&good).to_string(),
        SECRET.as_bytes(),
    );
    let revoked = gateway.login(RIGHT.0, RIGHT.1).access;
    gateway.program().post("/logout").bearer(&revoked).send();
    app.ask("POST", "/revoke", &[], &json!({ "jti": claims(&revoked)["jti"] }).to_string());
    let expired = with(json!({ "exp": now() - 1 }));
    let rows: Vec<Row> = vec![
        ("no token", "GET", "/protected", vec![]),
        ("another scheme", "GET", "/protected", vec![("Authorization", "Basic eDp5".into())]),
        ("the bare token", "GET", "/protected", vec![("Authorization", good.clone())]),
        ("Bearer alone", "GET", "/protected", vec![("Authorization", "Bearer".into())]),
        ("Bearer with two parts", "GET", "/protected", vec![("Authorization", "Bearer a b".into())]),
        ("two Bearers", "GET", "/protected", vec![("Authorization", format!("Bearer {good}, Bearer {good}"))]),
        ("expired", "GET", "/protected", bearer(&expired)),
        ("no segments", "GET", "/protected", bearer("garbage")),
        ("two segments", "GET", "/protected", bearer("a.b")),
        ("bad header padding", "GET", "/protected", bearer("abcde.abcd.abcd")),
        ("header no object", "GET", "/protected", bearer("W10.e30.AAAA")),
        ("bad payload padding", "GET", "/protected", bearer("eyJhbGciOiJIUzI1NiJ9.abcde.abcd")),
        ("bad crypto padding", "GET", "/protected", bearer(&format!("{signed}.abcde"))),
        ("bad signature", "GET", "/protected", bearer(&format!("{signed}.AAAA"))),
        ("another algorithm", "GET", "/protected", bearer(&other_alg)),
        ("nbf ahead", "GET", "/protected", bearer(&with(json!({ "nbf": now() + 100 })))),
        ("iat ahead", "GET", "/protected", bearer(&with(json!({ "iat": now() + 100 })))),
        ("sub a number", "GET", "/protected", bearer(&with(json!({ "sub": 7 })))),
        ("jti a number", "GET", "/protected", bearer(&with(json!({ "jti": 7 })))),
        ("no sub", "GET", "/protected", bearer(&with(json!({ "sub": null })))),
        ("refresh for access", "GET", "/protected", bearer(&pair.refresh)),
        ("access for refresh", "POST", "/refresh", bearer(&good)),
        ("revoked", "GET", "/protected", bearer(&revoked)),
        ("not welcome", "GET", "/protected", bearer(&with(json!({ "sub": "unwelcome" })))),
        ("cookie, no csrf header", "POST", "/protected", cookie(&good, None)),
        ("cookie, another csrf", "POST", "/protected", cookie(&good, Some("other"))),
        ("expired cookie, no csrf header", "POST", "/protected", cookie(&expired, None)),
        ("expired cookie, another csrf", "POST", "/protected", cookie(&expired, Some("other"))),
        ("good cookie, bad header", "GET", "/protected", [bearer("garbage"), cookie(&good, None)].concat()),
        ("no refresh token", "POST", "/refresh", vec![]),
    ];
    assert_eq!(differing(&app, &gateway, rows), Vec::<&str>::new());
}

/// The rows to which both do not answer alike.
fn differing<'a>(app: &App, gateway: &Gateway, rows: Vec<Row<'a>>) -> Vec<&'a str> {
    let mut differing = Vec::new();
    for (row, method, path, fields) in rows {
        let theirs = app.ask(method, path, &fields, "");
        let client = gateway.program();
        let mut call = client.call(method, path);
        for (name, value) in &fields {
            call = call.with(name, value);
        }
        let ours = call.send();
        println!("{row}: {} {} | {} {}", theirs.status(), theirs.json(), ours.status(), ours.json());
        if (theirs.status(), theirs.json()) != (ours.status(), ours.json()) {
            differing.push(row);
        }
    }
    differing
}

fn bearer(token: &str) -> Vec<(&'static str, String)> {
    vec![("Authorization", format!("Bearer {token}"))]
}

/// What the library says depends on where it looks.
#[test]
fn each_place_of_tokens_has_its_own_words() {
    for (theirs, ours) in [("headers", "[\"headers\"]"), ("cookies", "[\"cookies\"]"), ("query_string", "[\"query\"]")] {
        let Some(app) = App::start(SECRET, &json!({ "JWT_TOKEN_LOCATION": [theirs] })) else { return };
        let sso = Sso::start();
        let settings = format!(
            "[auth]\nerror_profile = \"flask\"\ncookies = \"flask\"\ntoken_places = {ours}\n[[route]]\npath = \"/\"\nupstream = \"app\""
        );
        let gateway = gateway(&app, &sso, &settings);
        let rows: Vec<Row> = vec![
            ("nothing", "GET", "/protected", vec![]),
            ("another scheme", "GET", "/protected", vec![("Authorization", "Basic eDp5".into())]),
            ("garbage in the header", "GET", "/protected", bearer("garbage")),
            ("garbage in the cookie", "GET", "/protected", vec![("Cookie", "access_token_cookie=garbage".into())]),
            ("an empty cookie", "GET", "/protected", vec![("Cookie", "access_token_cookie=".into())]),
            ("garbage in the query", "GET", "/protected?jwt=garbage", vec![]),
            ("nothing to refresh with", "POST", "/refresh", vec![]),
        ];
        assert_eq!(differing(&app, &gateway, rows), Vec::<&str>::new(), "{theirs}");
    }
    // A message key of its own.
    let Some(app) = App::start(SECRET, &json!({ "JWT_ERROR_MESSAGE_KEY": "message", "JWT_TOKEN_LOCATION": ["headers"] })) else { return };
    let sso = Sso::start();
    let gateway = gateway(
        &app,
        &sso,
        "[auth]\nerror_profile = \"flask\"\nerror_message_key = \"message\"\n[[route]]\npath = \"/\"\nupstream = \"app\"",
    );
    assert_eq!(differing(&app, &gateway, vec![("nothing", "GET", "/protected", vec![])]), Vec::<&str>::new());
}

/// The rows that need an issuer and an audience, a fresh route, somebody who is gone, a claim less.
#[test]
fn the_rest_of_the_table_is_answered_alike() {
    const GATE: &str = "https://gate.example.ac.kr";
    let names = json!({ "JWT_DECODE_AUDIENCE": "grades", "JWT_DECODE_ISSUER": GATE, "GONE": RIGHT.0 });
    let Some(app) = App::start(SECRET, &names) else { return };
    let sso = Sso::start();
    let routes =
        "[[route]]\npath = \"/\"\nupstream = \"app\"\n[[route]]\npath = \"/fresh\"\nupstream = \"app\"\naccess = { fresh = \"15m\" }";
    let gateway = Builder::new()
        .sso(&sso)
        .toml(&format!("[upstream.app]\nservers = [\"{}\"]", app.url()))
        .toml(&format!("[auth]\nissuer = \"{GATE}\"\naudience = \"grades\"\nerror_profile = \"flask\"\ncookies = \"flask\""))
        .toml(routes)
        .start();
    let pair = gateway.login("60241234", "pw-60241234");
    let stale = gateway.program().post("/refresh").bearer(&pair.refresh).send().json()["access_token"].as_str().unwrap().to_owned();
    let gone = gateway.login(RIGHT.0, RIGHT.1).access;
    let disabled = munjigi(&gateway.path(""), &["users", "disable", RIGHT.0]);
    assert_eq!(disabled.code, 0, "{}", disabled.err);
    let with = |change: Value| bearer(&resigned(&pair.access, &change));
    let bare = resigned(&pair.access, &json!({ "csrf": null }));
    let text = |header: &str| bearer(&hs256(header, &claims(&pair.access).to_string(), SECRET.as_bytes()));
    let rows: Vec<Row> = vec![
        ("not fresh", "GET", "/fresh", bearer(&stale)),
        ("somebody who is gone", "GET", "/protected", bearer(&gone)),
        ("another audience", "GET", "/protected", with(json!({ "aud": "else" }))),
        ("no audience", "GET", "/protected", with(json!({ "aud": null }))),
        ("another issuer", "GET", "/protected", with(json!({ "iss": "https://else.test" }))),
        ("no issuer", "GET", "/protected", with(json!({ "iss": null }))),
        (
            "cookie without a csrf claim",
            "POST",
            "/protected",
            vec![("Cookie", format!("access_token_cookie={bare}")), ("X-CSRF-TOKEN", "c".into())],
        ),
        ("no algorithm", "GET", "/protected", text("{\"typ\":\"JWT\"}")),
        ("the algorithm none", "GET", "/protected", text("{\"alg\":\"none\"}")),
        ("exp a text", "GET", "/protected", with(json!({ "exp": "soon" }))),
        ("nbf a text", "GET", "/protected", with(json!({ "nbf": "now" }))),
        ("iat a text", "GET", "/protected", with(json!({ "iat": "now" }))),
    ];
    assert_eq!(differing(&app, &gateway, rows), Vec::<&str>::new());
}
