use std::convert::Infallible;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::usage::Used;
use super::{ChangeLog, StoreError};
use crate::base::Timestamp;

/// How often the store is asked for what other processes appended. Twice this, and reading, stays well under the second
/// that an end may take.
const POLL: Duration = Duration::from_millis(300);
/// How often it is written when sessions were last seen.
const FLUSH: Duration = Duration::from_secs(60);
/// How often view and store forget.
const PRUNE: Duration = Duration::from_secs(10 * 60);
/// How many sessions are touched in one write.
const SLICE: usize = 1000;

impl ChangeLog {
    /// Keeps the view in step with the store, and the store with what requests left in memory. Runs until it is dropped;
    /// one for each process. An idle look costs the store one index step on a reader's connection.
    pub async fn follow(self: Arc<Self>) -> Infallible {
        let mut tick = tokio::time::interval(POLL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut flushed, mut pruned) = (Instant::now(), Instant::now());
        let mut looked = self.clock.now();
        loop {
            tick.tick().await;
            let mut outcome = self.look(&mut looked).await;
            if flushed.elapsed() >= FLUSH {
                flushed = Instant::now();
                outcome = outcome.and(self.write_seen().await);
            }
            if pruned.elapsed() >= PRUNE {
                pruned = Instant::now();
                outcome = outcome.and(self.forget().await);
            }
            self.note(outcome.err());
        }
    }

    /// Writes all that only memory knows: the last thing before the process ends.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.settle().await?;
        self.write_used().await?;
        self.write_seen().await
    }

    async fn look(&self, looked: &mut Timestamp) -> Result<(), StoreError> {
        let now = self.clock.now();
        // The store forgets what is older than `kept`. A process that was stopped that long may have missed entries.
        if now.since(*looked) > self.kept() / 2 {
            self.view().reload(self.store.load_view(now.minus(self.kept())).await?);
        }
        // Reading comes first: others' ends act even while nothing can be written.
        self.catch_up().await?;
        *looked = now;
        self.settle().await?;
        self.write_used().await
    }

    async fn write_used(&self) -> Result<(), StoreError> {
        let used = self.usage.take_used();
        // All are queued before the first is waited for, so that they share a commit.
        let writes: Vec<_> = used.iter().map(|Used { session, generation, at }| self.store.confirm(*session, *generation, *at)).collect();
        let mut failed = None;
        for (used, write) in used.into_iter().zip(writes) {
            if let Err(error) = write.await {
                self.usage.put_back([used]);
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn write_seen(&self) -> Result<(), StoreError> {
        for slice in self.usage.take_all_seen().chunks(SLICE) {
            self.store.touch(slice.to_vec()).await?;
        }
        Ok(())
    }

    async fn forget(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let since = now.minus(self.kept());
        self.view().prune(since);
        self.usage.prune(since);
        self.store.prune(now, since).await
    }

    /// Says once that it went wrong and once that it is well again, not three times a second.
    fn note(&self, error: Option<StoreError>) {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*known, &error) {
            (None, Some(error)) => {
                tracing::error!(%error, "the store cannot be followed; ends from other processes may be missed until it can");
            }
            (Some(_), None) => tracing::info!("the store can be followed again"),
            (None, None) | (Some(_), Some(_)) => {}
        }
        *known = error;
    }
}
