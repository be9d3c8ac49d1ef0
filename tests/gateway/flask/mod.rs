//! Real applications with flask-jwt-extended, unchanged, behind the gateway; and every row of the library's table of errors,
//! asked of both.
//!
//! They need an interpreter that has the library (`tests/python/requirements-flask.txt`): `MUNJIGI_FLASK` names it, and
//! `scripts/test` makes one. Without it these stories are left out and say so.

mod app;
mod clocks;
mod forms;
mod keys;
mod migration;
mod table;

use serde_json::{Value, json};

use crate::support::{Builder, Client, Gateway, RIGHT, SECRET, Sso, claims, now};
use app::App;

/// The application's own secret: nothing of the gateway's.
const THEIRS: &str = "Zr8fQ1mVxT4uLb9cWk2sYp7dHg5jNa3e";

fn gateway(app: &App, sso: &Sso, routes: &str) -> Gateway {
    Builder::new().sso(sso).toml(&format!("[upstream.app]\nservers = [\"{}\"]", app.url())).toml(routes).start()
}

/// A gateway with a key of the application's, good on its routes.
fn sharing(app: &App, sso: &Sso, key: &str, route: &str) -> Gateway {
    sharing_with(app, sso, "", key, route)
}

/// The same with more settings of `[auth]`.
fn sharing_with(app: &App, sso: &Sso, auth: &str, key: &str, route: &str) -> Gateway {
    let scoped = format!(
        r#"
        [auth]
        {auth}
        keys = [
            {{ kid = "k1", algorithm = "HS256", secret_file = "certs/jwt.secret" }},
            {{ kid = "app", algorithm = "HS256", secret = "{THEIRS}", scope = ["/"], {key} }},
        ]
        [[route]]
        path = "/"
        upstream = "app"
        {route}
        "#
    );
    gateway(app, sso, &scoped)
}

fn get(client: &Client, path: &str, token: &str) -> (u16, Value) {
    let answer = client.get(path).bearer(token).send();
    (answer.status(), answer.json())
}

fn welcome() -> (u16, Value) {
    (200, json!({ "logged_in_as": RIGHT.0 }))
}

#[test]
fn the_application_takes_the_token_we_make_for_it_in_a_header() {
    let Some(app) = App::start(THEIRS, &json!({})) else { return };
    let sso = Sso::start();
    let gateway = sharing(&app, &sso, "", "pass_token = true");
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    for path in ["/protected", "/fresh", "/optional"] {
        assert_eq!(get(&gateway.program(), path, &pair.access), welcome(), "{path}");
    }
    assert_eq!(gateway.program().post("/protected").bearer(&pair.access).json(&json!({})).send().status(), 200);
    // It is a token of its own: what the gateway gave is nothing to the application.
    let direct = app.ask("GET", "/protected", &[("Authorization", format!("Bearer {}", pair.access))], "");
    assert_eq!(direct.status(), 422);
}

#[test]
fn the_application_takes_the_token_we_make_for_it_in_cookies_with_its_double_submit() {
    let Some(app) = App::start(THEIRS, &json!({ "JWT_TOKEN_LOCATION": ["cookies"] })) else { return };
    let sso = Sso::start();
    for profile in ["host", "flask"] {
        let gateway = Builder::new()
            .sso(&sso)
            .toml(&format!("[upstream.app]\nservers = [\"{}\"]", app.url()))
            .toml(&format!(
                r#"
                [auth]
                cookies = "{profile}"
                keys = [
                    {{ kid = "k1", algorithm = "HS256", secret_file = "certs/jwt.secret" }},
                    {{ kid = "app", algorithm = "HS256", secret = "{THEIRS}", scope = ["/"] }},
                ]
                [[route]]
                path = "/"
                upstream = "app"
                pass_token = "cookies"
                "#
            ))
            .start();
        let browser = gateway.browser();
        browser.post("/login").json(&json!({ "id": RIGHT.0, "password": RIGHT.1, "cookies": true })).send();
        assert_eq!(browser.get("/protected").send().json(), welcome().1, "{profile}");
        let csrf = browser.kept("csrf_access_token").unwrap_or_default();
        let answer = browser.post("/protected").with("X-CSRF-TOKEN", &csrf).json(&json!({})).send();
        assert_eq!((answer.status(), answer.json()), welcome(), "{profile}");
        // A planted cookie of the library's name reaches nobody.
        browser.keep("refresh_token_cookie", "planted");
    }
}

#[test]
fn a_refresh_route_of_the_application_is_served_only_on_demand() {
    let Some(app) = App::start(THEIRS, &json!({})) else { return };
    let sso = Sso::start();
    let gateway = sharing(
        &app,
        &sso,
        "",
        "pass_token = true\n[[route]]\npath = \"/renewal\"\nupstream = \"app\"\npass_token = true\ndangerous_pass_refresh = true",
    );
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    let answer = gateway.program().post("/renewal").bearer(&pair.access).json(&json!({})).send();
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(claims(answer.json()["access_token"].as_str().unwrap())["sub"], RIGHT.0);
}

