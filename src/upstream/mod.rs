//! Where requests go: named pools of endpoints, their idle connections, and the sending with its one safe retry.
//!
//! It must never decide whether a request may go: it is only ever called with one that was admitted.

use std::path::PathBuf;
use std::time::Duration;

use crate::identity::ProviderName;

/// What the operator wants of one upstream.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name in the configuration.
    pub name: ProviderName,
    /// Where it listens; at least one.
    pub endpoints: Vec<Address>,
    /// How long a connection may take to be made, TLS included.
    pub connect_timeout: Duration,
    /// How long the head of an answer may take once the request has been sent.
    pub response_timeout: Duration,
    /// How long a body may stand still, in either direction.
    pub idle_timeout: Duration,
    /// How long an unused connection is kept. Shorter than the application keeps it (Node: 5 s), or it closes under us.
    pub keep_alive: Duration,
    /// Unused connections kept for each endpoint by each worker.
    pub max_idle: usize,
}

/// Where one endpoint listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// `http://host:port`
    Http {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// `https://host:port`
    Https {
        /// Name or address; also the name the certificate must have, unless `server_name` says another.
        host: String,
        /// Port.
        port: u16,
        /// The name the certificate must have.
        server_name: Option<String>,
        /// Trust these certificate authorities (PEM) instead of the system's.
        ca: Option<PathBuf>,
    },
    /// `unix:/path`
    Unix {
        /// The socket.
        path: PathBuf,
    },
}
