use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::select;

use super::accept::{Seldom, rest_after};
use super::bind::PlainListener;
use super::connection::{Http, Site, serve_http1};
use super::drain::{Drain, Stopped};
use super::handler::Handler;
use super::limits::Gate;
use super::{Environment, Settings};
use crate::base::ClientAddr;
use crate::web::Peer;
use crate::web::Tunnels;

/// Connections a plain listener serves at a time. Its clients are few: a browser on its way to https, Prometheus, an operator.
const MOST: usize = 1024;

/// A listener without TLS, served on the runtime it was started on.
pub struct Plain {
    drain: Drain,
    address: Option<SocketAddr>,
}

/// Serves HTTP/1.1 without TLS: for the redirect to https, and for the admin listener. Runs on the current runtime, which
/// should not be one of the data path.
///
/// The peers of a socket file have no address; they are shown as 127.0.0.1, port 0, with the user at the other end beside it.
///
/// # Errors
/// When the runtime cannot take the socket.
pub fn serve_plain<H: Handler>(listener: PlainListener, settings: &Settings, environment: &Environment, handler: H) -> io::Result<Plain> {
    let address = listener.address();
    let drain = Drain::default();
    let site = Arc::new(Site { handler, http: Http::new(settings), faults: environment.faults(), drain: drain.clone() });
    let listener = match listener {
        PlainListener::Tcp(listener) => Socket::Tcp(TcpListener::from_std(listener)?),
        PlainListener::Unix(listener) => Socket::Unix(UnixListener::from_std(listener)?),
    };
    tokio::spawn(keep(listener, site, environment.clone()));
    Ok(Plain { drain, address })
}

impl Plain {
    /// Where it listens; `None` for a socket file.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Stops accepting, lets requests finish until `deadline` has passed, then cuts.
    pub async fn stop(&self, deadline: Duration) -> Stopped {
        self.drain.finish(&Tunnels::default(), deadline).await
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.drain.stopping.cancel();
        self.drain.cutting.cancel();
    }
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

async fn keep<H: Handler>(listener: Socket, site: Arc<Site<H>>, environment: Environment) {
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

async fn accept<H: Handler>(listener: &Socket, site: &Arc<Site<H>>, gate: &Arc<Gate>) -> io::Result<()> {
    match listener {
        Socket::Tcp(listener) => {
            let (stream, address) = listener.accept().await?;
            let local = stream.local_addr()?;
            begin(stream, address, local, None, site, gate).await;
        }
        Socket::Unix(listener) => {
            let (stream, _) = listener.accept().await?;
            let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let uid = stream.peer_cred().ok().map(|peer| peer.uid());
            begin(stream, nobody, nobody, uid, site, gate).await;
        }
    }
    Ok(())
}

async fn begin<S, H>(stream: S, address: SocketAddr, local: SocketAddr, uid: Option<u32>, site: &Arc<Site<H>>, gate: &Arc<Gate>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Handler,
{
    let client = ClientAddr::new(address.ip());
    let peer = Peer { address: client, port: address.port(), local, secure: false, server_name: None, worker: 0, uid };
    if let Some(place) = gate.enter(client).await {
        site.drain.connections.spawn(serve_http1(stream, Arc::new(peer), Arc::clone(site), place));
    }
}
