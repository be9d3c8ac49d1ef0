//! What is remembered: people, sessions (refresh families), the change log, the audit table; and the in-memory
//! [`View`] of the change log that every request is checked against.
//!
//! Callers see the [`Store`] trait and plain values, and write through the [`ChangeLog`], so that the view acts before
//! the disk does. Nothing of SQL leaves this module, and nothing on the road of a proxied request calls the store: it
//! asks the view.

mod accounts;
mod change;
#[cfg(test)]
mod contract;
mod follow;
mod lock;
mod log;
mod people;
pub mod seal;
mod session;
mod shards;
pub mod sqlite;
mod usage;
mod view;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

pub use accounts::{Account, AccountStatus, Fields, NewAccount};
pub use change::{Change, EndReason, LoggedChange, PersonState};
pub use lock::{LockError, StateLock};
pub use log::ChangeLog;
pub use people::{AuditEntry, AuditQuery, Figures, PeopleCount, PeoplePage, PeopleQuery, Person};
pub use session::{Opened, Opening, Presented, Renewal, RenewalOutcome, Rotate, SessionQuery, SessionRecord, TokenHash};
pub use sqlite::Sqlite;
pub use view::{Ending, Endings, Notice, View, ViewSizes};

use secrecy::SecretString;

use crate::base::{Position, SessionId, Timestamp};
use crate::identity::{Realm, UserId};
use crate::observe::AuditEvent;

/// The answer of a store operation: ready when the write is durable, or an error. It is owned, so that it survives the
/// request that asked (a client that goes away must not leave a rotation half told).
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'static>>;

/// What a view starts from.
#[derive(Clone, Debug, Default)]
pub struct ViewStart {
    /// The change log's position.
    pub position: Position,
    /// The changes that tokens still in use may be older than.
    pub changes: Vec<LoggedChange>,
    /// Everybody whose standing is not the default one.
    pub people: Vec<(UserId, PersonState)>,
}

/// How long is kept what nothing needs and somebody may want to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The events of the audit table.
    pub audit: Duration,
}

impl Default for Retention {
    /// A little more than a year, so that two springs can be compared.
    fn default() -> Self {
        Self { audit: Duration::from_secs(400 * 24 * 60 * 60) }
    }
}

/// From when on [`Store::prune`] leaves what it finds.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Changes that are not older.
    pub changes_since: Timestamp,
    /// Audit events that are not older.
    pub audit_since: Timestamp,
}

/// Why the store could not do it. In every case nothing of the operation was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the file, the queue is full, or the store is shutting down. Trying again helps.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// No space is left. An operator must make room.
    #[error("the store has no space left")]
    Full,
    /// The file cannot be written.
    #[error("the store is read-only")]
    ReadOnly,
    /// The file is damaged, or is no store of ours. An operator must restore a backup.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// Anything else the engine says.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// The system of record. One instance per process; every write is durable when its answer arrives.
