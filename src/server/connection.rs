use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::select;
use tokio::time::sleep;

use super::Settings;
use super::activity::{Activity, Metered};
use super::drain::Drain;
use super::faults::{FaultLog, is_late_head};
use super::handler::{Handler, Service};
use super::limits::Place;
use super::streams::{Arrivals, WithStreams};
use super::timer::SharedTimers;
use crate::observe::ConnectionFault;
use crate::web::{Pace, Peer};

/// How often a connection that was told to end is looked at.
const TICK: Duration = Duration::from_millis(250);

/// Ticks without a byte after which an HTTP/1 connection with no request under way is done: all was written.
const QUIET_HTTP1: u32 = 2;

/// The same for HTTP/2, where the last bytes of an answer may wait for the peer's window.
const QUIET_HTTP2: u32 = 12;

/// Headers hyper parses without an allocation.
const HEADERS_ON_STACK: usize = 100;

/// Everything the connections of one worker have in common.
pub(super) struct Site<H> {
    pub(super) handler: H,
    pub(super) http: Http,
    pub(super) faults: FaultLog,
    pub(super) drain: Drain,
}

/// The two protocols with their limits.
pub(super) struct Http {
    h1: http1::Builder,
    max_head: u32,
    max_streams: u32,
    unused: Duration,
    pub(super) send: Pace,
}

impl Http {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut h1 = http1::Builder::new();
        // One number for the head and for the time between requests: hyper has one timer for both.
        h1.timer(SharedTimers::default()).header_read_timeout(settings.header_timeout).half_close(false);
        h1.max_header_size(settings.max_head).max_buf_size(settings.max_head.max(128 * 1024));
        if settings.max_headers != HEADERS_ON_STACK {
            h1.max_headers(settings.max_headers);
        }
        let max_head = u32::try_from(settings.max_head).unwrap_or(u32::MAX);
        Self { h1, max_head, max_streams: settings.max_streams, unused: settings.header_timeout, send: settings.send }
    }

    /// HTTP/2 whose streams are run by `streams`.
    fn h2(&self, streams: Arrivals) -> http2::Builder<Arrivals> {
        let mut h2 = http2::Builder::new(streams);
        h2.timer(TokioTimer::new())
            .max_concurrent_streams(self.max_streams)
            .max_header_list_size(self.max_head)
            // What one peer can make us hold: uploads by the windows, answers by the send buffer of each stream.
            .initial_stream_window_size(256 * 1024)
            .initial_connection_window_size(1024 * 1024)
            .max_send_buf_size(64 * 1024)
            // A peer that is gone without a word is found out although a stream of it is open.
            .keep_alive_interval(Duration::from_secs(45))
            .keep_alive_timeout(Duration::from_secs(20))
            // Streams reset before we saw them (CVE-2023-44487) and streams the peer made us reset (CVE-2025-8671).
            .max_pending_accept_reset_streams(64)
            .max_local_error_reset_streams(256);
        h2
    }
}

type Io<S> = TokioIo<Metered<S>>;

/// Serves HTTP/1.1 on `stream` until it ends, was upgraded, or is told to end. `place` is given back then.
///
/// Not an `async fn`: the future of one would keep room for `stream` beside the connection that was made of it.
pub(super) fn serve_http1<S, H>(stream: S, peer: Arc<Peer>, site: Arc<Site<H>>, place: Place) -> impl Future<Output = ()> + Send
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Handler,
{
    let (io, service, activity) = prepare(stream, &peer, &site);
    let mut connection = Box::pin(site.http.h1.serve_connection(io, service).with_upgrades());
    async move {
        // hyper's own timer ends an unused connection.
        let ended =
            drive(connection.as_mut(), http1::UpgradeableConnection::graceful_shutdown, &activity, &site.drain, pending(), QUIET_HTTP1)
                .await;
        if matches!(&ended, Ended::Done(Err(error)) if is_late_head(error, &activity)) {
            activity.head_was_too_late();
        }
        drop(connection);
        conclude(ended, &activity, &peer, &site);
        drop(place);
    }
}

