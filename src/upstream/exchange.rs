use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::time::{Instant, Sleep};

use super::upload::{Outgoing, Turn, Upload};

/// What hyper says of a request.
pub(super) type Sent = Result<Response<Incoming>, TrySendError<Request<Outgoing>>>;

/// Why an exchange of heads came to nothing.
pub(super) enum Failure {
    /// Nothing was written: here it is back.
    Unsent(Box<Request<Outgoing>>, hyper::Error),
    /// Something was written, and then the connection or the answer broke.
    Http(hyper::Error),
    /// No head came in time.
    ResponseTimeout,
    /// The body was not read in time.
    RequestStalled,
}

/// How long the upstream may take over an exchange.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) response: Duration,
    pub(super) idle: Duration,
}

impl Limits {
    fn shorter(self) -> Duration {
        self.response.min(self.idle)
    }
}

/// Waits for the `answer` to a request that is being sent.
///
/// The time for the answer runs from the end of the request, however long the client takes to send it; for one without a body
/// from `begun`.
pub(super) fn exchange(
    mut answer: Pin<&mut impl Future<Output = Sent>>,
    mut timer: Pin<&mut Sleep>,
    upload: Option<&Upload>,
    limits: Limits,
    begun: Instant,
) -> impl Future<Output = Result<Response<Incoming>, Failure>> {
    let mut armed = false;
    poll_fn(move |cx| {
        if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
            return Poll::Ready(answer.map_err(Failure::from));
        }
        if !armed {
            armed = true;
            let first = if upload.is_some() { limits.shorter() } else { limits.response };
            timer.as_mut().reset(begun + first);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            match upload.map(|upload| next_look(upload, limits)) {
                None => return Poll::Ready(Err(Failure::ResponseTimeout)),
                Some(Ok(next)) => timer.as_mut().reset(next),
                Some(Err(failure)) => return Poll::Ready(Err(failure)),
            }
        }
    })
}

/// When to look again at a request that is being sent, or what is wrong now.
fn next_look(upload: &Upload, limits: Limits) -> Result<Instant, Failure> {
    let now = Instant::now();
    let (turn, since) = upload.state();
    let (deadline, failure) = match turn {
        // Whoever reads from the client watches over the client.
        Turn::Client => return Ok(now + limits.shorter()),
        Turn::Upstream => (since + limits.idle, Failure::RequestStalled),
        Turn::Ended => (since + limits.response, Failure::ResponseTimeout),
    };
    // It may end right after this look: the next one must not come later than the answer is due then.
    if deadline > now { Ok(deadline.min(now + limits.shorter())) } else { Err(failure) }
}

impl From<TrySendError<Request<Outgoing>>> for Failure {
    fn from(mut error: TrySendError<Request<Outgoing>>) -> Self {
        match error.take_message() {
            Some(request) => Self::Unsent(Box::new(request), error.into_error()),
            None => Self::Http(error.into_error()),
        }
    }
}
