use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Interval, interval};

/// A body as a sample server sends it: at once, in time, without end, or broken off.
pub(super) struct ReplyBody {
    pieces: VecDeque<Bytes>,
    /// Between two pieces. `None`: at once.
    pace: Option<Interval>,
    then: Then,
    sent: u64,
}

/// What comes when the pieces are used up.
enum Then {
    End,
    /// The connection breaks.
    Break,
    /// One more piece, made from how many there were.
    More(fn(u64) -> Bytes),
}

impl ReplyBody {
    /// All of it.
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { pieces: VecDeque::from([bytes.into()]), pace: None, then: Then::End, sent: 0 }
    }

    /// Nothing.
    pub(super) fn empty() -> Self {
        Self::whole(Bytes::new())
    }

    /// The same piece so many times.
    pub(super) fn repeated(piece: Bytes, times: usize) -> Self {
        Self { pieces: std::iter::repeat_n(piece, times).collect(), pace: None, then: Then::End, sent: 0 }
    }

    /// This, and then the connection breaks.
    pub(super) fn broken(bytes: impl Into<Bytes>) -> Self {
        Self { then: Then::Break, ..Self::whole(bytes) }
    }

    /// A piece in each span, for ever.
    pub(super) fn endless(every: Duration, make: fn(u64) -> Bytes) -> Self {
        Self { pieces: VecDeque::new(), pace: Some(interval(every)), then: Then::More(make), sent: 0 }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(pace) = &mut self.pace {
            ready!(pace.poll_tick(cx));
        }
        self.sent += 1;
        let piece = match (self.pieces.pop_front(), &self.then) {
            (Some(piece), _) => piece,
            (None, Then::More(make)) => make(self.sent),
            (None, Then::End) => return Poll::Ready(None),
            (None, Then::Break) => return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        match self.then {
            Then::End => SizeHint::with_exact(self.pieces.iter().map(|piece| piece.len() as u64).sum()),
            Then::Break | Then::More(_) => SizeHint::default(),
        }
    }
}
