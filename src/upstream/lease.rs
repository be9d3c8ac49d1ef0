use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::UpstreamBodyError;
use super::connection::Connection;
use super::pool::{Shard, count};
use super::upload::{Turn, Upload};

/// How long a connection whose exchange looks complete may take to come to rest.
const SETTLE: Duration = Duration::from_secs(1);

/// The body of an answer, and the connection it comes over.
///
/// When it ends as it should, the connection goes back to its worker's pool. When it is dropped earlier, breaks, or stands
/// still for too long, the connection is closed at once: nobody else can be given the rest. A body that breaks ends with an
/// error, so that the client can be shown that it did. The body of a 101 is empty; held beside the tunnel, it keeps the
/// request counted as in flight.
pub struct LeasedBody {
    incoming: Incoming,
    held: Held,
    /// Since when we have waited for the next frame.
    waiting: Option<Instant>,
    broken: bool,
}

enum Held {
    /// The rest is still to come.
    Lease(Lease),
    /// The connection belongs to whoever took the upgrade.
    Tunnel { _counted: InFlight },
    /// The connection is back in its pool, or closed.
    Nothing,
}

impl LeasedBody {
    pub(super) fn new(incoming: Incoming, lease: Lease) -> Self {
        let mut body = Self { incoming, held: Held::Lease(lease), waiting: None, broken: false };
        if body.incoming.is_end_stream() {
            body.settle();
        }
        body
    }

    /// The body of a 101.
    pub(super) fn tunnel(incoming: Incoming, lease: Lease) -> Self {
        let Lease { in_flight, connection, .. } = lease;
        connection.release();
        Self { incoming, held: Held::Tunnel { _counted: in_flight }, waiting: None, broken: false }
    }

    fn settle(&mut self) {
        match mem::replace(&mut self.held, Held::Nothing) {
            Held::Lease(lease) => lease.settle(),
            tunnel @ Held::Tunnel { .. } => self.held = tunnel,
            Held::Nothing => (),
        }
    }
}

impl Body for LeasedBody {
    type Data = Bytes;
    type Error = UpstreamBodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UpstreamBodyError>>> {
        let this = self.get_mut();
        if this.broken {
            return Poll::Ready(None);
        }
        let error = match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.waiting = None;
                // A consumer may stop asking as soon as it has the announced length: the last piece is the end.
                if this.incoming.is_end_stream() {
                    this.settle();
                }
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(None) => {
                this.settle();
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Err(source))) => match &this.held {
                Held::Lease(lease) => UpstreamBodyError::Broken { endpoint: lease.endpoint(), source },
                Held::Tunnel { .. } | Held::Nothing => return Poll::Ready(None),
            },
            Poll::Pending => match &mut this.held {
                Held::Lease(lease) => ready!(lease.poll_patience(&mut this.waiting, cx)),
                Held::Tunnel { .. } | Held::Nothing => return Poll::Pending,
            },
        };
        this.broken = true;
        this.held = Held::Nothing;
        Poll::Ready(Some(Err(error)))
    }

    fn is_end_stream(&self) -> bool {
        self.broken || self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl fmt::Debug for LeasedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeasedBody").field("incoming", &self.incoming).field("broken", &self.broken).finish_non_exhaustive()
    }
}

/// On what terms a connection was lent.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    /// How long its body may stand still.
    pub(super) idle: Duration,
    /// How long it is kept afterwards; zero: not at all.
    pub(super) keep: Duration,
    /// Beside how many others it is kept.
    pub(super) most: usize,
}

/// A connection while a request is under way on it. Dropping it closes the connection at once.
pub(super) struct Lease {
    in_flight: InFlight,
    pub(super) connection: Connection,
    pub(super) upload: Option<Arc<Upload>>,
    pub(super) terms: Terms,
}

impl Lease {
    pub(super) fn new(shard: Arc<Shard>, connection: Connection, upload: Option<Arc<Upload>>, terms: Terms) -> Self {
        if let Some(upload) = &upload {
            upload.pass_to(Turn::Upstream); // the time until now was ours
        }
        Self { in_flight: InFlight::new(shard), connection, upload, terms }
    }

    /// The endpoint's name.
    pub(super) fn endpoint(&self) -> Arc<str> {
        Arc::clone(&self.in_flight.0.endpoint)
    }

    /// Whether the request has been sent whole.
    pub(super) fn is_sent(&self) -> bool {
        self.upload.as_ref().is_none_or(|upload| upload.has_ended())
    }

    /// The answer has ended as it should: the connection goes back to the pool.
    ///
    /// If the request has not ended, the connection would neither become usable nor close (hyper issue 4176), so it is closed.
    fn settle(self) {
        if !self.is_sent() {
            return;
        }
        let Self { in_flight, mut connection, terms: Terms { keep, most, .. }, .. } = self;
        if connection.is_ready() {
            in_flight.0.put(connection, keep, most);
        } else if !connection.sender.is_closed()
            && let Ok(runtime) = Handle::try_current()
        {
            // Still writing, or closing. Rare: hyper mostly comes to rest in the step in which it hands out the end of a body.
            runtime.spawn(async move {
                if let Ok(Ok(())) = timeout(SETTLE, connection.sender.ready()).await {
                    in_flight.0.put(connection, keep, most);
                }
            });
        }
    }

    /// Waits for the next frame, but not for ever. Of a request that is still being sent, progress counts too.
    fn poll_patience(&mut self, waiting: &mut Option<Instant>, cx: &mut Context<'_>) -> Poll<UpstreamBodyError> {
        let idle = self.terms.idle;
        let mut timer = self.connection.timer.as_mut();
        let since = *waiting.get_or_insert_with(|| {
            let now = Instant::now();
            timer.as_mut().reset(now + idle);
            now
        });
        loop {
            ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            let deadline = match self.upload.as_deref().map(Upload::state) {
                None => since + idle,
                // Whoever reads from the client watches over the client.
                Some((Turn::Client, _)) => now + idle,
                Some((Turn::Upstream | Turn::Ended, moved)) => since.max(moved) + idle,
            };
            if deadline <= now {
                return Poll::Ready(UpstreamBodyError::Idle { endpoint: self.endpoint(), within: idle });
            }
            timer.as_mut().reset(deadline);
        }
    }
}

/// One request counted as under way at an endpoint.
struct InFlight(Arc<Shard>);

impl InFlight {
    fn new(shard: Arc<Shard>) -> Self {
        count(&shard.counts.in_flight);
        Self(shard)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.counts.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
