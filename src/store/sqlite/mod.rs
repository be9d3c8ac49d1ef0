//! The store in one SQLite file beside the gateway. Everything of SQL is in here.
//!
//! Work is done on threads of its own; callers wait for an answer without blocking. Two processes may have the file
//! open at once, as during an upgrade. It must not lie on a network file system.

mod accounts;
mod audit;
mod backup;
mod blocked;
mod changes;
mod columns;
mod figures;
mod open;
mod people;
mod prune;
mod readers;
mod renew;
mod schema;
mod sessions;
mod writer;

use std::path::PathBuf;
use std::sync::mpsc::TrySendError;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::oneshot;

use self::blocked::BlockKey;
use self::open::Held;
pub use self::open::OpenError;
use self::readers::Readers;
pub use self::writer::Workload;
use self::writer::Writer;
use super::{
    Account, AccountStatus, AuditEntry, AuditQuery, Change, Figures, Keep, LoggedChange, NewAccount, Opened, Opening, Pending, PeopleCount,
    PeopleQuery, Person, Renewal, RenewalOutcome, SessionQuery, SessionRecord, Store, StoreError, TokenHash, ViewStart,
};
use crate::base::{Position, SessionId, Timestamp};
use crate::identity::{Realm, UserId};
use crate::observe::AuditEvent;

/// How many connections read at once.
const READERS: usize = 2;

/// Where the file is and how much may wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The database file. Made with its directory when missing, for the owner alone.
    pub path: PathBuf,
    /// How long to wait for another process that writes, before the store counts as busy.
    pub busy_timeout: Duration,
    /// How many operations may wait in each queue; the next one is refused as busy.
    pub queue: usize,
    /// How many writes may share one commit. 1: each has its own, which is slow and only good for comparing.
    pub batch: usize,
}

impl Settings {
    /// The defaults for a file: 5 s, 4096 waiting, 256 to a commit.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), busy_timeout: Duration::from_secs(5), queue: 4096, batch: 256 }
    }
}

/// The store in a SQLite file. Dropping it ends its threads once their queues are empty.
pub struct Sqlite {
    settings: Settings,
    writer: Writer,
    readers: Readers,
    block: BlockKey,
}

impl Sqlite {
    /// Opens the database, makes it when it is missing, and brings its schema up to date. Reads and writes files: for
    /// the start, not for a worker.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        let thread = |reason: std::io::Error| OpenError::Failed { path: settings.path.clone(), reason: reason.to_string() };
        let mut written = Held::create(&settings.path, settings.busy_timeout)?;
        let block = BlockKey::beside(&settings.path, written.ready()?)?;
        let read = (0..READERS).map(|_| Held::open(&settings.path, settings.busy_timeout)).collect::<Result<_, _>>()?;
        let writer = Writer::start(written, settings.queue, settings.batch).map_err(thread)?;
        let readers = Readers::start(read, settings.queue).map_err(thread)?;
        Ok(Self { settings, writer, readers, block })
    }

    /// What the writer has done and has before it, for metrics.
    pub fn workload(&self) -> Workload {
        self.writer.workload()
    }
}

impl Store for Sqlite {
    fn open_session(&self, opening: Opening) -> Pending<Opened> {
        let block = self.block.clone();
        self.writer.write(move |db| if block.is_blocked(db, &opening.user)? { Ok(Opened::Blocked) } else { sessions::open(db, &opening) })
    }

    fn session(&self, id: SessionId) -> Pending<Option<SessionRecord>> {
        self.readers.read(move |db| sessions::one(db, &id))
    }

    fn sessions_of(&self, user: UserId, now: Timestamp) -> Pending<Vec<SessionRecord>> {
        self.readers.read(move |db| sessions::of_person(db, &user, now))
    }

    fn sessions(&self, query: SessionQuery, now: Timestamp) -> Pending<Vec<SessionRecord>> {
        self.readers.read(move |db| sessions::page(db, &query, now))
    }

    fn live_sessions(&self, now: Timestamp) -> Pending<u64> {
        self.readers.read(move |db| sessions::count(db, now))
    }

    fn waiting(&self) -> u64 {
        self.workload().waiting
    }

    fn renew(&self, renewal: Renewal) -> Pending<RenewalOutcome> {
        self.writer.write(move |db| renew::renew(db, &renewal))
    }

    fn confirm(&self, id: SessionId, generation: u32, at: Timestamp) -> Pending<()> {
        self.writer.write(move |db| renew::confirm(db, &id, generation, at))
    }

    fn touch(&self, seen: Vec<(SessionId, Timestamp)>) -> Pending<()> {
        self.writer.write(move |db| sessions::touch(db, &seen))
    }

