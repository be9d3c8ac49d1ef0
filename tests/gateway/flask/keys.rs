//! Keys shared with an application: every algorithm, audience and issuer, another header, plain `PyJWT`, a weak secret.

use std::process::Command;

use serde_json::{Value, json};

use super::app::{App, python};
use super::{THEIRS, gateway, get, sharing, sharing_with, welcome};
use crate::support::{Builder, RIGHT, Sso, now};

/// A key pair in PEM: private, public.
fn pair(algorithm: &str) -> Option<(String, String)> {
    let script = "\
import sys
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives import serialization as s
key = rsa.generate_private_key(65537, 2048) if sys.argv[1] == 'RS256' else ec.generate_private_key(ec.SECP256R1())
print(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode() + '|' +
      key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo).decode())";
    let output = Command::new(python()?).args(["-c", script, algorithm]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (private, public) = text.trim().split_once('|').expect("a pair");
    Some((private.to_owned(), public.to_owned()))
}

#[test]
fn a_pair_of_keys_is_shared_in_both_directions_or_only_to_check() {
    for algorithm in ["RS256", "ES256"] {
        let Some((private, public)) = pair(algorithm) else { return };
        let config = json!({ "JWT_ALGORITHM": algorithm, "JWT_PRIVATE_KEY": private, "JWT_PUBLIC_KEY": public });
        let Some(app) = App::start(THEIRS, &config) else { return };
        let sso = Sso::start();
        let with = |key: &str, route: &str| {
            Builder::new()
                .sso(&sso)
                .file("certs/app.pem", &private)
                .file("certs/app.pub", &public)
                .toml(&format!("[upstream.app]\nservers = [\"{}\"]", app.url()))
                .toml(&format!(
                    r#"
                    [auth]
                    keys = [
                        {{ kid = "k1", algorithm = "HS256", secret_file = "certs/jwt.secret" }},
                        {{ kid = "app", algorithm = "{algorithm}", {key}, scope = ["/"] }},
                    ]
                    [[route]]
                    path = "/"
                    upstream = "app"
                    accept = "flask"
                    {route}
                    "#
                ))
                .start()
        };
        let (access, _) = app.tokens(&json!({ "id": RIGHT.0 }));
        let both = with("private_key_file = \"certs/app.pem\"", "pass_token = true");
        let ours = both.login(RIGHT.0, RIGHT.1).access;
        assert_eq!(get(&both.program(), "/protected", &ours), welcome(), "{algorithm}: the application takes ours");
        assert_eq!(get(&both.program(), "/protected", &access), welcome(), "{algorithm}: and we its own");
        let checking = with("public_key_file = \"certs/app.pub\"", "");
        assert_eq!(get(&checking.program(), "/protected", &access), welcome(), "{algorithm}: with the public part alone");
    }
}

#[test]
fn audience_and_issuer_are_looked_at_and_written_in_both_directions() {
    let names =
        json!({ "JWT_ENCODE_AUDIENCE": "grades", "JWT_DECODE_AUDIENCE": "grades", "JWT_ENCODE_ISSUER": "app", "JWT_DECODE_ISSUER": "app" });
    let Some(app) = App::start(THEIRS, &names) else { return };
    let sso = Sso::start();
    let gateway = sharing(&app, &sso, "iss = \"app\", audience = \"grades\"", "accept = \"flask\"\npass_token = true");
    let ours = gateway.login(RIGHT.0, RIGHT.1).access;
    assert_eq!(get(&gateway.program(), "/protected", &ours), welcome());
    let (access, _) = app.tokens(&json!({ "id": RIGHT.0 }));
    assert_eq!(get(&gateway.program(), "/protected", &access), welcome());
    for claims in [
        json!({ "iss": "app" }),
        json!({ "aud": "grades" }),
        json!({ "iss": "app", "aud": "else" }),
        json!({ "iss": "else", "aud": "grades" }),
    ] {
        let mut whole = json!({ "sub": RIGHT.0, "iat": now(), "exp": now() + 600, "jti": "j", "type": "access" });
        whole.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        assert_eq!(get(&gateway.program(), "/protected", &app.pyjwt(&whole)).0, 401, "{claims}");
    }
}

/// `JWT_HEADER_NAME` and `JWT_HEADER_TYPE`: clients and the application use them, and so does what we hand over.
#[test]
fn an_application_that_looks_into_another_header_is_handed_its_token_there() {
    for (scheme, shown) in [("JWT", "JWT "), ("", "")] {
        let Some(app) = App::start(THEIRS, &json!({ "JWT_HEADER_NAME": "X-Token", "JWT_HEADER_TYPE": scheme })) else { return };
        let sso = Sso::start();
        let places = format!("token_header = \"X-Token\"\ntoken_scheme = \"{scheme}\"");
        let gateway = sharing_with(&app, &sso, &places, "", "accept = \"flask\"\npass_token = true");
        let ours = gateway.login(RIGHT.0, RIGHT.1).access;
        let (theirs, _) = app.tokens(&json!({ "id": RIGHT.0 }));
        for token in [ours, theirs] {
            let answer = gateway.program().get("/protected").with("X-Token", &format!("{shown}{token}")).send();
            assert_eq!((answer.status(), answer.json()), welcome(), "{scheme:?}");
            assert_eq!(gateway.program().get("/protected").bearer(&token).send().status(), 401, "not where it is not looked for");
        }
    }
}

