use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;

/// The hosts a stand-in may be called by: itself, and the university's that real clients ask.
const HOSTS: [&str; 6] = ["localhost", "127.0.0.1", "sso.mju.ac.kr", "sso1.mju.ac.kr", "msi.mju.ac.kr", "www.mju.ac.kr"];

/// A CA that exists for one stand-in only, and the server's configuration under it.
pub(super) struct Certificates {
    pub(super) ca_pem: String,
    pub(super) server: Arc<ServerConfig>,
}

/// Making them failed. There is nothing to be done about it but to say so.
#[derive(Debug, thiserror::Error)]
pub(super) enum CertificateFault {
    #[error("the stand-in's certificate cannot be made: {0}")]
    Making(#[from] rcgen::Error),
    #[error("the stand-in's certificate cannot be used: {0}")]
    Using(#[from] rustls::Error),
}

impl Certificates {
    pub(super) fn make() -> Result<Self, CertificateFault> {
        let mut ca = CertificateParams::new(Vec::new())?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        ca.distinguished_name.push(DnType::CommonName, "munjigi demo CA");
        let ca_key = KeyPair::generate()?;
        let ca_pem = ca.self_signed(&ca_key)?.pem();

        let mut leaf = CertificateParams::new(HOSTS.map(str::to_owned))?;
        leaf.distinguished_name.push(DnType::CommonName, "munjigi demo SSO");
        leaf.use_authority_key_identifier_extension = true;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let leaf_key = KeyPair::generate()?;
        let leaf = leaf.signed_by(&leaf_key, &Issuer::new(ca, ca_key))?;

        let key = PrivateKeyDer::Pkcs8(leaf_key.serialize_der().into());
        let server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)?;
        Ok(Self { ca_pem, server: Arc::new(server) })
    }
}
