use std::io;
use std::path::PathBuf;

use crate::config::Rejected;
use crate::gateway::BuildError;
use crate::observe::TracingError;
use crate::provider::SetupFault;
use crate::server::BindError;
use crate::store::sqlite::OpenError;
use crate::store::{LockError, StoreError};
use crate::tls::{GenerateError, TlsError};
use crate::upstream;

/// Why the gateway does not start, or does not take up a new configuration. Each is one clear sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The file.
    #[error("{0}")]
    Rejected(Rejected),
    /// Certificates or keys.
    #[error("{}", lines(.0))]
    Tls(Vec<TlsError>),
    /// Making a certificate.
    #[error("{0}")]
    Generate(#[from] GenerateError),
    /// Making a secret.
    #[error("cannot write the new secret {}: {source}", path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The gateway's own parts.
    #[error("{0}")]
    Build(#[from] BuildError),
    /// A provider.
    #[error("provider {name}: {fault}")]
    Provider {
        /// Which.
        name: String,
        /// What is wrong.
        fault: SetupFault,
    },
    /// Files that a start could make and a reload does not.
    #[error("{} is not there; a reload makes no files", .0.join(", "))]
    Missing(Vec<String>),
    /// An upstream.
    #[error("{0}")]
    Upstream(#[from] upstream::SetupError),
    /// A setting that a running process cannot change.
    #[error("{} changed, which only a restart can take up", .0.join(", "))]
    NeedsRestart(Vec<&'static str>),
    /// A file the configuration names.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A question that cannot be answered.
    #[error("{0}")]
    Question(String),
    /// The state directory.
    #[error("{0}")]
    State(#[from] LockError),
    /// The store's file.
    #[error("{0}")]
    Open(#[from] OpenError),
    /// The store.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A socket.
    #[error("{0}")]
    Bind(#[from] BindError),
    /// A second INT.
    #[error("interrupted before every request had finished")]
    Interrupted,
    /// The log.
    #[error("{0}")]
    Log(#[from] TracingError),
    /// What a command was told to work on is not there, or is of another kind.
    #[error("{0}")]
    Usage(String),
    /// The system does not give what a server needs.
    #[error("{what}: {source}")]
    System {
        /// What was wanted.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl From<Rejected> for Failure {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<Vec<TlsError>> for Failure {
    fn from(errors: Vec<TlsError>) -> Self {
        Self::Tls(errors)
    }
}

impl Failure {
    /// The exit code: 1 when the configuration is wrong, 3 when it is right but cannot be served here and now.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Rejected(_)
            | Self::Tls(_)
            | Self::Build(_)
            | Self::Provider { .. }
            | Self::Missing(_)
            | Self::Upstream(_)
            | Self::NeedsRestart(_)
            | Self::File { .. }
            | Self::Log(_) => 1,
            Self::Question(_) | Self::Usage(_) => 2,
            Self::Generate(_)
            | Self::Secret { .. }
            | Self::State(_)
            | Self::Open(_)
            | Self::Interrupted
            | Self::Store(_)
            | Self::Bind(_)
            | Self::System { .. } => 3,
        }
    }
}

fn lines(errors: &[TlsError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
