//! The double submit in the field of a form (`JWT_CSRF_CHECK_FORM`), and the cookies' flags.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::app::App;
use crate::support::{Builder, Client, Gateway, RIGHT, SECRET, Sso};

fn gateway(app: &App, sso: &Sso, auth: &str) -> Gateway {
    Builder::new()
        .sso(sso)
        .toml(&format!(
            "[upstream.app]\nservers = [\"{}\"]\n[[route]]\npath = \"/\"\nupstream = \"app\"\npass_token = \"cookies\"",
            app.url()
        ))
        .toml(&format!(
            r#"
            [auth]
            cookies = "flask"
            error_profile = "flask"
            {auth}
            keys = [
                {{ kid = "k1", algorithm = "HS256", secret_file = "certs/jwt.secret" }},
                {{ kid = "app", algorithm = "HS256", secret = "{}", scope = ["/"] }},
            ]
            "#,
            super::THEIRS
        ))
        .start()
}

fn logged_in(gateway: &Gateway) -> (Client, String) {
    let browser = gateway.browser().always("Accept", "application/json").always("Sec-Fetch-Mode", "cors");
    browser.post("/login").json(&json!({ "id": RIGHT.0, "password": RIGHT.1, "cookies": true })).send();
    let csrf = browser.kept("csrf_access_token").unwrap();
    (browser, csrf)
}

fn shown(body: &[u8]) -> (u16, Value) {
    let hex = digest(&SHA256, body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    (200, json!({ "logged_in_as": RIGHT.0, "length": body.len(), "digest": hex }))
}

/// A form as browsers send files, with the field in front of them.
fn multipart(csrf: &str, file: &[u8]) -> Vec<u8> {
    let part = |name: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
    [part("csrf_token").as_bytes(), csrf.as_bytes(), b"\r\n", part("file").as_bytes(), file, b"\r\n--b--\r\n"].concat()
}

#[test]
fn a_form_may_carry_the_double_submit_in_a_field_and_arrives_whole() {
    let config = json!({ "JWT_TOKEN_LOCATION": ["cookies"], "JWT_CSRF_CHECK_FORM": true });
    let Some(app) = App::start(super::THEIRS, &config) else { return };
    let sso = Sso::start();
    let gateway = gateway(&app, &sso, "csrf_form_field = \"csrf_token\"");
    let (browser, csrf) = logged_in(&gateway);
    let send = |kind: &str, body: &[u8]| {
        let answer = browser.post("/form").body(kind, body).send();
        (answer.status(), answer.json())
    };
    let plain = "application/x-www-form-urlencoded";
    let good = format!("a=1&csrf_token={csrf}&b=%ED%95%9C");
    assert_eq!(send(plain, good.as_bytes()), shown(good.as_bytes()));
    let files = multipart(&csrf, &vec![7; 400_000]);
    assert_eq!(send("multipart/form-data; boundary=b", &files), shown(&files));
    let refused = |text: &str| (401, json!({ "msg": text }));
    assert_eq!(send(plain, b"a=1"), refused("Missing CSRF token"));
    assert_eq!(send(plain, b"a=1&csrf_token="), refused("Missing CSRF token"));
    assert_eq!(send(plain, b"csrf_token=other"), refused("CSRF double submit tokens do not match"));
    assert_eq!(send("multipart/form-data; boundary=b", &multipart("other", b"x")), refused("CSRF double submit tokens do not match"));
    assert_eq!(send("application/json", format!("{{\"csrf_token\":\"{csrf}\"}}").as_bytes()), refused("Missing CSRF token"));
    // The header comes first, as in the library.
    let both = browser.post("/form").with("X-CSRF-TOKEN", "other").body(plain, good.clone()).send();
    assert_eq!((both.status(), both.json()), refused("CSRF double submit tokens do not match"));
    // Beyond the beginning of a body nobody looks.
    let late = format!("a={}&csrf_token={csrf}", "x".repeat(200_000));
    assert_eq!(send(plain, late.as_bytes()), refused("Missing CSRF token"));
}

/// The same requests, asked of the library itself.
#[test]
fn forms_are_refused_in_the_words_of_the_library() {
    let config = json!({ "JWT_CSRF_CHECK_FORM": true });
    let Some(app) = App::start(SECRET, &config) else { return };
    let sso = Sso::start();
    let gateway = Builder::new()
        .sso(&sso)
        .toml(&format!("[upstream.app]\nservers = [\"{}\"]\n[[route]]\npath = \"/\"\nupstream = \"app\"", app.url()))
        .toml("[auth]\ncookies = \"flask\"\nerror_profile = \"flask\"\ncsrf_form_field = \"csrf_token\"")
        .start();
    let (browser, csrf) = logged_in(&gateway);
    let token = browser.kept("access_token_cookie").unwrap();
    for body in ["", "a=1", "csrf_token=", "csrf_token=other"] {
        let fields = [("Cookie", format!("access_token_cookie={token}"))];
        let theirs = app.ask_as("application/x-www-form-urlencoded", "POST", "/form", &fields, body);
        let ours = browser.post("/form").body("application/x-www-form-urlencoded", body).send();
        assert_eq!((theirs.status(), theirs.json()), (ours.status(), ours.json()), "{body}");
    }
    let fields = [("Cookie", format!("access_token_cookie={token}"))];
    let taken = app.ask_as("application/x-www-form-urlencoded", "POST", "/form", &fields, &format!("csrf_token={csrf}"));
    assert_eq!(taken.status(), 200, "{}", taken.text());
}

#[test]
fn without_the_setting_a_field_of_a_form_counts_for_nothing() {
    let Some(app) = App::start(super::THEIRS, &json!({ "JWT_TOKEN_LOCATION": ["cookies"] })) else { return };
    let sso = Sso::start();
    let gateway = gateway(&app, &sso, "");
    let (browser, csrf) = logged_in(&gateway);
    let answer = browser.post("/form").form(&[("csrf_token", &csrf)]).send();
    assert_eq!((answer.status(), answer.json()), (401, json!({ "msg": "Missing CSRF token" })));
}

/// `JWT_COOKIE_SAMESITE` and `JWT_COOKIE_DOMAIN`, and what a browser that had cookies from before is told.
#[test]
fn the_flags_of_the_cookies_are_settings() {
    let Some(app) = App::start(super::THEIRS, &json!({ "JWT_TOKEN_LOCATION": ["cookies"] })) else { return };
    let sso = Sso::start();
    let gateway = gateway(&app, &sso, "cookie_samesite = \"strict\"\ndangerous_cookie_domain = \"gate.test\"");
    let answer = gateway.program().post("/login").json(&json!({ "id": RIGHT.0, "password": RIGHT.1, "cookies": true })).send();
    let lines = answer.set_cookies();
    for name in ["access_token_cookie", "refresh_token_cookie", "csrf_access_token", "csrf_refresh_token"] {
        let of_it: Vec<_> = lines.iter().filter(|(other, _, _)| other == name).collect();
        let [(_, former, gone), (_, value, kept)] = &of_it[..] else { panic!("{name}: {lines:?}") };
        assert!(former.is_empty() && gone.contains("Max-Age=0") && !gone.contains("Domain"), "{name}: {gone}");
        assert!(!value.is_empty() && kept.contains("Domain=gate.test") && kept.contains("SameSite=Strict"), "{name}: {kept}");
        assert!(kept.contains("Secure"));
    }
}
