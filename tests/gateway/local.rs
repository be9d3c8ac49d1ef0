//! Accounts of our own: made, used, changed and withdrawn, and never anybody else's.

use serde_json::{Value, json};

use crate::support::{Builder, Client, Gateway, Message, Origin, Pair, Sso, World, claims};

const PASSWORD: &str = "바다로 가는 기차 열두시";
const ANOTHER: &str = "another long phrase 7";

fn with_guests(sso: &Sso, registration: &str) -> Builder {
    World::builder(&Origin::start(), sso)
        .toml(&format!("[auth]\nproviders = [\"mju\", \"guests\"]\n[provider.guests]\nkind = \"local\"\nregistration = \"{registration}\""))
}

fn sign_up(gateway: &Gateway, id: &str, password: &str) -> Message {
    let body = json!({ "id": id, "password": password, "name": "김하나", "email": "hana@example.kr" });
    gateway.program().post("/.auth/api/signup").json(&body).send()
}

fn log_in(gateway: &Gateway, id: &str, password: &str) -> Message {
    gateway.program().post("/login").json(&json!({ "id": id, "password": password, "provider": "guests" })).send()
}

#[track_caller]
fn pair(answer: &Message) -> Pair {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let token = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
    Pair { access: token("access_token"), refresh: token("refresh_token") }
}

fn post(client: &Client, path: &str, token: &str, body: &Value) -> Message {
    client.post(path).bearer(token).json(body).send()
}

fn passes(gateway: &Gateway, token: &str) -> u16 {
    gateway.program().get("/protected").bearer(token).send().status()
}

#[test]
fn somebody_signs_up_and_logs_in() {
    let gateway = with_guests(&Sso::closed(), "open").start();
    let made = sign_up(&gateway, "Hana", PASSWORD);
    assert_eq!((made.status(), made.json()["status"].as_str()), (201, Some("active")), "{}", made.text());
    let pair = pair(&log_in(&gateway, "hana", PASSWORD));
    assert_eq!((claims(&pair.access)["sub"].as_str(), claims(&pair.access)["idp"].as_str()), (Some("hana@guests"), Some("guests")));
    assert_eq!(passes(&gateway, &pair.access), 200);
    assert_eq!(sign_up(&gateway, "hana", ANOTHER).refusal(), (409, "id_taken".to_owned()));
    assert_eq!(sign_up(&gateway, "two words", ANOTHER).refusal(), (422, "bad_id".to_owned()));
    assert_eq!(sign_up(&gateway, "duri", "short").refusal(), (422, "password_too_short".to_owned()));
    assert_eq!(sign_up(&gateway, "duri", "password1").refusal(), (422, "password_common".to_owned()));
    assert_eq!(sign_up(&gateway, "duri", &"가".repeat(257)).refusal(), (422, "password_too_long".to_owned()));
    // Unknown and known are refused in the same words.
    let (known, unknown) = (log_in(&gateway, "hana", ANOTHER), log_in(&gateway, "nobody", ANOTHER));
    assert_eq!((known.refusal(), known.msg()), (unknown.refusal(), unknown.msg()));
    assert!(!gateway.printed().contains(PASSWORD));
}

/// The attack: an account with a student's number, made by anybody, must never be that student.
#[test]
fn a_self_made_account_never_equals_an_id_of_another_realm() {
    let sso = Sso::start();
    let (origin, id) = (Origin::start(), "60241234");
    let gateway = World::builder(&origin, &sso)
        .toml("[auth]\nproviders = [\"guests\", \"mju\"]\nprimary_realm = \"mju\"\n[provider.guests]\nkind = \"local\"\nregistration = \"open\"")
        .toml("[[route]]\npath = \"/grades\"\nupstream = \"app\"\naccess = { users = [\"mju:60241234\"] }")
        .start();
    assert_eq!(sign_up(&gateway, id, PASSWORD).status(), 201);
    for odd in ["60241234@mju", "mju:60241234", "６０２４１２３４", " 60241234 "] {
        assert!(matches!(sign_up(&gateway, odd, ANOTHER).status(), 409 | 422), "{odd}");
    }
    let made = pair(&log_in(&gateway, id, PASSWORD));
    assert_eq!(claims(&made.access)["sub"], "60241234@guests");
    assert_eq!(gateway.program().get("/grades").bearer(&made.access).send().status(), 403);
    assert_eq!(passes(&gateway, &made.access), 200);
    assert_eq!(origin.last().get("x-auth-user"), Some("60241234@guests"));
    // The student's own login is not touched by it, and each password is good in its own realm only.
    let named = |provider: &str, password: &str| {
        gateway.program().post("/login").json(&json!({ "id": id, "password": password, "provider": provider })).send()
    };
    let student = pair(&named("mju", "pw-60241234"));
    assert_eq!(claims(&student.access)["sub"], "60241234");
    assert_eq!(gateway.program().get("/grades").bearer(&student.access).send().status(), 200);
    assert_eq!((named("mju", PASSWORD).status(), named("guests", "pw-60241234").status()), (401, 401));
    // Withdrawing the one leaves the other.
    assert_eq!(post(&gateway.program(), "/.auth/api/withdraw", &made.access, &json!({ "password": PASSWORD })).status(), 200);
    assert_eq!(passes(&gateway, &made.access), 401);
    assert_eq!(passes(&gateway, &student.access), 200);
    let foreign = json!({ "password": "pw-60241234", "new_password": ANOTHER });
    let foreign = post(&gateway.program(), "/.auth/api/password", &student.access, &foreign);
    assert_eq!(foreign.refusal(), (404, "no_local_account".to_owned()));
    // Whoever logs in elsewhere may have removed what is known of them here, and come back as somebody new.
    let leave = |password: &str| post(&gateway.program(), "/.auth/api/withdraw", &student.access, &json!({ "password": password }));
    assert_eq!(leave(PASSWORD).refusal(), (403, "wrong_password".to_owned()));
    assert_eq!(leave("pw-60241234").status(), 200);
    assert_eq!(passes(&gateway, &student.access), 401);
    assert_eq!(named("mju", "pw-60241234").status(), 200);
}

