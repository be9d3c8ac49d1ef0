//! The timers of HTTP/1 connections. hyper makes one for each request head and drops it when the head has come; entering
//! and leaving the runtime's timer wheel that often cost more than anything else a request does with time.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use hyper::rt::{Sleep, Timer};

/// Sleeps of one worker that nobody waits for, still in the wheel. Pushing one that is there further away is a single
/// compare-and-swap; if it ends meanwhile it wakes the task that had it last, which looks and finds nothing to do.
type Parked = Mutex<Vec<Pin<Box<tokio::time::Sleep>>>>;

/// Most that are parked: about as many as requests are under way at a time on one worker. Each keeps what is left of the
/// task that had it last until it ends or is used again.
const MOST: usize = 256;

/// Hands out timers that are used again. One for each worker.
#[derive(Default)]
pub(super) struct SharedTimers(Arc<Parked>);

impl Timer for SharedTimers {
    fn sleep(&self, span: std::time::Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + span)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let parked = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let sleep = match parked {
            Some(mut sleep) => {
                sleep.as_mut().reset(deadline.into());
                sleep
            }
            None => Box::pin(tokio::time::sleep_until(deadline.into())),
        };
        Box::pin(Lent { sleep: Some(sleep), home: Arc::clone(&self.0) })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<Lent>() {
            Some(lent) => {
                if let Some(sleep) = &mut lent.get_mut().sleep {
                    sleep.as_mut().reset(deadline.into());
                }
            }
            None => *sleep = self.sleep_until(deadline),
        }
    }
}

/// A timer while somebody waits for it.
struct Lent {
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
    home: Arc<Parked>,
}

impl Future for Lent {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().map_or(Poll::Ready(()), |sleep| sleep.as_mut().poll(cx))
    }
}

impl Sleep for Lent {}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut parked = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        if parked.len() < MOST {
            parked.extend(self.sleep.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SPAN: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_is_used_again_ends_at_its_new_time() {
        let timers = SharedTimers::default();
        let mut first = timers.sleep(SPAN);
        assert!(futures_poll(&mut first).await.is_pending(), "entered into the wheel");
        drop(first);
        assert_eq!(timers.0.lock().unwrap().len(), 1);
        tokio::time::advance(SPAN / 2).await;
        let begun = tokio::time::Instant::now();
        let mut second = timers.sleep(SPAN);
        assert!(timers.0.lock().unwrap().is_empty(), "the parked one is used");
        timers.reset(&mut second, timers.now() + 2 * SPAN);
        second.await;
        assert_eq!(begun.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_kept_than_are_of_use() {
        let timers = SharedTimers::default();
        let many: Vec<_> = (0..MOST + 9).map(|_| timers.sleep(SPAN)).collect();
        drop(many);
        assert_eq!(timers.0.lock().unwrap().len(), MOST);
    }

    async fn futures_poll(sleep: &mut Pin<Box<dyn Sleep>>) -> Poll<()> {
        std::future::poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx))).await
    }
}
