use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rstest::rstest;
use secrecy::{SecretSlice, SecretString};
use serde_json::{Value, json};

use super::*;
use crate::base::{AccessToken, Position, RefreshToken, SessionId, Timestamp, TokenId};
use crate::identity::{ProviderName, Realm, Subjects, UserId};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn realm(name: &str) -> Realm {
    Realm::new(name).unwrap()
}

fn key(kid: &str, algorithm: Algorithm, material: KeyMaterial) -> KeySettings {
    KeySettings { kid: kid.into(), algorithm, material, sign_from: None, verify_only: false, for_tokens_without_kid: false }
}

fn hs(kid: &str, secret: &[u8]) -> KeySettings {
    key(kid, Algorithm::Hs256, KeyMaterial::Secret(SecretSlice::from(secret.to_vec())))
}

fn settings(keys: Vec<KeySettings>) -> Settings {
    Settings {
        issuer: "https://gate.example".into(),
        audience: None,
        access_ttl: Duration::from_secs(900),
        refresh_ttl: Duration::from_secs(2_592_000),
        backdate: Duration::from_secs(5),
        keys,
        subjects: Subjects::new(realm("mju")),
        providers: vec![(ProviderName::new("mju").unwrap(), realm("mju")), (ProviderName::new("local").unwrap(), realm("local"))],
        cache: 100,
    }
}

fn pair(settings: Settings) -> (TokenIssuer, TokenVerifier) {
    install_crypto();
    let keys = Arc::new(KeyRing::new(&settings.keys).unwrap());
    (TokenIssuer::new(Arc::clone(&keys), settings.clone()), TokenVerifier::new(keys, settings))
}

fn grant() -> Grant {
    Grant {
        user: UserId::parse("mju:60241234").unwrap(),
        provider: ProviderName::new("mju").unwrap(),
        session: SessionId::from_bytes([7; 16]),
        session_end: NOW.plus(Duration::from_secs(2_592_000)),
        position: Position(42),
        generation: None,
        fresh: true,
    }
}

fn payload(compact: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(compact.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// A token with any header and claims, signed with our secret.
fn forge(header: &str, claims: &str) -> AccessToken {
    install_crypto();
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), &jsonwebtoken::EncodingKey::from_secret(SECRET), jsonwebtoken::Algorithm::HS256)
            .unwrap();
    AccessToken::new(format!("{message}.{signature}"))
}

fn good_claims() -> Value {
    json!({"fresh": true, "iat": NOW.secs() - 5, "jti": TokenId::random().to_string(), "type": "access", "sub": "60241234", "nbf": NOW.secs() - 5,
        "csrf": "c", "exp": NOW.secs() + 900, "iss": "https://gate.example", "sid": SessionId::random().to_string(), "idp": "mju", "rsn": 1})
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#;

#[test]
fn a_token_made_here_is_good_here_and_says_what_was_put_in() {
    let (issuer, verifier) = pair(settings(vec![hs("k1", SECRET)]));
    let issued = issuer.access(&grant(), NOW).unwrap();
    let verified = verifier.access(&issued.token, NOW).unwrap();
    assert_eq!(verified.user, grant().user);
    assert_eq!(
        (&*verified.subject, verified.session, verified.id, verified.position),
        ("60241234", grant().session, issued.id, Position(42))
    );
    assert_eq!(verified.expires, NOW.plus(Duration::from_secs(900)));
    assert!(verified.fresh);
}

#[test]
fn the_claims_are_those_of_the_flask_library_and_ours_behind_them() {
    let (issuer, _) = pair(settings(vec![hs("k1", SECRET)]));
    let claims = payload(issuer.access(&grant(), NOW).unwrap().token.expose());
    let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 12, "{names:?}");
    assert_eq!(
        (claims["type"].as_str(), claims["fresh"].as_bool(), claims["iat"].as_u64()),
        (Some("access"), Some(true), Some(NOW.secs() - 5))
    );
    let refresh = payload(issuer.refresh(&grant(), TokenId::random(), NOW).unwrap().token.expose());
    assert_eq!((refresh["type"].as_str(), refresh["fresh"].as_bool()), (Some("refresh"), Some(false)));
}

#[test]
fn no_token_outlives_its_session() {
    let (issuer, _) = pair(settings(vec![hs("k1", SECRET)]));
    let short = Grant { session_end: NOW.plus(Duration::from_secs(60)), ..grant() };
    assert_eq!(issuer.access(&short, NOW).unwrap().expires, short.session_end);
    assert_eq!(issuer.refresh(&short, TokenId::random(), NOW).unwrap().expires, short.session_end);
}

