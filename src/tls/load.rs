use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};

use super::names::Names;
use super::{CertificateFiles, CertificateInfo, Settings, TlsError, TlsWarning};
use crate::base::Timestamp;

/// Days before the end of a certificate at which it is time to say so.
const SOON: u64 = 14;

/// What lets a client take up an earlier session: the keys under which tickets are sealed. Made once for each process and
/// given to every configuration, so that a reload costs nobody a full handshake.
///
/// Sharing is safe because no configuration of ours asks for client certificates (rustls issue 2381).
#[derive(Clone)]
pub struct Resumption(Arc<dyn ProducesTickets>);

impl Resumption {
    /// New keys, changed by themselves every six hours; tickets are good for twelve.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn new() -> Result<Self, TlsError> {
        aws_lc_rs::Ticketer::new().map(Self).map_err(TlsError::Setup)
    }
}

/// A checked TLS configuration: versions 1.2 and 1.3, ALPN `h2` and `http/1.1`.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// What rustls needs.
    pub config: Arc<ServerConfig>,
    /// The certificates in use, in the order of the configuration.
    pub certificates: Vec<CertificateInfo>,
    /// What the operator should know.
    pub warnings: Vec<TlsWarning>,
}

impl ServerTls {
    /// Reads and checks all files. `now` is for warning of certificates that have ended.
    ///
    /// # Errors
    /// Every fault found, not only the first.
    pub fn load(settings: &Settings, resumption: &Resumption, now: Timestamp) -> Result<Self, Vec<TlsError>> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (mut errors, mut warnings, mut certificates) = (Vec::new(), Vec::new(), Vec::new());
        let mut names = Names::new();
        if settings.certificates.is_empty() {
            errors.push(TlsError::NoCertificates);
        }
        for files in &settings.certificates {
            if let Some((info, key)) = load_pair(files, &provider, &mut errors) {
                warn(&info, &files.key, now, &mut warnings);
                names.add(&info.names, &key);
                certificates.push(info);
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let config = build(provider, names, resumption).map_err(|error| vec![TlsError::Setup(error)])?;
        Ok(Self { config: Arc::new(config), certificates, warnings })
    }

    /// Whether any certificate vouches for itself: then HSTS must not be promised.
    pub fn self_made(&self) -> bool {
        self.certificates.iter().any(|certificate| certificate.self_made)
    }

    /// Whole days until the first certificate ends; 0 when one has ended.
    pub fn days_left(&self, now: Timestamp) -> u64 {
        self.certificates.iter().map(|certificate| certificate.days_left(now)).min().unwrap_or(0)
    }
}

fn build(provider: Arc<CryptoProvider>, names: Names, resumption: &Resumption) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(names));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = Arc::clone(&resumption.0);
    // Tickets hold the state, so no table of sessions has to be shared between cores, bounded, or kept over a reload.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

fn warn(info: &CertificateInfo, key: &Path, now: Timestamp, warnings: &mut Vec<TlsWarning>) {
    let days = info.days_left(now);
    if info.ends <= now {
        warnings.push(TlsWarning::Expired { path: info.path.clone(), ended: info.ends });
    } else if days < SOON {
        warnings.push(TlsWarning::EndsSoon { path: info.path.clone(), days });
    }
    if info.names.is_empty() {
        warnings.push(TlsWarning::NoNames(info.path.clone()));
    }
    if fs::metadata(key).is_ok_and(|meta| meta.permissions().mode() & 0o007 != 0) {
        warnings.push(TlsWarning::KeyReadableByOthers(key.to_owned()));
    }
}

/// Reads one pair. Looks at both files before giving up, so that both get their fault told.
fn load_pair(
    files: &CertificateFiles,
    provider: &CryptoProvider,
    errors: &mut Vec<TlsError>,
) -> Option<(CertificateInfo, Arc<CertifiedKey>)> {
    let chain = read_chain(&files.cert).map_err(|error| errors.push(error)).ok();
    let key = read_key(&files.key).map_err(|error| errors.push(error)).ok();
    let (chain, key) = (chain?, key?);
    check_pair(files, chain, key, provider).map_err(|error| errors.push(error)).ok()
}

fn check_pair(
    files: &CertificateFiles,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<(CertificateInfo, Arc<CertifiedKey>), TlsError> {
    let info = chain.first().ok_or_else(|| TlsError::NoCertificate(files.cert.clone())).and_then(|first| {
        CertificateInfo::read(files.cert.clone(), first).map_err(|detail| TlsError::BadCertificate { path: files.cert.clone(), detail })
    })?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| TlsError::BadKey { path: files.key.clone(), detail: error.to_string() })?;
    let belongs = |chain: Vec<CertificateDer<'static>>| {
        let pair = CertifiedKey::new(chain, Arc::clone(&key));
        match pair.keys_match() {
            // Unknown: the library cannot tell. Then the first handshake will.
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Some(pair),
            Err(_) => None,
        }
    };
    match belongs(chain.clone()) {
        Some(pair) => Ok((info, Arc::new(pair))),
        None if chain.into_iter().skip(1).any(|other| belongs(vec![other]).is_some()) => {
            Err(TlsError::WrongOrder { cert: files.cert.clone(), key: files.key.clone() })
        }
        None => Err(TlsError::KeyMismatch { cert: files.cert.clone(), key: files.key.clone() }),
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path)?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsError::DamagedPem { path: path.to_owned(), detail: error.to_string() })?;
    if chain.is_empty() { Err(TlsError::NoCertificate(path.to_owned())) } else { Ok(chain) }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = zeroize::Zeroizing::new(read(path)?);
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
        if !matches!(error, pem::Error::NoItemsFound) {
            TlsError::DamagedPem { path: path.to_owned(), detail: error.to_string() }
        } else if pem.windows(9).any(|window| window == b"ENCRYPTED") {
            TlsError::LockedKey(path.to_owned())
        } else {
            TlsError::NoKey(path.to_owned())
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "this module reads files, at start and reload")]
fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| {
        if source.kind() == ErrorKind::NotFound {
            TlsError::Missing(path.to_owned())
        } else {
            TlsError::Unreadable { path: path.to_owned(), source }
        }
    })
}

#[cfg(test)]
mod tests;
