use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::web::{Pace, Patience};

/// A socket that fails when its peer takes nothing of what was written for longer than allowed.
///
/// It stands below TLS and below hyper, which asks neither handler nor body for anything while the socket is full: a client
/// that stops reading would hold an upstream's connection, or a tunnel, for ever.
pub(super) struct Patient<S> {
    stream: S,
    patience: Patience,
}

impl<S> Patient<S> {
    pub(super) const fn new(stream: S, pace: Pace) -> Self {
        Self { stream, patience: Patience::new(pace) }
    }

    fn watch(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => self.patience.moved(bytes as u64),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                ready!(self.patience.poll_end(cx));
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read what it asked for")));
            }
        }
        written
    }
}

/// Whether an error is that of a [`Patient`]. The system's own have a number, and h2 keeps nothing of ours but kind and text.
pub(super) fn is_impatience(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut && error.raw_os_error().is_none()
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::Instant;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_nothing_is_given_up() {
        let (peer, stream) = duplex(64);
        let began = Instant::now();
        let error = Patient::new(stream, Pace { idle: 30 * SECOND, min_rate: 500 }).write_all(&[0; 100]).await.unwrap_err();
        assert!(is_impatience(&error), "{error}");
        assert_eq!(began.elapsed(), 30 * SECOND);
        assert!(!is_impatience(&io::Error::from_raw_os_error(110)), "the system's own");
        drop(peer);
    }

    /// Reads a byte every five seconds for an hour at most; how long that went well.
    async fn trickle(min_rate: u64) -> Duration {
        let (mut peer, stream) = duplex(64);
        let began = Instant::now();
        let mut stream = Patient::new(stream, Pace { idle: 30 * SECOND, min_rate });
        let reading = async {
            while began.elapsed() < 3600 * SECOND {
                tokio::time::sleep(5 * SECOND).await;
                peer.read_u8().await.unwrap();
            }
        };
        tokio::select! {
            written = async { loop { stream.write_all(&[0; 100]).await?; } } => { let _: io::Result<()> = written; }
            () = reading => {}
        }
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_not_reading_unless_it_is_allowed() {
        assert_eq!(trickle(500).await.as_secs(), 30);
        assert_eq!(trickle(0).await.as_secs(), 3600);
    }
}