#[test]
fn a_remembered_token_still_ends() {
    let (issuer, verifier) = pair(settings(vec![hs("k1", SECRET)]));
    let issued = issuer.access(&grant(), NOW).unwrap();
    for _ in 0..2 {
        assert!(verifier.access(&issued.token, NOW).is_ok());
        assert_eq!(verifier.access(&issued.token, issued.expires).unwrap_err(), TokenFault::Expired);
    }
}

#[test]
fn one_kind_never_stands_for_the_other() {
    let (issuer, verifier) = pair(settings(vec![hs("k1", SECRET)]));
    let access = issuer.access(&grant(), NOW).unwrap().token;
    let refresh = issuer.refresh(&grant(), TokenId::random(), NOW).unwrap().token;
    assert_eq!(verifier.access(&AccessToken::new(refresh.expose()), NOW).unwrap_err(), TokenFault::WrongType);
    assert_eq!(verifier.refresh(&RefreshToken::new(access.expose()), NOW).unwrap_err(), TokenFault::WrongType);
}

/// Lesson 28 (APISIX CVE-2026-39999 and its kind): the algorithm is the key's, never the token's.
#[rstest]
#[case(r#"{"alg":"none","kid":"k1"}"#, TokenFault::WrongAlgorithm)]
#[case(r#"{"alg":"None","kid":"k1"}"#, TokenFault::WrongAlgorithm)]
#[case(r#"{"alg":"nOnE","kid":"k1"}"#, TokenFault::WrongAlgorithm)]
#[case(r#"{"alg":"hs256","kid":"k1"}"#, TokenFault::WrongAlgorithm)]
#[case(r#"{"alg":"HS512","kid":"k1"}"#, TokenFault::WrongAlgorithm)]
#[case(r#"{"alg":"RS256","kid":"k1"}"#, TokenFault::WrongAlgorithm)]
#[case(r#"{"kid":"k1"}"#, TokenFault::Malformed)]
#[case(r#"{"alg":256,"kid":"k1"}"#, TokenFault::Malformed)]
#[case(r#"{"alg":"HS256"}"#, TokenFault::UnknownKey)]
#[case(r#"{"alg":"HS256","kid":"k2"}"#, TokenFault::UnknownKey)]
#[case(r#"{"alg":"HS256","kid":"../../dev/null"}"#, TokenFault::UnknownKey)]
#[case(r#"{"alg":"HS256","kid":["k1"]}"#, TokenFault::Malformed)]
#[case(r#"{"alg":"HS256","alg":"HS256","kid":"k1"}"#, TokenFault::Malformed)]
#[case(r#"{"alg":"HS256","kid":"k1","crit":["exp"]}"#, TokenFault::Critical)]
#[case(r#"{"alg":"HS256","kid":"k1","crit":[]}"#, TokenFault::Critical)]
#[case(r#"{"alg":"HS256","kid":"k1","crit":null}"#, TokenFault::Critical)]
#[case(r#"["HS256","k1"]"#, TokenFault::Malformed)]
#[case(r#"{"alg":"HS256","kid":"k1","b64":false}"#, TokenFault::Critical)]
#[case(r"[]", TokenFault::Malformed)]
#[case("", TokenFault::Malformed)]
fn a_header_out_of_line_is_refused(#[case] header: &str, #[case] fault: TokenFault) {
    let (_, verifier) = pair(settings(vec![hs("k1", SECRET)]));
    assert_eq!(verifier.access(&forge(header, &good_claims().to_string()), NOW).unwrap_err(), fault);
}

#[test]
fn the_forge_makes_good_tokens_too() {
    let (_, verifier) = pair(settings(vec![hs("k1", SECRET)]));
    assert!(verifier.access(&forge(HEADER, &good_claims().to_string()), NOW).is_ok());
    let with_key_material = r#"{"alg":"HS256","typ":"JWT","kid":"k1","jku":"https://evil.example/keys","jwk":{"kty":"oct","k":"AA"}}"#;
    assert!(
        verifier.access(&forge(with_key_material, &good_claims().to_string()), NOW).is_ok(),
        "header key material is ignored, not obeyed"
    );
}

