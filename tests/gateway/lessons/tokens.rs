//! Forged tokens, and tokens that are almost right (lessons 18, 19 and 28 to 33).

use serde_json::{Value, json};

use crate::support::{Origin, SECRET, Sso, World, claims, header, hs256, now, resigned, unsigned};

/// APISIX CVE-2026-39999, Envoy CVE-2022-29226.
#[test]
fn l19_l28_the_algorithm_is_never_the_tokens_choice() {
    let world = World::start();
    let token = world.login().access;
    let claims = claims(&token).to_string();
    let signature = token.rsplit('.').next().unwrap();
    let reached = world.origin.connections();
    for alg in ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "RS256", "ES256", "EdDSA", "hs256", "HS256 "] {
        let head = json!({ "alg": alg, "typ": "JWT", "kid": "k1" }).to_string();
        for forged in [
            format!("{}.", unsigned(&head, &claims)),
            unsigned(&head, &claims),
            format!("{}.{signature}", unsigned(&head, &claims)),
            hs256(&head, &claims, SECRET.as_bytes()),
            hs256(&head, &claims, b""),
        ] {
            assert_eq!(world.gateway.program().get("/protected").bearer(&forged).send().refusal().0, 401, "{alg:?} {forged}");
        }
    }
    for head in [
        r#"{"typ":"JWT","kid":"k1"}"#,
        r#"{"alg":null,"kid":"k1"}"#,
        r#"{"alg":["HS256"],"kid":"k1"}"#,
        r#"{"alg":"none","alg":"HS256","kid":"k1"}"#,
        "[]",
        "7",
    ] {
        let forged = hs256(head, &claims, SECRET.as_bytes());
        assert_eq!(world.gateway.program().get("/protected").bearer(&forged).send().refusal().0, 401, "{head}");
    }
    assert_eq!(world.origin.connections(), reached);
}

/// jsonwebtoken CVE-2026-25537 (a claim of the wrong type was not looked at), `mod_auth_openidc` GHSA-wcvh-g65p-v576 (a
/// token without an end), `PyJWT` GHSA-75c5-xw7c-p5pm (an issuer that only begins right).
#[test]
fn l30_l31_l32_every_claim_is_looked_at() {
    let world = World::start();
    let token = world.login().access;
    let reached = world.origin.connections();
    let (past, future) = (now() - 100, now() + 100);
    let changes: Vec<Value> = vec![
        json!({ "exp": null }),
        json!({ "exp": future.to_string() }),
        json!({ "exp": -1 }),
        json!({ "exp": 0 }),
        json!({ "exp": [future] }),
        json!({ "exp": { "at": future } }),
        json!({ "exp": true }),
        json!({ "exp": u64::MAX, "iat": future }),
        json!({ "nbf": future }),
        json!({ "nbf": past.to_string() }),
        json!({ "nbf": [past] }),
        json!({ "iat": future }),
        json!({ "iat": past.to_string() }),
        json!({ "iat": null }),
        json!({ "iss": null }),
        json!({ "iss": "https://gate.test.evil" }),
        json!({ "iss": "https://gate.tes" }),
        json!({ "iss": "https://gate.test/" }),
        json!({ "iss": ["https://gate.test"] }),
        json!({ "aud": 7 }),
        json!({ "aud": "somebody-else" }),
        json!({ "sub": null }),
        json!({ "sub": 60_241_234 }),
        json!({ "sub": ["rightid"] }),
        json!({ "sub": "" }),
        json!({ "sub": "rightid@mju" }),
        json!({ "sub": "right id" }),
        json!({ "sub": "a\r\nX-Auth-Groups: staff" }),
        json!({ "jti": null }),
        json!({ "jti": 7 }),
        json!({ "jti": "x" }),
        json!({ "sid": null }),
        json!({ "sid": "x" }),
        json!({ "idp": "nobody" }),
        json!({ "idp": 7 }),
        json!({ "rsn": null }),
        json!({ "rsn": "0" }),
        json!({ "rsn": -1 }),
        json!({ "type": null }),
        json!({ "type": ["access"] }),
        json!({ "type": "ACCESS" }),
    ];
    for change in changes {
        let answer = world.gateway.program().get("/protected").bearer(&resigned(&token, &change)).send();
        assert_eq!(answer.refusal().0, 401, "{change}");
    }
    // What `Value` cannot say: names twice, numbers beyond all bounds, more behind the end.
    let whole = claims(&token).to_string();
    let open = whole.strip_suffix('}').unwrap();
    for text in [
        format!("{open},\"exp\":{future}}}"),
        format!("{open},\"sub\":\"admin\"}}"),
        whole.replacen(&format!("\"exp\":{}", claims(&token)["exp"]), "\"exp\":1e400", 1),
        whole.replacen(&format!("\"exp\":{}", claims(&token)["exp"]), "\"exp\":99999999999999999999", 1),
        format!("{whole}{whole}"),
        format!("[{whole}]"),
        "{}".to_owned(),
        "null".to_owned(),
    ] {
        let forged = hs256(&header(&token).to_string(), &text, SECRET.as_bytes());
        assert_eq!(world.gateway.program().get("/protected").bearer(&forged).send().refusal().0, 401, "{text}");
    }
    assert_eq!(world.origin.connections(), reached);
    assert_eq!(world.gateway.program().get("/protected").bearer(&token).send().status(), 200);
}

