use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::SetupError;

/// A digest of what was read, so that a changed file makes a new endpoint and an unchanged one keeps its connections.
pub(super) type Fingerprint = [u8; 32];

/// The certificate authorities an endpoint is judged by. Read at start and reload, never on a worker.
pub(super) struct Trust {
    /// `None`: any certificate does.
    roots: Option<RootCertStore>,
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

    /// Everybody.
    pub(super) const fn none() -> Self {
        Self { roots: None, fingerprint: [0; 32] }
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
        Ok(Self { roots: Some(roots), fingerprint: fingerprint(&certificates) })
    }

    /// Systems carry authorities that no longer parse; those are left out, as everywhere.
    fn system() -> Result<Self, SetupError> {
        let certificates = rustls_native_certs::load_native_certs().certs;
        let mut roots = RootCertStore::empty();
        let fingerprint = fingerprint(&certificates);
        roots.add_parsable_certificates(certificates);
        if roots.is_empty() { Err(SetupError::NoSystemRoots) } else { Ok(Self { roots: Some(roots), fingerprint }) }
    }

    /// TLS 1.2 and 1.3 with these authorities; only HTTP/1.1 is offered, since that is all we speak to upstreams.
    pub(super) fn client_config(self) -> Result<ClientConfig, SetupError> {
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&crypto)).with_safe_default_protocol_versions()?;
        let mut config = match self.roots {
            Some(roots) => builder.with_root_certificates(roots).with_no_client_auth(),
            None => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(crypto))).with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Takes any certificate, but not any handshake: its signatures are checked with the key the certificate holds.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
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
