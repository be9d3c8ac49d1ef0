//! Certificate and key files become a checked rustls server configuration. Reads files at start and reload only.
//!
//! It must never hand out a configuration with a certificate whose key does not belong to it, and never overwrite a file.

mod certificate;
mod coverage;
mod error;
mod generate;
mod load;
mod names;
#[cfg(test)]
pub(crate) mod testing;

use std::path::PathBuf;

pub use certificate::CertificateInfo;
pub use coverage::Coverage;
pub use error::{GenerateError, TlsError, TlsWarning};
pub use generate::generate;
pub use load::{Resumption, ServerTls};

/// What the operator wants of TLS.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The certificates, each with its key. The first one answers clients that name no host we have a certificate for.
    pub certificates: Vec<CertificateFiles>,
    /// Whether starting up may make a self-signed certificate where the files are absent.
    pub generate: bool,
    /// Whether changed files are taken up by themselves; else a reload does it.
    pub watch: bool,
}

/// One certificate chain and its private key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, the server's own certificate first.
    pub cert: PathBuf,
    /// The private key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}
