use std::io;
use std::path::PathBuf;

use crate::base::Timestamp;

/// Something in the TLS settings with which no connection could be served. All of them are found in one run.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificate is configured.
    #[error("no certificate is configured; name at least one pair of cert and key")]
    NoCertificates,
    /// A file is not there.
    #[error("{0} does not exist; put the file there, or set generate = true in [tls] and run `munjigi run`")]
    Missing(PathBuf),
    /// A file is there and cannot be read.
    #[error("{path} cannot be read ({source}); let the user that runs munjigi read it")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate file holds no certificate, or a damaged one.
    #[error("{0} holds no certificate; it should have the lines \"-----BEGIN CERTIFICATE-----\" (PEM), the server's own first")]
    NoCertificate(PathBuf),
    /// A section of the file begins like PEM and is none.
    #[error("{path} is damaged: {detail}")]
    DamagedPem {
        /// Which file.
        path: PathBuf,
        /// What the reader said.
        detail: String,
    },
    /// The first certificate is no X.509 certificate for a server.
    #[error("the first certificate in {path} cannot be used: {detail}")]
    BadCertificate {
        /// Which file.
        path: PathBuf,
        /// What the parser said.
        detail: String,
    },
    /// The key file holds no key.
    #[error("{0} holds no private key; it should have a line like \"-----BEGIN PRIVATE KEY-----\" (PEM)")]
    NoKey(PathBuf),
    /// The key is locked with a passphrase.
    #[error("the private key in {0} is locked with a passphrase; unlock it with `openssl pkey -in OLD -out NEW`")]
    LockedKey(PathBuf),
    /// The key is of a kind that cannot be used.
    #[error("the private key in {path} cannot be used: {detail}; use ECDSA P-256 or P-384, RSA of 2048 bits or more, or Ed25519")]
    BadKey {
        /// Which file.
        path: PathBuf,
        /// What the cryptographic library said.
        detail: String,
    },
    /// Certificate and key do not belong together.
    #[error("the private key in {key} does not belong to the first certificate in {cert}")]
    KeyMismatch {
        /// The certificate file.
        cert: PathBuf,
        /// The key file.
        key: PathBuf,
    },
    /// The key belongs to a certificate that is not the first in its file.
    #[error("the certificates in {cert} stand in the wrong order: the one that belongs to {key} has to be the first")]
    WrongOrder {
        /// The certificate file.
        cert: PathBuf,
        /// The key file.
        key: PathBuf,
    },
    /// rustls does not take the whole.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// Something in the TLS files that an operator should know, and that does not stand in the way of starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsWarning {
    /// The certificate is past its end.
    Expired {
        /// Which file.
        path: PathBuf,
        /// When it ended.
        ended: Timestamp,
    },
    /// The certificate ends within two weeks.
    EndsSoon {
        /// Which file.
        path: PathBuf,
        /// Whole days left.
        days: u64,
    },
    /// The certificate names no host, so only clients that take anything will take it.
    NoNames(PathBuf),
    /// Everybody on the machine may read the key.
    KeyReadableByOthers(PathBuf),
}

impl std::fmt::Display for TlsWarning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Expired { path, ended } => {
                let day = httpdate::fmt_http_date(ended.system_time());
                write!(f, "the certificate in {} ended on {day}; clients will refuse it", path.display())
            }
            Self::EndsSoon { path, days } => write!(f, "the certificate in {} ends in {days} days", path.display()),
            Self::NoNames(path) => {
                write!(f, "the certificate in {} names no host (subject alternative name); browsers will refuse it", path.display())
            }
            Self::KeyReadableByOthers(path) => {
                write!(f, "everybody on this machine may read the private key {}; run `chmod 600` on it", path.display())
            }
        }
    }
}

/// Why no self-signed certificate was made.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// One of the two files is there already. Nothing was touched: a new one would not belong to it.
    #[error("{0} exists and the other file of the pair does not; put the missing one there or move this one away")]
    Exists(PathBuf),
    /// A file or its folder cannot be made.
    #[error("{path} cannot be made ({source}); let the user that runs munjigi write there, or make it yourself")]
    Write {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A name cannot stand in a certificate.
    #[error("no certificate can be made: {0}")]
    Certificate(rcgen::Error),
}
