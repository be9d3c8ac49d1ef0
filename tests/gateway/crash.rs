//! Crashes at any point of login, refresh and logout under load: nothing that was confirmed is lost, nothing that was given
//! is given twice, nothing that ended comes back.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use rusqlite::{Connection, OpenFlags};
use serde_json::json;

use crate::support::{Builder, Client, Gateway, Message, Origin, PATIENCE, Sso, World};

/// Rounds of the normal run; `MUNJIGI_CRASH_ROUNDS` says another number.
const ROUNDS: u64 = 8;
/// Clients under way at once.
const CLIENTS: usize = 6;

/// What a client knows of its session, as far as it was told.
#[derive(Clone)]
struct Held {
    access: String,
    refresh: String,
    /// A refresh was sent and not answered: this or its successor is the good one.
    doubt: bool,
}

/// What was seen over all rounds.
#[derive(Default)]
struct Ledger {
    /// Sessions whose login or refresh was answered, and whose logout was not asked for.
    living: Vec<Held>,
    /// Sessions whose logout was answered.
    ended: Vec<Held>,
    /// Which successor each rotated token was given.
    successors: HashMap<String, String>,
    /// How many there were: lost to the crash without an answer.
    unanswered: usize,
}

fn answered(gateway: &Gateway, call: impl FnOnce(&Client) -> Option<Message>) -> Option<Message> {
    call(&gateway.program()).filter(|answer| answer.whole && answer.status() == 200)
}

fn text(answer: &Message, name: &str) -> String {
    answer.json()[name].as_str().unwrap_or_default().to_owned()
}

impl Ledger {
    /// A predecessor has one successor, however often it is asked for.
    fn succeeds(&mut self, before: &str, after: &str) {
        let known = self.successors.entry(before.to_owned()).or_insert_with(|| after.to_owned());
        assert_eq!(known, after, "two successors of one token");
    }
}

/// One client's life until the gateway is gone: logs in, refreshes a few times, logs every second session out.
fn live(gateway: &Gateway, ledger: &Mutex<Ledger>, client: usize, actions: &AtomicUsize) {
    for turn in client.. {
        let id = format!("{:08}", 60_240_000 + client);
        let said = json!({ "id": id, "password": format!("pw-{id}"), "rotate": true });
        let Some(login) = answered(gateway, |program| program.post("/login").json(&said).attempt()) else { return };
        actions.fetch_add(1, Ordering::Relaxed);
        let mut held = Held { access: text(&login, "access_token"), refresh: text(&login, "refresh_token"), doubt: false };
        for _ in 0..turn % 3 {
            let Some(answer) = answered(gateway, |program| program.post("/refresh").bearer(&held.refresh).attempt()) else {
                let mut ledger = ledger.lock().unwrap();
                ledger.unanswered += 1;
                ledger.living.push(Held { doubt: true, ..held });
                return;
            };
            actions.fetch_add(1, Ordering::Relaxed);
            let next = Held { access: text(&answer, "access_token"), refresh: text(&answer, "refresh_token"), doubt: false };
            ledger.lock().unwrap().succeeds(&held.refresh, &next.refresh);
            held = next;
        }
        if turn % 2 == 0 {
            ledger.lock().unwrap().living.push(held);
        } else {
            // Unanswered, it may have ended or not.
            if answered(gateway, |program| program.post("/logout").bearer(&held.access).attempt()).is_none() {
                return;
            }
            actions.fetch_add(1, Ordering::Relaxed);
            ledger.lock().unwrap().ended.push(held);
        }
    }
}

/// All that was told holds.
fn audit(gateway: &Gateway, ledger: &mut Ledger) {
    let program = gateway.program();
    for held in std::mem::take(&mut ledger.living) {
        let access = program.get("/protected").bearer(&held.access).send();
        assert_eq!(access.status(), 200, "a session that was confirmed is lost: {}", access.text());
        let answer = program.post("/refresh").bearer(&held.refresh).send();
        assert_eq!(answer.status(), 200, "a refresh token that was given (doubt: {}) is lost: {}", held.doubt, answer.text());
        ledger.succeeds(&held.refresh, &text(&answer, "refresh_token"));
        let again = program.post("/refresh").bearer(&held.refresh).send();
        ledger.succeeds(&held.refresh, &text(&again, "refresh_token"));
    }
    for held in std::mem::take(&mut ledger.ended) {
        assert_eq!(program.get("/protected").bearer(&held.access).send().status(), 401, "an end was forgotten");
        assert_eq!(program.post("/refresh").bearer(&held.refresh).send().status(), 401, "an end was forgotten");
    }
}

fn database_is_whole(builder: &Builder) {
    let path = builder.dir().join("state/munjigi.db");
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let fine: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(fine, "ok");
}

/// A small generator (xorshift): the rounds are the same in every run.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[test]
fn a_crash_loses_nothing_that_was_confirmed() {
    let rounds = std::env::var("MUNJIGI_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let (origin, sso) = (Origin::start(), Sso::start());
    let mut gateway = World::builder(&origin, &sso).toml("[log]\naccess = \"off\"").start();
    let (mut ledger, mut seed, began) = (Ledger::default(), 0x9e37_79b9_7f4a_7c15, Instant::now());
    let (mut confirmed, mut ends, mut acted) = (0, 0, 0);
    for _ in 0..rounds {
        let until = usize::try_from(next(&mut seed) % 120).unwrap() + 20;
        let shared = Mutex::new(std::mem::take(&mut ledger));
        let actions = AtomicUsize::new(0);
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (gateway, shared, actions) = (&gateway, &shared, &actions);
                scope.spawn(move || live(gateway, shared, client, actions));
            }
            let asked = Instant::now();
            // On a machine that is too slow for them, there are fewer.
            while actions.load(Ordering::Relaxed) < until && asked.elapsed() < PATIENCE {
                thread::yield_now();
            }
            // Somewhere inside whatever is under way by now.
            for _ in 0..next(&mut seed) % 2000 {
                std::hint::spin_loop();
            }
            gateway.process.signal("KILL");
        });
        ledger = shared.into_inner().unwrap();
        confirmed += ledger.living.len();
        ends += ledger.ended.len();
        acted += actions.load(Ordering::Relaxed);
        let builder = gateway.killed();
        database_is_whole(&builder);
        gateway = builder.start();
        audit(&gateway, &mut ledger);
    }
    println!(
        "{rounds} crashes in {:?}: {acted} answers, {confirmed} living sessions and {ends} ended ones checked, {} refreshes without an \
         answer, {} rotations with one successor each",
        began.elapsed(),
        ledger.unanswered,
        ledger.successors.len()
    );
    assert!(confirmed > 0 && ends > 0, "nothing was under way");
}
