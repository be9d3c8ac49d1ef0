use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::join;
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;

use super::support::*;
use crate::upstream::{Address, Endpoints, SendError, Settings, SetupError, Upstream};

/// An address where a connection is refused.
async fn refusing() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

async fn answer_one(origin: &Origin, body: &str) {
    origin.accept().await.answer(body).await;
}

#[tokio::test]
async fn requests_take_turns() {
    let origins = [Origin::new().await, Origin::new().await, Origin::new().await];
    let upstream = upstream_at(&origins.each_ref().map(|origin| origin.address));
    for round in 0..6 {
        let (got, ()) = join!(upstream.send(get(), 0), answer_one(&origins[round % 3], "mine"));
        assert_eq!(read(got.unwrap()).await.unwrap().body, "mine");
    }
    // Each worker counts for itself, beginning elsewhere.
    let (got, ()) = join!(upstream.send(get(), 1), answer_one(&origins[1], "mine"));
    got.unwrap();
}

#[tokio::test]
async fn a_refused_connection_goes_to_the_next_endpoint() {
    let origin = Origin::new().await;
    let upstream = upstream_at(&[refusing().await, origin.address]);
    let (mut client, body) = Client::new("content-length: 4").await;
    client.write("body").await;
    let (got, ()) = join!(upstream.send(request("POST", body), 0), async {
        let mut peer = origin.accept().await;
        peer.head().await;
        assert_eq!(peer.bytes(4).await, b"body");
        peer.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    });
    got.unwrap();
    assert_eq!(counters(&upstream).failed, 1);
}

#[tokio::test]
async fn an_endpoint_that_refuses_is_left_alone() {
    let origin = Origin::new().await;
    let upstream = upstream_at(&[refusing().await, origin.address]);
    for _ in 0..12 {
        let (got, ()) = join!(upstream.send(get(), 0), async {
            let mut peer = origin.accept().await;
            peer.head().await;
            peer.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
        });
        got.unwrap();
    }
    assert!(upstream.endpoints()[0].is_resting());
    assert!(!upstream.endpoints()[1].is_resting());
    assert_eq!(counters(&upstream).failed, 3);
}

#[tokio::test]
async fn the_last_endpoint_is_tried_however_often_it_refuses() {
    let upstream = upstream_at(&[refusing().await, refusing().await]);
    for _ in 0..5 {
        let error = within(upstream.send(get(), 0)).await.unwrap_err();
        assert!(matches!(error, SendError::Connect { .. }), "{error:?}");
        assert!(!error.is_timeout());
    }
    assert_eq!(counters(&upstream).failed, 5, "each once for each request");
    assert_eq!(upstream.endpoints()[1].counters().failed, 5);
}

#[tokio::test]
async fn an_endpoint_that_comes_back_is_used_again() {
    let address = refusing().await;
    let upstream = upstream_at(&[address]);
    for _ in 0..3 {
        within(upstream.send(get(), 0)).await.unwrap_err();
    }
    assert!(upstream.endpoints()[0].is_resting());
    let listener = TcpListener::bind(address).await.unwrap();
    let (got, ()) = join!(upstream.send(get(), 0), async {
        Peer::new(within(listener.accept()).await.unwrap().0).answer("back").await;
    });
    assert_eq!(read(got.unwrap()).await.unwrap().body, "back");
    assert!(!upstream.endpoints()[0].is_resting());
}

#[tokio::test]
async fn a_unix_socket_is_an_endpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let upstream = Upstream::new(settings(vec![Address::Unix { path }]), &Endpoints::new(1)).unwrap();
    let (got, ()) = join!(upstream.send(get(), 0), async {
        Peer::new(within(listener.accept()).await.unwrap().0).answer("unix").await;
    });
    assert_eq!(read(got.unwrap()).await.unwrap().body, "unix");
    assert!(upstream.endpoints()[0].label().starts_with("unix:/"));
}

#[tokio::test]
async fn a_name_is_resolved() {
    let origin = Origin::new().await;
    let address = Address::Http { host: "localhost".to_owned(), port: origin.address.port() };
    let upstream = Upstream::new(settings(vec![address]), &Endpoints::new(1)).unwrap();
    let (got, ()) = join!(upstream.send(get(), 0), answer_one(&origin, "named"));
    assert_eq!(read(got.unwrap()).await.unwrap().body, "named");
}

/// A certificate for `app.test`, in `folder`, and a server that has it.
struct Secure {
    origin: Origin,
    acceptor: TlsAcceptor,
    ca: std::path::PathBuf,
}

impl Secure {
    async fn new(folder: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["app.test".to_owned()]).unwrap();
        let ca = folder.join("ca.pem");
        std::fs::write(&ca, made.cert.pem()).unwrap();
        let chain = vec![CertificateDer::from(made.cert.der().to_vec())];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Self { origin: Origin::new().await, acceptor: TlsAcceptor::from(Arc::new(config)), ca }
    }

    fn address(&self, server_name: Option<&str>, ca: Option<&Path>) -> Address {
        Address::Https {
            host: "127.0.0.1".to_owned(),
            port: self.origin.address.port(),
            server_name: server_name.map(str::to_owned),
            ca: ca.map(Path::to_owned),
            dangerous_skip_verification: false,
        }
    }

    /// What a request to `address` gets.
    async fn ask(&self, address: Address) -> Result<Whole, SendError> {
        let upstream = Upstream::new(settings(vec![address]), &Endpoints::new(1)).unwrap();
        let (got, ()) = join!(upstream.send(get(), 0), async {
            let stream = self.origin.accept_raw().await;
            if let Ok(stream) = self.acceptor.accept(stream).await {
                Peer::new(stream).answer("secret").await;
            }
        });
        Ok(read(got?).await.unwrap())
    }
}

