use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::select;

use super::accept::{Seldom, rest_after};
use super::bind::PlainListener;
use super::connection::{Http, Site, serve_http1};
use super::drain::{Drain, Stopped};
use super::handler::Handler;
use super::limits::Gate;
use super::patient::Patient;
use super::socket::{Arrival, Entrance, SocketFile};
use super::{Environment, Settings};
use crate::web::{Peer, Tunnels};

/// Connections a plain listener serves at a time. Its clients are few: a browser on its way to https, Prometheus, an operator.
const MOST: usize = 1024;

/// A listener without TLS, served on the runtime it was started on.
pub struct Plain {
    drain: Drain,
    address: Option<SocketAddr>,
    file: Option<SocketFile>,
}

/// Serves HTTP/1.1 without TLS: for the redirect to https, and for the admin listener. Runs on the current runtime, which
/// should not be one of the data path.
///
/// # Errors
/// When the runtime cannot take the socket.
pub fn serve_plain<H: Handler>(listener: PlainListener, settings: &Settings, environment: &Environment, handler: H) -> io::Result<Plain> {
    let PlainListener { socket, file } = listener;
    let address = socket.address();
    let drain = Drain::default();
    let site = Arc::new(Site { handler, http: Http::new(settings), faults: environment.faults(), drain: drain.clone() });
    tokio::spawn(keep(socket.register()?, site, environment.clone()));
    Ok(Plain { drain, address, file })
}

impl Plain {
    /// Where it listens; `None` for a socket file.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Stops accepting, lets requests finish until `deadline` has passed, then cuts. A socket file goes first, so that whoever
    /// comes is told that nobody is there.
    pub async fn stop(mut self, deadline: Duration) -> Stopped {
        self.file = None;
        self.drain.finish(&Tunnels::default(), deadline).await
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.drain.stopping.cancel();
        self.drain.cutting.cancel();
    }
}

async fn keep<H: Handler>(listener: Entrance, site: Arc<Site<H>>, environment: Environment) {
    let gate = Gate::new(MOST, None, environment.metrics.connections.open.clone());
    let mut exhausted = Seldom::default();
    loop {
        let accept_one = accept(&listener, &site, &gate);
        let accepted = select! {
            biased;
            () = site.drain.stopping.cancelled() => return,
            accepted = accept_one => accepted,
        };
        if let Err(error) = accepted {
            rest_after(&error, &environment, &mut exhausted).await;
        }
    }
}

async fn accept<H: Handler>(listener: &Entrance, site: &Arc<Site<H>>, gate: &Arc<Gate>) -> io::Result<()> {
    let arrival = listener.accept().await?;
    let peer = arrival.peer(0)?;
    match arrival {
        Arrival::Tcp(stream, _) => begin(stream, peer, site, gate).await,
        Arrival::Unix(stream) => begin(stream, peer, site, gate).await,
    }
    Ok(())
}

async fn begin<S, H>(stream: S, peer: Peer, site: &Arc<Site<H>>, gate: &Arc<Gate>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Handler,
{
    if let Some(place) = gate.enter(None).await {
        let stream = Patient::new(stream, site.http.send);
        site.drain.connections.spawn(serve_http1(stream, Arc::new(peer), Arc::clone(site), place));
    }
}
