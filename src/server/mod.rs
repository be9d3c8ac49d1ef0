//! Sockets: listeners, connections, their deadlines, and the drain at the end. Knows nothing of routes or people.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What the operator wants of the sockets.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where TLS is served.
    pub listen: Vec<SocketAddr>,
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
    /// How long requests in flight may take to finish when stopping.
    pub drain_timeout: Duration,
    /// Largest head of a request in bytes.
    pub max_head: usize,
    /// Most header lines of a request.
    pub max_headers: usize,
    /// Connections in all.
    pub max_connections: usize,
}
