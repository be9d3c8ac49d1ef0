use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderName;
use http_body::{Body, Frame, SizeHint};

use super::trailers::filter_trailers;
use super::{Arriving, Pace, Patience};

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
    /// How fast it has to come.
    pub pace: Pace,
    /// The fields that may follow it. All others are dropped: they could carry identity headers past the scrubbing.
    pub trailers: Vec<HeaderName>,
}

/// A request's body on its way to an upstream: counted, capped, never slower than allowed, with the trailers its terms name.
pub struct RequestBody(Option<Box<Flow>>);

struct Flow {
    incoming: Arriving,
    terms: BodyTerms,
    left: u64,
    patience: Patience,
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
        let (left, patience) = (terms.most, Patience::new(terms.pace));
        (Self(Some(Box::new(Flow { incoming, terms, left, patience, watch: watch.clone() }))), watch)
    }
}

impl Flow {
    fn fail(&self, fault: BodyFault) -> BodyFault {
        self.watch.0.fault.store(fault as u8 + 1, Ordering::Relaxed);
        fault
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let Poll::Ready(frame) = self.incoming.poll_frame(cx) else {
            ready!(self.patience.poll_end(cx));
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

    fn take(&mut self, data: Bytes) -> Result<Frame<Bytes>, BodyFault> {
        let length = data.len() as u64;
        if length > self.left {
            return Err(self.fail(BodyFault::TooLarge));
        }
        self.left -= length;
        self.watch.0.bytes.fetch_add(length, Ordering::Relaxed);
        self.patience.moved(length);
        Ok(Frame::data(data))
    }

    fn pass_trailers(&self, frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
        let mut trailers = frame.into_trailers().ok()?;
        filter_trailers(&mut trailers, |name| self.terms.trailers.contains(name));
        if trailers.is_empty() { None } else { Some(Frame::trailers(trailers)) }
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
