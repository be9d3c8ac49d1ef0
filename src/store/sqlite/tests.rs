use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::store::contract::{at, hold_to_contract, opening, user};
use crate::store::{EndReason, PeoplePage, PeopleQuery};

fn empty() -> (Arc<dyn Store>, tempfile::TempDir) {
    let place = tempfile::tempdir().unwrap();
    let store = Sqlite::open(Settings::new(place.path().join("munjigi.db"))).unwrap();
    (Arc::new(store), place)
}

mod contract {
    use super::{empty, hold_to_contract};

    hold_to_contract!(empty);
}

fn store_in(place: &Path) -> (Sqlite, Settings) {
    let settings = Settings::new(place.join("munjigi.db"));
    (Sqlite::open(settings.clone()).unwrap(), settings)
}

/// Keeps the writer at work until the sender is dropped: what is queued meanwhile shares one commit.
async fn hold(store: &Sqlite) -> std::sync::mpsc::Sender<()> {
    let (started, starts) = oneshot::channel();
    let (gate, opened) = std::sync::mpsc::channel::<()>();
    drop(store.writer.write(move |_| {
        started.send(()).unwrap();
        opened.recv().unwrap_err();
        Ok(())
    }));
    starts.await.unwrap();
    gate
}

fn refusal(path: &Path) -> OpenError {
    Sqlite::open(Settings::new(path)).err().unwrap()
}

fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777
}

