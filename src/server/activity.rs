use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What happens on one connection, as far as it matters for closing it at the right moment. All of it is touched by one
/// thread only; the atomics merely say so to the compiler.
#[derive(Default)]
pub(super) struct Activity {
    begun: AtomicU64,
    in_flight: AtomicU64,
    read: AtomicU64,
    read_at_last_end: AtomicU64,
    written: AtomicU64,
    blocked: AtomicBool,
    too_late: AtomicBool,
}

impl Activity {
    /// A request's head was read. It is under way until the span is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Span {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Span(Arc::clone(self))
    }

    /// Requests begun so far.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Requests under way.
    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether bytes have come since the last request ended: then the peer is in the middle of the next head.
    pub(super) fn mid_head(&self) -> bool {
        self.read.load(Ordering::Relaxed) > self.read_at_last_end.load(Ordering::Relaxed)
    }

    /// Whether the peer does not take what we have for it.
    pub(super) fn blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }

    /// The head of a request did not end in time. What speaks HTTP/1 says so before it hangs up.
    pub(super) fn head_was_too_late(&self) {
        self.too_late.store(true, Ordering::Relaxed);
    }

    /// Bytes moved so far, in both directions.
    pub(super) fn moved(&self) -> u64 {
        self.read.load(Ordering::Relaxed).wrapping_add(self.written.load(Ordering::Relaxed))
    }
}

/// One request under way.
pub(super) struct Span(Arc<Activity>);

impl Drop for Span {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.read_at_last_end.store(self.0.read.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// What is said to a peer whose head did not end in time (RFC 9110, section 15.5.9).
const TOO_LATE: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// A byte stream that keeps an [`Activity`] up to date.
pub(super) struct Metered<S: AsyncWrite + Unpin> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S: AsyncWrite + Unpin> Metered<S> {
    pub(super) const fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }

    fn note_write(&self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Ready(Ok(bytes)) => _ = self.activity.written.fetch_add(*bytes as u64, Ordering::Relaxed),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.activity.blocked.store(true, Ordering::Relaxed),
        }
    }
}

impl<S: AsyncWrite + Unpin> Drop for Metered<S> {
    /// hyper hangs up on a head that does not end without a word. Nothing was written since the last answer was taken, so
    /// that the system takes these few bytes at once; if it does not, the peer goes without.
    fn drop(&mut self) {
        if self.activity.too_late.load(Ordering::Relaxed) {
            let mut cx = Context::from_waker(Waker::noop());
            let mut stream = Pin::new(&mut self.stream);
            if stream.as_mut().poll_write(&mut cx, TOO_LATE).is_ready() && stream.as_mut().poll_flush(&mut cx).is_ready() {
                let _ = stream.poll_shutdown(&mut cx);
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.activity.read.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note_write(&result);
        result
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note_write(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        self.activity.blocked.store(result.is_pending(), Ordering::Relaxed);
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