/// An application with nothing but `PyJWT`, in both directions; bare in the header too, as system 2 sends it.
#[test]
fn plain_pyjwt_takes_ours_and_we_take_its_own() {
    let Some(app) = App::start(THEIRS, &json!({})) else { return };
    let sso = Sso::start();
    let its = || app.pyjwt(&json!({ "sub": RIGHT.0, "iat": now(), "exp": now() + 600 }));
    let loose = "allow_no_jti = true, allow_no_type = true";
    let gateway = sharing(&app, &sso, loose, "accept = \"flask\"\npass_token = true");
    let ours = gateway.login(RIGHT.0, RIGHT.1).access;
    for token in [ours, its()] {
        assert_eq!(get(&gateway.program(), "/plain", &token), (200, json!({ "logged_in_as": RIGHT.0, "scheme": "Bearer" })));
    }
    let bare = sharing_with(&app, &sso, "token_scheme = \"\"", loose, "accept = \"flask\"\npass_token = true");
    let ours = bare.login(RIGHT.0, RIGHT.1).access;
    for token in [ours, its()] {
        let answer = bare.program().get("/plain").with("Authorization", &token).send();
        assert_eq!((answer.status(), answer.json()), (200, json!({ "logged_in_as": RIGHT.0, "scheme": "" })));
    }
}

/// The gateway's own tokens at a plain `PyJWT` that shares the gateway's key: no `aud` unless one is configured.
#[test]
fn plain_pyjwt_takes_the_gateways_own_tokens() {
    let Some(app) = App::start(crate::support::SECRET, &json!({})) else { return };
    let sso = Sso::start();
    let gateway = gateway(&app, &sso, "[[route]]\npath = \"/\"\nupstream = \"app\"");
    let ours = gateway.login(RIGHT.0, RIGHT.1).access;
    let direct = app.ask("GET", "/plain", &[("Authorization", format!("Bearer {ours}"))], "");
    assert_eq!(direct.json(), json!({ "logged_in_as": RIGHT.0, "scheme": "Bearer" }));
}

/// A secret that is none lives on as a scoped key until its day, and never as one of ours.
#[test]
fn a_weak_secret_of_an_existing_application_lives_on_until_its_day() {
    const WEAK: &str = "super-secret";
    let Some(app) = App::start(WEAK, &json!({})) else { return };
    let sso = Sso::start();
    let config = |key: &str| {
        Builder::new().sso(&sso).toml(&format!("[upstream.app]\nservers = [\"{}\"]", app.url())).toml(&format!(
            r#"
            [auth]
            keys = [
                {{ kid = "k1", algorithm = "HS256", secret_file = "certs/jwt.secret" }},
                {{ kid = "app", algorithm = "HS256", secret = "{WEAK}", {key} }},
            ]
            [[route]]
            path = "/"
            upstream = "app"
            accept = "flask"
            pass_token = true
            "#
        ))
    };
    for (key, said) in [
        ("scope = [\"/\"]", "placeholder"),
        ("scope = [\"/\"], dangerous_weak_secret = \"2020-01-01\"", "the time of this weak secret is over"),
        ("dangerous_weak_secret = \"2999-01-01\"", "a weak secret cannot sign this gateway's own tokens"),
        ("scope = [\"/\"], dangerous_weak_secret = true", "is not a date"),
    ] {
        let finished = config(key).finish(&["check", "-c", "gateway.toml"]);
        assert_ne!(finished.code, 0, "{key}");
        assert!(finished.err.contains(said) || finished.out.contains(said), "{key}: {} {}", finished.out, finished.err);
    }
    let gateway = config("scope = [\"/\"], dangerous_weak_secret = \"2999-01-01\"").start();
    let ours = gateway.login(RIGHT.0, RIGHT.1).access;
    let (theirs, _) = app.tokens(&json!({ "id": RIGHT.0 }));
    for token in [ours, theirs] {
        assert_eq!(get(&gateway.program(), "/protected", &token), welcome());
    }
    assert!(gateway.printed().contains("this secret is weak"), "the operator is told at every start");
}

/// A token that the application revoked is refused by the application, however good it is here.
#[test]
fn a_token_that_the_application_revoked_is_its_own_to_refuse() {
    let Some(app) = App::start(THEIRS, &json!({})) else { return };
    let sso = Sso::start();
    let gateway = sharing(&app, &sso, "", "accept = \"flask\"");
    let (access, _) = app.tokens(&json!({ "id": RIGHT.0 }));
    app.ask("POST", "/revoke", &[], &json!({ "jti": crate::support::claims(&access)["jti"] }).to_string());
    let told: (u16, Value) = get(&gateway.program(), "/protected", &access);
    assert_eq!(told, (401, json!({ "msg": "Token has been revoked" })));
}
