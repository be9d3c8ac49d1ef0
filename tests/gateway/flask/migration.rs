//! `docs/from-flask.md`, done word for word: its files, with nothing changed but addresses, in front of an application of
//! system 0's shape and one of system 1's. What a client of each did before is done again.

use serde_json::json;

use super::THEIRS;
use super::app::App;
use crate::support::{Builder, Client, Gateway, Message, RIGHT, SECRET, Sso, claims, header, now, resigned};

const GUIDE: &str = include_str!("../../../docs/from-flask.md");

/// The nth file of the guide.
fn block(nth: usize) -> String {
    let text = GUIDE.split("```toml\n").nth(nth + 1).unwrap().split("```").next().unwrap();
    text.lines()
        .map(|line| line.strip_prefix("   ").filter(|_| line.starts_with("   ")).unwrap_or(line))
        .fold(String::new(), |all, line| all + line + "\n")
}

/// What the guide says, with the addresses of this machine.
fn guided(block: &str, app: &App, sso: &Sso) -> Builder {
    for line in ["listen = [\"0.0.0.0:8443\"]", "servers = [\"http://127.0.0.1:5000\"]", "preset = \"mju\""] {
        assert!(block.contains(line), "{line}");
    }
    let here = block.replace("0.0.0.0:8443", "127.0.0.1:0").replace("http://127.0.0.1:5000", &app.url());
    Builder::empty().toml(&here).sso(sso).file("certs/app.secret", THEIRS)
}

fn start(file: Builder) -> Gateway {
    let checked = file.finish(&["check"]);
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    file.start()
}

fn system0(sso: &Sso) -> Option<App> {
    App::named("system0.py", &[("SECRET_KEY", THEIRS), ("SSO_URL", &sso.url())])
}

/// The application's own first clients: the three requests of row 0.18.
fn as_before(program: &Client, refresh: Option<&str>) -> String {
    let login = program.post("/login").json(&json!({ "id": RIGHT.0, "password": RIGHT.1 })).send();
    assert_eq!(login.status(), 200, "{}", login.text());
    let tokens = login.json();
    let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
    let access = token("access_token");
    let answer = program.get("/protected").bearer(&access).send();
    assert_eq!((answer.status(), answer.json()), (200, json!({ "logged_in_as": RIGHT.0 })));
    let own = token("refresh_token");
    let renewed = program.post("/refresh").bearer(refresh.unwrap_or(&own)).send();
    assert_eq!(renewed.status(), 200, "{}", renewed.text());
    let newer = renewed.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(program.get("/protected").bearer(&newer).send().json(), json!({ "logged_in_as": RIGHT.0 }));
    assert_eq!(program.post("/refresh").bearer(&access).send().status(), 422, "an access token renews nothing");
    access
}

#[test]
fn an_application_of_system_0s_shape_goes_behind_the_gateway_by_the_guide() {
    let sso = Sso::start();
    let Some(app) = system0(&sso) else { return };
    // From before the day of the change.
    let old = app.ask("POST", "/login", &[], &json!({ "id": RIGHT.0, "password": RIGHT.1 }).to_string()).json();
    let gateway = start(guided(&block(0), &app, &sso));
    let program = gateway.program();
    as_before(&program, None);
    let known = program.get("/protected").bearer(old["access_token"].as_str().unwrap()).send();
    assert_eq!((known.status(), known.json()), (200, json!({ "logged_in_as": RIGHT.0 })), "an old token is good until its end");
    assert_eq!(program.get("/protected").send().json(), json!({ "msg": "Missing Authorization Header" }));
    let wrong = program.post("/login").json(&json!({ "id": RIGHT.0, "password": "wrong" })).send();
    assert_eq!((wrong.status(), wrong.json()), (401, json!({ "msg": "아이디 또는 비밀번호가 다릅니다." })));
    let empty = program.post("/login").json(&json!({ "id": RIGHT.0 })).send();
    assert_eq!((empty.status(), empty.json()), (400, json!({ "msg": "ID와 비밀번호를 입력해주세요." })));
    assert_eq!(program.post("/refresh").bearer(old["refresh_token"].as_str().unwrap()).send().status(), 422, "as the guide says");
}

/// The second file of the guide, added to the first: the application goes on logging people in itself.
#[test]
fn an_application_of_system_0s_shape_may_keep_its_own_login() {
    let sso = Sso::start();
    let Some(app) = system0(&sso) else { return };
    let gateway = start(guided(&block(0), &app, &sso).toml(&block(1)));
    let access = as_before(&gateway.program(), None);
    assert_eq!(header(&access), json!({ "alg": "HS256", "typ": "JWT" }), "it is the application's own token");
    assert_eq!(gateway.program().get("/protected").send().status(), 401);
}

/// Nobody of the old clients is thrown out where the guide's `opens_sessions` is written.
#[test]
fn an_old_refresh_token_opens_a_session_where_the_guide_says_so() {
    let sso = Sso::start();
    let Some(app) = system0(&sso) else { return };
    let old = app.ask("POST", "/login", &[], &json!({ "id": RIGHT.0, "password": RIGHT.1 }).to_string()).json();
    let with = block(0).replace("scope = [\"/\"] }", "scope = [\"/\"], opens_sessions = true }");
    let gateway = start(guided(&with, &app, &sso));
    as_before(&gateway.program(), old["refresh_token"].as_str());
}

