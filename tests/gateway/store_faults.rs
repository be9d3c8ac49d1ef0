//! A disk that is full and a file that cannot be written: refusals that say so, while everybody who is logged in passes;
//! nothing half done, and no restart to recover. (A file that another process holds: `sessions`.)

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::Command;

use rusqlite::Connection;
use serde_json::json;

use crate::support::{Client, Gateway, Message, Origin, Sso, World, may};

/// More logins than the small disk of a story has room for.
const MANY: usize = 3000;

fn page(gateway: &Gateway, token: &str) -> u16 {
    gateway.program().get("/protected").bearer(token).send().status()
}

fn log_in(gateway: &Gateway, id: &str) -> Message {
    gateway.program().post("/login").json(&json!({ "id": id, "password": format!("pw-{id}") })).send()
}

fn id(number: usize) -> String {
    format!("{}", 60_250_000 + number)
}

/// The answer of a browser's login form.
fn by_form(browser: &Client, id: &str) -> Message {
    browser.post("/login").form(&[("id", id), ("password", &format!("pw-{id}"))]).send()
}

/// A program that starts another with a small file system of its own at `state`, which is gone when it ends. Of the user's
/// own namespace where there is no root.
fn small_disk(story: &str) -> Option<&'static [&'static str]> {
    const AS_ROOT: &[&str] = &["unshare", "--mount", "sh", "-c", SCRIPT, "sh"];
    const AS_USER: &[&str] = &["unshare", "--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"];
    const SCRIPT: &str = "mount -t tmpfs -o size=1m,mode=700 none state && exec \"$@\"";
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("state")).unwrap();
    let try_out = |program: &[&str]| {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg("true").current_dir(&place);
        command
    };
    if try_out(AS_ROOT).output().is_ok_and(|output| output.status.success()) {
        return Some(AS_ROOT);
    }
    may(story, "mount a file system", &mut try_out(AS_USER)).then_some(AS_USER)
}

/// A file of the gateway's own file system, seen from outside.
fn inside(gateway: &Gateway, name: &str) -> PathBuf {
    format!("/proc/{}/root{}", gateway.process.pid(), gateway.path(name).display()).into()
}

/// The database as it is on the small disk, copied out with what has not been written back yet.
fn copied_out(gateway: &Gateway) -> (Connection, tempfile::TempDir) {
    let place = tempfile::tempdir().unwrap();
    for name in ["munjigi.db", "munjigi.db-wal"] {
        fs::copy(inside(gateway, &format!("state/{name}")), place.path().join(name)).unwrap();
    }
    let database = Connection::open(place.path().join("munjigi.db")).unwrap();
    let fine: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(fine, "ok");
    (database, place)
}