/// Lesson 30 (jsonwebtoken CVE-2026-25537): a claim of the wrong type is not an absent claim.
#[rstest]
#[case("exp", json!("1800000900"), TokenFault::Malformed)]
#[case("exp", json!(1_800_000_900.5), TokenFault::Malformed)]
#[case("exp", json!(-1), TokenFault::Malformed)]
#[case("exp", json!(null), TokenFault::Malformed)]
#[case("exp", json!(1_799_999_999), TokenFault::Expired)]
#[case("exp", json!(1_800_000_000), TokenFault::Expired)]
#[case("nbf", json!(1_800_000_001), TokenFault::NotYetValid)]
#[case("iat", json!(1_800_000_001), TokenFault::NotYetValid)]
#[case("nbf", json!("0"), TokenFault::Malformed)]
#[case("sub", json!(60_241_234), TokenFault::Malformed)]
#[case("sub", json!(["60241234"]), TokenFault::Malformed)]
#[case("sub", json!(""), TokenFault::NotForUs)]
#[case("sub", json!("a@b@c"), TokenFault::NotForUs)]
#[case("sub", json!("60241234@mju"), TokenFault::NotForUs)]
#[case("sub", json!("60241234@local"), TokenFault::NotForUs)]
#[case("jti", json!(7), TokenFault::Malformed)]
#[case("jti", json!("7"), TokenFault::Malformed)]
#[case("sid", json!("x"), TokenFault::Malformed)]
#[case("iss", json!("https://gate.example.evil"), TokenFault::NotForUs)]
#[case("iss", json!("https://gate.exampl"), TokenFault::NotForUs)]
#[case("iss", json!(["https://gate.example"]), TokenFault::Malformed)]
#[case("aud", json!("somebody"), TokenFault::NotForUs)]
#[case("aud", json!(["somebody"]), TokenFault::Malformed)]
#[case("type", json!("refresh"), TokenFault::WrongType)]
#[case("type", json!("Access"), TokenFault::WrongType)]
#[case("type", json!(null), TokenFault::Malformed)]
#[case("idp", json!("local"), TokenFault::NotForUs)]
#[case("idp", json!("gone"), TokenFault::NotForUs)]
#[case("rsn", json!("1"), TokenFault::Malformed)]
fn a_claim_out_of_line_is_refused(#[case] claim: &str, #[case] value: Value, #[case] fault: TokenFault) {
    let (_, verifier) = pair(settings(vec![hs("k1", SECRET)]));
    let mut claims = good_claims();
    claims[claim] = value;
    assert_eq!(verifier.access(&forge(HEADER, &claims.to_string()), NOW).unwrap_err(), fault);
}

