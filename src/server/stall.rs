use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::connection::Site;
use super::handler::Handler;
use crate::observe::ConnectionFault;
use crate::web::{Pace, Patience, Peer};

/// How far hyper has come with one answer.
#[derive(Clone, Copy, Default)]
struct Answer {
    /// Bytes handed to hyper so far.
    given: u64,
    /// Those of the newest piece, which may still wait for the client's window.
    last: u64,
    /// hyper has asked for more, and waits for us.
    asked: bool,
}

impl Answer {
    /// Bytes that the client's window has taken.
    const fn taken(self) -> u64 {
        if self.asked { self.given } else { self.given - self.last }
    }
}

thread_local! {
    /// The answer whose stream is being polled: hyper's future of a stream is a closed box to us, and the answer inside it
    /// has no other way to tell the wrapper around it. Read and written within one poll only.
    static CURRENT: Cell<Answer> = const { Cell::new(Answer { given: 0, last: 0, asked: false }) };
}

/// hyper has asked for the answer's head or for more of its body, and has to wait.
pub(super) fn asked() {
    CURRENT.set(Answer { asked: true, ..CURRENT.get() });
}

/// hyper was given the head, or so many bytes of the body.
pub(super) fn given(bytes: usize) {
    let Answer { given, .. } = CURRENT.get();
    let last = bytes as u64;
    CURRENT.set(Answer { given: given + last, last, asked: false });
}

/// Runs the streams of one HTTP/2 connection, and resets those whose client gives no window for what it has asked for: the
/// connection may be lively all the while, so that nothing else would end them.
pub(super) struct Streams<H> {
    pub(super) site: Arc<Site<H>>,
    pub(super) peer: Arc<Peer>,
}

impl<H> Clone for Streams<H> {
    fn clone(&self) -> Self {
        Self { site: Arc::clone(&self.site), peer: Arc::clone(&self.peer) }
    }
}

impl<H: Handler, F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Streams<H> {
    fn execute(&self, stream: F) {
        let Self { site, peer } = self.clone();
        tokio::spawn(async move {
            if !run(stream, site.http.send).await {
                site.faults.note(ConnectionFault::SendTimeout, peer.address);
            }
        });
    }
}

/// Runs a stream to its end; `false` when the client let it wait for too long. Dropping hyper's future resets the stream
/// (CANCEL) and lets go of the upstream.
async fn run(stream: impl Future<Output = ()>, pace: Pace) -> bool {
    let mut stream = pin!(stream);
    let (mut patience, mut answer) = (Patience::new(pace), Answer { asked: true, ..Answer::default() });
    poll_fn(|cx| {
        let taken = answer.taken();
        CURRENT.set(answer);
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        answer = CURRENT.get();
        let more = answer.taken() - taken;
        if more > 0 || answer.asked {
            patience.moved(more);
        }
        if answer.asked { Poll::Pending } else { patience.poll_end(cx).map(|()| false) }
    })
    .await
}
