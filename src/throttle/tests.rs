use std::sync::Barrier;
use std::thread;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_000_000);

fn throttle() -> Throttle {
    Throttle::new(Settings::default())
}

fn user(number: usize) -> UserId {
    UserId::parse(&format!("mju:6{number:07}")).unwrap()
}

fn addr(text: &str) -> ClientAddr {
    ClientAddr::new(text.parse().unwrap())
}

fn host(number: u32) -> ClientAddr {
    ClientAddr::new(IpAddr::V4((0x0a00_0000 + number).into()))
}

#[test]
fn an_account_has_a_burst_and_then_waits() {
    let throttle = throttle();
    for n in 0..10 {
        throttle.attempt(&user(1), host(n), NOW).unwrap().wrong();
    }
    let throttled = throttle.attempt(&user(1), host(99), NOW).err().unwrap();
    assert_eq!(throttled, Throttled { retry_after: Duration::from_secs(30), over: Over::Account });
    assert!(throttle.attempt(&user(2), host(99), NOW).is_ok(), "others are not concerned");
    assert!(throttle.attempt(&user(1), host(99), NOW.plus(throttled.retry_after)).is_ok());
}

#[test]
fn an_address_that_guesses_waits_whatever_ids_it_makes_up() {
    let throttle = throttle();
    for n in 0..50 {
        throttle.attempt(&user(n), addr("2001:db8::1"), NOW).unwrap().wrong();
    }
    // A subscriber holds a /64 and may choose any address of it.
    let throttled = throttle.attempt(&user(99), addr("2001:db8::ffff:2"), NOW).err().unwrap();
    assert_eq!(throttled, Throttled { retry_after: Duration::from_secs(3), over: Over::Address });
    assert!(throttle.attempt(&user(99), addr("2001:db8:0:1::1"), NOW).is_ok());
    assert!(throttle.attempt(&user(99), addr("2001:db8::1"), NOW.plus(throttled.retry_after)).is_ok());
}

#[test]
fn two_thousand_people_behind_one_address_get_in_within_a_minute() {
    let throttle = throttle();
    let campus = addr("203.0.113.7");
    let mut under_way = std::collections::VecDeque::new();
    for n in 0..2000_usize {
        let now = NOW.plus(Duration::from_millis(30) * u32::try_from(n).unwrap());
        under_way.push_back((now.plus(Duration::from_secs(10)), throttle.attempt(&user(n), campus, now).unwrap()));
        // The SSO is slow that morning: each answer takes ten seconds.
        while under_way.front().is_some_and(|(done, _)| *done <= now) {
            under_way.pop_front().unwrap().1.right();
        }
    }
    for (_, attempt) in under_way {
        attempt.right();
    }
    // And the address has its whole budget left.
    for n in 0..50 {
        throttle.attempt(&user(n), campus, NOW.plus(Duration::from_secs(60))).unwrap().wrong();
    }
}

#[test]
fn two_thousand_people_may_press_the_button_in_the_same_second() {
    let throttle = throttle();
    let all: Vec<_> = (0..2000).map(|n| throttle.attempt(&user(n), host(1), NOW).unwrap()).collect();
    all.into_iter().for_each(Attempt::right);
}

#[test]
fn a_shared_address_may_mistype_more() {
    let settings = Settings { shared_addresses: vec!["203.0.113.0/24".parse().unwrap()], ..Settings::default() };
    let throttle = Throttle::new(settings);
    let guesses = |address: &str| (0..2000).filter(|n| throttle.attempt(&user(*n), addr(address), NOW).is_ok()).count();
    assert_eq!(guesses("203.0.113.7"), 500);
    assert_eq!(guesses("198.51.100.7"), 50);
}

#[test]
fn a_hundred_parallel_guesses_are_a_hundred_guesses() {
    let throttle = throttle();
    let start = Barrier::new(100);
    let admitted = thread::scope(|scope| {
        let guesses: Vec<_> = (0..100)
            .map(|n| {
                let (throttle, start) = (&throttle, &start);
                scope.spawn(move || {
                    start.wait();
                    throttle.attempt(&user(1), host(n), NOW)
                })
            })
            .collect();
        guesses.into_iter().filter_map(|guess| guess.join().unwrap().ok()).collect::<Vec<_>>()
    });
    assert_eq!(admitted.len(), 10, "all are still under way, and each counts");
    drop(admitted);
    assert!(throttle.attempt(&user(1), host(200), NOW).is_err(), "unsaid is wrong");
}