#[test]
fn tokens_the_application_made_pass_on_its_routes_and_nowhere_else() {
    for config in
        [json!({}), json!({ "JWT_COOKIE_CSRF_PROTECT": false }), json!({ "JWT_ENCODE_AUDIENCE": "them", "JWT_ENCODE_ISSUER": "app" })]
    {
        let Some(app) = App::start(THEIRS, &config) else { return };
        let sso = Sso::start();
        let gateway = sharing(&app, &sso, "", "accept = \"flask\"\n[[route]]\npath = \"/other\"\nupstream = \"app\"");
        for wish in [json!({ "id": RIGHT.0, "fresh": true }), json!({ "id": RIGHT.0 }), json!({ "id": RIGHT.0, "fresh_for": 60 })] {
            let (access, refresh) = app.tokens(&wish);
            assert_eq!(get(&gateway.program(), "/protected", &access), welcome(), "{config} {wish}");
            assert_eq!(get(&gateway.program(), "/protected", &refresh).0, 401, "a refresh token is no access token");
            assert_eq!(get(&gateway.program(), "/other", &access).0, 401, "a route that does not accept it");
            assert_eq!(get(&gateway.program(), "/.auth/me", &access).0, 401);
            for token in [&access, &refresh] {
                assert_eq!(gateway.program().post("/refresh").bearer(token).send().status(), 401);
            }
        }
    }
}

#[test]
fn each_looseness_is_a_setting_of_its_own() {
    let Some(app) = App::start(THEIRS, &json!({})) else { return };
    let sso = Sso::start();
    let whole = json!({ "sub": RIGHT.0, "iat": now(), "exp": now() + 600, "jti": "j", "type": "access" });
    let without = |name: &str| {
        let mut claims = whole.clone();
        claims.as_object_mut().unwrap().remove(name);
        app.pyjwt(&claims)
    };
    let strict = sharing(&app, &sso, "", "accept = \"flask\"");
    assert_eq!(get(&strict.program(), "/optional", &app.pyjwt(&whole)).0, 200);
    for (claim, setting) in [("jti", "allow_no_jti"), ("type", "allow_no_type"), ("exp", "allow_no_exp")] {
        assert_eq!(get(&strict.program(), "/optional", &without(claim)).0, 401, "{claim}");
        let loose = sharing(&app, &sso, &format!("{setting} = true"), "accept = \"flask\"");
        assert_eq!(get(&loose.program(), "/optional", &without(claim)).0, 200, "{setting}");
        assert_eq!(get(&loose.program(), "/optional", &without(if claim == "jti" { "exp" } else { "jti" })).0, 401, "{setting} alone");
    }
}

#[test]
fn after_our_logout_the_tokens_the_application_made_before_it_are_over() {
    let Some(app) = App::start(THEIRS, &json!({})) else { return };
    let sso = Sso::start();
    let gateway = sharing(&app, &sso, "", "accept = \"flask\"");
    let made = |iat: u64| app.pyjwt(&json!({ "sub": RIGHT.0, "iat": iat, "exp": now() + 600, "jti": format!("{iat}"), "type": "access" }));
    let (before, unseen) = (made(now() - 10), made(now() - 11));
    let other = app.pyjwt(&json!({ "sub": "60249999", "iat": now() - 10, "exp": now() + 600, "jti": "o", "type": "access" }));
    assert_eq!(get(&gateway.program(), "/protected", &before).0, 200);
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    assert!(gateway.program().post("/logout").bearer(&pair.access).send().status() < 300);
    for token in [&before, &unseen] {
        let answer = gateway.program().get("/protected").bearer(token).send();
        assert_eq!(answer.refusal(), (401, "token_revoked".to_owned()));
    }
    assert_eq!(get(&gateway.program(), "/protected", &other).0, 200, "nobody else is logged out");
}

#[test]
fn a_refresh_token_of_the_application_opens_one_session_where_that_is_allowed() {
    let Some(app) = App::start(THEIRS, &json!({})) else { return };
    let sso = Sso::start();
    let gateway = sharing(&app, &sso, "opens_sessions = true", "pass_token = true");
    let (_, refresh) = app.tokens(&json!({ "id": RIGHT.0 }));
    let renew = || gateway.program().post("/refresh").bearer(&refresh).send();
    let first = renew().json()["access_token"].as_str().unwrap().to_owned();
    let again = renew().json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&first)["sid"], claims(&again)["sid"], "used again it finds its session");
    assert_eq!(get(&gateway.program(), "/protected", &again), welcome());
    assert!(gateway.program().post("/logout").bearer(&first).send().status() < 300);
    assert_eq!(renew().refusal(), (401, "token_revoked".to_owned()), "and never another one");
}

/// The gateway's own key may be the application's: one team, one secret. `check` says what that means.
#[test]
fn one_team_shares_the_gateways_own_key() {
    let Some(app) = App::start(SECRET, &json!({})) else { return };
    let sso = Sso::start();
    let file = Builder::new().sso(&sso).toml(&format!("[upstream.app]\nservers = [\"{}\"]", app.url())).toml(&format!(
        r#"
        [auth]
        keys = [
            {{ kid = "k1", algorithm = "HS256", secret_file = "certs/jwt.secret" }},
            {{ kid = "app", algorithm = "HS256", secret = "{SECRET}", scope = ["/"] }},
        ]
        [[route]]
        path = "/"
        upstream = "app"
        pass_token = true
        "#
    ));
    let checked = file.finish(&["check"]);
    assert_eq!(checked.code, 0, "{}", checked.err);
    let said = format!("{}{}", checked.out, checked.err);
    assert!(said.contains("can make tokens for everybody, on every route"), "{said}");
    let gateway = file.start();
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    assert_eq!(get(&gateway.program(), "/protected", &pair.access), welcome());
    let direct = app.ask("GET", "/protected", &[("Authorization", format!("Bearer {}", pair.access))], "");
    assert_eq!((direct.status(), direct.json()), welcome());
}
