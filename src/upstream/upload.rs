use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use crate::web::{BodyFault, RequestBody};

/// Whose turn it is while a request's body is sent: tells a slow client from a stuck upstream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    /// The client has to send more; its [`RequestBody`] sees to it that it does.
    Client,
    /// The upstream has to read what was given.
    Upstream,
    /// All of it has been handed to the connection.
    Ended,
}

/// How far a request's body has got, for those who wait for the answer.
pub(super) struct Upload {
    start: Instant,
    turn: AtomicU8,
    /// Milliseconds after `start` at which that was last known to be so.
    moved: AtomicU64,
}

impl Upload {
    fn new() -> Self {
        Self { start: Instant::now(), turn: AtomicU8::new(Turn::Upstream as u8), moved: AtomicU64::new(0) }
    }

    /// Whose turn it is, and since when.
    pub(super) fn state(&self) -> (Turn, Instant) {
        let turn = match self.turn.load(Ordering::Acquire) {
            turn if turn == Turn::Client as u8 => Turn::Client,
            turn if turn == Turn::Upstream as u8 => Turn::Upstream,
            _ => Turn::Ended,
        };
        (turn, self.start + Duration::from_millis(self.moved.load(Ordering::Relaxed)))
    }

    /// Whether all of it has been handed to the connection.
    pub(super) fn has_ended(&self) -> bool {
        self.state().0 == Turn::Ended
    }

    /// It is the turn of `turn` from now on.
    pub(super) fn pass_to(&self, turn: Turn) {
        self.moved.store(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.turn.store(turn as u8, Ordering::Release);
    }
}

/// A request's body as it is given to hyper.
pub(super) struct Outgoing {
    body: RequestBody,
    upload: Option<Arc<Upload>>,
}

impl Outgoing {
    pub(super) fn new(body: RequestBody) -> Self {
        let upload = (!body.is_end_stream()).then(|| Arc::new(Upload::new()));
        Self { body, upload }
    }

    /// Where to see how far it has got; `None` when there is no body to wait for.
    pub(super) fn upload(&self) -> Option<Arc<Upload>> {
        self.upload.clone()
    }

    /// hyper stops asking as soon as it has what the head announced, so the last piece must be known by its size too.
    fn is_over(&self) -> bool {
        self.body.is_end_stream() || self.body.size_hint().exact() == Some(0)
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        if let Some(upload) = &this.upload {
            upload.pass_to(match &polled {
                Poll::Pending => Turn::Client,
                Poll::Ready(None) => Turn::Ended,
                Poll::Ready(Some(Ok(frame))) if frame.is_trailers() || this.is_over() => Turn::Ended,
                Poll::Ready(Some(_)) => Turn::Upstream,
            });
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
