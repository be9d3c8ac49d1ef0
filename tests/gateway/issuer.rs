//! Tokens of other issuers: taken where a route names them, for people of their own realm, and nowhere else.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{Gateway, Origin, RIGHT, Sso, World, json_answer, now, unsigned};

/// Somebody who signs with ES256 and publishes the key.
struct Idp {
    key: EcdsaKeyPair,
    kid: &'static str,
}

impl Idp {
    fn new(kid: &'static str) -> Self {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        Self { key: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap(), kid }
    }

    fn set(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let half = |from: usize| URL_SAFE_NO_PAD.encode(&point[from..from + 32]);
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "alg": "ES256", "x": half(1), "y": half(33) }] })
    }

    fn token(&self, change: &Value) -> String {
        let mut claims = json!({ "iss": "https://idp.test", "aud": ["gate", "else"], "sub": RIGHT.0, "uid": "kim", "iat": now(), "exp": now() + 600, "groups": ["staff"] });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let signed = unsigned(&json!({ "alg": "ES256", "typ": "JWT", "kid": self.kid }).to_string(), &claims.to_string());
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn gateway(origin: &Origin, sso: &Sso, idp: &Idp, keys: &str) -> Gateway {
    let issuer = format!(
        r#"
        [[issuer]]
        name = "idp"
        iss = "https://idp.test"
        audience = "gate"
        {keys}
        claims = {{ groups = "groups" }}

        [[route]]
        path = "/api"
        upstream = "app"
        accept = "idp"

        [[route]]
        path = "/staff"
        upstream = "app"
        accept = ["idp"]
        access = {{ groups = ["staff"] }}

        [[route]]
        path = "/dept"
        upstream = "app"
        accept = "idp"
        access = {{ claims = {{ dept = ["cs", "ee"], level = 3, "https://idp.test/active" = true }} }}
        "#
    );
    World::builder(origin, sso).file("idp.json", idp.set().to_string()).toml(&issuer).start()
}

fn status(gateway: &Gateway, path: &str, token: &str) -> u16 {
    gateway.program().get(path).bearer(token).send().status()
}

#[test]
fn a_foreign_token_passes_where_a_route_names_its_issuer_as_somebody_of_its_own_realm() {
    let (origin, sso, idp) = (Origin::start(), Sso::start(), Idp::new("e1"));
    let gateway = gateway(&origin, &sso, &idp, "jwks_file = \"idp.json\"");
    let token = idp.token(&json!({}));
    assert_eq!(status(&gateway, "/api", &token), 200);
    assert_eq!(origin.last().get("x-auth-user"), Some(format!("{}@idp", RIGHT.0).as_str()), "never the student of the same number");
    assert_eq!(origin.last().get("authorization"), None);
    assert_eq!(status(&gateway, "/staff", &token), 200, "its groups count");
    assert_eq!(status(&gateway, "/staff", &idp.token(&json!({ "groups": [] }))), 403);
    assert_eq!(status(&gateway, "/", &token), 401, "a route that does not name it");
}

#[test]
fn a_rule_can_ask_for_claims_of_the_token() {
    let (origin, sso, idp) = (Origin::start(), Sso::start(), Idp::new("e1"));
    let gateway = gateway(&origin, &sso, &idp, "jwks_file = \"idp.json\"");
    let active = "https://idp.test/active";
    for (change, wanted) in [
        (json!({ "dept": "cs", "level": 3, active: true }), 200),
        (json!({ "dept": ["math", "ee"], "level": "3", active: "true" }), 200),
        (json!({ "dept": "cs", "level": 3 }), 403),
        (json!({ "dept": "cs", "level": 3, active: false }), 403),
        (json!({ "dept": "cs", "level": 30, active: true }), 403),
        (json!({ "dept": "cs,ee", "level": 3, active: true }), 403),
        (json!({ "dept": { "cs": true }, "level": 3, active: true }), 403),
        (json!({ "dept": null, "level": 3.0, active: true }), 403),
        (json!({}), 403),
    ] {
        assert_eq!(status(&gateway, "/dept", &idp.token(&change)), wanted, "{change}");
    }
    // Ours do not say so, whoever asks.
    assert_eq!(status(&gateway, "/dept", &gateway.login(RIGHT.0, RIGHT.1).access), 403);
}

/// Lesson 34: a foreign issuer's token at our own endpoints.
#[test]
fn lesson_34_a_foreign_token_touches_no_session_of_ours() {
    let (origin, sso, idp) = (Origin::start(), Sso::start(), Idp::new("e1"));
    let gateway = gateway(&origin, &sso, &idp, "jwks_file = \"idp.json\"");
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    for change in [json!({}), json!({ "type": "refresh" }), json!({ "iss": "https://gate.test", "sid": "AAAAAAAAAAAAAAAAAAAAAA" })] {
        let token = idp.token(&change);
        for path in ["/refresh", "/.auth/logout/all"] {
            assert_eq!(gateway.program().post(path).bearer(&token).send().status(), 401, "{path}");
        }
        gateway.program().post("/logout").bearer(&token).send();
        assert_eq!(status(&gateway, "/.auth/me", &token), 401);
    }
    assert_eq!(status(&gateway, "/", &pair.access), 200, "and ours lives on");
}

/// Lessons 30 to 33: every claim is looked at, by its type.
#[test]
fn lesson_32_a_foreign_token_out_of_line_is_refused() {
    let (origin, sso, idp) = (Origin::start(), Sso::start(), Idp::new("e1"));
    let gateway = gateway(&origin, &sso, &idp, "jwks_file = \"idp.json\"");
    for change in [
        json!({ "iss": "https://idp.test.evil" }),
        json!({ "iss": null }),
        json!({ "aud": "gat" }),
        json!({ "aud": null }),
        json!({ "aud": 7 }),
        json!({ "exp": null }),
        json!({ "exp": now() - 31 }),
        json!({ "exp": "9999999999" }),
        json!({ "exp": 9_999_999_999.5 }),
        json!({ "iat": now() + 40 }),
        json!({ "iat": now() - 90_000 }),
        json!({ "nbf": now() + 40 }),
        json!({ "sub": 7 }),
        json!({ "sub": "a@mju" }),
        json!({ "type": "refresh" }),
    ] {
        assert_eq!(status(&gateway, "/api", &idp.token(&change)), 401, "{change}");
    }
    assert_eq!(status(&gateway, "/api", &idp.token(&json!({ "exp": now() - 20, "iat": now() - 100 }))), 200, "within the leeway");
    assert_eq!(status(&gateway, "/api", &Idp::new("e1").token(&json!({}))), 401, "another key of the same name");
    assert_eq!(origin.connections(), 1);
}

/// The keys of a URL are fetched behind the requests, again for a kid that is not known, and kept when their server is away.
#[test]
fn published_keys_are_fetched_and_outlive_their_server() {
    let (origin, sso, idp) = (Origin::start(), Sso::start(), Idp::new("e1"));
    let set = idp.set();
    let server = Origin::answering(move |_| json_answer(200, &set));
    let gateway = gateway(&origin, &sso, &idp, &format!("jwks_url = \"{}/jwks.json\"", server.url()));
    gateway.process.logged("1 keys fetched");
    assert_eq!(status(&gateway, "/api", &idp.token(&json!({}))), 200);
    let stranger = Idp::new("e2");
    for _ in 0..20 {
        assert_eq!(status(&gateway, "/api", &stranger.token(&json!({}))), 401, "refused now, whatever a fetch will bring");
    }
    assert_eq!(server.seen().len(), 1, "at most one fetch in half a minute");
    let mut gateway = gateway;
    gateway.configure("[auth]\nbackdate = \"4s\"");
    drop(server);
    gateway.reload("reload");
    assert_eq!(status(&gateway, "/api", &idp.token(&json!({}))), 200, "a reload keeps what was fetched");
}

/// A proxy that asks at `/.auth/check` hears the same as whoever comes through.
#[test]
fn a_proxy_that_asks_hears_the_same_of_others_tokens() {
    let (origin, sso, idp) = (Origin::start(), Sso::start(), Idp::new("e1"));
    let mut gateway = gateway(&origin, &sso, &idp, "jwks_file = \"idp.json\"");
    gateway.configure("[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[auth]\ntoken_places = [\"headers\", \"cookies\", \"query\"]");
    gateway.reload("reload");
    let own = gateway.login(RIGHT.0, RIGHT.1).access;
    let theirs = idp.token(&json!({}));
    let nobody = idp.token(&json!({ "groups": [] }));
    for (token, path) in
        [(&theirs, "/api"), (&theirs, "/staff"), (&nobody, "/staff"), (&theirs, "/"), (&own, "/api"), (&own, "/staff"), (&own, "/")]
    {
        let program = gateway.program();
        let asked = |target: &str| program.get("/.auth/check").with("X-Original-URI", target).with("X-Original-Method", "GET");
        let through = status(&gateway, path, token);
        let answer = asked(path).bearer(token).send();
        assert_eq!(answer.status(), through, "{path}");
        let user = (through == 200).then(|| origin.last().get("x-auth-user").unwrap().to_owned());
        assert_eq!(answer.get("x-auth-user").map(str::to_owned), user, "{path}");
        // And of one in the query of the request asked about.
        assert_eq!(asked(&format!("{path}?a=1&jwt={token}")).send().status(), through, "{path} by query");
    }
}
