use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

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

/// A request's body on its way to an upstream: counted, capped and never slower than allowed. Trailers are dropped: they
/// could carry identity headers past the scrubbing, and no application behind a proxy may rely on them.
pub struct RequestBody(Option<Flow>);

struct Flow {
    incoming: Incoming,
    left: u64,
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    watch: BodyWatch,
}

impl RequestBody {
    /// No body.
    pub const fn empty() -> Self {
        Self(None)
    }

    /// `incoming`, of which at most `most` bytes may come, and which may stand still for at most `idle`.
    pub fn new(incoming: Incoming, most: u64, idle: Duration) -> (Self, BodyWatch) {
        let watch = BodyWatch(Arc::new(Watched { fault: AtomicU8::new(FINE), bytes: AtomicU64::new(0) }));
        (Self(Some(Flow { incoming, left: most, idle, timer: None, watch: watch.clone() })), watch)
    }
}

impl Flow {
    fn fail(&self, fault: BodyFault) -> BodyFault {
        self.watch.0.fault.store(fault as u8 + 1, Ordering::Relaxed);
        fault
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            let idle = self.idle;
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
            ready!(timer.as_mut().poll(cx));
            return Poll::Ready(Some(Err(self.fail(BodyFault::TooSlow))));
        };
        match frame {
            None => Poll::Ready(None),
            Some(Err(_)) => Poll::Ready(Some(Err(self.fail(BodyFault::Client)))),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    let length = data.len() as u64;
                    if length > self.left {
                        return Poll::Ready(Some(Err(self.fail(BodyFault::TooLarge))));
                    }
                    self.left -= length;
                    self.watch.0.bytes.fetch_add(length, Ordering::Relaxed);
                    if let Some(timer) = &mut self.timer {
                        timer.as_mut().reset(Instant::now() + self.idle);
                    }
                    Poll::Ready(Some(Ok(Frame::data(data))))
                }
                Err(_trailers) => Poll::Ready(None),
            },
        }
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
