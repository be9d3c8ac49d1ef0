use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::HandshakeKind;
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Environment;
use super::connection::{Site, serve_http1, serve_http2};
use super::handler::Handler;
use super::limits::{Gate, Place};
use crate::base::ClientAddr;
use crate::observe::ConnectionFault;
use crate::web::Peer;

/// How long accepting rests when the system has nothing left to give. Without a rest it would fail again at once, for ever.
const REST: Duration = Duration::from_millis(50);

/// The least time between two complaints about the same thing.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// The TLS door of one worker.
pub(super) struct Door<H> {
    pub(super) site: Arc<Site<H>>,
    pub(super) environment: Environment,
    pub(super) gate: Arc<Gate>,
    pub(super) handshake_timeout: Duration,
    pub(super) worker: usize,
}

impl<H: Handler> Door<H> {
    /// Accepts connections until the server stops. Nothing that a peer or the system does ends it sooner.
    pub(super) async fn keep(self: Arc<Self>, listener: TcpListener) {
        let stopping = &self.site.drain.stopping;
        let (mut exhausted, mut full) = (Seldom::default(), Seldom::default());
        loop {
            let accepted = select! {
                biased;
                () = stopping.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    rest_after(&error, &self.environment, &mut exhausted).await;
                    continue;
                }
            };
            if self.gate.is_full() && full.may_complain() {
                tracing::warn!("all connections are taken; new ones wait (max_connections)");
            }
            let address_of_client = ClientAddr::new(address.ip());
            let place = select! {
                biased;
                () = stopping.cancelled() => return,
                place = self.gate.enter(address_of_client) => place,
            };
            let Some(place) = place else {
                self.site.faults.note(ConnectionFault::AddressLimit, address_of_client);
                continue;
            };
            self.environment.metrics.connections.accepted.inc();
            self.site.drain.connections.spawn(Arc::clone(&self).shake_hands(stream, address, place));
        }
    }

    /// The handshake, in a task of its own that ends with it: its future is large, and the connection that follows may be
    /// idle for long.
    async fn shake_hands(self: Arc<Self>, stream: TcpStream, address: SocketAddr, place: Place) {
        let client = ClientAddr::new(address.ip());
        let Ok(local) = stream.local_addr() else {
            return;
        };
        let acceptor = TlsAcceptor::from(self.environment.tls.load_full());
        let shaken = select! {
            biased;
            () = self.site.drain.stopping.cancelled() => return,
            shaken = timeout(self.handshake_timeout, acceptor.accept(stream)) => shaken,
        };
        match shaken {
            Ok(Ok(stream)) => {
                let session = stream.get_ref().1;
                let is_http2 = session.alpn_protocol() == Some(b"h2");
                let server_name = session.server_name().filter(|_| is_http2).map(Into::into);
                let worker = self.worker;
                let peer = Peer { address: client, port: address.port(), local, secure: true, server_name, worker, uid: None };
                self.serve(stream, Arc::new(peer), place);
            }
            Ok(Err(error)) if is_farewell(&error) => {}
            Ok(Err(error)) => {
                tracing::debug!(%client, %error, "a TLS handshake failed");
                self.site.faults.note(ConnectionFault::Handshake, client);
            }
            Err(_elapsed) => self.site.faults.note(ConnectionFault::HandshakeTimeout, client),
        }
    }

    fn serve(&self, stream: TlsStream<TcpStream>, peer: Arc<Peer>, place: Place) {
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
