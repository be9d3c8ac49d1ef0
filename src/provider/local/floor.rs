use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A refusal takes no less work than this looks like: most hashes are checked sooner.
const LEAST: Duration = Duration::from_millis(300);

/// And none is held back for longer, whatever once took long.
const MOST: Duration = Duration::from_secs(3);

/// How long refusals are made to take: as long as the slowest hash that was checked lately, so that ids nobody has look like
/// those that came from an import with costly hashes.
#[derive(Debug)]
pub(super) struct Floor(AtomicU64);

impl Floor {
    pub(super) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// A stored hash took so long. What was slower before is forgotten little by little.
    pub(super) fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // Two at the same moment: one of them is enough.
        let slowest = self.0.load(Ordering::Relaxed);
        self.0.store(took.max(slowest - slowest / 256), Ordering::Relaxed);
    }

    /// How much longer a refusal waits whose work took so long.
    pub(super) fn rest(&self, took: Duration) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed)).clamp(LEAST, MOST).saturating_sub(took)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    #[test]
    fn refusals_look_like_the_slowest_hash_there_is() {
        let floor = Floor::new();
        assert_eq!(floor.rest(millis(20)), millis(280));
        floor.note(millis(700));
        assert_eq!((floor.rest(millis(20)), floor.rest(millis(699)), floor.rest(millis(900))), (millis(680), millis(1), Duration::ZERO));
        // Quick ones in between do not show through, and in the long run it is forgotten.
        floor.note(millis(20));
        assert!(floor.rest(Duration::ZERO) > millis(690));
        for _ in 0..2000 {
            floor.note(millis(20));
        }
        assert_eq!(floor.rest(Duration::ZERO), LEAST);
        floor.note(Duration::from_secs(60));
        assert_eq!(floor.rest(Duration::ZERO), MOST);
    }
}
