//! The signed word for applications about who asks, and the code of the docs that checks it, run as it stands there.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::{Gateway, H2, Origin, RIGHT, Sso, World, claims, header, munjigi, need, now, unsigned};

const HEADER: &str = "x-munjigi-assertion";
const KEYS: &str = "/.well-known/assertion-jwks.json";

const ROUTES: &str = r#"
    [assertion]

    [[route]]
    host = "grades.test"
    path = "/staff/"
    upstream = "app"
"#;

fn world(more: &str) -> World {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = World::builder(&origin, &sso).toml(ROUTES).toml(more).start();
    World { origin, sso, gateway }
}

/// What the application is handed for a request under this token.
fn told(world: &World, path: &str, token: &str) -> String {
    assert_eq!(world.gateway.program().get(path).bearer(token).send().status(), 200, "{path}");
    world.origin.last().get(HEADER).expect("an assertion came along").to_owned()
}

fn published(gateway: &Gateway) -> Vec<Value> {
    gateway.program().get(KEYS).send().json()["keys"].as_array().unwrap().clone()
}

/// Signs as the gateway does, with the key in a file.
fn forged(key: &Path, head: &Value, body: &Value) -> String {
    let pem = std::fs::read_to_string(key).unwrap();
    let der = STANDARD.decode(pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).unwrap();
    let message = unsigned(&head.to_string(), &body.to_string());
    let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn who_asks_is_signed_for_one_minute_and_one_route() {
    let world = world("");
    let token = world.login().access;
    let assertion = told(&world, "/page", &token);
    assert_eq!(header(&assertion), json!({ "alg": "ES256", "typ": "munjigi-assertion+jwt", "kid": "a1" }));
    let said = claims(&assertion);
    for (name, wanted) in [
        ("iss", json!("https://gate.test")),
        ("aud", json!("*/")),
        ("sub", json!(RIGHT.0)),
        ("idp", json!("mju")),
        ("sid", claims(&token)["sid"].clone()),
        ("groups", json!([])),
    ] {
        assert_eq!(said[name], wanted, "{name}");
    }
    let end = said["exp"].as_u64().unwrap();
    assert!((now() + 25..=now() + 60).contains(&end), "at least half of its minute is left: {end}");

    // Signed under the published key.
    let keys = published(&world.gateway);
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(keys[0][name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message.as_bytes(), &signature).unwrap();
    assert_eq!((keys.len(), keys[0].get("d")), (1, None), "{keys:?}");

    // One word for the requests of a session on a route; another route, another audience.
    assert_eq!(told(&world, "/other", &token), assertion);
    assert_ne!(told(&world, "/other", &world.login().access), assertion, "another session");
    let mut h2 = H2::connect(world.gateway.address());
    let request = http::Request::builder().version(http::Version::HTTP_2).uri("https://grades.test/staff/x");
    assert_eq!(h2.send(request.header("authorization", format!("Bearer {token}")), b"").status(), 200);
    assert_eq!(claims(world.origin.last().get(HEADER).unwrap())["aud"], "grades.test/staff");
    assert_eq!(claims(&told(&world, "/open/x", &token))["aud"], "*/open", "a public route tells who is logged in, too");

    // Nobody, no word; and never the client's.
    assert_eq!(world.gateway.program().get("/open").with(HEADER, &assertion).with("X_Munjigi_Assertion", &assertion).send().status(), 200);
    assert!(!String::from_utf8_lossy(&world.origin.last().head).contains(&assertion));
    assert_eq!(world.origin.last().get(HEADER), None);
    // It opens nothing here.
    assert_eq!(world.gateway.program().get("/page").bearer(&assertion).send().status(), 401);
}

#[test]
fn a_group_that_was_taken_away_is_not_signed_any_longer() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let builder = World::builder(&origin, &sso).toml(ROUTES).toml("[groups]\nfile = \"groups\"");
    let gateway = builder.file("groups", format!("staff: mju:{}\n", RIGHT.0)).start();
    let world = World { origin, sso, gateway };
    let token = world.login().access;
    assert_eq!(claims(&told(&world, "/", &token))["groups"], json!(["staff"]));
    std::fs::write(world.gateway.path("groups"), "staff:\n").unwrap();
    world.gateway.reload("reloaded");
    assert_eq!(claims(&told(&world, "/", &token))["groups"], json!([]));
}

#[test]
fn the_header_can_have_another_name_and_a_proxy_that_asks_is_told_too() {
    let world = world("[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[identity_headers]\nassertion = \"X-Gate-Proof\"");
    let token = world.login().access;
    world.gateway.program().get("/").bearer(&token).with("X-Gate-Proof", "forged").send();
    assert_eq!(claims(world.origin.last().get("x-gate-proof").unwrap())["sub"], RIGHT.0);
    world.gateway.program().get("/open").with("X_Gate.Proof", "forged").send();
    assert_eq!((world.origin.last().get("x-gate-proof"), world.origin.last().get("x_gate.proof")), (None, None));
    let program = world.gateway.program();
    let asked = program.get("/.auth/check").with("X-Original-URI", "/x").with("X-Original-Method", "GET");
    assert_eq!(claims(asked.bearer(&token).send().get("x-gate-proof").unwrap())["aud"], "*/");
}

#[test]
fn without_the_section_nothing_is_signed() {
    let world = World::start();
    let token = world.login().access;
    world.gateway.program().get("/").bearer(&token).with(HEADER, "forged").send();
    assert_eq!(world.origin.last().get(HEADER), None);
    assert_eq!(world.gateway.program().get(KEYS).send().status(), 404);
    assert!(!world.gateway.path("certs/assertion.key").exists());
}

#[test]
fn a_key_is_made_once_and_for_its_owner_alone() {
    let world = world("");
    let made = world.gateway.path("certs/assertion.key");
    assert_eq!(crate::support::mode(&made) & 0o777, 0o600);
    let before = (std::fs::read(&made).unwrap(), published(&world.gateway));
    let gateway = world.gateway.killed_and_started();
    assert_eq!((std::fs::read(&made).unwrap(), published(&gateway)), before);
}

/// A new key beside the old one, then alone: at no moment is anything signed that the published keys do not check.
#[test]
fn a_key_is_replaced_without_a_word_that_cannot_be_checked() {
    let mut world = world("");
    let token = world.login().access;
    let old = told(&world, "/", &token);
    let printed = munjigi(&world.gateway.path("certs"), &["gen-key"]);
    assert!(printed.out.starts_with("-----BEGIN PRIVATE KEY-----"), "{}", printed.out);
    crate::support::write_private(&world.gateway.path("certs/second.key"), printed.out.as_bytes());
    let entry = |kid: &str, file: &str, more: &str| {
        format!("{{ kid = \"{kid}\", algorithm = \"ES256\", private_key_file = \"certs/{file}\"{more} }}")
    };
    let first = entry("a1", "assertion.key", "");
    let kids = |gateway: &Gateway| published(gateway).iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    for (keys, signs, there) in [
        (format!("{first}, {}", entry("a2", "second.key", ", sign_from = \"2999-01-01T00:00:00Z\"")), "a1", vec!["a1", "a2"]),
        (format!("{first}, {}", entry("a2", "second.key", ", sign_from = \"2020-01-01T00:00:00Z\"")), "a2", vec!["a1", "a2"]),
        (entry("a2", "second.key", ""), "a2", vec!["a2"]),
    ] {
        world.gateway.configure(&format!("[assertion]\nkeys = [{keys}]"));
        world.gateway.reload("reloaded");
        assert_eq!(
            (header(&told(&world, "/", &token))["kid"].as_str(), kids(&world.gateway)),
            (Some(signs), there.iter().map(ToString::to_string).collect())
        );
    }
    assert_eq!(header(&old)["kid"], "a1");
    // A reload makes no files.
    world.gateway.configure(&format!("[assertion]\nkeys = [{}]", entry("a3", "third.key", "")));
    world.gateway.reload("reload refused");
    assert_eq!(kids(&world.gateway), ["a2"]);
}

/// The fenced code of a language in the docs, for the gateway at this address.
fn documented(language: &str, address: SocketAddr) -> String {
    let paper = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/assertion.md")).unwrap();
    let (_, rest) = paper.split_once(&format!("```{language}\n")).expect("the docs have code in this language");
    let code = rest.split_once("```").unwrap().0;
    let adapted = code.replace("https://gate.example.ac.kr/.well-known", &format!("https://{address}/.well-known"));
    adapted.replace("https://gate.example.ac.kr", "https://gate.test")
}

/// Hands assertions, one on a line, to a program that answers each with a line of JSON.
fn asked(mut program: Command, assertions: &[String]) -> Vec<Value> {
    let mut process = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(assertions.join("\n").as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the code of the docs makes of good and bad assertions.
fn checked_by(program: impl Fn(&Gateway) -> Command) {
    let world = world("");
    let pair = world.login();
    let good = told(&world, "/page", &pair.access);
    let (head, said, key) = (header(&good), claims(&good), world.gateway.path("certs/assertion.key"));
    let changed = |of: &Value, name: &str, value: Value| {
        let mut of = of.clone();
        of[name] = value;
        of
    };
    let without = |name: &str| {
        let mut said = said.clone();
        said.as_object_mut().unwrap().remove(name);
        said
    };
    let stranger = munjigi(&world.gateway.path("certs"), &["gen-key"]).out;
    crate::support::write_private(&world.gateway.path("stranger.key"), stranger.as_bytes());
    let (message, _) = good.rsplit_once('.').unwrap();
    let bad = [
        ("another route's", told(&world, "/open", &pair.access)),
        ("an access token", pair.access.clone()),
        ("nothing", String::from("-")),
        ("no signature", format!("{message}.")),
        ("a stranger's signature", forged(&world.gateway.path("stranger.key"), &head, &said)),
        ("over", forged(&key, &head, &changed(&said, "exp", json!(now() - 1)))),
        ("never over", forged(&key, &head, &without("exp"))),
        ("of tomorrow", forged(&key, &head, &changed(&said, "iat", json!(now() + 86_400)))),
        ("another gateway's", forged(&key, &head, &changed(&said, "iss", json!("https://gate.test.evil")))),
        ("for nobody", forged(&key, &head, &without("aud"))),
        ("about nobody", forged(&key, &head, &without("sub"))),
        ("another kind of token", forged(&key, &changed(&head, "typ", json!("JWT")), &said)),
        ("another key's name", forged(&key, &changed(&head, "kid", json!("a9")), &said)),
        ("alg none", format!("{}.", unsigned(&changed(&head, "alg", json!("none")).to_string(), &said.to_string()))),
        ("alg HS256", forged(&key, &changed(&head, "alg", json!("HS256")), &said)),
    ];
    let lines: Vec<String> =
        [good.clone(), forged(&key, &head, &said)].into_iter().chain(bad.iter().map(|(_, text)| text.clone())).collect();
    let answers = asked(program(&world.gateway), &lines);
    assert_eq!(answers.len(), lines.len());
    for answer in &answers[..2] {
        assert_eq!((&answer["sub"], &answer["aud"]), (&json!(RIGHT.0), &json!("*/")), "{answer}");
    }
    for ((what, _), answer) in bad.iter().zip(&answers[2..]) {
        assert!(answer["refused"].is_string(), "{what}: {answer}");
    }
}

#[test]
fn python_checks_it_with_the_code_of_the_docs() {
    let Some(python) = std::env::var_os("MUNJIGI_FLASK") else {
        let _ = writeln!(
            std::io::stderr(),
            "left out: the assertion checked in Python (MUNJIGI_FLASK names no Python with PyJWT; scripts/test makes one)"
        );
        return;
    };
    checked_by(|gateway| {
        let harness = "import json, sys\nfor line in sys.stdin:\n    try:\n        print(json.dumps(who(line.strip())))\n    except Exception as error:\n        print(json.dumps({\"refused\": repr(error)}))\n";
        let script = gateway.path("check.py");
        std::fs::write(&script, format!("{}\n\n{harness}", documented("python", gateway.address()))).unwrap();
        let mut command = Command::new(&python);
        command.arg(script).env("PYTHONUTF8", "1").env("SSL_CERT_FILE", gateway.path("certs/gateway.crt"));
        command
    });
}

#[test]
fn node_checks_it_with_the_code_of_the_docs() {
    if !need("node_checks_it_with_the_code_of_the_docs") {
        return;
    }
    checked_by(|gateway| {
        let harness = "import { createInterface } from \"node:readline\";\nfor await (const line of createInterface({ input: process.stdin })) {\n  const said = await who(line.trim()).catch((error) => ({ refused: String(error) }));\n  console.log(JSON.stringify(said));\n}\n";
        let mut command = Command::new("node");
        // Modules are found from the working directory.
        command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser"));
        command.args(["--input-type=module", "--eval", &format!("{}\n{harness}", documented("javascript", gateway.address()))]);
        command.env("NODE_EXTRA_CA_CERTS", gateway.path("certs/gateway.crt"));
        command
    });
}
