use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::usage::Usage;
use super::{
    Change, Keep, LoggedChange, Opened, Opening, Pending, Renewal, RenewalOutcome, Retention, SessionRecord, Store, StoreError, View,
};
use crate::base::{Clock, Position, SessionId, Timestamp};

/// Changes are kept this much longer than the longest token lives: leeway of checks, and clocks of two processes.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// How many unsettled changes are written in one go.
const SLICE: usize = 1000;

/// Store and view as one: the only way to end anything. An end acts in memory first, is durable before it is confirmed,
/// and goes on acting when the disk refuses it; it is then written as soon as the disk takes it.
///
/// What a method starts is finished even when the caller goes away (a client that hangs up must not leave a rotation
/// half told). All of it wants to run inside a tokio runtime.
pub struct ChangeLog {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    view: Arc<View>,
    pub(super) usage: Usage,
    /// How long changes are kept, in milliseconds.
    kept: AtomicU64,
    /// How long audit events are kept, in milliseconds.
    audit_kept: AtomicU64,
    /// Acting in memory, not durable yet: what the store refused, in order.
    unsettled: Mutex<VecDeque<Change>>,
    settling: tokio::sync::Mutex<()>,
    pub(super) trouble: Mutex<Option<StoreError>>,
    /// When the view was last known to hold all that the store holds, in milliseconds.
    pub(super) seen: AtomicU64,
}

impl ChangeLog {
    /// Loads the view. `token_life` is the longest life of an access token by the present configuration.
    ///
    /// # Errors
    /// When the store cannot be read and written.
    pub async fn start(store: Arc<dyn Store>, clock: Arc<dyn Clock>, token_life: Duration) -> Result<Arc<Self>, StoreError> {
        let now = clock.now();
        let kept = store.token_life(token_life, now).await?.saturating_add(MARGIN);
        let view = View::load(store.load_view(now.minus(kept)).await?);
        Ok(Arc::new(Self {
            store,
            clock,
            view: Arc::new(view),
            usage: Usage::new(),
            kept: AtomicU64::new(millis(kept)),
            audit_kept: AtomicU64::new(millis(Retention::default().audit)),
            unsettled: Mutex::default(),
            settling: tokio::sync::Mutex::default(),
            trouble: Mutex::default(),
            seen: AtomicU64::new(now.millis()),
        }))
    }

    /// What requests are checked against.
    pub const fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// For reading and for the audit table. Whoever ends or changes something goes through [`Self::end`].
    pub const fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Appends `changes`. Those that take something away act before this returns; the answer comes when all are durable
    /// and act. On an error the ends go on acting and will be written later, the others were not done: the caller
    /// answers 503.
    pub fn end(self: &Arc<Self>, changes: Vec<Change>) -> Pending<Position> {
        let at = self.clock.now();
        for change in &changes {
            self.view.apply_now(change, at);
        }
        let log = Arc::clone(self);
        finish(async move {
            let appended = log.append(&changes, at).await;
            if appended.is_err() {
                log.unsettled().extend(changes.into_iter().filter(Change::acts_at_once));
            }
            appended
        })
    }

    /// [`Store::open_session`], with the sessions that ended by it ended in the view.
    pub fn open_session(self: &Arc<Self>, opening: Opening) -> Pending<Opened> {
        let log = Arc::clone(self);
        finish(async move {
            log.settle().await?;
            let opened = log.store.open_session(opening).await?;
            if let Opened::Begun { position, ended, first: _, last_end: _ } = &opened {
                for entry in ended {
                    log.view.apply(entry);
                }
                log.view.saw(*position);
            }
            Ok(opened)
        })
    }

    /// [`Store::renew`], with a session found stolen ended in the view, and with what memory knows of its last use.
    pub fn renew(self: &Arc<Self>, renewal: Renewal) -> Pending<RenewalOutcome> {
        let log = Arc::clone(self);
        finish(async move {
            log.settle().await?;
            if let Some(seen) = log.usage.take_seen(&renewal.session) {
                // Written in the order it is called in, so the idle limit is judged by it. Its loss is no fault.
                drop(log.store.touch(vec![(renewal.session, seen)]));
            }
            let outcome = log.store.renew(renewal).await?;
            log.take_in(&outcome);
            Ok(outcome)
        })
    }

    /// A request was admitted with a token of this session. Its caller sees to it that this is said seldom.
    pub fn used(&self, session: &SessionId, at: Timestamp) {
        self.usage.request(session, at);
    }

