use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::HandshakeKind;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Environment;
use super::bind::Speaks;
use super::connection::{Site, serve_http1, serve_http2};
use super::handler::Handler;
use super::limits::{Gate, Place};
use super::patient::Patient;
use super::proxy_header::{self, Absent, Origin, Peek};
use super::socket::{Arrival, Entrance};
use super::spread::{Newcomer, Spread};
use crate::base::ClientAddr;
use crate::observe::ConnectionFault;
use crate::web::{Known, Peer};

/// How long accepting rests when the system has nothing left to give. Without a rest it would fail again at once, for ever.
const REST: Duration = Duration::from_millis(50);

/// The least time between two complaints about the same thing.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// The doors of one worker.
pub(super) struct Door<H> {
    pub(super) site: Arc<Site<H>>,
    pub(super) environment: Environment,
    pub(super) gate: Arc<Gate>,
    pub(super) spread: Arc<Spread>,
    pub(super) handshake_timeout: Duration,
    pub(super) worker: usize,
}

impl<H: Handler> Door<H> {
    /// Accepts connections until the server stops. Nothing that a peer or the system does ends it sooner.
    pub(super) async fn keep(self: Arc<Self>, entrance: Entrance, speaks: Speaks) {
        let stopping = &self.site.drain.stopping;
        let (mut exhausted, mut full) = (Seldom::default(), Seldom::default());
        loop {
            let accepted = select! {
                biased;
                () = stopping.cancelled() => return,
                accepted = entrance.accept() => accepted,
            };
            let (arrival, peer) = match accepted {
                Ok(arrival) => match arrival.peer(self.worker) {
                    Ok(peer) => (arrival, peer),
                    // Gone already.
                    Err(_) => continue,
                },
                Err(error) => {
                    rest_after(&error, &self.environment, &mut exhausted).await;
                    continue;
                }
            };
            if self.gate.is_full() && full.may_complain() {
                tracing::warn!("all connections are taken; new ones wait (max_connections)");
            }
            // Behind a proxy are many: whoever it names is counted, not the proxy.
            let is_proxy = speaks.proxy_header || peer.known != Known::Address || peer.is_trusted(&self.environment.trusted.load());
            let place = select! {
                biased;
                () = stopping.cancelled() => return,
                place = self.gate.enter((!is_proxy).then_some(peer.address)) => place,
            };
            let Some(mut place) = place else {
                self.site.faults.note(ConnectionFault::AddressLimit, peer.address);
                continue;
            };
            self.environment.metrics.connections.accepted.inc();
            let worker = place.sit(self.spread.seat(self.worker));
            if worker == self.worker {
                self.receive(arrival, peer, place, speaks);
                continue;
            }
            let newcomer = arrival.leave().map(|arrival| Newcomer { arrival, peer: Peer { worker, ..peer }, place, speaks });
            match newcomer {
                Ok(newcomer) => self.spread.hand_over(worker, newcomer),
                Err(error) => tracing::warn!(%error, "a connection could not be handed to another worker"),
            }
        }
    }

    /// Takes connections that other workers have accepted for this one.
    pub(super) async fn welcome(self: Arc<Self>, mut newcomers: UnboundedReceiver<Newcomer>) {
        let stopping = &self.site.drain.stopping;
        loop {
            let newcomer = select! {
                biased;
                () = stopping.cancelled() => return,
                newcomer = newcomers.recv() => newcomer,
            };
            let Some(Newcomer { arrival, peer, place, speaks }) = newcomer else { return };
            match arrival.arrive() {
                Ok(arrival) => self.receive(arrival, peer, place, speaks),
                Err(error) => tracing::warn!(%error, "a connection could not be taken over from another worker"),
            }
        }
    }

    /// Begins with what comes first on this connection.
    fn receive(self: &Arc<Self>, arrival: Arrival, peer: Peer, place: Place, speaks: Speaks) {
        let tasks = &self.site.drain.connections;
        let door = Arc::clone(self);
        match (arrival, speaks.tls, speaks.proxy_header) {
            (Arrival::Tcp(stream, _), true, false) => {
                tasks.spawn(door.shake_hands(stream, peer, place));
            }
            (Arrival::Tcp(stream, _), true, true) => {
                tasks.spawn(async move {
                    if let Some((stream, peer, place)) = door.introduced(stream, peer, place).await {
                        door.shake_hands(stream, peer, place).await;
                    }
                });
            }
            (Arrival::Tcp(stream, _), false, expects) => door.serve_plainly(stream, peer, place, expects),
            (Arrival::Unix(stream), _, expects) => door.serve_plainly(stream, peer, place, expects),
        }
    }

    fn serve_plainly<S>(self: Arc<Self>, stream: S, peer: Peer, place: Place, expects_header: bool)
    where
        S: Peek + AsyncRead + AsyncWrite + Send + Sync + 'static,
    {
        let tasks = self.site.drain.connections.clone();
        if !expects_header {
            let stream = Patient::new(stream, self.site.http.send);
            tasks.spawn(serve_http1(stream, Arc::new(peer), Arc::clone(&self.site), place));
            return;
        }
        let serving = tasks.clone();
        tasks.spawn(async move {
            if let Some((stream, peer, place)) = self.introduced(stream, peer, place).await {
                let stream = Patient::new(stream, self.site.http.send);
                serving.spawn(serve_http1(stream, Arc::new(peer), Arc::clone(&self.site), place));
            }
        });
    }

