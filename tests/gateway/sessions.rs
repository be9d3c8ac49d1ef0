//! Two gateways on one state, as in an upgrade; and a store that cannot be written.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;

use crate::support::{Gateway, RIGHT, World};

/// A second gateway on the state of the first.
fn beside(world: &World) -> Gateway {
    let path = world.gateway.path("state/munjigi.db");
    let builder = World::builder(&world.origin, &world.sso).toml(&format!("[store]\npath = \"{}\"", path.display()));
    builder.flag("--beside").start()
}

fn page(gateway: &Gateway, token: &str) -> u16 {
    gateway.program().get("/protected").bearer(token).send().status()
}

#[test]
fn two_processes_on_one_file_see_each_others_ends_within_a_second() {
    let world = World::start();
    let second = beside(&world);
    for (one, other) in [(&world.gateway, &second), (&second, &world.gateway)] {
        let pair = one.login(RIGHT.0, RIGHT.1);
        assert_eq!((page(one, &pair.access), page(other, &pair.access)), (200, 200));
        assert_eq!(one.program().post("/logout").bearer(&pair.access).send().status(), 200);
        let ended = Instant::now();
        assert_eq!(page(one, &pair.access), 401, "at once where it ended");
        while page(other, &pair.access) != 401 {
            assert!(ended.elapsed() < Duration::from_secs(5), "it never hears of it");
        }
        assert!(ended.elapsed() < Duration::from_secs(1), "{:?}", ended.elapsed());
        assert_eq!(other.program().post("/refresh").bearer(&pair.refresh).send().status(), 401);
    }
    // What rotates at one is known at the other, and the first one's end does not end the second.
    let said = json!({ "id": RIGHT.0, "password": RIGHT.1, "rotate": true });
    let first = world.gateway.program().post("/login").json(&said).send().json()["refresh_token"].as_str().unwrap().to_owned();
    let given: Vec<_> = [&world.gateway, &second].map(|gateway| gateway.program().post("/refresh").bearer(&first).send().json()).into();
    assert_eq!(given[0]["refresh_token"], given[1]["refresh_token"]);
    let World { mut gateway, .. } = world;
    assert_eq!(gateway.stop("TERM").code, 0);
    assert_eq!(page(&second, given[0]["access_token"].as_str().unwrap()), 200);
    second.login(RIGHT.0, RIGHT.1);
}

/// Refusals that say so, nothing half-done, and no restart to recover.
#[test]
fn while_the_store_takes_no_writes_requests_pass_and_logins_are_refused() {
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    let (pair, other_pair) = (gateway.login(RIGHT.0, RIGHT.1), gateway.login("60241234", "pw-60241234"));
    let program = gateway.program();
    let said = json!({ "id": RIGHT.0, "password": RIGHT.1 });
    let file = gateway.path("state/munjigi.db");
    // Locked by somebody who does not finish.
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let login = program.post("/login").json(&said).send();
    assert_eq!(login.status(), 503, "{}", login.text());
    let logout = program.post("/logout").bearer(&pair.access).send();
    assert_eq!(logout.status(), 503, "{}", logout.text());
    // Ends act at once, durable or not; everybody else passes.
    assert_eq!((page(&gateway, &pair.access), page(&gateway, &other_pair.access)), (401, 200));
    other.execute_batch("ROLLBACK").unwrap();
    let next = gateway.login(RIGHT.0, RIGHT.1);
    assert_eq!(page(&gateway, &next.access), 200);
    // The end that was refused was written meanwhile: it outlives a crash.
    let gateway = gateway.killed_and_started();
    assert_eq!((page(&gateway, &pair.access), page(&gateway, &next.access)), (401, 200));
    assert_eq!(gateway.program().post("/refresh").bearer(&pair.refresh).send().status(), 401);
}
