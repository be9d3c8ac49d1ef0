use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::{Clock, Timestamp};

/// When a provider is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many failures in a row open it. Zero never does.
    pub failures: u32,
    /// For so long nobody is sent to the provider; then one login tries.
    pub pause: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(30) }
    }
}

/// A circuit breaker: spares a provider that is down, and the people who would wait for it in vain.
///
/// Closed, everybody passes. After [`BreakerSettings::failures`] failures in a row it opens and nobody passes for the
/// pause. Then a single login is let through as a trial: an answer of any kind closes it, a failure opens it again.
pub struct Breaker {
    settings: BreakerSettings,
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

/// What a [`Breaker`] is doing, for pages and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// All is well as far as is known.
    Closed,
    /// The provider is left alone until then.
    Open {
        /// When a login may try again.
        until: Timestamp,
    },
    /// One login is trying whether the provider is back.
    Trial,
}

/// The provider is left alone at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("asked again in {retry_after:?}")]
pub struct Resting {
    /// When it is worth coming back.
    pub retry_after: Duration,
}

/// Leave to ask the provider. Tell it how that went; one that is dropped untold counts as never having been.
#[must_use]
pub struct Pass<'a> {
    breaker: &'a Breaker,
    trial: bool,
    told: bool,
}

struct Inner {
    state: BreakerState,
    in_a_row: u32,
}

impl Breaker {
    /// A closed one.
    pub fn new(settings: BreakerSettings, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock, inner: Mutex::new(Inner { state: BreakerState::Closed, in_a_row: 0 }) }
    }

    /// What it is doing.
    pub fn state(&self) -> BreakerState {
        self.lock().state
    }

    /// Asks for leave.
    ///
    /// # Errors
    /// While it is open, or while another login tries.
    pub fn enter(&self) -> Result<Pass<'_>, Resting> {
        let now = self.clock.now();
        let mut inner = self.lock();
        let trial = match inner.state {
            BreakerState::Closed => false,
            BreakerState::Open { until } if until > now => return Err(Resting { retry_after: until.since(now) }),
            BreakerState::Open { .. } => {
                inner.state = BreakerState::Trial;
                true
            }
            // How long the trial takes is not known; a second is a polite guess.
            BreakerState::Trial => return Err(Resting { retry_after: Duration::from_secs(1) }),
        };
        Ok(Pass { breaker: self, trial, told: false })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The provider answered. Returns whether that closed the breaker.
    pub fn answered(mut self) -> bool {
        self.told = true;
        let mut inner = self.breaker.lock();
        inner.in_a_row = 0;
        // Also an answer to a login that was under way before it opened: the provider works.
        let closed = inner.state != BreakerState::Closed;
        inner.state = BreakerState::Closed;
        closed
    }

    /// The provider failed. Returns whether that opened a breaker that had been closed.
    pub fn failed(mut self) -> bool {
        self.told = true;
        let breaker = self.breaker;
        let until = breaker.clock.now().plus(breaker.settings.pause);
        let mut inner = breaker.lock();
        inner.in_a_row = inner.in_a_row.saturating_add(1);
        match inner.state {
            BreakerState::Closed if breaker.settings.failures > 0 && inner.in_a_row >= breaker.settings.failures => {
                inner.state = BreakerState::Open { until };
                true
            }
            BreakerState::Trial if self.trial => {
                inner.state = BreakerState::Open { until };
                false
            }
            // Logins that were under way when it opened fail too; that is no news and must not lengthen the pause.
            BreakerState::Closed | BreakerState::Open { .. } | BreakerState::Trial => false,
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.trial && !self.told {
            let now = self.breaker.clock.now();
            let mut inner = self.breaker.lock();
            if inner.state == BreakerState::Trial {
                inner.state = BreakerState::Open { until: now };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ManualClock;

    const PAUSE: Duration = Duration::from_secs(30);

    fn breaker() -> (Breaker, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1000)));
        (Breaker::new(BreakerSettings { failures: 3, pause: PAUSE }, clock.clone()), clock)
    }

    fn fail(breaker: &Breaker, times: usize) -> Vec<bool> {
        (0..times).map(|_| breaker.enter().unwrap().failed()).collect()
    }

    #[test]
    fn failures_in_a_row_open_it_and_say_so_once() {
        let (breaker, _) = breaker();
        assert_eq!(fail(&breaker, 2), [false, false]);
        assert!(!breaker.enter().unwrap().answered());
        assert_eq!(fail(&breaker, 3), [false, false, true]);
        assert_eq!(breaker.enter().err(), Some(Resting { retry_after: PAUSE }));
    }

    #[test]
    fn after_the_pause_one_login_tries() {
        let (breaker, clock) = breaker();
        fail(&breaker, 3);
        clock.advance(PAUSE);
        let trial = breaker.enter().unwrap();
        assert_eq!(breaker.state(), BreakerState::Trial);
        assert!(breaker.enter().is_err(), "only one");
        assert!(!trial.failed(), "it was open before, so nothing new opened");
        assert_eq!(breaker.enter().err(), Some(Resting { retry_after: PAUSE }));
        clock.advance(PAUSE);
        assert!(breaker.enter().unwrap().answered());
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert_eq!(fail(&breaker, 2), [false, false], "the count starts anew");
    }

    #[test]
    fn a_trial_that_is_dropped_lets_the_next_one_try() {
        let (breaker, clock) = breaker();
        fail(&breaker, 3);
        clock.advance(PAUSE);
        drop(breaker.enter().unwrap());
        assert!(breaker.enter().is_ok());
    }

    #[test]
    fn late_failures_do_not_lengthen_the_pause_and_a_late_answer_ends_it() {
        let (breaker, clock) = breaker();
        let (late_failure, late_answer) = (breaker.enter().unwrap(), breaker.enter().unwrap());
        fail(&breaker, 3);
        clock.advance(Duration::from_secs(10));
        assert!(!late_failure.failed());
        assert_eq!(breaker.enter().err(), Some(Resting { retry_after: Duration::from_secs(20) }));
        assert!(late_answer.answered());
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn zero_failures_means_never() {
        let breaker = Breaker::new(BreakerSettings { failures: 0, pause: PAUSE }, Arc::new(ManualClock::default()));
        assert!(fail(&breaker, 50).iter().all(|opened| !opened));
    }
}