    /// Reads the PROXY header, and puts the client in the proxy's place. Only a trusted proxy may introduce anybody; `None`:
    /// the connection is not served.
    async fn introduced<S: Peek>(&self, mut stream: S, mut peer: Peer, mut place: Place) -> Option<(S, Peer, Place)> {
        if !peer.is_trusted(&self.environment.trusted.load()) {
            self.site.faults.note(ConnectionFault::ProxyUntrusted, peer.address);
            return None;
        }
        let read = select! {
            biased;
            () = self.site.drain.stopping.cancelled() => return None,
            read = timeout_at(Instant::now() + self.handshake_timeout, proxy_header::read(&mut stream)) => read,
        };
        match read {
            Ok(Ok(Origin::Client { source, destination, secure })) => {
                let address = ClientAddr::new(source.ip());
                let is_proxy = self.environment.trusted.load().contains(address);
                if !is_proxy && !place.count_for(address) {
                    self.site.faults.note(ConnectionFault::AddressLimit, address);
                    return None;
                }
                let known = Known::Address;
                peer = Peer { address, port: source.port(), local: destination, secure, uid: None, known, ..peer };
            }
            Ok(Ok(Origin::Unnamed)) => peer.known = Known::Unnamed,
            Ok(Err(Absent::Gone | Absent::Failed)) => return None,
            Ok(Err(Absent::Malformed)) => {
                self.site.faults.note(ConnectionFault::ProxyHeader, peer.address);
                return None;
            }
            Err(_elapsed) => {
                self.site.faults.note(ConnectionFault::ProxyHeaderTimeout, peer.address);
                return None;
            }
        }
        Some((stream, peer, place))
    }

    /// The handshake, in a task of its own that ends with it: its future is large, and the connection that follows may be
    /// idle for long.
    async fn shake_hands(self: Arc<Self>, stream: TcpStream, peer: Peer, place: Place) {
        let client = peer.address;
        let acceptor = TlsAcceptor::from(self.environment.tls.load_full());
        let shaken = select! {
            biased;
            () = self.site.drain.stopping.cancelled() => return,
            shaken = timeout_at(Instant::now() + self.handshake_timeout, acceptor.accept(Patient::new(stream, self.site.http.send))) => shaken,
        };
        match shaken {
            Ok(Ok(stream)) => {
                let session = stream.get_ref().1;
                let is_http2 = session.alpn_protocol() == Some(b"h2");
                let server_name = session.server_name().filter(|_| is_http2).map(Into::into);
                self.serve(stream, Arc::new(Peer { secure: true, server_name, ..peer }), place);
            }
            Ok(Err(error)) if is_farewell(&error) => {}
            Ok(Err(error)) => {
                tracing::debug!(%client, %error, "a TLS handshake failed");
                self.site.faults.note(ConnectionFault::Handshake, client);
            }
            Err(_elapsed) => self.site.faults.note(ConnectionFault::HandshakeTimeout, client),
        }
    }

    fn serve(&self, stream: TlsStream<Patient<TcpStream>>, peer: Arc<Peer>, place: Place) {
        let session = stream.get_ref().1;
        let connections = &self.environment.metrics.connections;
        if session.handshake_kind() == Some(HandshakeKind::Resumed) {
            connections.handshakes_resumed.inc();
        } else {
            connections.handshakes_full.inc();
        }
        // What ALPN settled is what is spoken; nothing is guessed from bytes.
        let is_http2 = session.alpn_protocol() == Some(b"h2");
        let site = Arc::clone(&self.site);
        let tasks = &self.site.drain.connections;
        if is_http2 {
            tasks.spawn(serve_http2(stream, peer, site, place));
        } else {
            tasks.spawn(serve_http1(stream, peer, site, place));
        }
    }
}

/// Whether the peer merely went away: a port scan, a health check, a browser's spare connection. No fault.
fn is_farewell(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

/// Counts a failure to accept and rests, unless it was only about that one connection.
pub(super) async fn rest_after(error: &io::Error, environment: &Environment, complaints: &mut Seldom) {
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted) {
        return;
    }
    environment.metrics.connections.accept_errors.inc();
    if complaints.may_complain() {
        tracing::error!(%error, "connections cannot be accepted; serving goes on with those that are there (raise LimitNOFILE, or lower max_connections)");
    }
    sleep(REST).await;
}

/// Keeps a complaint that would come a thousand times a second down to one a minute.
#[derive(Default)]
pub(super) struct Seldom(Option<Instant>);

impl Seldom {
    pub(super) fn may_complain(&mut self) -> bool {
        let now = Instant::now();
        let due = self.0.is_none_or(|last| now - last >= COMPLAIN_EVERY);
        if due {
            self.0 = Some(now);
        }
        due
    }
}
