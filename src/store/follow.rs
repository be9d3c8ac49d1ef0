use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::{ChangeLog, StoreError};
use crate::base::Timestamp;

/// How often the store is asked for what other processes appended: well within the second that an end may take.
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
        // Side by side: others' ends must be seen in time even while a write waits for a lock or a long pruning.
        tokio::join!(self.read_along(), self.write_along()).0
    }

    async fn read_along(&self) -> Infallible {
        let mut tick = ticks();
        let mut looked = self.clock.now();
        loop {
            tick.tick().await;
            let outcome = self.look(&mut looked).await;
            self.note(outcome.err());
        }
    }

    async fn write_along(&self) -> Infallible {
        let mut tick = ticks();
        let (mut flushed, mut pruned) = (Instant::now(), Instant::now());
        loop {
            tick.tick().await;
            // What fails is tried again, and whoever does the writing says that it failed.
            drop(self.settle().await);
            if flushed.elapsed() >= FLUSH {
                flushed = Instant::now();
                drop(self.write_seen().await);
            }
            if pruned.elapsed() >= PRUNE {
                pruned = Instant::now();
                drop(self.forget().await);
            }
        }
    }

    /// Writes all that only memory knows: the last thing before the process ends.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.settle().await?;
        self.write_seen().await
    }

    async fn look(&self, looked: &mut Timestamp) -> Result<(), StoreError> {
        let now = self.clock.now();
        // The store forgets what is older than `kept`. A process that was stopped that long may have missed entries.
        if now.since(*looked) > self.kept() / 2 {
            self.view().reload(self.store.load_view(now.minus(self.kept())).await?);
        }
        self.catch_up().await?;
        self.seen.store(now.millis(), Ordering::Relaxed);
        *looked = now;
        Ok(())
    }

    async fn write_seen(&self) -> Result<(), StoreError> {
        for slice in self.usage.take_all_seen().chunks(SLICE) {
            self.store.touch(slice.to_vec()).await?;
        }
        Ok(())
    }

    async fn forget(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let keep = self.keep(now);
        self.view().prune(keep.changes_since);
        self.store.prune(now, keep).await
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

fn ticks() -> Interval {
    let mut tick = tokio::time::interval(POLL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Clock as _, ManualClock, Position, SessionId, TokenId};
    use crate::identity::Role;
    use crate::store::contract::{at, log_in, opening, people::state, user};
    use crate::store::sqlite::{Settings, Sqlite};
    use crate::store::{Change, EndReason, Ending, Notice};

    /// A process on the one file of a test.
    async fn process(place: &tempfile::TempDir, clock: &Arc<ManualClock>) -> Arc<ChangeLog> {
        let store = Arc::new(Sqlite::open(Settings::new(place.path().join("munjigi.db"))).unwrap());
        ChangeLog::start(store, Arc::<ManualClock>::clone(clock), Duration::from_secs(900)).await.unwrap()
    }

    #[tokio::test]
    async fn two_processes_on_one_file_see_each_others_ends_within_a_second() {
        let place = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(at(0)));
        let (old, new) = (process(&place, &clock).await, process(&place, &clock).await);
        let _followers = [&old, &new].map(|log| tokio::spawn(Arc::clone(log).follow()));
        for (acting, watching) in [(&old, &new), (&new, &old)] {
            let mut endings = watching.view().watch();
            let session = SessionId::random();
            let ended = Change::SessionEnded { session, user: user("mju:a"), reason: EndReason::LoggedOut };
            let position = acting.end(vec![ended]).await.unwrap();
            let heard = tokio::time::timeout(Duration::from_secs(1), endings.next()).await.unwrap();
            assert_eq!(heard, Some(Notice::Ended(Ending::Session { session, reason: EndReason::LoggedOut })));
            let refusal = watching.view().check(&user("mju:a"), &session, &TokenId::random(), position);
            assert_eq!(refusal.unwrap_err(), EndReason::LoggedOut);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_requests_leave_in_memory_is_written_by_and_by() {
        let place = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(at(0)));
        let log = process(&place, &clock).await;
        let opening = opening("mju:a", at(0));
        log_in(log.store(), &opening).await;
        let follower = tokio::spawn(Arc::clone(&log).follow());
        log.used(&opening.id, at(30));
        // Paused time runs on while everybody waits for the store's threads.
        while log.store().session(opening.id).await.unwrap().unwrap().last_seen < at(30) {
            assert!(!follower.is_finished());
        }
    }

    #[tokio::test]
    async fn a_process_that_slept_past_the_log_starts_afresh() {
        let place = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(at(0)));
        let (asleep, awake) = (process(&place, &clock).await, process(&place, &clock).await);
        let mut looked = clock.now();
        awake.end(vec![Change::PersonChanged { user: user("mju:a"), state: state("admin", &[], None, None, false) }]).await.unwrap();
        clock.advance(Duration::from_secs(3600));
        awake.forget().await.unwrap();
        assert!(awake.store().changes_after(Position(0)).await.unwrap().is_empty());
        asleep.look(&mut looked).await.unwrap();
        let profile = asleep.view().check(&user("mju:a"), &SessionId::random(), &TokenId::random(), Position(0)).unwrap();
        assert_eq!((profile.role, looked), (Role::Admin, clock.now()));
    }

    #[tokio::test]
    async fn what_is_over_is_forgotten_in_view_and_store() {
        let place = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(at(0)));
        let log = process(&place, &clock).await;
        let opening = opening("mju:a", at(0));
        log_in(log.store(), &opening).await;
        log.end(vec![Change::SessionEnded { session: opening.id, user: opening.user, reason: EndReason::LoggedOut }]).await.unwrap();
        log.forget().await.unwrap();
        assert_eq!(log.view().sizes().sessions, 1);
        clock.advance(Duration::from_secs(1201));
        log.forget().await.unwrap();
        assert_eq!(log.view().sizes().sessions, 0);
        assert!(log.store().changes_after(Position(0)).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn trouble_is_known_while_it_lasts() {
        let place = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(at(0)));
        let log = process(&place, &clock).await;
        let file = place.path().join("munjigi.db");
        std::fs::rename(&file, place.path().join("away")).unwrap();
        let outcome = log.look(&mut clock.now()).await;
        log.note(outcome.err());
        assert!(log.trouble().is_some());
        clock.advance(Duration::from_secs(3));
        assert_eq!(log.lag(), Duration::from_secs(3));
        std::fs::rename(place.path().join("away"), &file).unwrap();
        let outcome = log.look(&mut clock.now()).await;
        log.note(outcome.err());
        assert_eq!((log.trouble(), log.lag()), (None, Duration::ZERO));
    }
}
