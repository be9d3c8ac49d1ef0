//! Sockets: listeners, connections, their deadlines, and the drain at the end. Knows nothing of routes or people.
//!
//! It must never guess a protocol from bytes, never let a peer that has begun nothing hold anything up, and never stop
//! accepting because of what one peer or a passing shortage does.

mod accept;
mod activity;
mod bind;
mod connection;
mod descriptors;
mod drain;
mod faults;
mod handler;
mod inherit;
mod limits;
mod patient;
mod plain;
mod proxy_header;
mod redirect;
mod socket;
mod spread;
mod stall;
mod streams;
#[cfg(test)]
mod tests;
mod timer;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use crate::base::{Clock, TrustedProxies};
use crate::observe::{AccessLog, Metrics};
use crate::web::{Pace, Tunnels};
use accept::Door;
pub use bind::{BindError, Listeners, PlainAddress, PlainListener};
use bind::{Listening, Speaks};
use connection::{Http, Site};
use drain::Drain;
pub use drain::Stopped;
use faults::FaultLog;
pub use handler::Handler;
pub use inherit::Inherited;
use limits::Gate;
pub use plain::{Plain, serve_plain};
use socket::{Entrance, SocketFile};
use spread::{Newcomer, Spread};

/// What the operator wants of the sockets.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where TLS is served.
    pub listen: Vec<SocketAddr>,
    /// Where the same is served without TLS: HTTP/1.1, for a proxy in front.
    pub listen_plain: Vec<PlainAddress>,
    /// Which of all these begin with a PROXY header, written by a trusted proxy.
    pub proxy_protocol: Vec<PlainAddress>,
    /// Who may connect to the socket files among them (permission bits).
    pub socket_mode: u32,
    /// Where plain HTTP is answered with a redirect to https.
    pub redirect_http: Option<SocketAddr>,
    /// Folder whose files are served below `/.well-known/acme-challenge/` on the plain listener.
    pub acme_webroot: Option<PathBuf>,
    /// Threads on the data path; `None`: one per core.
    pub workers: Option<usize>,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long the head of a request may take, and how long a kept connection may stand unused.
    pub header_timeout: Duration,
    /// How fast a client has to take what we have for it.
    pub send: Pace,
    /// How long requests in flight may take to finish when stopping.
    pub drain_timeout: Duration,
    /// Largest head of a request in bytes.
    pub max_head: usize,
    /// Most header lines of a request.
    pub max_headers: usize,
    /// Connections in all.
    pub max_connections: usize,
    /// Connections from one address (IPv6: one /64). `None`: no limit of its own, since a whole campus may sit behind one.
    pub max_connections_per_address: Option<usize>,
    /// Requests under way at a time on one HTTP/2 connection.
    pub max_streams: u32,
}

/// What a server is given to work with. Cheap to clone.
#[derive(Clone)]
pub struct Environment {
    /// The TLS configuration for new connections; a reload stores another one here.
    pub tls: Arc<ArcSwap<ServerConfig>>,
    /// Who may introduce others; a reload stores others here.
    pub trusted: Arc<ArcSwap<TrustedProxies>>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Where connections that never become a request are noted.
    pub access_log: AccessLog,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What outlives its connection.
    pub tunnels: Tunnels,
}

impl Environment {
    fn faults(&self) -> FaultLog {
        FaultLog { metrics: Arc::clone(&self.metrics), access_log: self.access_log.clone(), clock: Arc::clone(&self.clock) }
    }
}

/// The data path: one thread with one runtime for each worker, each with a listener of its own on every address.
pub struct Server {
    drain: Drain,
    tunnels: Tunnels,
    /// Ends the workers' threads.
    exit: CancellationToken,
    workers: Vec<JoinHandle<()>>,
    redirect: Option<Plain>,
    addresses: Vec<SocketAddr>,
    plain: Vec<PlainAddress>,
    /// They go when the server stops.
    files: Vec<SocketFile>,
}