fn fill(file: &PathBuf) {
    let mut ballast = File::create(file).unwrap();
    for size in [64 * 1024, 4096, 1] {
        loop {
            match ballast.write(&vec![7; size]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn a_full_disk_refuses_what_must_be_written_and_nothing_else() {
    let Some(program) = small_disk("a_full_disk_refuses_what_must_be_written_and_nothing_else") else { return };
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = World::builder(&origin, &sso).file("state/.place", "").under(program).start();
    let (stays, leaves) = (gateway.login("60240001", "pw-60240001"), gateway.login("60240002", "pw-60240002"));
    fill(&inside(&gateway, "state/ballast"));
    // Room that the files have already is still used up; then there is none.
    let mut answered = Vec::new();
    let refused = (0..MANY).map(id).find(|id| {
        let answer = log_in(&gateway, id);
        if answer.status() == 200 {
            answered.push((id.clone(), answer.json()["access_token"].as_str().unwrap().to_owned()));
            return false;
        }
        assert_eq!(answer.refusal(), (507, "store_unavailable".to_owned()), "{}", answer.text());
        true
    });
    let refused = refused.expect("the disk is full");
    gateway.process.logged("the store has no space left");
    assert_eq!(log_in(&gateway, &id(MANY)).status(), 507);
    let browser = gateway.browser();
    let form = by_form(&browser, &id(MANY + 1));
    assert_eq!((form.status(), browser.kept("__Host-munjigi_access")), (507, None), "{}", form.text());
    assert!(form.text().contains("<form"), "the form is there to try again");
    let refresh = gateway.program().post("/refresh").bearer(&stays.refresh).send();
    assert_eq!(refresh.refusal().0, 507);
    // An end acts even so. Everybody else passes.
    assert_eq!(gateway.program().post("/logout").bearer(&leaves.access).send().refusal().0, 507);
    assert_eq!(page(&gateway, &leaves.access), 401);
    for token in answered.iter().map(|(_, access)| access).chain([&stays.access]) {
        assert_eq!(page(&gateway, token), 200);
    }

    fs::remove_file(inside(&gateway, "state/ballast")).unwrap();
    assert_eq!(log_in(&gateway, "60249999").status(), 200, "no restart is needed");
    assert_eq!(gateway.program().post("/refresh").bearer(&stays.refresh).send().status(), 200);
    assert_eq!((page(&gateway, &leaves.access), page(&gateway, &stays.access)), (401, 200));
    // The end that was refused has been written by now: before the login that came behind it.
    let (database, _place) = copied_out(&gateway);
    let count = |sql: &str, id: &str| database.query_row(sql, [id], |row| row.get::<_, i64>(0)).unwrap();
    let ended = "SELECT count(*) FROM sessions WHERE user_id = ?1 AND ended_at IS NOT NULL";
    assert_eq!((count(ended, "60240002"), count(ended, "60240001")), (1, 0));
    let rows = "SELECT (SELECT count(*) FROM people WHERE id = ?1) + (SELECT count(*) FROM sessions WHERE user_id = ?1)";
    for id in [refused, id(MANY), id(MANY + 1)] {
        assert_eq!(count(rows, &id), 0, "{id} is half there");
    }
    for (id, _) in &answered {
        assert_eq!(count(rows, id), 2, "{id} was confirmed");
    }
}

/// Files that nobody can write, root neither, until this is gone.
struct Fixed(Vec<PathBuf>);

impl Fixed {
    fn flag(how: &str, files: &[PathBuf]) -> Command {
        let mut command = Command::new("chattr");
        command.arg(how).args(files);
        command
    }

    fn these(files: Vec<PathBuf>) -> Self {
        assert!(Self::flag("+i", &files).status().unwrap().success());
        Self(files)
    }
}

impl Drop for Fixed {
    fn drop(&mut self) {
        let _ = Self::flag("-i", &self.0).status();
    }
}

#[test]
fn a_file_that_cannot_be_written_any_more_refuses_logins_and_nothing_else() {
    let place = tempfile::NamedTempFile::new().unwrap();
    let tried = [place.path().to_owned()];
    let story = "a_file_that_cannot_be_written_any_more_refuses_logins_and_nothing_else";
    if !may(story, "make a file immutable", &mut Fixed::flag("+i", &tried)) {
        return;
    }
    drop(Fixed(tried.into()));
    let World { origin: _origin, sso: _sso, gateway } = World::start();
    let (stays, leaves) = (gateway.login("60240001", "pw-60240001"), gateway.login("60240002", "pw-60240002"));
    let files = || ["munjigi.db", "munjigi.db-wal"].map(|name| gateway.path(&format!("state/{name}"))).into();
    let fixed = Fixed::these(files());
    for number in 0..3 {
        let answer = log_in(&gateway, &id(number));
        assert_eq!(answer.refusal(), (503, "store_unavailable".to_owned()), "{}", answer.text());
    }
    gateway.process.logged("the store is read-only");
    assert_eq!(by_form(&gateway.browser(), &id(3)).status(), 503);
    assert_eq!(gateway.program().post("/logout").bearer(&leaves.access).send().refusal().0, 503);
    assert_eq!((page(&gateway, &leaves.access), page(&gateway, &stays.access)), (401, 200));
    drop(fixed);
    assert_eq!(log_in(&gateway, &id(4)).status(), 200, "no restart is needed");
    gateway.process.logged("the store takes writes again");

    let builder = gateway.killed();
    let file = builder.dir().join("state/munjigi.db");
    {
        let _fixed = Fixed::these(vec![file.clone()]);
        let start = builder.finish(&["run", "-c", "gateway.toml"]);
        assert_eq!(start.code, 3, "{}", start.err);
        assert!(start.err.contains("cannot be written; make the file and its directory writable"), "{}", start.err);
    }
    let gateway = builder.start();
    assert_eq!((page(&gateway, &leaves.access), page(&gateway, &stays.access)), (401, 200));
    let known: i64 = Connection::open(file).unwrap().query_row("SELECT count(*) FROM people", [], |row| row.get(0)).unwrap();
    assert_eq!(known, 3, "who was refused is nobody yet");
}
