//! Resets HTTP/2 streams whose client gives no window for what it has asked for: the connection may be lively all the while, so
//! that nothing else would end them.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::web::{Pace, Patience};

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

/// Runs a stream to its end; `false` when the client let it wait for too long. Dropping hyper's future resets the stream
/// (CANCEL) and lets go of the upstream.
pub(super) async fn run(stream: impl Future<Output = ()>, pace: Pace) -> bool {
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
