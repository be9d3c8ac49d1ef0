use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderName;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::Arriving;
use super::trailers::filter_trailers;

/// Why a request body broke off. Told apart so that the right status can be given: the upstream is not to blame for these.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BodyFault {
    /// More bytes than the route allows.
    #[error("the request body is larger than allowed")]
    TooLarge,
    /// Stood still for longer than allowed, or came more slowly than allowed over all.
    #[error("the request body came too slowly")]
    TooSlow,
    /// The client went away or sent something that is no body.
    #[error("the client broke off the request body")]
    Client,
}

const FINE: u8 = 0;

/// What became of a request body, for the side that has handed it away.
#[derive(Clone, Debug)]
pub struct BodyWatch(Arc<Watched>);

#[derive(Debug)]
struct Watched {
    fault: AtomicU8,
    bytes: AtomicU64,
}

impl BodyWatch {
    /// Why it broke off, if it did.
    pub fn fault(&self) -> Option<BodyFault> {
        [BodyFault::TooLarge, BodyFault::TooSlow, BodyFault::Client]
            .into_iter()
            .find(|fault| *fault as u8 + 1 == self.0.fault.load(Ordering::Relaxed))
    }

    /// How many bytes of it have passed.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }
}

/// On what terms a request body is taken.
#[derive(Clone, Debug)]
pub struct BodyTerms {
    /// Most bytes.
    pub most: u64,
    /// How long it may stand still.
    pub idle: Duration,
    /// Bytes for each second over all, once `idle` has been used up: whoever sends a byte every few seconds must not hold
    /// a connection for ever. 0: none.
    pub min_rate: u64,
    /// The fields that may follow it. All others are dropped: they could carry identity headers past the scrubbing.
    pub trailers: Vec<HeaderName>,
}

/// A request's body on its way to an upstream: counted, capped, never slower than allowed, with the trailers its terms name.
pub struct RequestBody(Option<Box<Flow>>);

struct Flow {
    incoming: Arriving,
    terms: BodyTerms,
    left: u64,
    /// How long the client may still make us wait; bytes that come fill it up again.
    credit: Duration,
    /// Since when it makes us wait.
    waiting: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    watch: BodyWatch,
}

impl RequestBody {
    /// No body.
    pub const fn empty() -> Self {
        Self(None)
    }

    /// `incoming` on these terms.
    pub fn new(incoming: Arriving, terms: BodyTerms) -> (Self, BodyWatch) {
        let watch = BodyWatch(Arc::new(Watched { fault: AtomicU8::new(FINE), bytes: AtomicU64::new(0) }));
        let (left, credit) = (terms.most, terms.idle);
        (Self(Some(Box::new(Flow { incoming, terms, left, credit, waiting: None, timer: None, watch: watch.clone() }))), watch)
    }
}

impl Flow {
    fn fail(&self, fault: BodyFault) -> BodyFault {
        self.watch.0.fault.store(fault as u8 + 1, Ordering::Relaxed);
        fault
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let Poll::Ready(frame) = self.incoming.poll_frame(cx) else {
            ready!(self.poll_patience(cx));
            self.incoming.give_up();
            return Poll::Ready(Some(Err(self.fail(BodyFault::TooSlow))));
        };
        Poll::Ready(match frame {
            None => None,
            Some(Err(_)) => Some(Err(self.fail(BodyFault::Client))),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => Some(self.take(data)),
                Err(trailers) => self.pass_trailers(trailers).map(Ok),
            },
        })
    }

    /// Ready when the client has made us wait for too long.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waiting.is_none() {
            let now = Instant::now();
            self.waiting = Some(now);
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(now + self.credit),
                None => self.timer = Some(Box::pin(tokio::time::sleep_until(now + self.credit))),
            }
        }
        self.timer.as_mut().map_or(Poll::Pending, |timer| timer.as_mut().poll(cx))
    }

    fn take(&mut self, data: Bytes) -> Result<Frame<Bytes>, BodyFault> {
        let length = data.len() as u64;
        if length > self.left {
            return Err(self.fail(BodyFault::TooLarge));
        }
        self.left -= length;
        self.watch.0.bytes.fetch_add(length, Ordering::Relaxed);
        if let Some(since) = self.waiting.take() {
            self.credit = self.terms.credit_after(self.credit, since.elapsed(), length);
        }
        Ok(Frame::data(data))
    }

    fn pass_trailers(&self, frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
        let mut trailers = frame.into_trailers().ok()?;
        filter_trailers(&mut trailers, |name| self.terms.trailers.contains(name));
        if trailers.is_empty() { None } else { Some(Frame::trailers(trailers)) }
    }
}

impl BodyTerms {
    /// What is left of `credit` after waiting for `waited` and then getting `length` bytes. Never more than the time a body
    /// may stand still.
    fn credit_after(&self, credit: Duration, waited: Duration, length: u64) -> Duration {
        let earned = length.saturating_mul(1000).checked_div(self.min_rate).map_or(self.idle, Duration::from_millis);
        credit.saturating_sub(waited).saturating_add(earned).min(self.idle)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match &mut self.get_mut().0 {
            None => Poll::Ready(None),
            Some(flow) => flow.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|flow| flow.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |flow| flow.incoming.size_hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_uses_its_credit_up_and_a_flow_does_not() {
        let second = Duration::from_secs(1);
        let terms = BodyTerms { most: u64::MAX, idle: 30 * second, min_rate: 500, trailers: Vec::new() };
        let after = |bytes| (0..60).fold(terms.idle, |credit, _| terms.credit_after(credit, second, bytes));
        // What the last byte has just earned is left, and no more: 1/500 of a second.
        assert_eq!(after(1), Duration::from_millis(2), "a byte a second");
        assert_eq!(after(500), terms.idle, "just fast enough");
        assert_eq!(after(u64::MAX), terms.idle, "nothing can be saved up");
        let careless = BodyTerms { min_rate: 0, ..terms };
        assert_eq!(careless.credit_after(second, second, 1), careless.idle, "no rate is asked for");
    }
}
