//! One TLS connection to the gateway, for tests that choose every byte they send.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned, SupportedProtocolVersion,
};

use super::PATIENCE;
use super::wire::{self, Ends, Message};

/// A connection after its handshake.
pub struct Tls(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Tls {
    /// Connects with HTTP/1.1 agreed on.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        Self::with(address, "localhost", any_certificate(&[b"http/1.1"], rustls::DEFAULT_VERSIONS)).unwrap()
    }

    /// Connects with everything chosen, and finishes the handshake.
    pub fn with(address: SocketAddr, name: &str, config: Arc<ClientConfig>) -> io::Result<Self> {
        Self::over(TcpStream::connect(address)?, name, config)
    }

    /// The same over a connection that is there.
    pub fn over(mut socket: TcpStream, name: &str, config: Arc<ClientConfig>) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let mut session = ClientConnection::new(config, name).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        Ok(Self(BufReader::new(StreamOwned::new(session, socket))))
    }

    /// What was agreed on.
    pub fn session(&self) -> &ClientConnection {
        &self.0.get_ref().conn
    }

    /// Sends bytes.
    #[track_caller]
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_say(bytes.as_ref()).unwrap();
    }

    /// Sends bytes to a gateway that may have hung up.
    pub fn try_say(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.0.get_mut();
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// The next answer, whole.
    #[track_caller]
    pub fn answer(&mut self) -> Message {
        self.try_answer().unwrap().expect("an answer came before the connection ended")
    }

    /// The next answer; `None` or an error when the connection ends instead.
    #[track_caller]
    pub fn try_answer(&mut self) -> io::Result<Option<Message>> {
        wire::read_message(&mut self.0, Ends::AsAnswer).map_err(not_a_timeout)
    }

    /// The next answer, to a HEAD request.
    #[track_caller]
    pub fn bare_answer(&mut self) -> Message {
        wire::read_message(&mut self.0, Ends::Bare).unwrap().expect("an answer came before the connection ended")
    }

    /// The head of the next answer, its body left to be read with [`Tls::some_bytes`].
    #[track_caller]
    pub fn answer_head(&mut self) -> Message {
        wire::parse_head(wire::read_head(&mut self.0).unwrap().expect("an answer came before the connection ended"))
    }

    /// Exactly so many bytes; `None` when the connection ends before.
    pub fn some_bytes_exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).map_err(not_a_timeout).ok().map(|()| bytes)
    }

    /// Whatever comes next; empty when the connection has ended, in whichever way.
    pub fn some_bytes(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 16 * 1024];
        let read = self.0.read(&mut bytes).map_err(not_a_timeout).unwrap_or(0);
        bytes.truncate(read);
        bytes
    }
}

/// Any end of a connection is an end; one that stays open and says nothing is a test that hangs.
#[track_caller]
fn not_a_timeout(error: io::Error) -> io::Error {
    assert!(!matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "nothing came within {PATIENCE:?}");
    error
}

/// A client that takes any certificate: a fresh gateway has made its own.
pub fn any_certificate(alpn: &[&[u8]], versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Arc::new(AnyCertificate(provider.clone()));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

/// A client that trusts only the given certificates, as a careful person would.
pub fn only_trusting(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Arc<ClientConfig> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root).unwrap();
    }
    let config =
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider())).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(store).with_no_client_auth())
}

#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
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

    // The signature of the handshake is still checked: the gateway must hold the key of the certificate it shows.
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
