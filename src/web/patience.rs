use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// How fast bytes have to move while one side waits for the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// How long they may stand still.
    pub idle: Duration,
    /// Bytes for each second over all, once `idle` has been used up: whoever moves a byte every few seconds must not hold a
    /// connection for ever. 0: none.
    pub min_rate: u64,
}

impl Pace {
    /// What is left of `credit` after waiting for `waited` and then seeing `length` bytes move. Never more than the time
    /// they may stand still.
    fn credit_after(&self, credit: Duration, waited: Duration, length: u64) -> Duration {
        let earned = length.saturating_mul(1000).checked_div(self.min_rate).map_or(self.idle, Duration::from_millis);
        credit.saturating_sub(waited).saturating_add(earned).min(self.idle)
    }
}

/// Waits for the other side on the terms of a [`Pace`]. Time in which nobody waits costs nothing.
#[derive(Debug)]
pub struct Patience {
    pace: Pace,
    /// How long it may still make us wait; bytes that move fill it up again.
    credit: Duration,
    /// Since when it makes us wait.
    waiting: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// With all its credit.
    pub const fn new(pace: Pace) -> Self {
        Self { pace, credit: pace.idle, waiting: None, timer: None }
    }

    /// So many bytes have moved.
    pub fn moved(&mut self, bytes: u64) {
        if let Some(since) = self.waiting.take() {
            self.credit = self.pace.credit_after(self.credit, since.elapsed(), bytes);
        }
    }

    /// Ready when it has gone on for too long.
    pub fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waiting.is_none() {
            let now = Instant::now();
            self.waiting = Some(now);
            let end = now + self.credit;
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(end),
                None => self.timer = Some(Box::pin(sleep_until(end))),
            }
        }
        self.timer.as_mut().map_or(Poll::Pending, |timer| timer.as_mut().poll(cx))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_trickle_uses_its_credit_up_and_a_flow_does_not() {
        let pace = Pace { idle: 30 * SECOND, min_rate: 500 };
        let after = |bytes| (0..60).fold(pace.idle, |credit, _| pace.credit_after(credit, SECOND, bytes));
        // What the last byte has just earned is left, and no more: 1/500 of a second.
        assert_eq!(after(1), Duration::from_millis(2), "a byte a second");
        assert_eq!(after(500), pace.idle, "just fast enough");
        assert_eq!(after(u64::MAX), pace.idle, "nothing can be saved up");
        let careless = Pace { min_rate: 0, ..pace };
        assert_eq!(careless.credit_after(SECOND, SECOND, 1), careless.idle, "no rate is asked for");
    }

    #[tokio::test(start_paused = true)]
    async fn only_waiting_uses_it_up() {
        let mut patience = Patience::new(Pace { idle: 30 * SECOND, min_rate: 500 });
        let began = Instant::now();
        let waited = async |patience: &mut Patience| poll_fn(|cx| Poll::Ready(patience.poll_end(cx).is_ready())).await;
        assert!(!waited(&mut patience).await);
        tokio::time::sleep(20 * SECOND).await;
        patience.moved(1);
        // Nobody waits: an hour costs nothing.
        tokio::time::sleep(3600 * SECOND).await;
        assert!(!waited(&mut patience).await);
        tokio::time::sleep(9 * SECOND).await;
        assert!(!waited(&mut patience).await);
        poll_fn(|cx| patience.poll_end(cx)).await;
        assert_eq!(began.elapsed().as_secs(), 20 + 3600 + 10);
    }
}
