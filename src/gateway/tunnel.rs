use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::Shared;
use super::frames::{Frames, close_frame};
use crate::token::Verified;

/// How long a tunnel that must end has to finish the frame it is in and say goodbye. Within the second that an end takes.
const LAST_WORDS: Duration = Duration::from_millis(700);
/// Bytes under way from the application to the client.
const BUFFER: usize = 16 * 1024;

/// Why a tunnel is ended from here (RFC 6455, section 7.4.1).
#[derive(Clone, Copy)]
enum Farewell {
    SessionEnded,
    GoingAway,
}

/// Counts one stream among those open now, as long as it is held.
pub(super) struct Open(Gauge);

impl Open {
    pub(super) fn count(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Shared {
    /// Joins a client and an upstream that have both switched protocols, for as long as both want and the session lives.
    pub(super) fn tunnel(&self, client: OnUpgrade, upstream: OnUpgrade, verified: Option<&Arc<Verified>>) {
        let guard = verified.map(|verified| self.streams.enter(verified, &self.view));
        let close = self.tunnels.close.clone();
        let open = Open::count(&self.metrics.streams_open);
        self.tunnels.running.spawn(async move {
            let _open = open;
            let ended = async {
                let cut = async {
                    match &guard {
                        Some(guard) => guard.cut().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = cut => Farewell::SessionEnded,
                    () = close.cancelled() => Farewell::GoingAway,
                }
            };
            tokio::pin!(ended);
            let both = async { tokio::join!(client, upstream) };
            let joined = tokio::select! {
                joined = both => joined,
                _ = &mut ended => return,
            };
            if let (Ok(client), Ok(upstream)) = joined {
                // Either end may go away at any byte; that is how tunnels end.
                drop(join(TokioIo::new(client), TokioIo::new(upstream), ended).await);
            }
        });
    }
}

async fn join(
    client: impl AsyncRead + AsyncWrite,
    upstream: impl AsyncRead + AsyncWrite,
    ended: impl Future<Output = Farewell>,
) -> io::Result<()> {
    let (mut from_client, to_client) = tokio::io::split(client);
    let (from_upstream, mut to_upstream) = tokio::io::split(upstream);
    let mut down = Down { from: from_upstream, to: to_client, buffer: vec![0; BUFFER].into(), place: 0, end: 0, frames: Frames::default() };
    let farewell = {
        let up = async {
            tokio::io::copy(&mut from_client, &mut to_upstream).await?;
            to_upstream.shutdown().await
        };
        // One direction may be over before the other: the rest of an answer still arrives.
        let both = async { tokio::try_join!(up, down.run()) };
        tokio::select! {
            over = both => return over.map(|_| ()),
            farewell = ended => farewell,
        }
    };
    // What the client says from here on reaches nobody.
    let goodbye = async {
        down.say_goodbye(farewell).await?;
        // A close with unread bytes is a reset, and a reset takes the last words with it.
        tokio::io::copy(&mut from_client, &mut tokio::io::sink()).await
    };
    drop(tokio::time::timeout(LAST_WORDS, goodbye).await);
    Ok(())
}

/// The way from the application to the client. Frames are followed as they are handed over, byte for byte.
struct Down<R, W> {
    from: R,
    to: W,
    buffer: Box<[u8]>,
    /// What is in the buffer and not yet handed over: from `place` to `end`.
    place: usize,
    end: usize,
    frames: Frames,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Down<R, W> {
    /// Hands over all there is, to its end. Dropped at any point, it knows what was handed over.
    async fn run(&mut self) -> io::Result<()> {
        while self.fill().await? {
            while self.place < self.end {
                let end = self.end;
                self.hand_over(end).await?;
            }
            self.to.flush().await?;
        }
        self.to.shutdown().await
    }

    /// Reads more if there is nothing left; `false` at the end.
    async fn fill(&mut self) -> io::Result<bool> {
        if self.place == self.end {
            let read = self.from.read(&mut self.buffer).await?;
            (self.place, self.end) = (0, read);
        }
        Ok(self.end > 0)
    }

    /// Hands over something of what stands before `to`.
    async fn hand_over(&mut self, to: usize) -> io::Result<()> {
        let bytes = self.buffer.get(self.place..to).unwrap_or_default();
        let written = self.to.write(bytes).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.frames.advance(bytes.get(..written).unwrap_or_default());
        self.place += written;
        Ok(())
    }

    /// Finishes the frame that is under way, and puts ours behind it.
    async fn say_goodbye(&mut self, farewell: Farewell) -> io::Result<()> {
        while !self.frames.at_boundary() && !self.frames.past_words() {
            if !self.fill().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // One byte of a header, or a payload's rest: never past the boundary.
            let rest = self.buffer.get(self.place..self.end).unwrap_or_default();
            let to = self.place + self.frames.ahead(rest);
            self.hand_over(to).await?;
        }
        if !self.frames.past_words() {
            let frame = match farewell {
                Farewell::SessionEnded => close_frame(1008, "session ended"),
                Farewell::GoingAway => close_frame(1001, "going away"),
            };
            self.to.write_all(&frame).await?;
            self.to.flush().await?;
        }
        self.to.shutdown().await
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};
    use tokio::sync::oneshot;

    use super::*;

    /// A tunnel with both of its outer ends, and the way to end it.
    fn tunnel() -> (DuplexStream, DuplexStream, oneshot::Sender<Farewell>, tokio::task::JoinHandle<io::Result<()>>) {
        let ((client, client_end), (upstream, upstream_end)) = (duplex(64), duplex(64));
        let (end, ended) = oneshot::channel();
        let ended = async move {
            match ended.await {
                Ok(farewell) => farewell,
                Err(_) => std::future::pending().await,
            }
        };
        (client, upstream, end, tokio::spawn(join(client_end, upstream_end, ended)))
    }

    async fn rest(stream: &mut DuplexStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        bytes
    }

    #[tokio::test]
    async fn bytes_pass_both_ways_until_both_ends_are_over() {
        let (mut client, mut upstream, _end, tunnel) = tunnel();
        client.write_all(b"not even a frame").await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(rest(&mut upstream).await, b"not even a frame");
        // The other way is still open.
        upstream.write_all(b"an answer").await.unwrap();
        upstream.shutdown().await.unwrap();
        assert_eq!(rest(&mut client).await, b"an answer");
        tunnel.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_is_said_between_frames() {
        for (farewell, words) in
            [(Farewell::SessionEnded, close_frame(1008, "session ended")), (Farewell::GoingAway, close_frame(1001, "going away"))]
        {
            let (mut client, mut upstream, end, tunnel) = tunnel();
            upstream.write_all(b"\x81\x05he").await.unwrap();
            let mut begun = [0; 4];
            client.read_exact(&mut begun).await.unwrap();
            assert!(end.send(farewell).is_ok());
            // The frame under way is finished; the next one is not begun.
            tokio::task::yield_now().await;
            upstream.write_all(b"llo\x81\x04more").await.unwrap();
            assert_eq!(rest(&mut client).await, [b"llo", &words[..]].concat());
            drop(client);
            tunnel.await.unwrap().unwrap();
            assert_eq!(rest(&mut upstream).await, b"");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_does_not_end_is_cut_in_time() {
        let (mut client, mut upstream, end, tunnel) = tunnel();
        upstream.write_all(b"\x82\x7e\x10\x00half").await.unwrap();
        let mut begun = [0; 8];
        client.read_exact(&mut begun).await.unwrap();
        assert!(end.send(Farewell::SessionEnded).is_ok());
        let asked = tokio::time::Instant::now();
        assert_eq!(rest(&mut client).await, b"");
        assert_eq!(asked.elapsed(), LAST_WORDS);
        tunnel.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_does_not_hold_the_tunnel() {
        let (client, mut upstream, end, tunnel) = tunnel();
        upstream.write_all(&[&b"\x82\x7e\x00\xc8"[..], &[0; 100]].concat()).await.unwrap();
        tokio::task::yield_now().await;
        assert!(end.send(Farewell::SessionEnded).is_ok());
        let asked = tokio::time::Instant::now();
        tunnel.await.unwrap().unwrap();
        assert_eq!(asked.elapsed(), LAST_WORDS);
        drop(client);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_client_says_after_the_end_reaches_nobody() {
        let (mut client, mut upstream, end, tunnel) = tunnel();
        assert!(end.send(Farewell::SessionEnded).is_ok());
        tokio::task::yield_now().await;
        client.write_all(b"\x81\x84delete!!").await.unwrap();
        assert_eq!(rest(&mut client).await, close_frame(1008, "session ended"));
        drop(client);
        tunnel.await.unwrap().unwrap();
        assert_eq!(rest(&mut upstream).await, b"");
    }
}
