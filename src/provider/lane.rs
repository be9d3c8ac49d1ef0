use std::future::Future;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{error, info, warn};

use super::refusals::Refusals;
use super::{Breaker, ProviderFault, ReachSettings, Verdict};
use crate::base::Clock;
use crate::identity::{ProviderName, UserId};

/// The lane that logins take to one SSO: so many abreast, the others waiting for a bounded time; closed while the SSO
/// rests; each login with a bounded time of its own. Also where changes are told to the operator, once each.
pub(super) struct Lane {
    name: ProviderName,
    reach: ReachSettings,
    slots: Semaphore,
    breaker: Breaker,
    refusals: Refusals,
}

impl Lane {
    pub(super) fn new(name: ProviderName, reach: &ReachSettings, clock: Arc<dyn Clock>) -> Self {
        Self {
            name,
            slots: Semaphore::new(reach.max_concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            breaker: Breaker::new(reach.breaker, clock),
            refusals: Refusals::default(),
            reach: reach.clone(),
        }
    }

    pub(super) const fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Lets `ask` run when its turn comes.
    pub(super) async fn run<F>(&self, user: &UserId, ask: F) -> Result<Verdict, ProviderFault>
    where
        F: Future<Output = Result<Verdict, ProviderFault>> + Send,
    {
        // The semaphore is never closed, so a missing slot means only that the wait was too long.
        let Ok(Ok(_slot)) = timeout(self.reach.queue_wait, self.slots.acquire()).await else {
            let (most, wait) = (self.reach.max_concurrency, self.reach.queue_wait);
            return Err(ProviderFault::Overloaded(format!("{most} logins are under way and none of them ended within {wait:?}")));
        };
        let pass = self.breaker.enter().map_err(|resting| ProviderFault::Resting { retry_after: resting.retry_after })?;
        let total = self.reach.total_timeout;
        let answer = timeout(total, ask).await.unwrap_or(Err(ProviderFault::TimedOut(total)));
        match &answer {
            Ok(verdict) => {
                if pass.answered() {
                    info!(provider = %self.name, "the provider answers again");
                }
                if let Some(words) = self.refusals.note(user, verdict) {
                    error!(
                        provider = %self.name,
                        words,
                        "many different people in a row were refused with the same words and nobody got in between: \
                         either the login has changed and the gateway no longer fits it, or somebody tries one id after the other"
                    );
                }
            }
            Err(fault) if fault.counts_against_the_provider() => {
                if pass.failed() {
                    warn!(
                        provider = %self.name,
                        %fault,
                        pause = ?self.reach.breaker.pause,
                        "the provider failed several times in a row and is left alone for a while; sessions live on, new logins wait"
                    );
                }
            }
            // A fault of our own making: the pass is dropped untold.
            Err(_) => {}
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use super::*;
    use crate::base::ManualClock;
    use crate::provider::{BreakerSettings, BreakerState};

    fn lane(max_concurrency: usize) -> Lane {
        let reach = ReachSettings {
            max_concurrency,
            queue_wait: Duration::from_secs(2),
            total_timeout: Duration::from_secs(10),
            breaker: BreakerSettings { failures: 2, pause: Duration::from_secs(30) },
            ..ReachSettings::default()
        };
        Lane::new(ProviderName::new("mju").unwrap(), &reach, Arc::new(ManualClock::default()))
    }

    fn user() -> UserId {
        UserId::parse("mju:60241234").unwrap()
    }

    const RIGHT: Result<Verdict, ProviderFault> = Ok(Verdict::Right { notice: None });

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_is_told_and_does_not_count_as_a_failure() {
        let lane = Arc::new(lane(1));
        let first = tokio::spawn({
            let lane = lane.clone();
            async move { lane.run(&user(), pending()).await }
        });
        tokio::task::yield_now().await;
        for _ in 0..4 {
            assert!(matches!(lane.run(&user(), async { RIGHT }).await, Err(ProviderFault::Overloaded(_))));
        }
        assert_eq!(lane.breaker().state(), BreakerState::Closed);
        assert_eq!(first.await.unwrap(), Err(ProviderFault::TimedOut(Duration::from_secs(10))));
        assert_eq!(lane.run(&user(), async { RIGHT }).await, RIGHT, "the slot came back");
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_that_is_dropped_gives_its_slot_back() {
        let lane = lane(1);
        assert!(timeout(Duration::from_millis(1), lane.run(&user(), pending())).await.is_err());
        assert_eq!(lane.run(&user(), async { RIGHT }).await, RIGHT);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_make_it_rest_and_a_refusal_is_no_failure() {
        let lane = lane(8);
        let wrong = Ok(Verdict::Wrong { message: None });
        for _ in 0..5 {
            assert_eq!(lane.run(&user(), async { Err(ProviderFault::NotUnderstood("?".into())) }).await.ok(), None);
            assert_eq!(lane.run(&user(), async { wrong.clone() }).await, wrong);
        }
        for _ in 0..2 {
            let _ = lane.run(&user(), async { Err(ProviderFault::Unreachable("no route".into())) }).await;
        }
        let resting = lane.run(&user(), async { RIGHT }).await;
        assert_eq!(resting, Err(ProviderFault::Resting { retry_after: Duration::from_secs(30) }));
    }
}