impl Server {
    /// Starts serving. Has to be called on a runtime that is not one of the data path: the redirect to https runs there.
    ///
    /// # Errors
    /// When a thread or a runtime cannot be made.
    pub fn start<H: Handler>(settings: &Settings, listeners: Listeners, environment: &Environment, handler: &H) -> io::Result<Self> {
        let Listeners { workers, redirect, addresses, plain, files } = listeners;
        let mut server = Self {
            drain: Drain::default(),
            tunnels: environment.tunnels.clone(),
            exit: CancellationToken::new(),
            workers: Vec::with_capacity(workers.len()),
            redirect: None,
            addresses,
            plain,
            files,
        };
        let open = environment.metrics.connections.open.clone();
        let gate = Gate::new(settings.max_connections, settings.max_connections_per_address, open);
        let (spread, newcomers) = Spread::new(workers.len());
        for (worker, (sockets, newcomers)) in workers.into_iter().zip(newcomers).enumerate() {
            let drain = server.drain.for_worker();
            let site = Site { handler: handler.clone(), http: Http::new(settings), faults: environment.faults(), drain };
            let door = Arc::new(Door {
                site: Arc::new(site),
                environment: environment.clone(),
                gate: Arc::clone(&gate),
                spread: Arc::clone(&spread),
                handshake_timeout: settings.handshake_timeout,
                worker,
            });
            server.workers.push(start_worker(door, sockets, newcomers, server.exit.child_token())?);
        }
        if let Some(listener) = redirect {
            let port = server.addresses.first().map_or(443, SocketAddr::port);
            let handler = redirect::handler(port, settings.acme_webroot.clone(), environment);
            server.redirect = Some(serve_plain(listener.into(), settings, environment, handler)?);
        }
        Ok(server)
    }

    /// Where TLS is served, in the order of the settings.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where the same is served without TLS, in the order of the settings.
    pub fn plain_addresses(&self) -> &[PlainAddress] {
        &self.plain
    }

    /// Where plain HTTP is redirected.
    pub fn redirect_address(&self) -> Option<SocketAddr> {
        self.redirect.as_ref().and_then(Plain::address)
    }

    /// Stops: no new connections; requests whose head was read are answered, connections are told; tunnels run on. What is
    /// left when `deadline` has passed is cut and counted. Has to be awaited on a runtime that is not one of the data path.
    pub async fn stop(mut self, deadline: Duration) -> Stopped {
        let redirect = self.redirect.take();
        self.files.clear();
        let redirected = async {
            match redirect {
                Some(plain) => plain.stop(deadline).await,
                None => Stopped::default(),
            }
        };
        let (mut stopped, redirected) = tokio::join!(self.drain.finish(&self.tunnels, deadline), redirected);
        stopped.connections_cut += redirected.connections_cut;
        self.exit.cancel();
        let workers = std::mem::take(&mut self.workers);
        let joined = tokio::task::spawn_blocking(move || workers.into_iter().all(|worker| worker.join().is_ok())).await;
        if !joined.unwrap_or(false) {
            tracing::error!("a worker had died");
        }
        stopped
    }
}

impl Drop for Server {
    /// Without [`Server::stop`] everything is cut at once.
    fn drop(&mut self) {
        self.drain.stopping.cancel();
        self.drain.cutting.cancel();
        self.exit.cancel();
    }
}

/// One thread, one runtime, its listeners.
fn start_worker<H: Handler>(
    door: Arc<Door<H>>,
    sockets: Vec<Listening>,
    newcomers: UnboundedReceiver<Newcomer>,
    exit: CancellationToken,
) -> io::Result<JoinHandle<()>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listeners = register(&runtime, sockets)?;
    thread::Builder::new().name(format!("worker-{}", door.worker)).spawn(move || {
        runtime.spawn(Arc::clone(&door).welcome(newcomers));
        for (entrance, speaks) in listeners {
            runtime.spawn(Arc::clone(&door).keep(entrance, speaks));
        }
        runtime.block_on(exit.cancelled());
        // Ends the tasks that are left. A name look-up that hangs in a thread of its own is not waited for.
        runtime.shutdown_background();
    })
}

/// Hands sockets to the runtime while an error can still be told.
fn register(runtime: &Runtime, sockets: Vec<Listening>) -> io::Result<Vec<(Entrance, Speaks)>> {
    let _inside = runtime.enter();
    sockets.into_iter().map(|Listening { socket, speaks }| Ok((socket.register()?, speaks))).collect()
}