#[test]
fn a_new_password_ends_the_other_sessions() {
    let gateway = with_guests(&Sso::closed(), "open").start();
    sign_up(&gateway, "hana", PASSWORD);
    let (mine, other) = (pair(&log_in(&gateway, "hana", PASSWORD)), pair(&log_in(&gateway, "hana", PASSWORD)));
    let change = |old: &str, new: &str| {
        post(&gateway.program(), "/.auth/api/password", &mine.access, &json!({ "password": old, "new_password": new }))
    };
    assert_eq!(change("not this one", ANOTHER).refusal(), (403, "wrong_password".to_owned()));
    assert_eq!(change(PASSWORD, "hana").refusal(), (422, "password_too_short".to_owned()));
    assert_eq!(passes(&gateway, &other.access), 200);
    assert_eq!(change(PASSWORD, ANOTHER).status(), 200);
    assert_eq!((passes(&gateway, &mine.access), passes(&gateway, &other.access)), (200, 401));
    assert_eq!(gateway.program().post("/refresh").bearer(&other.refresh).send().status(), 401);
    assert_eq!((log_in(&gateway, "hana", PASSWORD).status(), log_in(&gateway, "hana", ANOTHER).status()), (401, 200));
}

#[test]
fn who_withdraws_is_gone() {
    let gateway = with_guests(&Sso::closed(), "open").start();
    sign_up(&gateway, "hana", PASSWORD);
    let mine = pair(&log_in(&gateway, "hana", PASSWORD));
    let withdraw = |password: &str| post(&gateway.program(), "/.auth/api/withdraw", &mine.access, &json!({ "password": password }));
    assert_eq!(withdraw("not this one").refusal(), (403, "wrong_password".to_owned()));
    assert_eq!(withdraw(PASSWORD).status(), 200);
    assert_eq!((passes(&gateway, &mine.access), log_in(&gateway, "hana", PASSWORD).status()), (401, 401));
}

#[test]
fn registration_is_closed_unless_opened_or_waits_for_approval() {
    let closed = with_guests(&Sso::closed(), "closed").start();
    assert_eq!(sign_up(&closed, "hana", PASSWORD).refusal(), (403, "sign_up_closed".to_owned()));
    assert_eq!(log_in(&closed, "hana", PASSWORD).status(), 401);
    let approval = with_guests(&Sso::closed(), "approval").start();
    let made = sign_up(&approval, "hana", PASSWORD);
    assert_eq!((made.status(), made.json()["status"].as_str()), (201, Some("awaiting_approval")));
    let waits = log_in(&approval, "hana", PASSWORD);
    assert_eq!(waits.status(), 401);
    assert!(waits.msg().contains("승인"), "{}", waits.msg());
    let none = World::builder(&Origin::start(), &Sso::closed()).start();
    assert_eq!(sign_up(&none, "hana", PASSWORD).refusal(), (404, "no_local_account".to_owned()));
}

#[test]
fn other_sites_and_guessers_get_nowhere() {
    let gateway = with_guests(&Sso::closed(), "open").toml("[throttle]\naccount_burst = 2\naccount_every = \"1h\"").start();
    let body = json!({ "id": "hana", "password": PASSWORD, "name": "김하나", "email": "hana@example.kr" });
    let foreign = gateway.program().post("/.auth/api/signup").with("Origin", "https://evil.example").json(&body).send();
    assert_eq!(foreign.refusal(), (403, "cross_site".to_owned()));
    let form = gateway.program().post("/.auth/api/signup").form(&[("id", "hana")]).send();
    assert_eq!(form.refusal(), (400, "bad_form".to_owned()));
    assert_eq!(sign_up(&gateway, "hana", PASSWORD).status(), 201);
    let mine = pair(&log_in(&gateway, "hana", PASSWORD));
    let withdraw = || post(&gateway.program(), "/.auth/api/withdraw", &mine.access, &json!({ "password": "a guess" })).status();
    let answers = [withdraw(), withdraw(), withdraw()];
    assert_eq!(answers[2], 429, "{answers:?}: guesses here count as those at the login");
    let anonymous = gateway.program().post("/.auth/api/password").json(&json!({ "password": "a", "new_password": "b" })).send();
    assert_eq!(anonymous.refusal(), (401, "token_missing".to_owned()));
    let link = json!({ "token": "6f2c1b7e-3c5d-4f0e-9a1b-2c3d4e5f6071", "new_password": ANOTHER });
    assert_eq!(gateway.program().post("/.auth/api/reset").json(&link).send().refusal(), (410, "link_not_good".to_owned()));
}