#[test]
fn an_absent_or_doubled_claim_is_refused() {
    let (_, verifier) = pair(settings(vec![hs("k1", SECRET)]));
    for name in ["exp", "iat", "nbf", "jti", "type", "sub", "iss", "sid", "idp", "rsn", "fresh"] {
        let mut claims = good_claims();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(verifier.access(&forge(HEADER, &claims.to_string()), NOW).unwrap_err(), TokenFault::Malformed, "{name}");
    }
    let doubled = good_claims().to_string().replacen('{', r#"{"sub":"admin","#, 1);
    assert_eq!(verifier.access(&forge(HEADER, &doubled), NOW).unwrap_err(), TokenFault::Malformed);
    let huge = good_claims().to_string().replacen("1800000900", "1e400", 1);
    assert_eq!(verifier.access(&forge(HEADER, &huge), NOW).unwrap_err(), TokenFault::Malformed);
}

#[test]
fn a_changed_byte_anywhere_is_noticed() {
    let (issuer, verifier) = pair(settings(vec![hs("k1", SECRET)]));
    let good = issuer.access(&grant(), NOW).unwrap().token;
    for at in 0..good.expose().len() {
        let mut bytes = good.expose().as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(verifier.access(&AccessToken::new(changed), NOW).is_err(), "byte {at}");
    }
}

#[rstest]
#[case("")]
#[case(".")]
#[case("..")]
#[case("...")]
#[case("a.b.c")]
#[case("a.b.c.d")]
#[case("eyJhbGciOiJIUzI1NiJ9")]
#[case("한글.한글.한글")]
fn what_is_no_token_is_malformed(#[case] text: &str) {
    let (_, verifier) = pair(settings(vec![hs("k1", SECRET)]));
    assert_eq!(verifier.access(&AccessToken::new(text), NOW).unwrap_err(), TokenFault::Malformed);
    assert_eq!(verifier.access(&AccessToken::new("a".repeat(1 << 20)), NOW).unwrap_err(), TokenFault::Malformed);
}

#[test]
fn keys_are_changed_without_logging_anybody_out() {
    let other = b"another secret of thirty-two byte";
    let (old_issuer, _) = pair(settings(vec![hs("old", SECRET)]));
    let token = old_issuer.access(&grant(), NOW).unwrap().token;
    let later = KeySettings { sign_from: Some(NOW.plus(Duration::from_secs(60))), ..hs("new", other) };
    let (issuer, verifier) = pair(settings(vec![hs("old", SECRET), later]));
    assert!(verifier.access(&token, NOW).is_ok());
    let kid = |issued: Issued<AccessToken>| jsonwebtoken::decode_header(issued.token.expose()).unwrap().kid.unwrap();
    assert_eq!(kid(issuer.access(&grant(), NOW).unwrap()), "old");
    assert_eq!(kid(issuer.access(&grant(), NOW.plus(Duration::from_secs(60))).unwrap()), "new");
    let (_, without_old) = pair(settings(vec![hs("new", other)]));
    assert_eq!(without_old.access(&token, NOW).unwrap_err(), TokenFault::UnknownKey);
    let (_, same_name) = pair(settings(vec![hs("old", other)]));
    assert_eq!(same_name.access(&token, NOW).unwrap_err(), TokenFault::BadSignature);
}

#[test]
fn public_key_algorithms_work_and_their_public_part_is_no_hmac_secret() {
    let generated = |alg: &'static rcgen::SignatureAlgorithm| rcgen::KeyPair::generate_for(alg).unwrap();
    for (algorithm, pair_of_keys) in [
        (Algorithm::Es256, generated(&rcgen::PKCS_ECDSA_P256_SHA256)),
        (Algorithm::EdDsa, generated(&rcgen::PKCS_ED25519)),
        (Algorithm::Rs256, generated(&rcgen::PKCS_RSA_SHA256)),
    ] {
        let private = key("k1", algorithm, KeyMaterial::Private(SecretString::from(pair_of_keys.serialize_pem())));
        let (issuer, verifier) = pair(settings(vec![private]));
        let token = issuer.access(&grant(), NOW).unwrap().token;
        assert!(verifier.access(&token, NOW).is_ok(), "{algorithm:?}");
        // The classic confusion: the public key, which everybody has, used as an HMAC secret.
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(good_claims().to_string()));
        let public_pem = pair_of_keys.public_key_pem();
        let signature = jsonwebtoken::crypto::sign(
            message.as_bytes(),
            &jsonwebtoken::EncodingKey::from_secret(public_pem.as_bytes()),
            jsonwebtoken::Algorithm::HS256,
        )
        .unwrap();
        assert_eq!(verifier.access(&AccessToken::new(format!("{message}.{signature}")), NOW).unwrap_err(), TokenFault::WrongAlgorithm);
        // And the public part alone checks what the private part made.
        let mut with_public = settings(vec![key("k1", algorithm, KeyMaterial::Public(public_pem)), hs("signs", SECRET)]);
        with_public.keys[0].verify_only = true;
        let (_, checker) = pair(with_public);
        assert!(checker.access(&token, NOW).is_ok(), "{algorithm:?}");
    }
}

#[test]
fn jwks_has_public_keys_and_no_secret() {
    install_crypto();
    let ec = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let ring =
        KeyRing::new(&[hs("h", SECRET), key("e", Algorithm::Es256, KeyMaterial::Private(SecretString::from(ec.serialize_pem())))]).unwrap();
    let set = serde_json::to_value(ring.public()).unwrap();
    assert_eq!(set["keys"].as_array().unwrap().len(), 1);
    assert_eq!((&set["keys"][0]["kid"], &set["keys"][0]["kty"], &set["keys"][0]["alg"]), (&json!("e"), &json!("EC"), &json!("ES256")));
    assert!(set["keys"][0].get("d").is_none());
}

#[test]
fn unusable_keys_are_all_named() {
    install_crypto();
    let broken = key(
        "broken",
        Algorithm::Es256,
        KeyMaterial::Private(SecretString::from("-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n")),
    );
    let mixed = key("mixed", Algorithm::Rs256, KeyMaterial::Secret(SecretSlice::from(SECRET.to_vec())));
    assert_eq!(KeyRing::new(&[broken, mixed]).err().unwrap().len(), 2);
    let silent = KeySettings { verify_only: true, ..hs("k", SECRET) };
    assert_eq!(KeyRing::new(&[silent]).err(), Some(vec![KeyError::NoneSigns]));
}

#[test]
fn a_rotated_pair_reports_its_first_use_once() {
    let (issuer, verifier) = pair(settings(vec![hs("k1", SECRET)]));
    let rotated = Grant { generation: Some(3), ..grant() };
    let token = issuer.access(&rotated, NOW).unwrap().token;
    assert_eq!(verifier.access(&token, NOW).unwrap().first_use_of_rotated(), Some(3));
    assert_eq!(verifier.access(&token, NOW).unwrap().first_use_of_rotated(), None);
    let plain = issuer.access(&grant(), NOW).unwrap().token;
    assert_eq!(verifier.access(&plain, NOW).unwrap().first_use_of_rotated(), None);
}
