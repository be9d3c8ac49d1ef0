//! The wall clock is set back and forward under a running gateway, and between two runs of it. What ended stays ended, and
//! nobody else is thrown out who would not be by the time that has passed.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::{Builder, Client, Gateway, Origin, Pair, RIGHT, Sso, World, claims, need};

/// How long it is watched that the gateway does nothing.
const WATCHED: Duration = Duration::from_millis(500);

/// The library that tells a process another time; it is in a folder named after the machine.
pub fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path()).chain(["/usr/lib".into()]);
    let mut found = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).filter(|path| path.is_file());
    found.next().expect("the package of `faketime` brings its library")
}

/// Sets the clock so far from the true time, as in `-1h`. In one step: the library reads the file whenever it is asked.
fn set_clock(gateway: &Gateway, to: &str) {
    fs::write(gateway.path("clock.new"), to).unwrap();
    fs::rename(gateway.path("clock.new"), gateway.path("clock")).unwrap();
}

fn with_a_clock_of_its_own(builder: Builder) -> Builder {
    let clock = builder.dir().join("clock").display().to_string();
    let told = [
        ("LD_PRELOAD", library().display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", clock),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    told.iter().fold(builder.file("clock", "+0"), |builder, (name, value)| builder.env(name, value))
}

fn page(gateway: &Gateway, token: &str) -> (u16, String) {
    let answer = gateway.program().get("/protected").bearer(token).send();
    if answer.status() == 200 { (200, String::new()) } else { answer.refusal() }
}

fn refreshed(gateway: &Gateway, pair: &Pair) -> String {
    let answer = gateway.program().post("/refresh").bearer(&pair.refresh).send();
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

#[track_caller]
fn is_over(gateway: &Gateway, pair: &Pair) {
    assert_eq!(page(gateway, &pair.access).0, 401);
    assert_eq!(gateway.program().post("/refresh").bearer(&pair.refresh).send().status(), 401);
}

fn issued(token: &str) -> u64 {
    claims(token)["iat"].as_u64().unwrap()
}

/// The processor time a process has used so far, in hundredths of a second.
fn used(gateway: &Gateway) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", gateway.process.pid())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Nobody asks anything for a while: then nothing is done.
fn is_idle(gateway: &Gateway) {
    let mut silent = TcpStream::connect(gateway.address()).unwrap();
    silent.set_read_timeout(Some(WATCHED)).unwrap();
    let before = used(gateway);
    let nothing = silent.read(&mut [0]).unwrap_err().kind();
    assert!(matches!(nothing, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{nothing}");
    let used = Duration::from_millis((used(gateway) - before) * 10);
    assert!(used < WATCHED / 2, "{used:?} of {WATCHED:?}");
}

fn browser(gateway: &Gateway, remember: bool) -> Client {
    let browser = gateway.browser();
    let fields: &[(&str, &str)] = &[("id", RIGHT.0), ("password", RIGHT.1), ("remember", "on")];
    assert_eq!(browser.post("/login").form(&fields[..if remember { 3 } else { 2 }]).send().status(), 303);
    browser
}

#[test]
fn the_wall_clock_is_set_back_and_forward() {
    if !need("the_wall_clock_is_set_back_and_forward") {
        return;
    }
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = with_a_clock_of_its_own(World::builder(&origin, &sso)).start();
    let (ended, living) = (gateway.login(RIGHT.0, RIGHT.1), gateway.login(RIGHT.0, RIGHT.1));
    let (remembered, forgotten) = (browser(&gateway, true), browser(&gateway, false));
    assert_eq!(gateway.program().post("/logout").bearer(&ended.access).send().status(), 200);
    let begun = issued(&living.access);

    set_clock(&gateway, "-1h");
    is_over(&gateway, &ended);
    assert_eq!(page(&gateway, &living.access).0, 200);
    assert_eq!(remembered.get("/protected").send().status(), 200);
    assert!(issued(&refreshed(&gateway, &living)) >= begun, "time does not go back");
    is_idle(&gateway);

    set_clock(&gateway, "+1h");
    is_over(&gateway, &ended);
    assert_eq!(page(&gateway, &living.access), (401, "token_expired".to_owned()));
    let later = refreshed(&gateway, &living);
    assert!((3600..3700).contains(&(issued(&later) - begun)));
    for browser in [&remembered, &forgotten] {
        assert_eq!(browser.get("/protected").send().status(), 200, "its cookie was renewed on the way");
    }
    is_idle(&gateway);

    set_clock(&gateway, "+25h");
    is_over(&gateway, &ended);
    let latest = refreshed(&gateway, &living);
    assert_eq!((page(&gateway, &later).0, page(&gateway, &latest).0), (401, 200));
    // Twelve hours unused are the end of a session that was not to be remembered.
    assert_eq!((remembered.get("/protected").send().status(), forgotten.get("/protected").send().status()), (200, 303));
    is_idle(&gateway);

    set_clock(&gateway, "+0");
    is_over(&gateway, &ended);
    assert_eq!(page(&gateway, &latest).0, 200, "the time told stays where it was");
    is_idle(&gateway);
    assert!(!gateway.printed().contains("panicked"), "{}", gateway.printed());

    // A restart believes the clock, which is a day behind what was told before.
    let gateway = gateway.killed_and_started();
    is_over(&gateway, &ended);
    assert_eq!(page(&gateway, &latest), (401, "token_not_yet_valid".to_owned()));
    let earlier = refreshed(&gateway, &living);
    assert_eq!(page(&gateway, &earlier).0, 200, "the session lives");
    let new = gateway.login(RIGHT.0, RIGHT.1);
    assert_eq!(gateway.program().post("/logout").bearer(&new.access).send().status(), 200);
    is_over(&gateway, &new);
    is_idle(&gateway);
    set_clock(&gateway, "+25h");
    is_over(&gateway, &new);
    is_over(&gateway, &ended);
    assert_eq!(page(&gateway, &latest).0, 200, "the day has come");
    assert!(!gateway.printed().contains("panicked"), "{}", gateway.printed());
}
