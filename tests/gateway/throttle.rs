//! Guessing is slowed down, the SSO is spared, and nobody who belongs is kept out by either.

use std::sync::{Condvar, Mutex};
use std::thread;

use serde_json::json;

use crate::support::{Message, Origin, Sso, World, json_answer};

const CAMPUS: &str = "203.0.113.7";
const GUESSER: &str = "198.51.100.9";

/// A crowd behind one campus address, far larger than the address's budget of wrong attempts, logs in; somebody else who
/// guesses does not get far, and costs the crowd nothing.
#[test]
fn a_campus_behind_one_address_gets_in_and_a_guesser_does_not() {
    let world = World::with("[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[throttle]\naddress_burst = 20\naddress_every = \"1h\"");
    let log_in = |from: &str, id: &str, password: &str| {
        let json = json!({ "id": id, "password": password });
        world.gateway.program().post("/login").with("X-Forwarded-For", from).json(&json).send().status()
    };
    thread::scope(|scope| {
        for crowd in 0..4 {
            scope.spawn(move || {
                for number in 0..30 {
                    let id = format!("6{crowd:02}{number:05}");
                    assert_eq!(log_in(CAMPUS, &id, &format!("pw-{id}")), 200, "{id}");
                }
            });
        }
        // At made-up ids, so that no account's budget is what stops it.
        let guesses: Vec<u16> = (0..30).map(|number| log_in(GUESSER, &format!("7{number:07}"), "a guess")).collect();
        assert_eq!(guesses.iter().filter(|status| **status == 401).count(), 20, "{guesses:?}");
        assert_eq!(guesses[20..], [429; 10]);
    });
    // A subscriber's whole /64 is one address.
    for number in 0..20 {
        assert_eq!(log_in(&format!("2001:db8::{number:x}"), &format!("8{number:07}"), "a guess"), 401);
    }
    assert_eq!(log_in("2001:db8::ffff:1", "80000099", "a guess"), 429);
    assert_eq!(log_in("2001:db8:0:1::1", "80000098", "a guess"), 401);
    assert_eq!(log_in(CAMPUS, "60241234", "pw-60241234"), 200);
}

#[test]
fn the_page_says_when_to_try_again() {
    let world = World::with("[throttle]\naccount_burst = 2\naccount_every = \"90s\"");
    let browser = world.gateway.browser();
    let log_in = |password: &str| browser.post("/login").form(&[("id", "60241234"), ("password", password)]).send();
    assert_eq!((log_in("one").status(), log_in("two").status()), (401, 401));
    let told = log_in("pw-60241234");
    assert_eq!(told.status(), 429);
    let wait: u64 = told.get("retry-after").unwrap().parse().unwrap();
    assert!((60..=90).contains(&wait), "{wait}");
    for words in ["로그인 시도가 너무 많았습니다", "분 뒤(", "이후)에 다시 시도해 주세요", "value=\"60241234\""] {
        assert!(told.text().contains(words), "{words}: {}", told.text());
    }
    // Forms that ask for the password again and those of the JSON interface are no way around it.
    let json = json!({ "id": "60241234", "password": "pw-60241234" });
    assert_eq!(world.gateway.program().post("/login").json(&json).send().status(), 429);
}

/// So many at a time, so many more may wait for so long; then one is told that it is crowded, not that one was wrong.
#[test]
fn the_sso_is_asked_by_so_many_at_a_time_and_the_others_wait_so_long() {
    static HELD: (Mutex<bool>, Condvar) = (Mutex::new(true), Condvar::new());
    let sso = Sso::conversing(|talk| {
        if talk.request().is_some() {
            let held = HELD.0.lock().unwrap();
            drop(HELD.1.wait_while(held, |held| *held).unwrap());
            talk.say(&json_answer(200, &json!({ "error": "0000" })));
        }
    });
    let gateway = World::builder(&Origin::start(), &sso).toml("[provider.mju]\nmax_concurrency = 1\nqueue_wait = \"200ms\"").start();
    let log_in = |id: &str| gateway.program().post("/login").json(&json!({ "id": id, "password": "x" })).send();
    thread::scope(|scope| {
        let first = scope.spawn(|| log_in("60241234").status());
        while sso.seen().is_empty() {
            thread::yield_now();
        }
        let crowded: Message = log_in("60249999");
        assert_eq!(crowded.refusal(), (503, "provider_overloaded".to_owned()));
        *HELD.0.lock().unwrap() = false;
        HELD.1.notify_all();
        assert_eq!(first.join().unwrap(), 200);
    });
    assert_eq!(log_in("60249999").status(), 200);
}

/// The circuit breaker: whoever is logged in goes on, the others are told before they type.
#[test]
fn the_login_page_says_that_the_sso_is_down() {
    let world = World::with("[provider.mju]\nbreaker_failures = 1\nbreaker_pause = \"1h\"");
    let inside = world.login();
    let down = Sso::closed();
    let mut gateway = world.gateway;
    gateway.configure(&format!("[provider.mju]\nurl = \"{}\"", down.url()));
    gateway.reload("reloaded");
    let browser = gateway.browser();
    assert!(!browser.get("/login").send().text().contains("응답하지 않아"));
    let failed = browser.post("/login").form(&[("id", "60241234"), ("password", "pw-60241234")]).send();
    assert!(failed.text().contains("비밀번호가 틀린 것은 아닙니다"), "{}", failed.text());
    assert!(browser.get("/login").send().text().contains("계정 서버가 지금 응답하지 않아"));
    assert_eq!(gateway.program().get("/mine").bearer(&inside.access).send().status(), 200);
}