/// CVE-2018-0114 and its like: a token that brings its own key, or says where to fetch one. `PyJWT` GHSA-752w-5fwx-jx9f:
/// `crit` was not looked at.
#[test]
fn l31_l33_a_header_names_a_key_and_does_nothing_else() {
    let world = World::start();
    let token = world.login().access;
    let claims = claims(&token).to_string();
    let reached = world.origin.connections();
    let long = "k".repeat(65);
    for kid in
        ["../../dev/null", "/etc/passwd", "k1' OR '1'='1", "https://evil.example/jwks.json", "K1", "k1 ", "", long.as_str(), "k1\u{0}"]
    {
        let forged = hs256(&json!({ "alg": "HS256", "typ": "JWT", "kid": kid }).to_string(), &claims, SECRET.as_bytes());
        let (status, error) = world.gateway.program().get("/protected").bearer(&forged).send().refusal();
        assert!(status == 401 && ["token_unknown_key", "token_malformed"].contains(&error.as_str()), "{kid:?}: {error}");
    }
    let own_key = [7_u8; 32];
    let jwk = json!({ "kty": "oct", "k": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc" });
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
    ] {
        let head = json!({ "alg": "HS256", "typ": "JWT", "kid": "k1", name: value }).to_string();
        let forged = hs256(&head, &claims, &own_key);
        assert_eq!(world.gateway.program().get("/protected").bearer(&forged).send().refusal().0, 401, "{name}");
    }
    for extension in [
        json!({ "crit": ["exp"] }),
        json!({ "crit": [] }),
        json!({ "crit": null }),
        json!({ "b64": false, "crit": ["b64"] }),
        json!({ "kid": 1 }),
        json!({ "kid": ["k1"] }),
    ] {
        let mut head = header(&token);
        head.as_object_mut().unwrap().extend(extension.as_object().unwrap().clone());
        let forged = hs256(&head.to_string(), &claims, SECRET.as_bytes());
        assert_eq!(world.gateway.program().get("/protected").bearer(&forged).send().refusal().0, 401, "{extension}");
    }
    assert_eq!(world.origin.connections(), reached);
}

/// Oathkeeper GHSA-4mq7-pvjg-xp2r, CVE-2021-32701, heimdall #3452: what was decided for one place was found again at another.
#[test]
fn l23_what_is_remembered_of_a_token_is_no_decision() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let builder = World::builder(&origin, &sso).file("groups", "staff:\n").toml(
        "[groups]\nfile = \"groups\"\n[[route]]\npath = \"/staff\"\nupstream = \"app\"\naccess = { groups = [\"staff\"] }\n\
         [[route]]\npath = \"/reads\"\nupstream = \"app\"\naccess = { methods = [\"GET\"] }",
    );
    let mut world = World { gateway: builder.start(), origin, sso };
    let token = world.login().access;
    let ask = |world: &World, method: &str, path: &str| world.gateway.program().call(method, path).bearer(&token).send().status();
    for _ in 0..2 {
        assert_eq!(
            (ask(&world, "GET", "/"), ask(&world, "GET", "/staff"), ask(&world, "GET", "/reads"), ask(&world, "POST", "/reads")),
            (200, 403, 200, 403)
        );
    }
    // Another rule, and then other keys: what was found good before counts for nothing.
    std::fs::write(world.gateway.path("groups"), format!("staff: mju:{}\n", crate::support::RIGHT.0)).unwrap();
    world.gateway.reload("reloaded");
    assert_eq!(ask(&world, "GET", "/staff"), 200);
    world
        .gateway
        .configure("[auth]\nkeys = [{ kid = \"k1\", algorithm = \"HS256\", secret = \"another-secret-of-good-length-8f2k1q9z\" }]");
    world.gateway.reload("reloaded");
    assert_eq!((ask(&world, "GET", "/"), ask(&world, "GET", "/staff")), (401, 401));
}

/// authentik CVE-2026-25748: what could not be read was answered as if nobody had to be logged in.
#[test]
fn l18_every_damaged_token_is_a_refusal() {
    let world = World::start();
    let token = world.login().access;
    let reached = world.origin.connections();
    let program = world.gateway.program();
    let mut damaged: Vec<String> = (0..token.len()).step_by(token.len() / 24).map(|cut| token[..cut].to_owned()).collect();
    damaged.extend(
        (1..token.len())
            .step_by(token.len() / 24)
            .map(|at| format!("{}{}{}", &token[..at], if &token[at..=at] == "A" { "B" } else { "A" }, &token[at + 1..])),
    );
    damaged.extend(["%", "..", "...", "=.=.=", "e30.e30.", "null", "\"\"", "eyJ", "\u{ac00}.\u{ac00}.\u{ac00}"].map(str::to_owned));
    damaged.extend([
        format!("{token}="),
        format!("{token}\u{a0}"),
        format!("{token}."),
        token.replace('.', ","),
        token.to_ascii_uppercase(),
    ]);
    // The last character of a signature has two bits that mean nothing; a decoder that ignores them takes a second spelling.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (most, last) = token.split_at(token.len() - 1);
    let twin = alphabet.find(last).map(|at| &alphabet[at + 1..at + 2]).unwrap();
    damaged.push(format!("{most}{twin}"));
    for token in damaged {
        let by_header = program.get("/protected").bearer(&token).send().status();
        let by_cookie = program.get("/protected").with("Cookie", &format!("__Host-munjigi_access={token}")).send().status();
        assert!(matches!(by_header, 400 | 401) && matches!(by_cookie, 400 | 401), "{by_header} {by_cookie}: {token:?}");
    }
    assert_eq!(world.origin.connections(), reached);
}
