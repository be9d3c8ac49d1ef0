//! Bearer tokens: told apart when they are refused, renewed with the refresh token, ended by logout.
//!
//! Assumed: after a logout the word is `session_ended` or `token_revoked`; `/.auth/me` answers `user`, `session` and the
//! ends of token and session in JSON.

use serde_json::json;

use crate::support::{Message, Pair, RIGHT, SECRET, World, claims, header, hs256, now, resigned, unsigned};

/// Row 2.4's and 0.7's texts.
const MISSING: &str = "토큰이 필요합니다.";
const EXPIRED: &str = "토큰이 만료되었습니다.";
const INVALID: &str = "유효하지 않은 토큰입니다.";
const EITHER: &str = "토큰이 유효하지 않거나 누락되었습니다.";

#[track_caller]
fn assert_refused(answer: &Message, word: &str, what: &str) {
    assert_eq!(answer.refusal(), (401, word.to_owned()), "{what}");
    let said = answer.msg();
    let expected = match word {
        "token_missing" => [MISSING, EITHER],
        "token_expired" => [EXPIRED, EXPIRED],
        _ => [INVALID, EITHER],
    };
    assert!(expected.contains(&said.as_str()), "{what}: {said}");
    // RFC 6750, section 3: no error code when no token was sent, `invalid_token` otherwise.
    let challenge = answer.get("www-authenticate").unwrap_or_else(|| panic!("{what}: no WWW-Authenticate"));
    assert!(challenge.starts_with("Bearer"), "{what}: {challenge}");
    assert_eq!(challenge.contains("invalid_token"), word != "token_missing", "{what}: {challenge}");
}

#[test]
fn every_bad_token_is_refused_by_its_own_word_and_reaches_nothing() {
    let world = World::start();
    let Pair { access, refresh } = world.login();
    let good = claims(&access);
    let head = |changes: serde_json::Value| {
        let mut head = header(&access);
        head.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        head.to_string()
    };
    let signed = |changes: serde_json::Value| hs256(&head(changes), &good.to_string(), SECRET.as_bytes());
    let cases = [
        ("garbage", "token_malformed", "garbage".to_owned()),
        ("two parts", "token_malformed", unsigned(&head(json!({})), &good.to_string())),
        ("four parts", "token_malformed", format!("{access}.x")),
        ("claims that are no JSON", "token_malformed", hs256(&head(json!({})), "{", SECRET.as_bytes())),
        ("expired", "token_expired", resigned(&access, &json!({ "exp": now() - 1 }))),
        ("not yet valid", "token_not_yet_valid", resigned(&access, &json!({ "nbf": now() + 600 }))),
        ("issued in the future", "token_not_yet_valid", resigned(&access, &json!({ "iat": now() + 600, "nbf": now() + 600 }))),
        ("a refresh token", "token_wrong_type", refresh),
        ("of no known type", "token_wrong_type", resigned(&access, &json!({ "type": "other" }))),
        ("signed by somebody else", "token_bad_signature", hs256(&head(json!({})), &good.to_string(), &[7; 32])),
        ("a key nobody has", "token_unknown_key", signed(json!({ "kid": "k2" }))),
        ("another algorithm", "token_wrong_algorithm", signed(json!({ "alg": "HS512" }))),
        ("no algorithm", "token_wrong_algorithm", unsigned(&head(json!({ "alg": "none" })), &good.to_string()) + "."),
        ("a critical extension", "token_bad_crit", signed(json!({ "crit": ["exp"] }))),
        ("another issuer", "token_not_accepted", resigned(&access, &json!({ "iss": "https://gate.test.evil" }))),
    ];
    let before = world.origin.connections();
    for (what, word, token) in cases {
        assert_refused(&world.gateway.program().get("/protected").bearer(&token).send(), word, what);
    }
    assert_refused(&world.gateway.program().get("/protected").send(), "token_missing", "nothing");
    assert_eq!(world.origin.connections(), before);
    // And the token all of these were made from is good.
    assert_eq!(world.gateway.program().get("/protected").bearer(&access).send().status(), 200);
}

