use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row before an endpoint is left alone for a while.
const PATIENCE: u32 = 3;

/// How long it is left alone. Then one request tries it, and the others follow when that one gets through.
const REST: Duration = Duration::from_secs(5);

/// The same where nothing listens: the request that tries it learns so at once and goes elsewhere unharmed. A restarted
/// application is back soon, and meanwhile everything depends on the others.
const SHORT_REST: Duration = Duration::from_secs(1);

/// Not resting.
const AWAKE: u64 = 0;

/// Whether an endpoint does its part, as far as real requests have shown: it takes connections and answers on them. What it
/// answers is its own business, and one answer of any kind is enough: a request that is slow by nature says something about
/// the endpoint only when nothing else gets an answer either.
pub(super) struct Health {
    since: Instant,
    failures: AtomicU32,
    /// Milliseconds after `since` until which it is left alone.
    resting_until: AtomicU64,
}

impl Health {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), failures: AtomicU32::new(0), resting_until: AtomicU64::new(AWAKE) }
    }

    /// Whether a request may go there: always when awake, and once for each rest that is over.
    pub(super) fn admits(&self) -> bool {
        let until = self.resting_until.load(Ordering::Relaxed);
        if until == AWAKE {
            return true;
        }
        let now = self.now();
        now >= until && self.resting_until.compare_exchange(until, after(now, REST), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Whether it is being left alone.
    pub(super) fn is_resting(&self) -> bool {
        self.resting_until.load(Ordering::Relaxed) != AWAKE
    }

    /// It answered.
    pub(super) fn good(&self) {
        // Loads first: on the road nothing changes, and a load does not bounce the cache line between workers.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
        if self.is_resting() {
            self.resting_until.store(AWAKE, Ordering::Relaxed);
        }
    }

    /// It did not take a connection (`refused`: because nothing listens there), or did not answer on it. True when this is
    /// what sends it to rest.
    pub(super) fn bad(&self, refused: bool) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures < PATIENCE {
            return false;
        }
        let rest = if refused { SHORT_REST } else { REST };
        self.resting_until.swap(after(self.now(), rest), Ordering::Relaxed) == AWAKE
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn after(now: u64, rest: Duration) -> u64 {
    now.saturating_add(u64::try_from(rest.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn rests_after_three_failures_and_then_lets_one_try() {
        let health = Health::new();
        assert!(!health.bad(false));
        assert!(!health.bad(false));
        assert!(health.admits());
        assert!(health.bad(false));
        assert!(!health.admits());
        assert!(!health.bad(false), "only the failure that sends it to rest says so");
        tokio::time::advance(REST).await;
        assert!(health.admits());
        assert!(!health.admits(), "the second one waits for the outcome of the first");
        tokio::time::advance(REST).await;
        assert!(health.admits());
        health.good();
        assert!(health.admits());
        assert!(health.admits());
        assert!(!health.bad(false), "a success starts the count anew");
    }

    #[tokio::test(start_paused = true)]
    async fn where_nothing_listens_it_is_tried_again_soon() {
        let health = Health::new();
        for sent_to_rest in [false, false, true] {
            assert_eq!(health.bad(true), sent_to_rest);
        }
        assert!(!health.admits());
        for _ in 0..3 {
            tokio::time::advance(SHORT_REST).await;
            assert!(health.admits());
            assert!(!health.admits(), "one at a time");
            assert!(!health.bad(true));
        }
    }
}
