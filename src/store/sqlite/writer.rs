//! One thread owns the one connection that writes. It takes all that waits in its queue, does it in one transaction,
//! and answers when that is on the disk: with `synchronous=FULL` a sync costs milliseconds, and so many share one.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::columns::translate;
use super::open::Held;
use super::pending;
use crate::store::{Pending, StoreError};

/// After this many operations the log is copied into the database, even when it is busy.
const CHECKPOINT_EVERY: usize = 1000;
/// After this much quiet it is copied too, so that the database file is nearly all there is.
const QUIET: Duration = Duration::from_secs(1);

/// The way to the writer's thread, which ends when the last of these is gone and its queue is empty.
#[derive(Clone)]
pub(super) struct Writer {
    queue: SyncSender<Box<dyn Job>>,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Counters {
    waiting: AtomicU64,
    operations: AtomicU64,
    commits: AtomicU64,
}

/// What a writer has done and has before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Operations in the queue or under way.
    pub waiting: u64,
    /// Operations done, well or not.
    pub operations: u64,
    /// Transactions committed. Fewer than operations, when many come at once.
    pub commits: u64,
}

impl Writer {
    /// Starts the thread. `queue` operations may wait, and at most `batch` share a commit.
    pub(super) fn start(held: Held, queue: usize, batch: usize) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(queue);
        let counters = Arc::<Counters>::default();
        let desk = Desk { held, counters: Arc::clone(&counters), unchecked: 0, failing: false };
        std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || desk.run(&receiver, batch.max(1)))?;
        Ok(Self { queue: sender, counters })
    }

    /// Queues `work`. It sees a transaction of its own: what it did is undone when it fails, and only that.
    pub(super) fn write<T, F>(&self, work: F) -> Pending<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let job = Box::new(Task { work: Some(work), outcome: None, answer });
        self.counters.waiting.fetch_add(1, Ordering::Relaxed);
        let queued = self.queue.try_send(job);
        if queued.is_err() {
            self.counters.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        pending(&queued, wait)
    }

    pub(super) fn workload(&self) -> Workload {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { waiting, operations, commits } = &*self.counters;
        Workload { waiting: read(waiting), operations: read(operations), commits: read(commits) }
    }
}

/// One queued operation.
trait Job: Send {
    /// Does it inside a savepoint and keeps the outcome. Tells what went wrong.
    fn run(&mut self, transaction: &mut Transaction<'_>) -> Option<StoreError>;
    /// Answers, now that the commit's fate is known.
    fn answer(self: Box<Self>, commit: &Result<(), StoreError>);
}

struct Task<T, F> {
    work: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, transaction: &mut Transaction<'_>) -> Option<StoreError> {
        let work = self.work.take()?;
        let outcome = in_savepoint(transaction, work);
        let error = outcome.as_ref().err().cloned();
        self.outcome = Some(outcome);
        error
    }

    fn answer(self: Box<Self>, commit: &Result<(), StoreError>) {
        let outcome = match (commit, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(StoreError::Failed("it was not done".to_owned())),
            (Err(error), _) => Err(error.clone()),
        };
        // Whoever asked may be gone; the write stands.
        drop(self.answer.send(outcome));
    }
}

fn in_savepoint<T>(transaction: &mut Transaction<'_>, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
    let savepoint = transaction.savepoint().map_err(|error| translate(&error))?;
    // A fault in one operation must not end the thread that all others need.
    let done = catch_unwind(AssertUnwindSafe(|| work(&savepoint))).map_err(|_| StoreError::Failed("an operation panicked".to_owned()))?;
    let value = done.map_err(|error| translate(&error))?;
    savepoint.commit().map_err(|error| translate(&error))?;
    Ok(value)
}

/// What the writer's thread has before it.
struct Desk {
    held: Held,
    counters: Arc<Counters>,
    /// Operations since the last checkpoint.
    unchecked: usize,
    failing: bool,
}

impl Desk {
    fn run(mut self, queue: &Receiver<Box<dyn Job>>, batch: usize) {
        while let Some(first) = self.next(queue) {
            let mut jobs = VecDeque::from([first]);
            jobs.extend(queue.try_iter().take(batch - 1));
            self.unchecked += jobs.len();
            while !jobs.is_empty() {
                self.transact(&mut jobs);
            }
            if self.unchecked >= CHECKPOINT_EVERY {
                self.checkpoint();
            }
        }
    }

    fn next(&mut self, queue: &Receiver<Box<dyn Job>>) -> Option<Box<dyn Job>> {
        if self.unchecked > 0 {
            match queue.recv_timeout(QUIET) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.checkpoint(),
            }
        }
        queue.recv().ok()
    }

    /// One transaction with as many of `jobs` as the engine takes, and their answers.
    fn transact(&mut self, jobs: &mut VecDeque<Box<dyn Job>>) {
        let mut done = Vec::with_capacity(jobs.len());
        let mut doubt = None;
        let commit = match self.held.ready() {
            Ok(connection) => attempt(connection, jobs, &mut done, &mut doubt),
            Err(error) => Err(error.into()),
        };
        match &commit {
            Ok(()) => {
                self.counters.commits.fetch_add(1, Ordering::Relaxed);
            }
            // It did not even begin: nobody's turn will come.
            Err(error) => {
                if done.is_empty() {
                    done.extend(jobs.drain(..));
                }
                doubt = Some(error.clone());
            }
        }
        self.note(doubt);
        let answered = done.len() as u64;
        self.counters.operations.fetch_add(answered, Ordering::Relaxed);
        self.counters.waiting.fetch_sub(answered, Ordering::Relaxed);
        for job in done {
            job.answer(&commit);
        }
    }

    /// Says once that writes fail, not for each of them.
    fn note(&mut self, doubt: Option<StoreError>) {
        match doubt {
            Some(error) => {
                if !self.failing {
                    tracing::error!(%error, "the store does not take writes; logins and refreshes are refused until it does");
                }
                self.failing = true;
                self.held.doubt(&error);
            }
            None if self.failing => {
                tracing::info!("the store takes writes again");
                self.failing = false;
            }
            None => {}
        }
    }

    /// Copies the log into the database as far as readers allow, without waiting for them.
    fn checkpoint(&mut self) {
        self.unchecked = 0;
        let Ok(connection) = self.held.ready() else { return };
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(error = %translate(&error), "the store's log could not be copied into its database");
        }
    }
}

fn attempt(
    connection: &mut Connection,
    jobs: &mut VecDeque<Box<dyn Job>>,
    done: &mut Vec<Box<dyn Job>>,
    doubt: &mut Option<StoreError>,
) -> Result<(), StoreError> {
    // Immediate: one that only then turns into a writer gets "busy" at once, whatever the timeout.
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let mut transaction = begun.map_err(|error| translate(&error))?;
    while let Some(mut job) = jobs.pop_front() {
        let error = job.run(&mut transaction);
        done.push(job);
        if let Some(error) = error {
            // On some errors (a full disk) the engine rolls everything back: those before share the fate, those behind
            // get a transaction of their own.
            if transaction.is_autocommit() {
                return Err(error);
            }
            *doubt = Some(error);
        }
    }
    transaction.commit().map_err(|error| translate(&error))
}