fn sessions_in(path: &Path) -> i64 {
    let db = rusqlite::Connection::open(path).unwrap();
    let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    db.query_row("SELECT count(*) FROM sessions", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn what_is_queued_together_shares_a_commit() {
    let place = tempfile::tempdir().unwrap();
    let (store, _) = store_in(place.path());
    let gate = hold(&store).await;
    let before = store.workload();
    let logins: Vec<_> = (0..100).map(|n| store.open_session(opening(&format!("mju:{n}"), at(0)))).collect();
    assert_eq!(store.workload().waiting, 101);
    drop(gate);
    for login in logins {
        assert!(matches!(login.await, Ok(Opened::Begun { first: true, .. })));
    }
    let after = store.workload();
    // The one that held the gate, and one for the hundred.
    assert_eq!((after.commits - before.commits, after.operations - before.operations, after.waiting), (2, 101, 0));
}

#[tokio::test]
async fn one_that_fails_or_panics_undoes_itself_only() {
    let place = tempfile::tempdir().unwrap();
    let (store, _) = store_in(place.path());
    let gate = hold(&store).await;
    let good = opening("mju:good", at(0));
    let first = store.open_session(good.clone());
    let half_done: Pending<()> = store.writer.write(|db| {
        db.execute("INSERT INTO people (realm, id, created) VALUES ('mju', 'half', 0)", [])?;
        Err(rusqlite::Error::QueryReturnedNoRows)
    });
    let panicking: Pending<()> = store.writer.write(|db| {
        db.execute("INSERT INTO people (realm, id, created) VALUES ('mju', 'half', 0)", [])?;
        panic!("an operation with a fault in it");
    });
    let same_id_again = store.open_session(good.clone());
    let last = store.open_session(opening("mju:last", at(0)));
    drop(gate);
    assert!(first.await.is_ok() && last.await.is_ok());
    assert!(matches!(half_done.await, Err(StoreError::Failed(_))));
    assert!(matches!(panicking.await, Err(StoreError::Failed(_))));
    assert!(matches!(same_id_again.await, Err(StoreError::Failed(_))));
    assert_eq!(store.person(user("mju:half")).await.unwrap(), None);
    assert!(store.session(good.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_failed_commit_is_told_to_everybody_in_it() {
    let place = tempfile::tempdir().unwrap();
    let (store, _) = store_in(place.path());
    let child = "CREATE TABLE child (parent INTEGER REFERENCES people (number) DEFERRABLE INITIALLY DEFERRED)";
    store.writer.write(move |db| db.execute_batch(child)).await.unwrap();
    let gate = hold(&store).await;
    let innocent = opening("mju:a", at(0));
    let login = store.open_session(innocent.clone());
    // The engine finds out at the commit.
    let orphan = store.writer.write(|db| db.execute("INSERT INTO child VALUES (12345)", []));
    drop(gate);
    assert!(orphan.await.is_err());
    assert!(login.await.is_err());
    assert_eq!(store.session(innocent.id).await.unwrap(), None);
    assert!(store.open_session(innocent).await.is_ok(), "the next one is not concerned");
}

#[tokio::test]
async fn a_full_queue_is_busy_and_does_nothing() {
    let place = tempfile::tempdir().unwrap();
    let store = Sqlite::open(Settings { queue: 2, ..Settings::new(place.path().join("munjigi.db")) }).unwrap();
    let gate = hold(&store).await;
    let waiting = [store.open_session(opening("mju:a", at(0))), store.open_session(opening("mju:b", at(0)))];
    let refused = opening("mju:c", at(0));
    assert!(matches!(store.open_session(refused.clone()).await, Err(StoreError::Busy(_))));
    drop(gate);
    for login in waiting {
        login.await.unwrap();
    }
    assert_eq!(store.session(refused.id).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let place = tempfile::tempdir().unwrap();
    let (store, settings) = store_in(place.path());
    let login = opening("mju:a", at(0));
    store.open_session(login.clone()).await.unwrap();
    let ended = Change::SessionEnded { session: login.id, user: login.user.clone(), reason: EndReason::LoggedOut };
    store.append(vec![ended], at(1)).await.unwrap();
    // What a killed process leaves: the files as they are, no orderly close.
    let after = tempfile::tempdir().unwrap();
    for name in ["munjigi.db", "munjigi.db-wal"] {
        std::fs::copy(place.path().join(name), after.path().join(name)).unwrap();
    }
    std::mem::forget(store);
    for settings in [Settings::new(after.path().join("munjigi.db")), settings] {
        let again = Sqlite::open(settings).unwrap();
        assert_eq!(again.session(login.id).await.unwrap().unwrap().ended, Some((at(1), EndReason::LoggedOut)));
        assert_eq!(again.load_view(at(0)).await.unwrap().changes.len(), 1);
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_got_over() {
    let place = tempfile::tempdir().unwrap();
    let (store, _) = store_in(place.path());
    let pages: i64 = store.writer.write(|db| db.query_row("PRAGMA page_count", [], |row| row.get(0))).await.unwrap();
    let limit = move |pages: i64| store_limit(pages);
    store.writer.write(limit(pages + 2)).await.unwrap();
    let (mut answered, mut refused) = (Vec::new(), Vec::new());
    for n in 0..200 {
        let login = Opening { user_agent: "x".repeat(200), ..opening(&format!("mju:{n}"), at(0)) };
        match store.open_session(login.clone()).await {
            Ok(_) => answered.push(login),
            Err(error) => {
                assert_eq!(error, StoreError::Full);
                refused.push(login);
            }
        }
    }
    assert!(!answered.is_empty() && refused.len() > 10);
    store.writer.write(limit(1_000_000)).await.unwrap();
    for login in &answered {
        assert!(store.session(login.id).await.unwrap().is_some());
    }
    for login in refused {
        assert_eq!(store.person(login.user.clone()).await.unwrap(), None, "nothing half done");
        store.open_session(login).await.unwrap();
    }
}

fn store_limit(pages: i64) -> impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<i64> + Send + 'static {
    move |db| db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get(0))
}

#[tokio::test]
async fn a_read_only_spell_is_told_and_got_over() {
    let place = tempfile::tempdir().unwrap();
    let (store, _) = store_in(place.path());
    store.writer.write(|db| db.execute_batch("PRAGMA query_only = 1")).await.unwrap();
    assert_eq!(store.open_session(opening("mju:a", at(0))).await.err(), Some(StoreError::ReadOnly));
    // The connection is not trusted any more, and a new one may write again.
    store.open_session(opening("mju:a", at(1))).await.unwrap();
}

#[tokio::test]
async fn a_file_held_by_another_process_is_busy_until_it_lets_go() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("munjigi.db");
    let store = Sqlite::open(Settings { busy_timeout: Duration::from_millis(20), ..Settings::new(&path) }).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(store.open_session(opening("mju:a", at(0))).await, Err(StoreError::Busy(_))));
    assert!(store.sessions_of(user("mju:a"), at(0)).await.unwrap().is_empty(), "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    store.open_session(opening("mju:a", at(0))).await.unwrap();
}

#[tokio::test]
async fn a_file_taken_away_is_noticed_and_found_again() {
    let place = tempfile::tempdir().unwrap();
    let (store, settings) = store_in(place.path());
    let login = opening("mju:a", at(0));
    store.open_session(login.clone()).await.unwrap();
    let copy = place.path().join("copy.db");
    store.backup(copy.clone()).await.unwrap();
    for name in ["munjigi.db", "munjigi.db-wal", "munjigi.db-shm"] {
        std::fs::remove_file(place.path().join(name)).unwrap();
    }
    // A write into a deleted file would be confirmed and gone.
    let error = store.open_session(opening("mju:b", at(0))).await.unwrap_err().to_string();
    assert!(error.contains("is gone"), "{error}");
    assert!(store.session(login.id).await.is_err());
    std::fs::rename(copy, settings.path).unwrap();
    assert!(store.session(login.id).await.unwrap().is_some());
    store.open_session(opening("mju:b", at(0))).await.unwrap();
}

#[tokio::test]
async fn a_backup_is_whole_while_writes_go_on() {
    let place = tempfile::tempdir().unwrap();
    let (store, _) = store_in(place.path());
    let store = Arc::new(store);
    for n in 0..50 {
        store.open_session(opening(&format!("mju:before-{n}"), at(0))).await.unwrap();
    }
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for n in 0..200 {
                store.open_session(opening(&format!("mju:during-{n}"), at(1))).await.unwrap();
            }
        }
    });
    let copy = place.path().join("copies.db");
    store.backup(copy.clone()).await.unwrap();
    writing.await.unwrap();
    assert_eq!(mode(&copy), 0o600);
    let sessions = sessions_in(&copy);
    assert!((50..=250).contains(&sessions), "{sessions}");
    let restored = Sqlite::open(Settings::new(&copy)).unwrap();
    assert!(restored.person(user("mju:before-49")).await.unwrap().is_some());
    restored.open_session(opening("mju:after", at(2))).await.unwrap();
    drop(restored);

    let again = store.backup(copy.clone()).await;
    assert!(matches!(again, Err(StoreError::Failed(_))), "a copy is never written over: {again:?}");
    assert!(sessions_in(&copy) >= sessions);
    assert!(store.backup(place.path().join("no/such/place")).await.is_err());
}

#[test]
fn what_is_made_is_the_owners_alone() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("var/state");
    let (_store, settings) = store_in(&dir);
    assert_eq!((mode(&dir), mode(&settings.path), mode(&dir.join("munjigi.db-wal"))), (0o700, 0o600, 0o600));
}

#[test]
fn what_is_no_database_is_named_and_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let text = place.path().join("text");
    std::fs::write(&text, "not a database at all, but long enough to have a header of its own".repeat(20)).unwrap();
    assert!(matches!(refusal(&text), OpenError::NotADatabase { .. }));
    assert!(!place.path().join("text-wal").exists());

    let foreign = place.path().join("foreign");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert!(matches!(refusal(&foreign), OpenError::Foreign { .. }));

    let (store, newer) = store_in(place.path());
    drop(store);
    rusqlite::Connection::open(&newer.path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(refusal(&newer.path), OpenError::Newer { found: 99, .. }));

    assert!(matches!(refusal(place.path()), OpenError::Failed { .. }));
    assert!(matches!(refusal(&text.join("under/a/file")), OpenError::Directory { .. }));
    // A file that nobody can write, not even root; where the system has one.
    let fixed = Path::new("/sys/kernel/notes");
    if fixed.exists() {
        assert!(matches!(refusal(fixed), OpenError::NotWritable { .. }));
    }
}