#[test]
fn an_application_of_system_1s_shape_goes_behind_the_gateway_by_the_guide() {
    let sso = Sso::start();
    let Some(app) = App::named("system1.py", &[("SECRET_KEY", THEIRS)]) else { return };
    // The secret that `run` would make is one that is known here, so that the clock can be moved inside tokens.
    let gateway = start(guided(&block(2), &app, &sso).file("certs/jwt.secret", SECRET));
    // Its page, whose script nobody touched.
    let page = gateway.browser();
    assert!(page.get("/").send().text().contains("fetch(\"/login\""));
    let fetch = gateway.browser().always("Sec-Fetch-Mode", "cors").always("Sec-Fetch-Dest", "empty").always("Accept", "*/*");
    let wrong = fetch.post("/login").json(&json!({ "username": RIGHT.0, "password": "wrong" })).send();
    assert_eq!(wrong.status(), 401);
    let answer = fetch.post("/login").json(&json!({ "username": RIGHT.0, "password": RIGHT.1 })).send();
    assert_eq!((answer.status(), answer.json()), (200, json!({ "login": true })));
    for name in ["access_token_cookie", "refresh_token_cookie", "csrf_access_token", "csrf_refresh_token"] {
        assert!(answer.cookie(name).1.contains("Secure"), "{name}");
    }
    let protected = || fetch.get("/protected").send();
    assert_eq!((protected().status(), protected().json()), (200, json!({ "logged_in_as": RIGHT.0 })));
    let act = |csrf: Option<String>| {
        let call = fetch.post("/protected").json(&json!({}));
        let answer = match &csrf {
            Some(csrf) => call.with("X-CSRF-TOKEN", csrf),
            None => call,
        };
        let answer = answer.send();
        (answer.status(), answer.json())
    };
    assert_eq!(act(None), (401, json!({ "msg": "Missing CSRF token" })));
    assert_eq!(act(fetch.kept("csrf_access_token")), (200, json!({ "logged_in_as": RIGHT.0 })));
    row_1_7_renewed_with_the_figures_of_the_library(&fetch);
    let out = fetch.get("/logout").send();
    assert!(out.status() < 400, "{}", out.status());
    assert_eq!(fetch.kept("access_token_cookie"), None);
    assert_eq!(protected().status(), 401);
}

/// An hour of life, renewed on the way when less than 30 minutes are left; an answer without a good token is left as it is.
fn row_1_7_renewed_with_the_figures_of_the_library(fetch: &Client) {
    let token = fetch.kept("access_token_cookie").unwrap();
    let life = claims(&token)["exp"].as_u64().unwrap() - now();
    assert!((3590..=3600).contains(&life), "{life}");
    let left = |seconds: u64| {
        let end = now() + seconds;
        resigned(&token, &json!({ "exp": end, "iat": end - 3600, "nbf": end - 3600 }))
    };
    let set = |answer: &Message| answer.set_cookies().iter().filter(|(name, ..)| name == "access_token_cookie").count();
    for (seconds, renewed) in [(31 * 60, 0), (29 * 60, 1)] {
        fetch.keep("access_token_cookie", &left(seconds));
        let answer = fetch.get("/protected").send();
        assert_eq!((answer.status(), set(&answer)), (200, renewed), "{seconds} s left");
    }
    let newer = fetch.kept("access_token_cookie").unwrap();
    let life = claims(&newer)["exp"].as_u64().unwrap() - now();
    assert!((3590..=3600).contains(&life), "a whole hour again: {life}");
    fetch.keep("access_token_cookie", &format!("{token}x"));
    let answer = fetch.get("/protected").send();
    assert_eq!((answer.status(), answer.set_cookies()), (422, Vec::new()), "as the library has it");
    fetch.keep("access_token_cookie", &newer);
}

/// What `munjigi import flask` prints for both applications is a part of a good file.
#[test]
fn what_import_prints_for_both_applications_goes_into_a_good_file() {
    let sso = Sso::start();
    let Some(app) = system0(&sso) else { return };
    for (file, said) in [("system0.py", "keys"), ("system1.py", "access_ttl = 3600")] {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/");
        let printed = Builder::empty().finish(&["import", "flask", &format!("{source}{file}")]);
        assert_eq!(printed.code, 0, "{}", printed.err);
        assert!(printed.out.contains(said), "{}", printed.out);
        let mut guide: toml::Table = block(0).parse().unwrap();
        guide.remove("route");
        guide["auth"].as_table_mut().unwrap().retain(|key, _| matches!(key, "issuer" | "providers"));
        let file = Builder::empty().toml(&guide.to_string()).toml(&printed.out).file("certs/app.secret", THEIRS);
        let file = file.toml(&format!("[upstream.app]\nservers = [\"{}\"]", app.url())).sso(&sso);
        let checked = file.finish(&["check"]);
        assert_eq!(checked.code, 0, "{}{}\n{}", checked.out, checked.err, printed.out);
    }
}
