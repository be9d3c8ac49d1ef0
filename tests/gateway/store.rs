//! What is remembered outlives the process: ended sessions stay ended, living ones live on, a copy made while serving is a
//! whole one.

use std::fs;
use std::process::Command;

use rusqlite::{Connection, OpenFlags};

use crate::support::{Gateway, Origin, Pair, RIGHT, Sso, World, need};

fn passes(gateway: &Gateway, pair: &Pair) -> (u16, u16) {
    let program = gateway.program();
    (program.get("/protected").bearer(&pair.access).send().status(), program.post("/refresh").bearer(&pair.refresh).send().status())
}

/// The database as another program sees it.
fn database(gateway: &Gateway) -> Connection {
    Connection::open_with_flags(gateway.path("state/munjigi.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// flask-jwt-extended keeps ends in memory unless told otherwise (lesson 36); what was confirmed here is on the disk.
#[test]
fn a_logout_outlives_a_crash() {
    let World { origin, sso: _sso, gateway } = World::start();
    let (ended, living) = (gateway.login(RIGHT.0, RIGHT.1), gateway.login(RIGHT.0, RIGHT.1));
    let all: Vec<Pair> = (0..20).map(|n| gateway.login(&format!("602400{n:02}"), &format!("pw-602400{n:02}"))).collect();
    for pair in all.iter().chain([&ended]) {
        let answer = gateway.program().post("/logout").bearer(&pair.access).send();
        assert!(matches!(answer.status(), 200 | 204), "{}", answer.start);
    }
    // At once after the last answer.
    let gateway = gateway.killed_and_started();
    for pair in all.iter().chain([&ended]) {
        assert_eq!(passes(&gateway, pair), (401, 401));
    }
    let before = origin.seen().len();
    assert_eq!(passes(&gateway, &living), (200, 200));
    assert_eq!(origin.seen().len(), before + 1);
    let fine: String = database(&gateway).query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(fine, "ok");
}

#[test]
fn nobody_is_thrown_out_by_a_restart() {
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    let (pair, browser) = (gateway.login(RIGHT.0, RIGHT.1), gateway.browser());
    browser.post("/login").form(&[("id", RIGHT.0), ("password", RIGHT.1)]).send();
    let cookies = ["__Host-munjigi_access", "__Host-munjigi_refresh"].map(|name| (name, browser.kept(name).unwrap()));
    let gateway = gateway.killed_and_started();
    assert_eq!(passes(&gateway, &pair), (200, 200));
    let browser = gateway.browser();
    for (name, value) in cookies {
        browser.keep(name, &value);
    }
    assert_eq!(browser.get("/protected").send().status(), 200);
}

/// Row 0.12: the table of people, with the first and the last login.
#[test]
fn people_are_remembered_from_their_first_login() {
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    let person = |gateway: &Gateway| {
        let row = database(gateway).query_row("SELECT realm, id, created, last_login FROM people", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
        });
        row.unwrap()
    };
    gateway.program().post("/login").json(&serde_json::json!({ "id": "60241234", "password": "wrong" })).send();
    let count: i64 = database(&gateway).query_row("SELECT count(*) FROM people", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 0, "who was refused is nobody yet");
    gateway.login("60241234", "pw-60241234");
    let first = person(&gateway);
    assert_eq!((first.0.as_str(), first.1.as_str()), ("mju", "60241234"));
    gateway.login(" 60241234", "pw-60241234");
    let second = person(&gateway);
    assert!(second.2 == first.2 && second.3 > first.3, "{first:?} {second:?}");
}

/// Whoever reads the file can present nothing.
#[test]
fn no_token_and_no_password_is_in_the_file() {
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    gateway.program().post("/refresh").bearer(&pair.refresh).send();
    let mut bytes = Vec::new();
    for entry in fs::read_dir(gateway.path("state")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            bytes.extend(fs::read(entry.path()).unwrap());
        }
    }
    let holds = |needle: &str| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
    assert!(holds(RIGHT.0), "the file was not read");
    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    for secret in [RIGHT.1.to_owned(), signature(&pair.access), signature(&pair.refresh)] {
        assert!(!holds(&secret), "{secret}");
    }
    let jti = crate::support::claims(&pair.refresh)["jti"].as_str().unwrap().to_owned();
    let raw = *uuid::Uuid::parse_str(&jti).unwrap().as_bytes();
    let plain = holds(&jti) || holds(&jti.replace('-', "")) || bytes.windows(16).any(|window| window == raw);
    assert!(!plain, "a refresh token's id is stored as it is");
}

/// A check asks the memory; the disk may hang.
#[test]
fn requests_pass_while_the_file_is_locked() {
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    let other = Connection::open(gateway.path("state/munjigi.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..3 {
        assert_eq!(gateway.program().get("/protected").bearer(&pair.access).send().status(), 200);
    }
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(passes(&gateway, &pair), (200, 200));
}

#[test]
fn two_processes_do_not_share_one_state() {
    let World { origin, sso, gateway } = World::start();
    let second = World::builder(&origin, &sso).toml(&format!("[store]\npath = \"{}\"", gateway.path("state/munjigi.db").display()));
    let finished = second.finish(&["run", "-c", "gateway.toml"]);
    assert_eq!(finished.code, 3, "{}", finished.err);
    assert!(finished.err.contains("state"), "{}", finished.err);
    gateway.login(RIGHT.0, RIGHT.1);
}

#[test]
fn a_file_that_is_no_store_of_ours_is_left_alone() {
    let foreign = || {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("theirs.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        fs::read(&path).unwrap()
    };
    for (what, bytes) in [
        ("garbage", b"This is no database at all, and longer than a header of one would be.".repeat(100)),
        ("another program's", foreign()),
    ] {
        let builder = World::builder(&Origin::closed(), &Sso::closed()).file("state/munjigi.db", &bytes);
        let finished = builder.finish(&["run", "-c", "gateway.toml"]);
        assert_eq!(finished.code, 3, "{what}: {}", finished.err);
        assert!(finished.err.contains("munjigi.db"), "{what}: {}", finished.err);
        assert!(fs::read(builder.dir().join("state/munjigi.db")).unwrap() == bytes, "{what}: the file was changed");
    }
}

/// Made while people log in, restored in place of the lost one: what was before it is there, what came after is not.
#[test]
fn an_operator_backs_up_with_the_sqlite_shell() {
    if !need("an_operator_backs_up_with_the_sqlite_shell") {
        return;
    }
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    let before = gateway.login(RIGHT.0, RIGHT.1);
    let ended = gateway.login(RIGHT.0, RIGHT.1);
    gateway.program().post("/logout").bearer(&ended.access).send();
    let status = Command::new("sqlite3")
        .arg(gateway.path("state/munjigi.db"))
        .arg(".backup copy.db")
        .current_dir(gateway.path(""))
        .status()
        .unwrap();
    assert!(status.success());
    let after = gateway.login(RIGHT.0, RIGHT.1);
    let builder = gateway.killed();
    fs::remove_dir_all(builder.dir().join("state")).unwrap();
    fs::create_dir(builder.dir().join("state")).unwrap();
    fs::rename(builder.dir().join("copy.db"), builder.dir().join("state/munjigi.db")).unwrap();
    let gateway = builder.start();
    assert_eq!(passes(&gateway, &before), (200, 200));
    assert_eq!(passes(&gateway, &ended), (401, 401));
    assert_eq!(gateway.program().post("/refresh").bearer(&after.refresh).send().status(), 401);
}