#[tokio::test]
async fn tls_is_judged_by_name_and_authority() {
    let folder = tempfile::tempdir().unwrap();
    let secure = Secure::new(folder.path()).await;
    let right = secure.ask(secure.address(Some("app.test"), Some(&secure.ca))).await.unwrap();
    assert_eq!(right.body, "secret");
    for wrong in [
        secure.address(Some("other.test"), Some(&secure.ca)),
        // The certificate does not hold the address.
        secure.address(None, Some(&secure.ca)),
        // Another authority.
        secure.address(Some("app.test"), Some(&Secure::new(tempfile::tempdir().unwrap().keep().as_path()).await.ca)),
    ] {
        let error = secure.ask(wrong).await.err();
        assert!(matches!(error, Some(SendError::Tls { .. })), "{error:?}");
    }
}

/// Any certificate, but still the one the handshake is signed with.
#[tokio::test]
async fn a_certificate_is_not_looked_at_only_where_that_is_said() {
    let secure = Secure::new(tempfile::tempdir().unwrap().path()).await;
    let Address::Https { host, port, .. } = secure.address(None, None) else { unreachable!() };
    let unverified = Address::Https { host, port, server_name: None, ca: None, dangerous_skip_verification: true };
    assert_eq!(secure.ask(unverified).await.unwrap().body, "secret");
    assert!(matches!(secure.ask(secure.address(None, None)).await.err(), Some(SendError::Tls { .. })));
}

#[tokio::test]
async fn an_endpoint_that_says_nothing_is_given_up_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let secure = Secure::new(folder.path()).await;
    let address = secure.address(Some("app.test"), Some(&secure.ca));
    let connect_timeout = Duration::from_millis(50);
    let settings = Settings { connect_timeout, ..settings(vec![address]) };
    let upstream = Upstream::new(settings, &Endpoints::new(1)).unwrap();
    // The system takes the connection, but nobody shakes hands.
    let error = within(upstream.send(get(), 0)).await.unwrap_err();
    assert!(matches!(error, SendError::ConnectTimeout { .. }), "{error:?}");
    assert!(error.is_timeout());
}

#[tokio::test]
async fn a_changed_authority_makes_another_endpoint() {
    let folder = tempfile::tempdir().unwrap();
    let secure = Secure::new(folder.path()).await;
    let address = secure.address(Some("app.test"), Some(&secure.ca));
    let endpoints = Endpoints::new(1);
    let first = endpoints.endpoint(&address).unwrap();
    assert!(Arc::ptr_eq(&first, &endpoints.endpoint(&address).unwrap()));
    assert!(!Arc::ptr_eq(&first, &endpoints.endpoint(&secure.address(None, Some(&secure.ca))).unwrap()));
    let other = rcgen::generate_simple_self_signed(vec!["app.test".to_owned()]).unwrap();
    std::fs::write(&secure.ca, other.cert.pem()).unwrap();
    assert!(!Arc::ptr_eq(&first, &endpoints.endpoint(&address).unwrap()));
}

#[test]
fn what_cannot_work_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let new = |endpoints| Upstream::new(settings(endpoints), &Endpoints::new(1)).err();
    assert!(matches!(new(vec![]), Some(SetupError::NoEndpoint(_))));
    let https = |name: &str, ca: &Path| {
        vec![Address::Https {
            host: name.to_owned(),
            port: 443,
            server_name: None,
            ca: Some(ca.to_owned()),
            dangerous_skip_verification: false,
        }]
    };
    assert!(matches!(new(https("app.test", &folder.path().join("none.pem"))), Some(SetupError::Ca { .. })));
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "nothing").unwrap();
    assert!(matches!(new(https("app.test", &empty)), Some(SetupError::CaEmpty(_))));
    let rubbish = folder.path().join("rubbish.pem");
    std::fs::write(&rubbish, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    assert!(matches!(new(https("app.test", &rubbish)), Some(SetupError::CaCertificate { .. })));
    let good = folder.path().join("good.pem");
    std::fs::write(&good, rcgen::generate_simple_self_signed(vec![]).unwrap().cert.pem()).unwrap();
    assert!(matches!(new(https("not a name", &good)), Some(SetupError::ServerName(_))));
    assert!(new(https("app.test", &good)).is_none());
}

#[test]
fn addresses_read_as_they_were_written() {
    let http = |host: &str| Address::Http { host: host.to_owned(), port: 80 }.to_string();
    assert_eq!(http("app"), "http://app:80");
    assert_eq!(http("::1"), "http://[::1]:80");
    assert_eq!(http("[::1]"), "http://[::1]:80");
    assert_eq!(Address::Unix { path: "/run/app.sock".into() }.to_string(), "unix:/run/app.sock");
}
