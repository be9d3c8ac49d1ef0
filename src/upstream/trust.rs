use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::SetupError;

/// A digest of what was read, so that a changed file makes a new endpoint and an unchanged one keeps its connections.
pub(super) type Fingerprint = [u8; 32];

/// The certificate authorities an endpoint is judged by. Read at start and reload, never on a worker.
pub(super) struct Trust {
    roots: RootCertStore,
    pub(super) fingerprint: Fingerprint,
}

impl Trust {
    /// The authorities in the PEM file `ca`, or the system's.
    pub(super) fn load(ca: Option<&Path>) -> Result<Self, SetupError> {
        match ca {
            Some(path) => Self::file(path),
            None => Self::system(),
        }
    }

    fn file(path: &Path) -> Result<Self, SetupError> {
        let unreadable = |source| SetupError::Ca { path: path.to_owned(), source };
        let certificates: Vec<_> =
            CertificateDer::pem_file_iter(path).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
        if certificates.is_empty() {
            return Err(SetupError::CaEmpty(path.to_owned()));
        }
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            let unusable = |source| SetupError::CaCertificate { path: path.to_owned(), source };
            roots.add(certificate.clone()).map_err(unusable)?;
        }
        Ok(Self { roots, fingerprint: fingerprint(&certificates) })
    }

    /// Systems carry authorities that no longer parse; those are left out, as everywhere.
    fn system() -> Result<Self, SetupError> {
        let certificates = rustls_native_certs::load_native_certs().certs;
        let mut roots = RootCertStore::empty();
        let fingerprint = fingerprint(&certificates);
        roots.add_parsable_certificates(certificates);
        if roots.is_empty() { Err(SetupError::NoSystemRoots) } else { Ok(Self { roots, fingerprint }) }
    }

    /// TLS 1.2 and 1.3 with these authorities; only HTTP/1.1 is offered, since that is all we speak to upstreams.
    pub(super) fn client_config(self) -> Result<ClientConfig, SetupError> {
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn fingerprint(certificates: &[CertificateDer<'_>]) -> Fingerprint {
    let mut context = digest::Context::new(&digest::SHA256);
    for certificate in certificates {
        context.update(certificate);
    }
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(context.finish().as_ref());
    fingerprint
}