/// Serves HTTP/2 on `stream` until it ends or is told to end. `place` is given back then.
pub(super) fn serve_http2<S, H>(stream: S, peer: Arc<Peer>, site: Arc<Site<H>>, place: Place) -> impl Future<Output = ()> + Send
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Handler,
{
    let (io, service, activity) = prepare(stream, &peer, &site);
    let note = {
        let (site, peer) = (Arc::clone(&site), Arc::clone(&peer));
        move || site.faults.note(ConnectionFault::SendTimeout, peer.address)
    };
    let mut connection = WithStreams::new(site.http.send, note, |streams| site.http.h2(streams).serve_connection(io, service));
    async move {
        let unused = unused(&activity, site.http.unused);
        let ended = drive(
            Pin::new(&mut connection),
            |connection| http2::Connection::graceful_shutdown(connection.get_mut().connection.as_mut()),
            &activity,
            &site.drain,
            unused,
            QUIET_HTTP2,
        )
        .await;
        drop(connection);
        conclude(ended, &activity, &peer, &site);
        drop(place);
    }
}

fn prepare<S, H: Handler>(stream: S, peer: &Arc<Peer>, site: &Site<H>) -> (Io<S>, Service<H>, Arc<Activity>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let activity = Arc::new(Activity::default());
    let io = TokioIo::new(Metered::new(stream, Arc::clone(&activity)));
    let service = Service { handler: site.handler.clone(), peer: Arc::clone(peer), activity: Arc::clone(&activity) };
    (io, service, activity)
}

/// Ends when for a whole `span` no request was begun and none was under way. hyper's HTTP/2 has no such limit, and none on
/// how long the peer's first bytes may take.
async fn unused(activity: &Activity, span: Duration) {
    loop {
        let begun = activity.begun();
        sleep(span).await;
        if activity.begun() == begun && activity.in_flight() == 0 {
            return;
        }
    }
}

/// How a connection ended.
enum Ended {
    /// By itself.
    Done(hyper::Result<()>),
    /// Told to end, it had nothing under way and said no more.
    Settled,
    /// At the drain's deadline, in the middle of something or not.
    Cut { busy: bool },
}

/// Runs a connection to its end. When the server stops, or `unused` says so, it is told to finish what it has begun
/// (`Connection: close`, GOAWAY) and then watched: a peer that has begun nothing must not hold up the drain.
async fn drive<C: Future<Output = hyper::Result<()>>>(
    mut connection: Pin<&mut C>,
    tell: impl FnOnce(Pin<&mut C>),
    activity: &Activity,
    drain: &Drain,
    unused: impl Future<Output = ()>,
    quiet_enough: u32,
) -> Ended {
    select! {
        biased;
        // First, so that an answer given from here on says that it is the last.
        () = drain.stopping.cancelled() => {}
        ended = connection.as_mut() => return Ended::Done(ended),
        () = unused => {}
    }
    tell(connection.as_mut());
    let (mut moved, mut quiet) = (activity.moved(), 0);
    loop {
        select! {
            biased;
            ended = connection.as_mut() => return Ended::Done(ended),
            () = drain.cutting.cancelled() => return Ended::Cut { busy: activity.in_flight() > 0 || activity.blocked() },
            () = sleep(TICK) => {}
        }
        quiet = if activity.moved() == moved { quiet + 1 } else { 0 };
        moved = activity.moved();
        let all_said = quiet >= quiet_enough && !activity.blocked();
        if activity.begun() == 0 || (activity.in_flight() == 0 && all_said) {
            return Ended::Settled;
        }
    }
}

fn conclude<H>(ended: Ended, activity: &Activity, peer: &Peer, site: &Site<H>) {
    match ended {
        Ended::Done(Ok(())) | Ended::Settled | Ended::Cut { busy: false } => {}
        Ended::Done(Err(error)) => site.faults.note_end(&error, activity, peer),
        Ended::Cut { busy: true } => {
            site.drain.note_cut();
            site.faults.metrics.connections.cut.inc();
        }
    }
}
