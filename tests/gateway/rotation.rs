//! Refresh tokens that rotate: one successor however many ask, a lost answer is fetched again, a stolen token gives itself
//! away.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};

use crate::support::{Gateway, Message, Origin, Pair, RIGHT, Sso, World};

/// A gateway that rotates always, without grace: a test cannot wait for its end.
fn strict() -> World {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = World::builder(&origin, &sso).toml("[auth]\nrotation = \"always\"\n[session]\ngrace = 0").start();
    World { origin, sso, gateway }
}

fn refresh(gateway: &Gateway, token: &str) -> Message {
    gateway.program().post("/refresh").bearer(token).send()
}

#[track_caller]
fn pair(answer: &Message) -> Pair {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("no {name}: {body}")).to_owned();
    Pair { access: text("access_token"), refresh: text("refresh_token") }
}

fn page(gateway: &Gateway, token: &str) -> u16 {
    gateway.program().get("/protected").bearer(token).send().status()
}

#[test]
fn a_hundred_parallel_refreshes_give_one_successor() {
    let world = strict();
    let first = world.login();
    let start = Barrier::new(100);
    let answers: Vec<Pair> = thread::scope(|scope| {
        let asking: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    pair(&refresh(&world.gateway, &first.refresh))
                })
            })
            .collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| (&answer.access, &answer.refresh) == (&answers[0].access, &answers[0].refresh)));
    assert_ne!(answers[0].refresh, first.refresh);
    assert_eq!(page(&world.gateway, &answers[0].access), 200);
    pair(&refresh(&world.gateway, &answers[0].refresh));
}

#[test]
fn a_login_can_ask_for_rotation() {
    let world = World::start();
    let said = json!({ "id": RIGHT.0, "password": RIGHT.1, "rotate": true });
    let first = pair(&world.gateway.program().post("/login").json(&said).send());
    let second = pair(&refresh(&world.gateway, &first.refresh));
    assert_ne!(second.refresh, first.refresh);
    let third = pair(&refresh(&world.gateway, &second.refresh));
    assert_ne!(third.refresh, second.refresh);
}

#[test]
fn an_answer_lost_in_a_crash_is_fetched_again() {
    let World { origin: _origin, sso: _sso, gateway } = strict();
    let first = gateway.login(RIGHT.0, RIGHT.1);
    // Sent, and the answer never read: the gateway dies at once after it.
    let given = pair(&refresh(&gateway, &first.refresh));
    let gateway = gateway.killed_and_started();
    let again = pair(&refresh(&gateway, &first.refresh));
    assert_eq!((again.access, &again.refresh), (given.access, &given.refresh));
    let next = pair(&refresh(&gateway, &given.refresh));
    assert_eq!(page(&gateway, &next.access), 200);
}

#[test]
fn a_key_change_loses_nobody() {
    let World { origin: _origin, sso: _sso, mut gateway } = strict();
    let first = gateway.login(RIGHT.0, RIGHT.1);
    let given = pair(&refresh(&gateway, &first.refresh));
    crate::support::write_private(&gateway.path("certs/next.secret"), b"b8Kq3tVx7LmZ1rYc5NwH9sPd2GfJ6aEu4TxBiQyR0oWj");
    gateway.configure(
        "[auth]\nkeys = [{ kid = \"k1\", algorithm = \"HS256\", secret_file = \"certs/jwt.secret\", verify_only = true }, \
         { kid = \"k2\", algorithm = \"HS256\", secret_file = \"certs/next.secret\" }]",
    );
    gateway.reload("reloaded");
    assert_eq!(page(&gateway, &first.access), 200);
    let again = pair(&refresh(&gateway, &first.refresh));
    assert_eq!(again.refresh, given.refresh);
    let next = pair(&refresh(&gateway, &given.refresh));
    assert_eq!(crate::support::header(&next.access)["kid"], "k2");
    assert_eq!(page(&gateway, &next.access), 200);
}

#[test]
fn a_stolen_token_ends_the_family_for_both_and_everybody_is_told() {
    let World { origin: _origin, sso: _sso, gateway } = strict();
    let first = gateway.login(RIGHT.0, RIGHT.1);
    let thief = pair(&refresh(&gateway, &first.refresh));
    // The successor's use, here of its access token, confirms it: also over a crash.
    let gateway = gateway.killed_and_started();
    assert_eq!(page(&gateway, &thief.access), 200);
    let answer = refresh(&gateway, &first.refresh);
    assert_eq!((answer.status(), &answer.json()["reason"]), (401, &json!("theft")), "{}", answer.text());
    assert_eq!((page(&gateway, &thief.access), page(&gateway, &first.access)), (401, 401));
    assert_eq!(refresh(&gateway, &thief.refresh).status(), 401);

    let session = crate::support::claims(&first.access)["sid"].as_str().unwrap().to_owned();
    let line = gateway.process.logged("token_reused");
    for part in [RIGHT.0, &session, "127.0.0.1"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    let told = || {
        let said = json!({ "id": RIGHT.0, "password": RIGHT.1 });
        gateway.program().post("/login").json(&said).send().json()["last_session_ended"].clone()
    };
    assert_eq!(told(), "theft");
    assert_eq!(told(), Value::Null, "once");
}

#[test]
fn a_browser_is_told_of_a_theft_on_a_page() {
    let world = strict();
    let first = world.login();
    let thief = pair(&refresh(&world.gateway, &first.refresh));
    assert_eq!(page(&world.gateway, &thief.access), 200);
    assert_eq!(refresh(&world.gateway, &first.refresh).status(), 401);
    let browser = world.gateway.browser();
    let answer = browser.post("/login").form(&[("id", RIGHT.0), ("password", RIGHT.1), ("next", "/page")]).send();
    assert_eq!(answer.status(), 200, "a page comes first");
    assert!(answer.text().contains("/page") && browser.kept("__Host-munjigi_access").is_some());
    assert_eq!(browser.get("/protected").send().status(), 200);
}