    /// [`Store::session`], with what memory knows of its last use.
    pub fn session(&self, id: SessionId) -> Pending<Option<SessionRecord>> {
        // Before the store is asked: what is flushed meanwhile is in the store's answer.
        let seen = self.usage.seen(&id);
        let asked = self.store.session(id);
        Box::pin(async move {
            let record = asked.await?;
            Ok(record.map(|record| SessionRecord { last_seen: seen.map_or(record.last_seen, |seen| seen.max(record.last_seen)), ..record }))
        })
    }

    /// A reload may let access tokens live longer. Comes before the first such token.
    pub fn token_life(self: &Arc<Self>, life: Duration) -> Pending<()> {
        let log = Arc::clone(self);
        finish(async move {
            let kept = log.store.token_life(life, log.clock.now()).await?.saturating_add(MARGIN);
            log.kept.fetch_max(millis(kept), Ordering::AcqRel);
            Ok(())
        })
    }

    /// How long is kept from now on what nothing needs.
    pub fn retain(&self, retention: Retention) {
        self.audit_kept.store(millis(retention.audit), Ordering::Relaxed);
    }

    /// Why the store could not be followed at the last try; `None` while all is well. For `/ready` and the metrics.
    pub fn trouble(&self) -> Option<StoreError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long ago the view was last known to hold all that the store holds: a fraction of a second while all is well.
    pub fn lag(&self) -> Duration {
        self.clock.now().since(Timestamp::from_millis(self.seen.load(Ordering::Relaxed)))
    }

    /// How many ends act in memory and wait for the store to take them.
    pub fn waiting(&self) -> usize {
        self.unsettled().len()
    }

    /// How long changes are kept.
    pub(super) fn kept(&self) -> Duration {
        Duration::from_millis(self.kept.load(Ordering::Acquire))
    }

    /// What pruning leaves at `now`.
    pub(super) fn keep(&self, now: Timestamp) -> Keep {
        let audit = Duration::from_millis(self.audit_kept.load(Ordering::Relaxed));
        Keep { changes_since: now.minus(self.kept()), audit_since: now.minus(audit) }
    }

    /// Writes the ends that the store refused earlier. Comes before every other write, since those judge by the tables.
    pub(super) async fn settle(&self) -> Result<(), StoreError> {
        if self.waiting() == 0 {
            return Ok(());
        }
        let _one_at_a_time = self.settling.lock().await;
        loop {
            let slice: Vec<Change> = self.unsettled().iter().take(SLICE).cloned().collect();
            if slice.is_empty() {
                return Ok(());
            }
            let at = self.clock.now();
            let position = self.store.append(slice.clone(), at).await?;
            self.act(&slice, position, at);
            self.unsettled().drain(..slice.len());
        }
    }

    /// Reads what others appended, until there is no more.
    pub(super) async fn catch_up(&self) -> Result<(), StoreError> {
        loop {
            let entries = self.store.changes_after(self.view.position()).await?;
            let Some(last) = entries.last().map(|entry| entry.position) else {
                return Ok(());
            };
            for entry in &entries {
                self.view.apply(entry);
            }
            self.view.reached(last);
        }
    }

    async fn append(&self, changes: &[Change], at: Timestamp) -> Result<Position, StoreError> {
        self.settle().await?;
        let position = self.store.append(changes.to_vec(), at).await?;
        self.act(changes, position, at);
        // Durable and acting already; when this read fails, the follower makes up for it.
        drop(self.catch_up().await);
        Ok(position)
    }

    /// One append is one transaction, so no token was issued between its entries: its last position does for all.
    fn act(&self, changes: &[Change], position: Position, at: Timestamp) {
        for change in changes {
            self.view.apply(&LoggedChange { position, at, change: change.clone() });
        }
    }

    fn take_in(&self, outcome: &RenewalOutcome) {
        match outcome {
            RenewalOutcome::Kept { record: _, position }
            | RenewalOutcome::Rotated { record: _, position }
            | RenewalOutcome::Again { record: _, sealed: _, position } => self.view.saw(*position),
            RenewalOutcome::Theft { record: _, ended } => self.view.apply(ended),
            RenewalOutcome::Ended(_) | RenewalOutcome::Expired | RenewalOutcome::Disabled | RenewalOutcome::Unknown => {}
        }
    }

    fn unsettled(&self) -> MutexGuard<'_, VecDeque<Change>> {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs `work` to its end in a task of its own.
fn finish<T: Send + 'static>(work: impl Future<Output = Result<T, StoreError>> + Send + 'static) -> Pending<T> {
    let task = tokio::spawn(work);
    Box::pin(async move {
        match task.await {
            Ok(answer) => answer,
            Err(error) if error.is_panic() => Err(StoreError::Failed("its task panicked".to_owned())),
            Err(_) => Err(StoreError::Busy("the gateway is stopping".to_owned())),
        }
    })
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
