use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem;

use crate::identity::ProviderName;
use crate::web::BodyFault;

/// Why a request got no answer. Whatever could be retried safely has been retried before one of these is returned. The text
/// is for the operator's log: it names the endpoint and holds nothing of the request.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No endpoint took a connection; this is what the last one said. Nothing was sent.
    #[error("cannot connect to {endpoint}: {source}; is the application running and listening there?")]
    Connect {
        /// Which endpoint.
        endpoint: Arc<str>,
        /// What the system said.
        source: io::Error,
    },
    /// No endpoint took a connection, the last one for lack of time. Nothing was sent.
    #[error("cannot connect to {endpoint} within {within:?}; is it reachable from here?")]
    ConnectTimeout {
        /// Which endpoint.
        endpoint: Arc<str>,
        /// How long it was given.
        within: Duration,
    },
    /// The endpoint could not prove who it is, or speaks no TLS that we speak. Nothing was sent.
    #[error("TLS with {endpoint} failed: {source}; check its certificate, and the upstream's `ca` and `server_name`")]
    Tls {
        /// Which endpoint.
        endpoint: Arc<str>,
        /// What rustls said.
        source: io::Error,
    },
    /// The whole request was sent and no head of an answer came in time. It may have been acted upon.
    #[error("{endpoint} did not begin to answer within {within:?}")]
    ResponseTimeout {
        /// Which endpoint.
        endpoint: Arc<str>,
        /// How long it was given after the request's end.
        within: Duration,
    },
    /// The endpoint stopped reading the request's body. It may have been acted upon.
    #[error("{endpoint} took nothing of the request body for {within:?}")]
    RequestStalled {
        /// Which endpoint.
        endpoint: Arc<str>,
        /// How long it was given.
        within: Duration,
    },
    /// The connection died before the head of an answer was complete, or what came is no answer. It may have been acted upon.
    #[error("{endpoint} gave no proper answer: {cause}")]
    Broken {
        /// Which endpoint.
        endpoint: Arc<str>,
        /// What came instead.
        cause: Breakage,
    },
    /// The client broke off its own request body: no fault of the upstream.
    #[error("the request was not sent whole: {0}")]
    RequestBody(BodyFault),
}

impl SendError {
    /// The stable word of the counters.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::ConnectTimeout { .. } => "connect_timeout",
            Self::Tls { .. } => "tls",
            Self::ResponseTimeout { .. } => "response_timeout",
            Self::RequestStalled { .. } => "request_stalled",
            Self::Broken { .. } => "broken",
            Self::RequestBody(_) => "request_body",
        }
    }

    /// The endpoint it is about; `None` when the client is to blame.
    pub fn endpoint(&self) -> Option<&str> {
        match self {
            Self::Connect { endpoint, .. }
            | Self::ConnectTimeout { endpoint, .. }
            | Self::Tls { endpoint, .. }
            | Self::ResponseTimeout { endpoint, .. }
            | Self::RequestStalled { endpoint, .. }
            | Self::Broken { endpoint, .. } => Some(endpoint),
            Self::RequestBody(_) => None,
        }
    }

    /// Whether it was time that ran out: 504 rather than 502.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::ConnectTimeout { .. } | Self::ResponseTimeout { .. } | Self::RequestStalled { .. } => true,
            Self::Connect { .. } | Self::Tls { .. } | Self::Broken { .. } | Self::RequestBody(_) => false,
        }
    }
}

/// What came instead of an answer.
#[derive(Debug, thiserror::Error)]
pub enum Breakage {
    /// The connection ended early, or hyper could not read what came.
    #[error("{}", told(.0))]
    Http(#[source] hyper::Error),
    /// A 101 that nobody had asked for, or that came before the request's end.
    #[error("it switched protocols without being asked")]
    UnaskedUpgrade,
    /// More than one `Content-Length`, or one that is no number (RFC 9112, section 6.3).
    #[error("its Content-Length is doubled or no number")]
    ContentLength,
    /// A `Transfer-Encoding` other than exactly `chunked`, or one beside a `Content-Length`: the length could be read in two ways.
    #[error("its Transfer-Encoding is not just chunked, or stands beside a Content-Length")]
    TransferEncoding,
}

/// Why a body broke off after its head had been passed on. The client must see it break.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamBodyError {
    /// The connection died in it, or what came is no body.
    #[error("the answer of {endpoint} broke off: {}", told(source))]
    Broken {
        /// Which endpoint.
        endpoint: Arc<str>,
        /// What hyper said.
        source: hyper::Error,
    },
    /// It stood still for too long.
    #[error("the answer of {endpoint} stood still for {within:?}")]
    Idle {
        /// Which endpoint.
        endpoint: Arc<str>,
        /// How long it was given.
        within: Duration,
    },
}

/// Why an upstream cannot be set up as configured.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A pool of nothing.
    #[error("upstream {0} has no servers; name at least one")]
    NoEndpoint(ProviderName),
    /// The file of certificate authorities cannot be read.
    #[error("cannot read the certificate authorities in {}: {source}", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The file of certificate authorities can be read, but a certificate in it cannot.
    #[error("a certificate in {} cannot be used: {source}", path.display())]
    CaCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The file of certificate authorities holds none.
    #[error("{} holds no certificate (PEM); name a file of certificate authorities", .0.display())]
    CaEmpty(PathBuf),
    /// The system has no certificate authorities.
    #[error("this system has no certificate authorities; install ca-certificates or name a file with `ca`")]
    NoSystemRoots,
    /// No certificate can have this name.
    #[error("{0:?} is no name a certificate can have; set `server_name`")]
    ServerName(String),
    /// rustls cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// hyper's error with its causes, which its own text leaves out.
fn told(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The cause of type `E` somewhere below `error`.
pub(super) fn find_cause<E: Error + 'static>(error: &hyper::Error) -> Option<&E> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
