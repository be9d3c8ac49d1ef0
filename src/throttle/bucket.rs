use std::time::Duration;

use crate::base::Timestamp;

/// A budget: so many units at once, and one more per span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    pub(super) burst: u32,
    pub(super) every: Duration,
    /// So many attempts may be under way without counting.
    pub(super) free_in_flight: u32,
    /// The debt stops growing here.
    pub(super) most_debt: Duration,
}

/// What one account or address has used up (GCRA: one moment says it all), and how many attempts are under way.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// When the debt will be paid off.
    paid_at: Timestamp,
    in_flight: u32,
}

impl Bucket {
    /// Takes a unit, or says how long until there is one.
    pub(super) fn take(&mut self, budget: &Budget, now: Timestamp) -> Result<(), Duration> {
        let counted = self.in_flight.saturating_sub(budget.free_in_flight).saturating_add(1);
        let load = self.paid_at.since(now).saturating_add(budget.every.saturating_mul(counted));
        let wait = load.saturating_sub(budget.every.saturating_mul(budget.burst.max(1)));
        if wait > Duration::ZERO {
            return Err(wait);
        }
        self.take_regardless();
        Ok(())
    }

    pub(super) const fn take_regardless(&mut self) {
        self.in_flight = self.in_flight.saturating_add(1);
    }

    /// The attempt is no longer under way.
    pub(super) const fn give_back(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// It was wrong: the debt grows by one unit.
    pub(super) fn charge(&mut self, now: Timestamp, every: Duration, most_debt: Duration) {
        self.paid_at = self.paid_at.max(now).plus(every).min(now.plus(most_debt)).max(self.paid_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(30);
    const BUDGET: Budget = Budget { burst: 3, every: EVERY, free_in_flight: 0, most_debt: Duration::from_secs(300) };

    fn wrong(bucket: &mut Bucket, now: Timestamp) -> Result<(), Duration> {
        bucket.take(&BUDGET, now)?;
        bucket.give_back();
        bucket.charge(now, EVERY, BUDGET.most_debt);
        Ok(())
    }

    #[test]
    fn a_burst_and_then_one_per_span() {
        let (mut bucket, now) = (Bucket::default(), Timestamp::from_secs(1000));
        for _ in 0..3 {
            assert_eq!(wrong(&mut bucket, now), Ok(()));
        }
        assert_eq!(wrong(&mut bucket, now), Err(EVERY));
        assert_eq!(wrong(&mut bucket, now.plus(Duration::from_secs(29))), Err(Duration::from_secs(1)));
        assert_eq!(wrong(&mut bucket, now.plus(EVERY)), Ok(()));
        assert_eq!(wrong(&mut bucket, now.plus(EVERY)), Err(EVERY));
        let rested = now.plus(Duration::from_secs(3600));
        assert_eq!((0..5).filter(|_| wrong(&mut bucket, rested).is_ok()).count(), 3, "rest earns no more than a burst");
    }

    #[test]
    fn what_is_under_way_counts_and_what_comes_back_does_not() {
        let (mut bucket, now) = (Bucket::default(), Timestamp::from_secs(1000));
        for _ in 0..3 {
            assert_eq!(bucket.take(&BUDGET, now), Ok(()));
        }
        assert_eq!(bucket.take(&BUDGET, now), Err(EVERY));
        bucket.give_back();
        assert_eq!(bucket.take(&BUDGET, now), Ok(()));
    }

    #[test]
    fn debt_has_an_end() {
        let (mut bucket, now) = (Bucket::default(), Timestamp::from_secs(1000));
        for _ in 0..1000 {
            bucket.charge(now, EVERY, BUDGET.most_debt);
        }
        assert!(bucket.take(&BUDGET, now).unwrap_err() <= BUDGET.most_debt);
    }
}
