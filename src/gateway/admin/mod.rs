//! What operators ask of a running gateway: whether it is alive and ready, its numbers, and who is logged in.
//!
//! Served on the admin listener and on the operator's socket, never on the data path, where a script of an application
//! could reach it. It must never act for anybody but an administrator with a good token or the owner of the socket's file,
//! and never change anything without writing down who did it.

mod api;
mod explain;
mod fault;
mod health;
mod numbers;
mod people;
mod sessions;
mod trail;
mod who;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use http::{Method, Request, StatusCode, header};
use hyper::body::Incoming;

use super::reply::{self, Reply};
use super::{Gateway, Shared};
use crate::tls::CertificateInfo;
use crate::upstream::Endpoints;
use crate::web::Peer;
use fault::Fault;

/// Where somebody came in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entrance {
    /// The admin listener: health and numbers for everybody who can reach it, the rest with an administrator's token.
    Listener,
    /// The operator's socket: its file belongs to one user, who may do everything.
    Socket {
        /// That user.
        owner: u32,
    },
}

/// The administration of one process. It outlives reloads.
pub struct Admin {
    shared: Arc<Shared>,
    current: Arc<ArcSwap<Gateway>>,
    endpoints: Arc<Endpoints>,
    certificates: ArcSwap<Vec<CertificateInfo>>,
    draining: AtomicBool,
    /// When the store's live sessions were last counted. Held while the numbers are put together.
    counted: tokio::sync::Mutex<Option<Instant>>,
}

impl Admin {
    /// Over what the process serves with.
    pub fn new(
        shared: Arc<Shared>,
        current: Arc<ArcSwap<Gateway>>,
        endpoints: Arc<Endpoints>,
        certificates: Vec<CertificateInfo>,
    ) -> Arc<Self> {
        let admin = Self {
            shared,
            current,
            endpoints,
            certificates: ArcSwap::from_pointee(Vec::new()),
            draining: AtomicBool::new(false),
            counted: tokio::sync::Mutex::default(),
        };
        admin.reloaded(certificates);
        Arc::new(admin)
    }

    /// A configuration is in place, the first or another one.
    pub fn reloaded(&self, certificates: Vec<CertificateInfo>) {
        let ends: Vec<(String, u64)> = certificates.iter().map(|info| (info.path.display().to_string(), info.ends.secs())).collect();
        self.shared.metrics.set_certificates(ends.iter().map(|(name, ends)| (name.as_str(), *ends)));
        self.shared.metrics.generation.inc();
        self.certificates.store(Arc::new(certificates));
    }

    /// From now on not ready: whoever spreads requests over several gateways is to look for another one.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Answers one request.
    pub async fn handle(&self, request: Request<Incoming>, peer: &Peer, entrance: Entrance) -> Reply {
        self.answer(request, peer, entrance).await.unwrap_or_else(|fault| fault.reply())
    }

    async fn answer(&self, request: Request<Incoming>, peer: &Peer, entrance: Entrance) -> Result<Reply, Fault> {
        match entrance {
            Entrance::Listener if peer.uid.is_none() && !names_this_machine(&request) => return Err(Fault::Host),
            Entrance::Socket { owner } if peer.uid != Some(owner) && peer.uid != Some(0) => return Err(Fault::Stranger),
            Entrance::Listener | Entrance::Socket { .. } => {}
        }
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/live" | "/ready" | "/metrics" if !reads => Err(Fault::Method("GET, HEAD")),
            "/live" => Ok(reply::json(StatusCode::OK, &serde_json::json!({ "live": true }))),
            "/ready" => Ok(self.ready()),
            "/metrics" => Ok(self.numbers().await),
            path if path.starts_with(api::PREFIX) => self.api(request, peer, entrance).await,
            // The socket is for commands.
            path if Gateway::is_at_desk(path) && entrance == Entrance::Listener => {
                // A browser may come through a tunnel to a socket file, and be led there by any name.
                if !names_this_machine(&request) {
                    return Err(Fault::Host);
                }
                Ok(self.current.load_full().handle_at_desk(request, peer).await)
            }
            _ => Err(Fault::NotFound),
        }
    }
}

/// A page of the Internet whose name was made to lead to 127.0.0.1 (DNS rebinding) could read the answers in an operator's
/// browser; it cannot choose what stands in `Host`.
fn names_this_machine<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Some(host) = host.to_str().ok().and_then(|host| host.parse::<http::uri::Authority>().ok()) else { return false };
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok()
}