#[test]
fn a_token_without_key_name_needs_the_key_marked_for_it() {
    let no_kid = |pair: &Pair| hs256(r#"{"alg":"HS256","typ":"JWT"}"#, &claims(&pair.access).to_string(), SECRET.as_bytes());
    let world = World::start();
    let answer = world.gateway.program().get("/protected").bearer(&no_kid(&world.login())).send();
    assert_refused(&answer, "token_unknown_key", "no kid");
}

#[test]
fn odd_authorization_fields_are_refused() {
    let world = World::start();
    let token = world.login().access;
    let before = world.origin.connections();
    for value in [
        "Bearer",
        "Bearer ",
        &format!("Bearer {token} x"),
        &format!("Bearer {token}, Bearer {token}"),
        "Basic cmlnaHRJZDp4",
        "Negotiate abc",
    ] {
        let answer = world.gateway.program().get("/protected").with("Authorization", value).send();
        assert_eq!(answer.refusal().0, 401, "{value}");
    }
    let twice = world.gateway.program().get("/protected").bearer(&token).bearer(&token).send();
    assert!(matches!(twice.status(), 400 | 401), "{}", twice.start);
    assert_eq!(world.origin.connections(), before);
    // RFC 9110, section 11.1: the scheme is not case-sensitive.
    let small = world.gateway.program().get("/protected").with("Authorization", &format!("bearer {token}")).send();
    assert_eq!(small.status(), 200);
}

#[test]
fn the_application_never_sees_our_token() {
    let world = World::start();
    let token = world.login().access;
    world.gateway.program().get("/anything").bearer(&token).send();
    assert_eq!(world.origin.last().get("authorization"), None);
    // What is not ours passes where nobody needs to log in.
    world.gateway.program().get("/open").with("Authorization", "Basic abc").send();
    assert_eq!(world.origin.last().get("authorization"), Some("Basic abc"));
}

#[test]
fn a_refresh_token_gets_new_access_tokens_and_stays_good() {
    let world = World::start();
    let pair = world.login();
    let program = world.gateway.program();
    let by_header = program.post("/refresh").bearer(&pair.refresh).send();
    let by_json = program.post("/refresh").json(&json!({ "refresh_token": pair.refresh })).send();
    for answer in [by_header, by_json] {
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert!(answer.get("cache-control").unwrap().contains("no-store"));
        assert_eq!(answer.set_cookies(), []);
        let body = answer.json();
        let access = body["access_token"].as_str().unwrap();
        assert_ne!(access, pair.access);
        assert_eq!(claims(access)["sid"], claims(&pair.access)["sid"]);
        assert_eq!(program.get("/protected").bearer(access).send().json(), json!({ "logged_in_as": RIGHT.0 }));
        assert!(body.get("refresh_token").is_none_or(|refresh| refresh == pair.refresh.as_str()), "it rotated: {body}");
    }
}

#[test]
fn only_a_refresh_token_refreshes() {
    let world = World::start();
    let pair = world.login();
    let refresh = |token: &str| world.gateway.program().post("/refresh").bearer(token).send();
    assert_refused(&refresh(&pair.access), "token_wrong_type", "an access token");
    assert_refused(&refresh(&resigned(&pair.refresh, &json!({ "exp": now() - 1 }))), "token_expired", "an old one");
    assert_refused(
        &refresh(&hs256(&header(&pair.refresh).to_string(), &claims(&pair.refresh).to_string(), &[7; 32])),
        "token_bad_signature",
        "a forged one",
    );
    assert_refused(&world.gateway.program().post("/refresh").send(), "token_missing", "none");
    assert_eq!(world.gateway.program().get("/refresh").send().status(), 405);
    // Signed with our key, but the session was never begun.
    let unknown = resigned(&pair.refresh, &json!({ "sid": "AAAAAAAAAAAAAAAAAAAAAA" }));
    assert_eq!(refresh(&unknown).refusal().0, 401);
}

#[test]
fn after_a_logout_both_tokens_are_refused_everywhere() {
    let world = World::start();
    let (pair, other) = (world.login(), world.login());
    let program = world.gateway.program();
    assert_eq!(program.get("/protected").bearer(&pair.access).send().status(), 200);
    let answer = program.post("/logout").bearer(&pair.access).send();
    assert!(matches!(answer.status(), 200 | 204), "{}", answer.start);
    let before = world.origin.connections();
    for answer in [program.get("/protected").bearer(&pair.access).send(), program.post("/refresh").bearer(&pair.refresh).send()] {
        let (status, error) = answer.refusal();
        assert!(status == 401 && ["session_ended", "token_revoked"].contains(&error.as_str()), "{status} {error}");
    }
    assert_eq!(world.origin.connections(), before);
    // The same person's other session goes on.
    assert_eq!(program.get("/protected").bearer(&other.access).send().status(), 200);
    // Logging out again is no error, and neither is it for somebody who is not logged in.
    assert!(program.post("/logout").bearer(&pair.access).send().status() < 500);
    assert!(program.post("/logout").send().status() < 500);
}

#[test]
fn the_refresh_token_alone_can_log_out() {
    let world = World::start();
    let pair = world.login();
    let program = world.gateway.program();
    assert!(matches!(program.post("/logout").bearer(&pair.refresh).send().status(), 200 | 204));
    assert_eq!(program.get("/protected").bearer(&pair.access).send().status(), 401);
}

#[test]
fn logout_by_get_is_not_for_programs() {
    let world = World::start();
    let pair = world.login();
    assert_eq!(world.gateway.program().get("/logout").bearer(&pair.access).send().status(), 405);
    assert_eq!(world.gateway.program().get("/protected").bearer(&pair.access).send().status(), 200);
}

#[test]
fn somebody_can_ask_who_they_are() {
    let world = World::start();
    let pair = world.login();
    let answer = world.gateway.program().get("/.auth/me").bearer(&pair.access).send();
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert!(answer.get("cache-control").unwrap().contains("no-store"));
    assert!(answer.text().contains(RIGHT.0), "{}", answer.text());
    assert_eq!(world.gateway.program().get("/.auth/me").send().refusal(), (401, "token_missing".to_owned()));
}

#[test]
fn no_secret_is_published() {
    let world = World::start();
    let answer = world.gateway.program().get("/.well-known/jwks.json").send();
    assert_eq!((answer.status(), answer.json()), (200, json!({ "keys": [] })));
}

/// The public half of a signing key is there for applications that check tokens themselves.
#[test]
fn an_application_can_check_tokens_with_the_published_key() {
    let key = rcgen::KeyPair::generate().unwrap();
    let (origin, sso) = (crate::support::Origin::start(), crate::support::Sso::start());
    let gateway = World::builder(&origin, &sso)
        .file("certs/sign.pem", key.serialize_pem())
        .toml("[auth]\nkeys = [{ kid = \"e1\", algorithm = \"ES256\", private_key_file = \"certs/sign.pem\" }]")
        .start();
    let token = gateway.login(RIGHT.0, RIGHT.1).access;
    assert_eq!(header(&token)["alg"], "ES256");
    let published = gateway.program().get("/.well-known/jwks.json").send().json();
    let jwk = &published["keys"][0];
    assert_eq!((&jwk["kid"], &jwk["kty"], &jwk["crv"], &jwk["use"]), (&json!("e1"), &json!("EC"), &json!("P-256"), &json!("sig")));
    assert!(jwk.get("d").is_none(), "the private key is published");
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk.clone()).unwrap();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let checked = jsonwebtoken::decode::<serde_json::Value>(
        &token,
        &jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap(),
        &jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256),
    );
    assert_eq!(checked.unwrap().claims["sub"], RIGHT.0);
    // The public key taken for a shared secret signs nothing.
    let forged = hs256(r#"{"alg":"HS256","typ":"JWT","kid":"e1"}"#, &claims(&token).to_string(), key.public_key_pem().as_bytes());
    assert_eq!(gateway.program().get("/protected").bearer(&forged).send().refusal(), (401, "token_wrong_algorithm".to_owned()));
}
