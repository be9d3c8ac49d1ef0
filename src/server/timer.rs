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

/// Most that are parked. More requests than this at a time are seldom under way on one worker.
const MOST: usize = 4096;

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