#[tokio::test]
async fn an_empty_file_becomes_a_store() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("munjigi.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE x (y); DROP TABLE x").unwrap();
    let store = Sqlite::open(Settings::new(&path)).unwrap();
    store.open_session(opening("mju:a", at(0))).await.unwrap();
}

#[tokio::test]
async fn damage_is_told_apart() {
    let place = tempfile::tempdir().unwrap();
    let (store, settings) = store_in(place.path());
    store.open_session(opening("mju:a", at(0))).await.unwrap();
    store.writer.write(|db| db.execute("UPDATE sessions SET address = 'nowhere'", [])).await.unwrap();
    assert!(matches!(store.sessions_of(user("mju:a"), at(0)).await, Err(StoreError::Damaged(_))));
    let copy = place.path().join("copy.db");
    store.backup(copy.clone()).await.unwrap();
    drop((store, settings));
    let pages: Vec<u64> = {
        let db = rusqlite::Connection::open(&copy).unwrap();
        let mut roots = db.prepare("SELECT rootpage FROM sqlite_schema WHERE tbl_name IN ('sessions', 'people') AND rootpage > 0").unwrap();
        roots.query_map([], |row| row.get::<_, i64>(0)).unwrap().map(|page| u64::try_from(page.unwrap()).unwrap()).collect()
    };
    assert!(pages.len() >= 4, "{pages:?}");
    let mut bytes = std::fs::File::options().read(true).write(true).open(&copy).unwrap();
    for page in pages {
        std::io::Seek::seek(&mut bytes, std::io::SeekFrom::Start((page - 1) * 4096)).unwrap();
        std::io::Write::write_all(&mut bytes, &[0xaa; 4096]).unwrap();
    }
    let damaged = Sqlite::open(Settings::new(&copy)).unwrap();
    assert!(matches!(damaged.sessions_of(user("mju:a"), at(0)).await, Err(StoreError::Damaged(_))));
    assert!(matches!(damaged.open_session(opening("mju:a", at(0))).await, Err(StoreError::Damaged(_))));
}