#[test]
fn parallel_guesses_from_one_address_are_paid_for_afterwards() {
    let throttle = throttle();
    let admitted: Vec<_> = (0..5000).filter_map(|n| throttle.attempt(&user(n), host(1), NOW).ok()).collect();
    assert_eq!(admitted.len(), 2048 + 50);
    drop(admitted);
    let throttled = throttle.attempt(&user(9999), host(1), NOW).err().unwrap();
    assert_eq!(throttled.retry_after, Duration::from_secs(3600), "as long as it gets");
}

#[test]
fn an_sso_that_is_down_costs_nobody_anything() {
    let throttle = throttle();
    for _ in 0..1000 {
        throttle.attempt(&user(1), host(1), NOW).unwrap().unanswered();
    }
    throttle.attempt(&user(1), host(1), NOW).unwrap().right();
}

#[test]
fn what_is_refused_takes_nothing() {
    let throttle = throttle();
    for n in 0..10 {
        throttle.attempt(&user(1), host(n), NOW).unwrap().wrong();
    }
    for _ in 0..1000 {
        assert!(throttle.attempt(&user(1), host(77), NOW).is_err());
    }
    let left = (100..200).filter(|n| throttle.attempt(&user(*n), host(77), NOW).is_ok()).count();
    assert_eq!(left, 50, "the address that was refused has its whole budget");
    // And the other way round: an address without budget uses up no account's.
    for _ in 0..100 {
        assert_eq!(throttle.attempt(&user(500), host(77), NOW).err().unwrap().over, Over::Address);
    }
    assert_eq!((0..20).filter(|n| throttle.attempt(&user(500), host(1000 + n), NOW).is_ok()).count(), 10);
}

#[test]
fn a_stranger_who_never_stops_cannot_keep_the_owner_out() {
    let throttle = throttle();
    let (owner, strangers) = (host(1), host(2));
    let mut tries_at = NOW.plus(Duration::from_secs(100));
    let mut got_in = None;
    // The stranger takes every unit the moment it comes, long before and after the owner arrives.
    for tick in 0..10_000_u64 {
        let now = NOW.plus(Duration::from_millis(100 * tick));
        let _ = throttle.attempt(&user(1), strangers, now);
        if now >= tries_at && got_in.is_none() {
            match throttle.attempt(&user(1), owner, now) {
                Ok(attempt) => {
                    attempt.right();
                    got_in = Some(now);
                }
                // The owner is patient and comes back exactly when told.
                Err(throttled) => tries_at = now.plus(throttled.retry_after),
            }
        }
    }
    let waited = got_in.expect("the owner got in").since(NOW.plus(Duration::from_secs(100)));
    assert!(waited <= Settings::default().account_longest + Duration::from_secs(1), "{waited:?}");
}

#[test]
fn the_longest_wait_is_no_way_to_guess_faster() {
    let throttle = throttle();
    let hour = (0..36_000_u64).map(|tick| NOW.plus(Duration::from_millis(100 * tick)));
    let guesses = hour.filter(|now| throttle.attempt(&user(1), host(1), *now).is_ok()).count();
    assert!(guesses <= 10 + 120 + 12, "{guesses}");
}

#[test]
fn memory_is_bounded_under_made_up_ids_and_the_busy_ones_stay_counted() {
    let throttle = Throttle::new(Settings { capacity: 1000, ..Settings::default() });
    for n in 0..10 {
        throttle.attempt(&user(0), host(n), NOW).unwrap().wrong();
    }
    for n in 1..50_000_u32 {
        throttle.attempt(&user(n as usize), host(n), NOW).unwrap().wrong();
        assert!(throttle.attempt(&user(0), host(0), NOW).is_err(), "after {n} made-up ids");
    }
    for cache in [throttle.accounts.entry_count(), throttle.waiting.entry_count(), throttle.addresses.entry_count()] {
        // moka tidies up in batches.
        assert!(cache <= 1000 + 600, "{cache}");
    }
}

#[test]
fn a_reload_keeps_what_was_used_up() {
    let throttle = throttle();
    for n in 0..10 {
        throttle.attempt(&user(1), host(n), NOW).unwrap().wrong();
    }
    throttle.reconfigure(Settings { account_burst: 11, ..Settings::default() });
    throttle.attempt(&user(1), host(1), NOW).unwrap().wrong();
    assert!(throttle.attempt(&user(1), host(1), NOW).is_err());
}
