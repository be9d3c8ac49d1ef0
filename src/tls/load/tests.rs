use rcgen::KeyPair;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, HandshakeKind, ServerConnection, SignatureScheme};

use super::super::testing::{Pair, pair, pair_until, set_mode};
use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_795_249_260);

fn settings(certificates: Vec<CertificateFiles>) -> Settings {
    Settings { certificates, generate: false, watch: false }
}

fn load(certificates: Vec<CertificateFiles>) -> Result<ServerTls, Vec<TlsError>> {
    ServerTls::load(&settings(certificates), &Resumption::new().unwrap(), NOW)
}

/// Takes any certificate: these tests ask which one is shown, not whether it is trusted.
#[derive(Debug)]
struct TakeAny(Vec<SignatureScheme>);

impl ServerCertVerifier for TakeAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}

fn client(versions: &[&'static rustls::SupportedProtocolVersion], schemes: &[SignatureScheme]) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TakeAny(schemes.to_vec())))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

fn any_client() -> Arc<ClientConfig> {
    client(rustls::ALL_VERSIONS, &[SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519])
}

/// A handshake in memory, and a byte from the server so that tickets arrive.
fn handshake(server: &Arc<ServerConfig>, client: &Arc<ClientConfig>, name: &str) -> ClientConnection {
    let mut client = ClientConnection::new(Arc::clone(client), ServerName::try_from(name.to_owned()).unwrap()).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    for _ in 0..4 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut from = &bytes[..];
        while !from.is_empty() {
            server.read_tls(&mut from).unwrap();
            server.process_new_packets().unwrap();
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut from = &bytes[..];
        while !from.is_empty() {
            client.read_tls(&mut from).unwrap();
            client.process_new_packets().unwrap();
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    client
}

fn shows(tls: &ServerTls, name: &str, pair: &Pair) -> bool {
    handshake(&tls.config, &any_client(), name).peer_certificates().unwrap()[0] == *pair.cert.der()
}

#[test]
fn the_certificate_follows_the_name() {
    let dir = tempfile::tempdir().unwrap();
    let (first, exact, wild) = (pair(&["first.example"]), pair(&["a.mju.example"]), pair(&["*.mju.example"]));
    let tls = load(vec![first.write(dir.path(), "1"), exact.write(dir.path(), "2"), wild.write(dir.path(), "3")]).unwrap();
    assert!(shows(&tls, "first.example", &first));
    assert!(shows(&tls, "a.mju.example", &exact));
    assert!(shows(&tls, "A.MJU.example", &exact));
    assert!(shows(&tls, "b.mju.example", &wild));
    // A wildcard stands for exactly one label (RFC 9525, section 6.3).
    assert!(shows(&tls, "x.b.mju.example", &first));
    assert!(shows(&tls, "mju.example", &first));
    assert!(shows(&tls, "stranger.example", &first));
    // An address is no server name: the default answers.
    assert!(shows(&tls, "127.0.0.1", &first));
}

#[test]
fn kinds_of_keys_stand_side_by_side_under_one_name() {
    let dir = tempfile::tempdir().unwrap();
    let ecdsa = pair(&["a.example"]);
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let cert = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    let edwards = Pair { cert, key };
    let tls = load(vec![ecdsa.write(dir.path(), "ecdsa"), edwards.write(dir.path(), "edwards")]).unwrap();
    for (scheme, expected) in [(SignatureScheme::ECDSA_NISTP256_SHA256, &ecdsa), (SignatureScheme::ED25519, &edwards)] {
        for name in ["a.example", "unknown.example"] {
            let client = handshake(&tls.config, &client(rustls::ALL_VERSIONS, &[scheme]), name);
            assert_eq!(client.peer_certificates().unwrap()[0], *expected.cert.der(), "{scheme:?} {name}");
        }
    }
}

#[test]
fn both_versions_resume_across_a_reload_and_not_without_the_shared_keys() {
    let dir = tempfile::tempdir().unwrap();
    let files = pair(&["a.example"]).write(dir.path(), "a");
    let resumption = Resumption::new().unwrap();
    let load = |resumption: &Resumption| ServerTls::load(&settings(vec![files.clone()]), resumption, NOW).unwrap().config;
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let client = client(&[version], &[SignatureScheme::ECDSA_NISTP256_SHA256]);
        let first = handshake(&load(&resumption), &client, "a.example");
        assert_eq!(first.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(first.protocol_version(), Some(version.version));
        assert_eq!(first.alpn_protocol(), Some(&b"h2"[..]));
        let reloaded = load(&resumption);
        assert_eq!(handshake(&reloaded, &client, "a.example").handshake_kind(), Some(HandshakeKind::Resumed), "{version:?}");
        let stranger = load(&Resumption::new().unwrap());
        assert_eq!(handshake(&stranger, &client, "a.example").handshake_kind(), Some(HandshakeKind::Full), "{version:?}");
    }
}

#[test]
fn every_fault_is_told_in_one_run() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let write = |name: &str, text: &str| {
        fs::write(at(name), text).unwrap();
        at(name)
    };
    let (good, other) = (pair(&["a.example"]), pair(&["b.example"]));
    let good_files = good.write(dir.path(), "good");
    let other_files = other.write(dir.path(), "other");
    let chain = write("chain.crt", &format!("{}{}", other.cert.pem(), good.cert.pem()));
    let files = |cert: &Path, key: &Path| CertificateFiles { cert: cert.to_owned(), key: key.to_owned() };
    let locked = write("locked.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let small = write("odd.key", "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n");
    let cut = write("cut.crt", &good.cert.pem()[..100]);
    let odd = write("odd.crt", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
    let empty = write("empty", "");
    let errors = load(vec![
        files(&at("absent.crt"), &at("absent.key")),
        files(&empty, &empty),
        files(&good_files.cert, &locked),
        files(&good_files.cert, &small),
        files(&cut, &good_files.key),
        files(&odd, &good_files.key),
        files(&good_files.cert, &other_files.key),
        files(&chain, &good_files.key),
        files(dir.path(), &good_files.key),
    ])
    .unwrap_err();
    let words: Vec<_> = errors.iter().map(|error| format!("{error:?}").split(['(', ' ']).next().unwrap().to_owned()).collect();
    let expected = [
        "Missing",
        "Missing",
        "NoCertificate",
        "NoKey",
        "LockedKey",
        "BadKey",
        "DamagedPem",
        "BadCertificate",
        "KeyMismatch",
        "WrongOrder",
        "Unreadable",
    ];
    assert_eq!(words, expected, "{errors:?}");
    for error in &errors {
        assert!(error.to_string().len() > 30 && !error.to_string().ends_with('.'), "{error}");
    }
    assert!(matches!(load(vec![]).unwrap_err()[..], [TlsError::NoCertificates]));
}

#[test]
fn what_is_odd_but_usable_is_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let ended = pair_until(&["old.example"], (2020, 1, 1)).write(dir.path(), "old");
    let nameless = pair(&[]).write(dir.path(), "nameless");
    set_mode(&nameless.key, 0o644);
    let soon = pair_until(&["soon.example"], (2026, 11, 25)).write(dir.path(), "soon");
    let tls = load(vec![ended.clone(), nameless.clone(), soon.clone()]).unwrap();
    let [first, no_names, readable, ends_soon] = &tls.warnings[..] else { panic!("{:?}", tls.warnings) };
    assert!(matches!(first, TlsWarning::Expired { path, .. } if *path == ended.cert));
    assert_eq!(*no_names, TlsWarning::NoNames(nameless.cert));
    assert_eq!(*readable, TlsWarning::KeyReadableByOthers(nameless.key));
    assert_eq!(*ends_soon, TlsWarning::EndsSoon { path: soon.cert, days: 3 });
    assert_eq!(tls.days_left(NOW), 0);
}