/// A page of members costs the same wherever it is: it begins at its place in an index and is not sorted.
#[test]
fn every_page_of_people_begins_in_an_index() {
    let mut db = rusqlite::Connection::open_in_memory().unwrap();
    schema::migrate(&mut db, schema::MIGRATIONS).unwrap();
    let whom = user("mju:60241234");
    let pages = [PeoplePage::First, PeoplePage::After(whom.clone()), PeoplePage::Before(whom), PeoplePage::Last];
    for (page, awaiting) in pages.iter().flat_map(|page| [(page, false), (page, true)]) {
        let (sql, values) = people::paging(&PeopleQuery { search: None, awaiting, page: page.clone(), limit: 20 });
        let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let plan: Vec<String> =
            explain.query_map(rusqlite::params_from_iter(values), |row| row.get("detail")).unwrap().map(Result::unwrap).collect();
        let index = if awaiting { "INDEX people_awaiting" } else { "INDEX sqlite_autoindex_people_1" };
        let how = if matches!(page, PeoplePage::After(_) | PeoplePage::Before(_)) { "SEARCH people USING" } else { "SCAN people USING" };
        assert!(matches!(&*plan, [only] if only.contains(index) && only.starts_with(how)), "{page:?} {awaiting}: {plan:?}");
    }
}

/// Removing somebody looks at what administrators did and no further.
#[test]
fn what_an_administrator_did_is_found_in_an_index() {
    let mut db = rusqlite::Connection::open_in_memory().unwrap();
    schema::migrate(&mut db, schema::MIGRATIONS).unwrap();
    let sql = "EXPLAIN QUERY PLAN UPDATE audit SET detail = '' WHERE detail GLOB '*by *:*' AND substr(detail, -3) = 'x:y'";
    let plan: String = db.query_row(sql, [], |row| row.get("detail")).unwrap();
    assert!(plan.contains("INDEX audit_by_actor"), "{plan}");
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test looks at its own files")]
async fn blocked_ids_are_known_under_their_own_key_only() {
    let place = tempfile::tempdir().unwrap();
    let (store, settings) = store_in(place.path());
    let key = place.path().join("munjigi.db.key");
    assert_eq!((mode(&key), key.metadata().unwrap().len()), (0o600, 32));
    store.block(user("mju:a"), at(0)).await.unwrap();
    drop(store);
    let (kept, written) = (std::fs::read(&key).unwrap(), std::fs::read(&settings.path).unwrap());
    assert!(!written.windows(5).any(|bytes| bytes == b"mju:a"));
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(refusal(&settings.path), OpenError::OtherKey { .. }), "nobody may slip in because a file was lost");
    std::fs::write(&key, &kept[1..]).unwrap();
    assert!(refusal(&settings.path).to_string().contains("32 bytes"));
    std::fs::write(&key, kept).unwrap();
    assert!(store_in(place.path()).0.is_blocked(user("mju:a")).await.unwrap());
}
