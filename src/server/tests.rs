//! The server against real sockets.

mod redirecting;
mod serving;
mod stopping;

use std::convert::Infallible;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::base::SystemClock;
use crate::observe::{LogFormat, LogTarget};
use crate::tls::testing::{Pair, pair};
use crate::tls::{Resumption, ServerTls};
use crate::web::Peer;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Long enough that only a broken test reaches it.
const BOUND: Duration = Duration::from_secs(20);

fn settings() -> Settings {
    Settings {
        listen: vec![LOOPBACK],
        listen_plain: Vec::new(),
        proxy_protocol: Vec::new(),
        socket_mode: 0o660,
        redirect_http: None,
        acme_webroot: None,
        workers: Some(2),
        handshake_timeout: BOUND,
        header_timeout: BOUND,
        send: Pace { idle: BOUND, min_rate: 0 },
        drain_timeout: BOUND,
        max_head: 16 * 1024,
        max_headers: 100,
        max_connections: 1000,
        max_connections_per_address: None,
        max_streams: 100,
    }
}

/// What the test's handler is told, and tells.
#[derive(Clone)]
struct Stage {
    /// A request to `/slow` was begun.
    begun: Arc<Notify>,
    /// Lets requests to `/slow` be answered.
    go: Arc<Semaphore>,
    tunnels: Tunnels,
}

/// A body of which one piece comes and then no more, for ever.
struct Endless(Option<Bytes>);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.take().map_or(Poll::Pending, |data| Poll::Ready(Some(Ok(Frame::data(data)))))
    }
}

type TestBody = http_body_util::Either<Full<Bytes>, Endless>;

async fn handle(stage: Stage, request: Request<Incoming>, peer: Arc<Peer>) -> Response<TestBody> {
    let full = |text: String| Response::new(TestBody::Left(Full::new(text.into())));
    match request.uri().path() {
        "/slow" => {
            stage.begun.notify_one();
            stage.go.acquire().await.unwrap().forget();
            full("at last".into())
        }
        "/panic" => panic!("a handler that panics, for a test"),
        "/endless" => Response::new(TestBody::Right(Endless(Some(Bytes::from_static(b"first"))))),
        "/peer" => full(format!("{} {} {} {} {}", peer.address, peer.port, peer.local, peer.secure, peer.worker)),
        "/echo" => {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            full(String::from_utf8_lossy(&body).into_owned())
        }
        "/tunnel" => {
            let close = stage.tunnels.close.clone();
            stage.tunnels.running.spawn(async move {
                let mut stream = TokioIo::new(hyper::upgrade::on(request).await.unwrap());
                let mut byte = [0; 1];
                loop {
                    tokio::select! {
                        read = stream.read_exact(&mut byte) => if read.is_err() { return },
                        () = close.cancelled() => { stream.write_all(b"bye").await.unwrap(); stream.shutdown().await.unwrap(); return }
                    }
                    stream.write_all(&byte).await.unwrap();
                }
            });
            let mut response = full(String::new());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("upgrade"));
            response.headers_mut().insert(header::UPGRADE, header::HeaderValue::from_static("test"));
            response
        }
        path => full(format!("{} {path}", request.method())),
    }
}

/// A running server and all that belongs to it.
struct House {
    server: Option<Server>,
    address: SocketAddr,
    environment: Environment,
    stage: Stage,
    certificate: Pair,
    resumption: Resumption,
    folder: TempDir,
}

fn environment(folder: &TempDir, tls: Arc<ServerConfig>) -> Environment {
    let metrics = Arc::new(Metrics::new());
    let target = LogTarget::File(folder.path().join("access.log"));
    Environment {
        tls: Arc::new(ArcSwap::new(tls)),
        trusted: Arc::default(),
        access_log: AccessLog::start(&target, LogFormat::Combined, metrics.log_lines_dropped.clone()).unwrap(),
        metrics,
        clock: Arc::new(SystemClock::new()),
        tunnels: Tunnels::default(),
    }
}

fn load(certificate: &Pair, resumption: &Resumption, folder: &TempDir) -> Arc<ServerConfig> {
    let files = certificate.write(folder.path(), "cert");
    let settings = crate::tls::Settings { certificates: vec![files], generate: false, watch: false };
    ServerTls::load(&settings, resumption, SystemClock::new().now()).unwrap().config
}

impl House {
    fn open() -> Self {
        Self::with(&settings())
    }

    fn with(settings: &Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, resumption) = (pair(&["localhost"]), Resumption::new().unwrap());
        let environment = environment(&folder, load(&certificate, &resumption, &folder));
        let stage = Stage { begun: Arc::default(), go: Arc::new(Semaphore::new(0)), tunnels: environment.tunnels.clone() };
        let for_handler = stage.clone();
        let handler = move |request, peer| handle(for_handler.clone(), request, peer);
        let server = Server::start(settings, Listeners::bind(settings).unwrap(), &environment, &handler).unwrap();
        let address = server.addresses()[0];
        Self { server: Some(server), address, environment, stage, certificate, resumption, folder }
    }

    fn trust(&self, protocols: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.cert.der().clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    async fn connect_with(&self, config: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        TlsConnector::from(config).connect(ServerName::try_from("localhost").unwrap(), stream).await
    }

    /// A TLS connection on which HTTP/1.1 was agreed.
    async fn connect(&self) -> TlsStream<TcpStream> {
        self.connect_with(self.trust(&["http/1.1"])).await.unwrap()
    }

    /// An HTTP/2 connection, driven by a task.
    async fn connect_http2(&self) -> hyper::client::conn::http2::SendRequest<Full<Bytes>> {
        let stream = self.connect_with(self.trust(&["h2", "http/1.1"])).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    fn metric(&self, line: &str) -> u64 {
        let text = self.environment.metrics.render();
        let found = text.lines().find_map(|l| l.strip_prefix(&format!("munjigi_{line} ")));
        found.unwrap_or_else(|| panic!("{line} not in\n{text}")).parse().unwrap()
    }

    fn faults(&self, reason: &str) -> u64 {
        self.metric(&format!("connection_faults_total{{reason=\"{reason}\"}}"))
    }

    /// Waits until a metric has this value.
    async fn until(&self, line: &str, value: u64) {
        let reached = async {
            while self.metric(line) != value {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        assert!(tokio::time::timeout(BOUND, reached).await.is_ok(), "{line} is {} and never became {value}", self.metric(line));
    }

    async fn stop(&mut self, deadline: Duration) -> Stopped {
        self.server.take().unwrap().stop(deadline).await
    }

    /// Waits until nobody listens any more.
    async fn closed(&self) {
        while TcpStream::connect(self.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    /// Everything in the access log; ends it.
    #[expect(clippy::disallowed_methods, reason = "a test reads what was written")]
    fn log(&self) -> String {
        self.environment.access_log.close();
        fs::read_to_string(self.log_path()).unwrap()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("access.log")
    }
}

fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(format!("https://localhost{path}")).body(Full::default()).unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Reads one response with a `Content-Length`, and leaves what follows.
async fn read_response(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(bounded(stream.read_u8()).await.unwrap());
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head.to_ascii_lowercase().lines().find_map(|l| l.strip_prefix("content-length: ").map(|n| n.parse().unwrap()));
    let mut body = vec![0; length.unwrap_or(0)];
    bounded(stream.read_exact(&mut body)).await.unwrap();
    head + &String::from_utf8(body).unwrap()
}

/// Reads until the peer closes, however it does.
async fn read_to_close(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let _ = bounded(stream.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn bounded<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, work).await.expect("something hangs")
}
