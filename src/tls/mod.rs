//! Certificate and key files become a checked rustls server configuration. Reads files at start and reload only.

use std::path::PathBuf;

/// What the operator wants of TLS.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The certificates, each with its key. The first one answers clients that name no host we have a certificate for.
    pub certificates: Vec<CertificateFiles>,
    /// Whether starting up may make a self-signed certificate where the files are absent.
    pub generate: bool,
}

/// One certificate chain and its private key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, the server's own certificate first.
    pub cert: PathBuf,
    /// The private key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}