///
/// The work of a method is queued when the method is called, not when its answer is first polled, and writes are done
/// in the order they were called in. Dropping the answer does not take the work back.
pub trait Store: Send + Sync + 'static {
    /// Begins a session in one transaction: the person is added or their last login updated, the presented session (if
    /// any) is ended as replaced, the oldest sessions over the limit are ended, the new one is inserted.
    fn open_session(&self, opening: Opening) -> Pending<Opened>;

    /// One session, ended or not, as long as it is kept.
    fn session(&self, id: SessionId) -> Pending<Option<SessionRecord>>;

    /// The live sessions of one person, newest first.
    fn sessions_of(&self, user: UserId, now: Timestamp) -> Pending<Vec<SessionRecord>>;

    /// The live sessions of everybody, in the order of their ids, a page at a time.
    fn sessions(&self, query: SessionQuery, now: Timestamp) -> Pending<Vec<SessionRecord>>;

    /// How many sessions of everybody are live: for the metrics.
    fn live_sessions(&self, now: Timestamp) -> Pending<u64>;

    /// How many writes wait for it now: for the metrics.
    fn waiting(&self) -> u64;

    /// Uses a session: by its refresh token (kept or rotated) or by an access token near its end. One transaction.
    fn renew(&self, renewal: Renewal) -> Pending<RenewalOutcome>;

    /// A token that the rotation to `generation` gave out has been used: from now its predecessor is good only for the
    /// grace. Nothing happens when the session has rotated on since, or was confirmed before.
    fn confirm(&self, id: SessionId, generation: u32, at: Timestamp) -> Pending<()>;

    /// Notes when sessions were last seen. Late and lossy by design: written seldom.
    fn touch(&self, seen: Vec<(SessionId, Timestamp)>) -> Pending<()>;

    /// Appends to the change log and does in the tables what each change says (a session's row is marked ended, a
    /// person's row changed), in one transaction. Returns the position of the last one. Callers go through
    /// [`ChangeLog`] so that the view acts first.
    ///
    /// Positions rise, and go on rising when an older copy of the store is put back in place: else "everybody before
    /// now" would spare the tokens that carry positions of the lost part.
    fn append(&self, changes: Vec<Change>, at: Timestamp) -> Pending<Position>;

    /// What was appended after `after`, in order, at most a few thousand at a time.
    fn changes_after(&self, after: Position) -> Pending<Vec<LoggedChange>>;

    /// From now on access tokens may be good for `life`. Answers how long changes must be kept for the tokens that are
    /// still out: longer than `life` when an earlier configuration gave them a longer one.
    fn token_life(&self, life: Duration, now: Timestamp) -> Pending<Duration>;

    /// What a view starts from, with the changes not older than `since`.
    fn load_view(&self, since: Timestamp) -> Pending<ViewStart>;

    /// One person.
    fn person(&self, user: UserId) -> Pending<Option<Person>>;

    /// People in the order of realm and id, a page at a time.
    fn people(&self, query: PeopleQuery) -> Pending<Vec<Person>>;

    /// How many people there are.
    fn count_people(&self) -> Pending<PeopleCount>;

    /// Remembers that this id may not come back, by a keyed hash alone: no session begins for it and no account is made.
    /// Removing the person is another thing.
    fn block(&self, user: UserId, at: Timestamp) -> Pending<()>;

    /// Lets the id come back. Whether it was blocked.
    fn unblock(&self, user: UserId) -> Pending<bool>;

    /// Whether this id may not come back.
    fn is_blocked(&self, user: UserId) -> Pending<bool>;

    /// A person's local account, if there is one.
    fn account(&self, user: UserId) -> Pending<Option<Account>>;

    /// Local accounts of one realm whose ids come behind `after`, in the order of their ids.
    fn accounts(&self, realm: Realm, after: String, limit: u32) -> Pending<Vec<NewAccount>>;

    /// Makes local accounts, all or none, and appends to the change log what holds of their people. Answers whose accounts
    /// were there already, or are blocked: then none was made. Somebody known before keeps what was given to them.
    fn add_accounts(&self, accounts: Vec<NewAccount>, at: Timestamp) -> Pending<Vec<UserId>>;

    /// Sets the hash of an account's password if it is still `was`. Whether it was.
    fn set_password(&self, user: UserId, was: SecretString, becomes: SecretString) -> Pending<bool>;

    /// Approves an account, or takes that back. Whether there is one.
    fn set_status(&self, user: UserId, status: AccountStatus) -> Pending<bool>;

    /// Keeps the hash of a one-time link to set a new password, in place of the account's earlier one. Whether there is an
    /// account.
    fn put_reset(&self, user: UserId, reset: TokenHash, until: Timestamp) -> Pending<bool>;

    /// Whose link this is, if it is still good.
    fn reset_of(&self, reset: TokenHash, now: Timestamp) -> Pending<Option<UserId>>;

    /// Takes a link that is still good and sets the hash of its account's password. Answers whose it was.
    fn use_reset(&self, reset: TokenHash, password: SecretString, now: Timestamp) -> Pending<Option<UserId>>;

    /// Appends to the audit table.
    fn audit(&self, events: Vec<AuditEvent>) -> Pending<()>;

    /// What the audit table holds, newest first, a page at a time.
    fn audit_trail(&self, query: AuditQuery) -> Pending<Vec<AuditEntry>>;

    /// What happened in each of so many hours from `since` on.
    fn figures(&self, since: Timestamp, hours: usize) -> Pending<Vec<Figures>>;

    /// Forgets what nothing can need any more: sessions some days past their end, changes and audit events older than
    /// `keep` says. Done in slices, so that other writes get in between.
    fn prune(&self, now: Timestamp, keep: Keep) -> Pending<()>;

    /// Writes a consistent copy to a new file while serving. The file holds everything the store holds: it belongs to
    /// its owner alone.
    fn backup(&self, to: PathBuf) -> Pending<()>;
}
