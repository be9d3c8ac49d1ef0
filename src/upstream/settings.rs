use std::fmt;
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
    /// Which of several endpoints a request goes to.
    pub balancing: Balancing,
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

/// Which of several endpoints a request goes to, of those that do their part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Balancing {
    /// Each in its turn.
    #[default]
    RoundRobin,
    /// The one that is answering the fewest requests now, websockets included; among equals each in its turn.
    LeastRequests,
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
        /// Take any certificate: whoever stands between can read and change everything.
        dangerous_skip_verification: bool,
    },
    /// `unix:/path`
    Unix {
        /// The socket.
        path: PathBuf,
    },
}

/// As it stands in the configuration: for logs and metrics.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host, port) = match self {
            Self::Http { host, port } => ("http", host, port),
            Self::Https { host, port, .. } => ("https", host, port),
            Self::Unix { path } => return write!(f, "unix:{}", path.display()),
        };
        if host.contains(':') && !host.starts_with('[') {
            write!(f, "{scheme}://[{host}]:{port}")
        } else {
            write!(f, "{scheme}://{host}:{port}")
        }
    }
}
