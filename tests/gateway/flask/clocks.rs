//! The gateway's clock and the application's are three seconds apart, in both directions. `faketime` shifts the clock under
//! the application's whole process, so that the checks that run are the library's own.

use serde_json::{Value, json};

use super::app::App;
use super::{THEIRS, get, sharing, sharing_with, welcome};
use crate::support::{Gateway, RIGHT, SECRET, Sso, claims, need, now, resigned};

/// An application whose clock goes before ours or after it by three seconds.
fn shifted(secret: &str, shift: i64) -> Option<App> {
    if !need("clocks_three_seconds_apart") {
        return None;
    }
    let app = App::with_clock(&format!("{shift:+}s"), secret, &json!({}))?;
    // Else the rest would say nothing.
    let its = claims(&app.tokens(&json!({ "id": RIGHT.0 })).0)["iat"].as_i64().unwrap();
    let off = its - i64::try_from(now()).unwrap();
    assert!((shift - 1..=shift + 1).contains(&off), "its clock is {off} s off");
    Some(app)
}

fn passes_everywhere(gateway: &Gateway, token: &str) {
    for path in ["/protected", "/fresh", "/optional", "/plain"] {
        let (status, said) = get(&gateway.program(), path, token);
        assert_eq!((status, &said["logged_in_as"]), (200, &Value::from(RIGHT.0)), "{path}: {said}");
    }
}

#[test]
fn the_application_takes_our_tokens_and_we_take_its_own_with_clocks_three_seconds_apart() {
    for shift in [-3, 3] {
        let Some(app) = shifted(THEIRS, shift) else { return };
        let sso = Sso::start();
        let gateway = sharing(&app, &sso, "", "accept = \"flask\"\npass_token = true");
        let pair = gateway.login(RIGHT.0, RIGHT.1);
        passes_everywhere(&gateway, &pair.access);
        // In its last second here, which is over there: whether somebody passes is decided here.
        let last = resigned(&gateway.login(RIGHT.0, RIGHT.1).access, &json!({ "exp": now() + 2 }));
        assert_eq!(get(&gateway.program(), "/protected", &last), welcome(), "{shift}");
        // And at once those it makes itself.
        let (access, _) = app.tokens(&json!({ "id": RIGHT.0, "fresh": true }));
        passes_everywhere(&gateway, &access);
    }
}

/// What dating back is for: without it the library refuses what was made just now.
#[test]
fn without_dating_back_a_clock_that_is_behind_refuses() {
    let Some(app) = shifted(THEIRS, -3) else { return };
    let sso = Sso::start();
    let gateway = sharing_with(&app, &sso, "backdate = 0", "", "pass_token = true");
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    let refused = (422, json!({ "msg": "The token is not yet valid (iat)" }));
    assert_eq!(get(&gateway.program(), "/protected", &pair.access), refused);
}

/// One secret for the gateway and the application, with clocks apart.
#[test]
fn one_team_has_clocks_three_seconds_apart() {
    for shift in [-3, 3] {
        let Some(app) = shifted(SECRET, shift) else { return };
        let sso = Sso::start();
        let gateway = super::gateway(&app, &sso, "[[route]]\npath = \"/\"\nupstream = \"app\"");
        let pair = gateway.login(RIGHT.0, RIGHT.1);
        for path in ["/protected", "/fresh"] {
            let direct = app.ask("GET", path, &[("Authorization", format!("Bearer {}", pair.access))], "");
            assert_eq!((direct.status(), direct.json()), welcome(), "{path} {shift}");
        }
    }
}