    fn append(&self, changes: Vec<Change>, at: Timestamp) -> Pending<Position> {
        self.writer.write(move |db| changes::append(db, &changes, at))
    }

    fn changes_after(&self, after: Position) -> Pending<Vec<LoggedChange>> {
        self.readers.read(move |db| changes::after(db, after))
    }

    fn token_life(&self, life: Duration, now: Timestamp) -> Pending<Duration> {
        self.writer.write(move |db| changes::token_life(db, life, now))
    }

    fn load_view(&self, since: Timestamp) -> Pending<ViewStart> {
        self.readers.read(move |db| changes::load(db, since))
    }

    fn person(&self, user: UserId) -> Pending<Option<Person>> {
        self.readers.read(move |db| people::one(db, &user))
    }

    fn people(&self, query: PeopleQuery) -> Pending<Vec<Person>> {
        self.readers.read(move |db| people::page(db, &query))
    }

    fn count_people(&self) -> Pending<PeopleCount> {
        self.readers.read(figures::people)
    }

    fn block(&self, user: UserId, at: Timestamp) -> Pending<()> {
        let block = self.block.clone();
        self.writer.write(move |db| block.block(db, &user, at))
    }

    fn unblock(&self, user: UserId) -> Pending<bool> {
        let block = self.block.clone();
        self.writer.write(move |db| block.unblock(db, &user))
    }

    fn is_blocked(&self, user: UserId) -> Pending<bool> {
        let block = self.block.clone();
        self.readers.read(move |db| block.is_blocked(db, &user))
    }

    fn account(&self, user: UserId) -> Pending<Option<Account>> {
        self.readers.read(move |db| accounts::one(db, &user))
    }

    fn accounts(&self, realm: Realm, after: String, limit: u32) -> Pending<Vec<NewAccount>> {
        self.readers.read(move |db| accounts::page(db, &realm, &after, limit))
    }

    fn add_accounts(&self, accounts: Vec<NewAccount>, at: Timestamp) -> Pending<Vec<UserId>> {
        let block = self.block.clone();
        self.writer.write(move |db| accounts::add(db, &accounts, &block, at))
    }

    fn set_password(&self, user: UserId, was: SecretString, becomes: SecretString) -> Pending<bool> {
        self.writer.write(move |db| accounts::set_password(db, &user, &was, &becomes))
    }

    fn set_status(&self, user: UserId, status: AccountStatus) -> Pending<bool> {
        self.writer.write(move |db| accounts::set_status(db, &user, status))
    }

    fn put_reset(&self, user: UserId, reset: TokenHash, until: Timestamp) -> Pending<bool> {
        self.writer.write(move |db| accounts::put_reset(db, &user, &reset, until))
    }

    fn reset_of(&self, reset: TokenHash, now: Timestamp) -> Pending<Option<UserId>> {
        self.readers.read(move |db| accounts::reset_of(db, &reset, now))
    }

    fn use_reset(&self, reset: TokenHash, password: SecretString, now: Timestamp) -> Pending<Option<UserId>> {
        self.writer.write(move |db| accounts::use_reset(db, &reset, &password, now))
    }

    fn audit(&self, events: Vec<AuditEvent>) -> Pending<()> {
        self.writer.write(move |db| audit::append(db, &events))
    }

    fn audit_trail(&self, query: AuditQuery) -> Pending<Vec<AuditEntry>> {
        self.readers.read(move |db| audit::trail(db, &query))
    }

    fn figures(&self, since: Timestamp, hours: usize) -> Pending<Vec<Figures>> {
        self.readers.read(move |db| figures::hours(db, since, hours))
    }

    fn prune(&self, now: Timestamp, keep: Keep) -> Pending<()> {
        prune::all(self.writer.clone(), now, keep)
    }

    fn backup(&self, to: PathBuf) -> Pending<()> {
        backup::start(self.settings.clone(), to)
    }
}

/// The answer to what was queued, or to what the queue refused.
fn pending<T: Send + 'static, J>(queued: &Result<(), TrySendError<J>>, answer: oneshot::Receiver<Result<T, StoreError>>) -> Pending<T> {
    let refused = match queued {
        Ok(()) => None,
        Err(TrySendError::Full(_)) => Some("too much is waiting for it"),
        Err(TrySendError::Disconnected(_)) => Some("it is shutting down"),
    };
    Box::pin(async move {
        match refused {
            Some(why) => Err(StoreError::Busy(why.to_owned())),
            None => answer.await.unwrap_or_else(|_| Err(StoreError::Busy("it is shutting down".to_owned()))),
        }
    })
}

#[cfg(test)]
mod tests;
