use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::EXPECT;
use http::{Version, request};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long the rest of a body that nobody wants may take to come.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// A request's body as it comes in.
///
/// Dropped before its end, the rest is read and thrown away, up to a bound: a connection closed with bytes unread is reset
/// by the system, and a client that is still sending then never sees why it was refused (hyper issue 2384). Over HTTP/2
/// RFC 9113, section 8.1 would let us reset the stream behind the answer, but curl 7.88 takes that for a failure.
pub struct Arriving {
    incoming: Option<Incoming>,
    /// What was looked at already: it comes first, once more.
    held: VecDeque<Frame<Bytes>>,
    drain: u64,
}

impl From<Incoming> for Arriving {
    /// A body of which nothing is thrown away when nobody reads it: on listeners that strangers cannot reach.
    fn from(incoming: Incoming) -> Self {
        Self { incoming: Some(incoming), held: VecDeque::new(), drain: 0 }
    }
}

impl Arriving {
    /// The body of a request with this head; up to `drain` bytes of it are thrown away if nobody reads it.
    pub fn new(head: &request::Parts, incoming: Incoming, drain: u64) -> Self {
        // Whoever waits for a 100 has sent nothing, and reading would make hyper say it.
        let drain = if head.version != Version::HTTP_2 && head.headers.contains_key(EXPECT) { 0 } else { drain };
        Self { incoming: Some(incoming), held: VecDeque::new(), drain }
    }

    /// The beginning of the body: `most` bytes and the piece they end in, or all of it. Whoever reads the body gets it too.
    pub(super) async fn peek(&mut self, most: usize) -> Result<Vec<u8>, hyper::Error> {
        let mut seen = Vec::new();
        while let Some(incoming) = self.incoming.as_mut().filter(|_| seen.len() < most) {
            let Some(frame) = incoming.frame().await.transpose()? else { break };
            seen.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            self.held.push_back(frame);
        }
        Ok(seen)
    }

    /// The connection is to be closed and not to be read any further.
    pub(super) const fn give_up(&mut self) {
        self.drain = 0;
    }

    /// The next piece.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(held) = self.held.pop_front() {
            return Poll::Ready(Some(Ok(held)));
        }
        self.incoming.as_mut().map_or(Poll::Ready(None), |incoming| Pin::new(incoming).poll_frame(cx))
    }

    /// Whether nothing more can come.
    pub fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    /// How much more will come, as far as the head says.
    pub fn size_hint(&self) -> SizeHint {
        let coming = self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint);
        let held: u64 = self.held.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum();
        let mut whole = SizeHint::new();
        whole.set_lower(coming.lower().saturating_add(held));
        if let Some(upper) = coming.upper() {
            whole.set_upper(upper.saturating_add(held));
        }
        whole
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let Some(incoming) = self.incoming.take().filter(|incoming| self.drain > 0 && !incoming.is_end_stream()) else { return };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(throw_away(incoming, self.drain));
        }
    }
}

/// Reads until the end, an error, the bound or the deadline. Dropping the body then makes hyper close the connection.
async fn throw_away(mut incoming: Incoming, most: u64) {
    let mut left = most;
    let reading = async {
        while let Some(Ok(frame)) = incoming.frame().await {
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            if length > left {
                return;
            }
            left -= length;
        }
    };
    let _ = timeout(DRAIN_TIME, reading).await;
}
