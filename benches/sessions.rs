//! How fast sessions begin and rotate with full durability, beside what the disk itself can do and beside one commit for
//! each request; and what the view of the change log costs. Prints figures; judges nothing.

#![expect(clippy::unwrap_used, reason = "a measurement that fails may panic")]
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use munjigi::base::{ClientAddr, Position, SessionId, Timestamp, TokenId};
use munjigi::identity::{ProviderName, UserId};
use munjigi::store::sqlite::Settings;
use munjigi::store::{
    Change, EndReason, LoggedChange, Opening, Presented, Renewal, RenewalOutcome, Rotate, Sqlite, Store, TokenHash, View, ViewStart,
};

/// How many ask at once.
const CLIENTS: u64 = 100;
/// How long each figure is measured.
const SPAN: Duration = Duration::from_secs(3);
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const ENTRIES: usize = 100_000;

fn main() {
    // Before anything else has taken memory and given it back.
    view();
    let place = tempfile::tempdir_in(".").unwrap();
    println!("{CLIENTS} clients at once, {SPAN:?} for each figure");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    for batch in [1, 256] {
        let settings = Settings { batch, ..Settings::new(place.path().join(format!("batch-{batch}.db"))) };
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(settings).unwrap());
        // The disk beside each: a shared one is not the same from one second to the next.
        let before = disk(place.path());
        let logins = runtime.block_on(rate(|client| logins(Arc::clone(&store), client)));
        let between = disk(place.path());
        let refreshes = runtime.block_on(rate(|client| refreshes(Arc::clone(&store), client)));
        let after = disk(place.path());
        println!("at most {batch} to a commit: {logins:.0} logins/s, {refreshes:.0} rotations/s");
        println!("  fsync of 4 KiB, one after the other, before, between and after: {before:.0}/s, {between:.0}/s, {after:.0}/s");
    }
    runtime.block_on(loading(&place.path().join("changes.db")));
}

fn disk(place: &Path) -> f64 {
    let mut file = File::create(place.join("plain")).unwrap();
    let (begun, mut count) = (Instant::now(), 0_u64);
    while begun.elapsed() < SPAN {
        file.write_all(&[7; 4096]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    count as f64 / begun.elapsed().as_secs_f64()
}

/// How often per second all clients together do it.
async fn rate<F: Future<Output = u64> + Send + 'static>(client: impl Fn(u64) -> F) -> f64 {
    let begun = Instant::now();
    let clients: Vec<_> = (0..CLIENTS).map(|number| tokio::spawn(client(number))).collect();
    let mut count = 0;
    for client in clients {
        count += client.await.unwrap();
    }
    count as f64 / begun.elapsed().as_secs_f64()
}

fn opening(client: u64) -> Opening {
    Opening {
        id: SessionId::random(),
        user: UserId::parse(&format!("mju:{}", 60_240_000 + client)).unwrap(),
        provider: ProviderName::new("mju").unwrap(),
        refresh: TokenHash::of(&TokenId::random()),
        at: NOW,
        address: ClientAddr::new([192, 0, 2, 7].into()),
        user_agent: "a browser".to_owned(),
        absolute_end: NOW.plus(Duration::from_secs(30 * 86_400)),
        idle: Duration::from_secs(30 * 86_400),
        persistent: true,
        rotate: true,
        replaces: None,
        sessions_per_user: None,
    }
}

async fn logins(store: Arc<dyn Store>, client: u64) -> u64 {
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < SPAN {
        store.open_session(opening(client)).await.unwrap();
        count += 1;
    }
    count
}

async fn refreshes(store: Arc<dyn Store>, client: u64) -> u64 {
    let opening = opening(client);
    let (session, mut token) = (opening.id, opening.refresh);
    store.open_session(opening).await.unwrap();
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < SPAN {
        let successor = TokenHash::of(&TokenId::random());
        // As large as a sealed pair of tokens.
        let rotate = Some(Rotate { successor, sealed: vec![7; 1400] });
        let renewal = Renewal { session, presented: Presented::Refresh(token), at: NOW, rotate, grace: Duration::from_secs(10) };
        assert!(matches!(store.renew(renewal).await.unwrap(), RenewalOutcome::Rotated { .. }));
        token = successor;
        count += 1;
    }
    count
}

fn ended(position: usize) -> LoggedChange {
    let user = UserId::parse(&format!("mju:{}", 60_000_000 + position % 20_000)).unwrap();
    let change = Change::SessionEnded { session: SessionId::random(), user, reason: EndReason::LoggedOut };
    LoggedChange { position: Position(position as u64), at: NOW, change }
}

/// Resident memory of this process in KiB.
fn resident() -> usize {
    let status = std::process::Command::new("ps").args(["-o", "rss=", "-p", &std::process::id().to_string()]).output();
    status.ok().and_then(|output| String::from_utf8(output.stdout).ok()?.trim().parse().ok()).unwrap_or(0)
}

/// What a start costs when the log is full: from the file to the view.
async fn loading(path: &Path) {
    let store = Sqlite::open(Settings::new(path)).unwrap();
    let changes: Vec<Change> = (1..=ENTRIES).map(|number| ended(number).change).collect();
    for slice in changes.chunks(1000) {
        store.append(slice.to_vec(), NOW).await.unwrap();
    }
    drop(store);
    let begun = Instant::now();
    let store = Sqlite::open(Settings::new(path)).unwrap();
    let view = View::load(store.load_view(Timestamp::from_secs(0)).await.unwrap());
    println!("{} changes opened, read and taken in: {:?}", view.sizes().sessions, begun.elapsed());
}

fn view() {
    // One after the other, so that nothing else takes memory or gives it back.
    let (before, grown) = (resident(), View::new());
    for number in 1..=ENTRIES {
        grown.apply(&ended(number));
    }
    println!("view of {ENTRIES} ended sessions of 20000 people: about {} KiB", resident().saturating_sub(before));
    drop(grown);
    let changes: Vec<LoggedChange> = (1..=ENTRIES).map(ended).collect();
    let begun = Instant::now();
    let view = View::load(ViewStart { position: Position(ENTRIES as u64), changes, people: Vec::new() });
    println!("taken in at once: {:?}", begun.elapsed());
    let user = UserId::parse("mju:60241234").unwrap();
    let known: Vec<(SessionId, TokenId)> = (0..10_000).map(|_| (SessionId::random(), TokenId::random())).collect();
    let begun = Instant::now();
    let mut good = 0_u64;
    for (session, token) in known.iter().cycle().take(1_000_000) {
        good += u64::from(view.check(&user, session, token, Position(ENTRIES as u64)).is_ok());
    }
    assert_eq!(good, 1_000_000);
    println!("a look-up: {:.0} ns", begun.elapsed().as_nanos() as f64 / 1e6);
    let more: Vec<LoggedChange> = (ENTRIES + 1..=2 * ENTRIES).map(ended).collect();
    let begun = Instant::now();
    for entry in &more {
        view.apply(entry);
    }
    println!("an insert: {:.0} ns", begun.elapsed().as_nanos() as f64 / ENTRIES as f64);
}
