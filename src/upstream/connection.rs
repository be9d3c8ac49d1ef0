use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::{Read, Write};
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, sleep_until};

use super::upload::Outgoing;

/// Largest head of an answer (and largest trailers) in bytes. hyper allows 100 header lines by itself.
const MAX_HEAD: usize = 64 * 1024;

/// Bytes buffered for each connection and direction at most.
const MAX_BUFFER: usize = 128 * 1024;

/// How long a connection to a named endpoint may be used, so that a move is followed even under steady traffic.
const MAX_AGE: Duration = Duration::from_secs(300);

/// One connection to an endpoint, with the task that drives it.
///
/// Dropped at rest, it is closed in order. Dropped while a request is under way, it is closed at once, whatever hyper is
/// waiting for: so that the endpoint learns that nobody is waiting any more, and nobody else can be given the answer.
pub(super) struct Connection {
    pub(super) sender: SendRequest<Outgoing>,
    /// One timer for all deadlines of all requests: pushing an armed timer further away costs next to nothing, while arming
    /// a new one for each request takes the timer wheel's lock twice.
    pub(super) timer: Pin<Box<Sleep>>,
    task: AbortHandle,
    retires: Option<Instant>,
    tunnel: bool,
}

impl Connection {
    /// HTTP/1.1 over `io`; its task runs on the current runtime. `endpoint` is named in the log; a `named` one may move.
    ///
    /// # Errors
    /// What hyper says; it says nothing before a request is sent.
    pub(super) async fn over<T>(io: T, endpoint: Arc<str>, named: bool) -> hyper::Result<Self>
    where
        T: Read + Write + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::Builder::new().max_header_size(MAX_HEAD).max_buf_size(MAX_BUFFER).handshake(io).await?;
        let task = tokio::spawn(async move {
            // Whoever waits for an answer is told by hyper; what arrives here concerns nobody but the operator.
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%endpoint, %error, "an upstream connection ended badly");
            }
        });
        let now = Instant::now();
        Ok(Self {
            sender,
            timer: Box::pin(sleep_until(now)),
            task: task.abort_handle(),
            retires: named.then(|| now + MAX_AGE),
            tunnel: false,
        })
    }

    /// Whether the last exchange is over in both directions and another may begin.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Whether it is too old for another request.
    pub(super) fn is_retired(&self) -> bool {
        self.retires.is_some_and(|at| Instant::now() >= at)
    }

    /// It has become a tunnel after a 101: whoever takes the upgrade owns it from now on.
    pub(super) fn release(mut self) {
        self.tunnel = true;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.tunnel && !self.sender.is_ready() {
            self.task.abort();
        }
    }
}
