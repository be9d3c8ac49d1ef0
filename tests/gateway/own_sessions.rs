//! One's own sessions: seen with device and address, ended one by one or all but this one.

use serde_json::{Value, json};

use crate::support::{Gateway, Message, RIGHT, World};

const PLACE: &str = "/.auth/api/sessions";

fn listed(answer: &Message) -> Vec<Value> {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert!(answer.get("cache-control").is_some_and(|value| value.contains("no-store")), "{:?}", answer.fields);
    answer.json()["sessions"].as_array().unwrap().clone()
}

fn login_from(gateway: &Gateway, agent: &str) -> String {
    let body = serde_json::json!({ "id": RIGHT.0, "password": RIGHT.1 });
    let answer = gateway.program().post("/login").with("User-Agent", agent).json(&body).send();
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

fn passes(gateway: &Gateway, access: &str) -> bool {
    gateway.program().get("/protected").bearer(access).send().status() == 200
}

#[test]
fn one_sees_ones_own_sessions_and_which_is_this_one() {
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    let (phone, laptop) = (login_from(&gateway, "Phone/1"), login_from(&gateway, "Laptop/2"));
    gateway.login("60240001", "pw-60240001");
    let sessions = listed(&gateway.program().get(PLACE).bearer(&laptop).send());
    let told: Vec<_> = sessions.iter().map(|one| (one["device"].as_str().unwrap(), one["this"].as_bool().unwrap())).collect();
    assert_eq!(told, [("Laptop/2", true), ("Phone/1", false)]);
    for one in &sessions {
        assert_eq!((one["address"].as_str(), one["provider"].as_str()), (Some("127.0.0.1"), Some("mju")));
        let at = |name: &str| one[name].as_u64().unwrap();
        assert!(at("first_seen") <= at("last_seen") && at("last_seen") < at("expires"), "{one}");
    }
    assert_eq!(gateway.program().get(PLACE).send().refusal(), (401, "token_missing".to_owned()));
    assert!(passes(&gateway, &phone));
}

#[test]
fn one_ends_one_or_the_others_and_nobody_elses() {
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    let tokens: Vec<String> = (0..4).map(|n| login_from(&gateway, &format!("Device/{n}"))).collect();
    let stranger = gateway.login("60240001", "pw-60240001").access;
    let sessions = listed(&gateway.program().get(PLACE).bearer(&tokens[3]).send());
    let id_of = |device: &str| {
        let found = sessions.iter().find(|one| one["device"] == device).unwrap();
        format!("{PLACE}/{}", found["id"].as_str().unwrap())
    };
    let foreign = gateway.program().call("DELETE", &id_of("Device/0")).bearer(&stranger).send();
    assert_eq!(foreign.refusal(), (404, "not_found".to_owned()));
    assert!(passes(&gateway, &tokens[0]));
    let one = gateway.program().call("DELETE", &id_of("Device/0")).bearer(&tokens[3]).send();
    assert_eq!((one.status(), one.json()["ended"].as_u64()), (200, Some(1)));
    let refused = gateway.program().get("/protected").bearer(&tokens[0]).send();
    assert_eq!((refused.status(), refused.json()["reason"].as_str()), (401, Some("elsewhere")));
    let again = gateway.program().call("DELETE", &id_of("Device/0")).bearer(&tokens[3]).send();
    assert_eq!(again.status(), 404, "it is over already");

    let others = gateway.program().call("DELETE", PLACE).bearer(&tokens[3]).send();
    assert_eq!((others.status(), others.json()["ended"].as_u64()), (200, Some(2)));
    let standing: Vec<bool> = tokens.iter().map(|token| passes(&gateway, token)).collect();
    assert_eq!(standing, [false, false, false, true]);
    assert!(passes(&gateway, &stranger));
    assert_eq!(gateway.program().call("DELETE", PLACE).bearer(&tokens[3]).send().json()["ended"], 0);
}

#[test]
fn a_cookie_ends_sessions_only_for_our_own_pages() {
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    let other = login_from(&gateway, "Other/1");
    let browser = gateway.browser();
    browser.post("/login").form(&[("id", RIGHT.0), ("password", RIGHT.1)]).send();
    for site in ["cross-site", "same-site"] {
        let foreign = browser.call("DELETE", PLACE).instead("Sec-Fetch-Site", site).send();
        assert_eq!(foreign.status(), 403, "{site}");
    }
    assert!(passes(&gateway, &other));
    let sessions = listed(&browser.get(PLACE).instead("Accept", "application/json").send());
    let this = sessions.iter().find(|one| one["this"] == true).unwrap()["id"].as_str().unwrap();
    // As on the account page, a cookie alone is not enough: every application of this host has it.
    let ends = |said: &Value| browser.call("DELETE", PLACE).instead("Accept", "application/json").json(said).send();
    let bare = browser.call("DELETE", PLACE).instead("Accept", "application/json").send();
    assert_eq!(bare.refusal(), (400, "missing_credentials".to_owned()));
    assert_eq!(ends(&json!({ "password": "wrong" })).refusal(), (403, "wrong_password".to_owned()));
    assert_eq!(ends(&json!({ "password": "" })).status(), 403);
    assert!(passes(&gateway, &other));
    let right = json!({ "password": RIGHT.1 });
    assert_eq!(ends(&right).json()["ended"], 1);
    assert!(!passes(&gateway, &other));
    let other = login_from(&gateway, "Other/2");
    let all = listed(&browser.get(PLACE).instead("Accept", "application/json").send());
    let one = format!("{PLACE}/{}", all.iter().find(|one| one["this"] == false).unwrap()["id"].as_str().unwrap());
    assert_eq!(browser.call("DELETE", &one).send().status(), 400);
    assert_eq!(browser.call("DELETE", &one).json(&right).send().json()["ended"], 1);
    assert!(!passes(&gateway, &other));
    // Ending the session that asks is a logout.
    assert_eq!(browser.call("DELETE", &format!("{PLACE}/{this}")).send().status(), 200);
    assert_eq!(browser.kept("__Host-munjigi_access"), None, "the cookies go with the session");
    assert_eq!(browser.get("/protected").send().status(), 303);
}

#[test]
fn the_administration_is_not_on_the_data_path() {
    let World { origin, sso: _sso, gateway } = World::start();
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    for place in ["users", "users/mju:60241234", "audit", "logout-everybody", "sessions/x", "sessions/"] {
        let answer = gateway.program().get(&format!("/.auth/api/{place}")).bearer(&pair.access).send();
        assert_eq!(answer.status(), 404, "{place}");
    }
    for place in ["/live", "/ready", "/metrics"] {
        assert_eq!(gateway.program().get(place).send().status(), 401, "{place}: the application's own, behind the login");
    }
    assert_eq!(origin.seen().len(), 0);
}
