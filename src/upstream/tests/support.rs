use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::identity::ProviderName;
use crate::upstream::connection::Connection;
use crate::upstream::*;
use crate::web::{Arriving, BodyTerms, BodyWatch, Pace, RequestBody, announced_trailers};

/// Nothing here takes this long, unless it is broken.
const BOUND: Duration = Duration::from_secs(60);

pub(super) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(BOUND, future).await.expect("done in time")
}

pub(super) fn settings(endpoints: Vec<Address>) -> Settings {
    Settings {
        name: ProviderName::new("app").unwrap(),
        endpoints,
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(10),
        keep_alive: Duration::from_secs(20),
        max_idle: 8,
        balancing: Balancing::default(),
    }
}

pub(super) fn at(address: SocketAddr) -> Address {
    Address::Http { host: address.ip().to_string(), port: address.port() }
}

pub(super) fn upstream_at(addresses: &[SocketAddr]) -> Upstream {
    Upstream::new(settings(addresses.iter().copied().map(at).collect()), &Endpoints::new(2)).unwrap()
}

/// What has happened at the first endpoint.
pub(super) fn counters(upstream: &Upstream) -> Counters {
    upstream.endpoints()[0].counters()
}

pub(super) fn request(method: &str, body: RequestBody) -> Request<RequestBody> {
    Request::builder().method(method).uri("/path?query").header("host", "app.test").body(body).unwrap()
}

pub(super) fn get() -> Request<RequestBody> {
    request("GET", RequestBody::empty())
}

/// An answer read to its end.
pub(super) struct Whole {
    pub(super) status: u16,
    pub(super) body: Bytes,
    pub(super) trailers: Option<HeaderMap>,
}

pub(super) async fn read(answer: Response<LeasedBody>) -> Result<Whole, UpstreamBodyError> {
    let status = answer.status().as_u16();
    let collected = within(answer.into_body().collect()).await?;
    let trailers = collected.trailers().cloned();
    Ok(Whole { status, body: collected.to_bytes(), trailers })
}

/// One origin on a real socket.
pub(super) struct Origin {
    listener: TcpListener,
    pub(super) address: SocketAddr,
}

impl Origin {
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    pub(super) async fn accept(&self) -> Peer<'static> {
        Peer::new(self.accept_raw().await)
    }

    pub(super) async fn accept_raw(&self) -> TcpStream {
        within(self.listener.accept()).await.unwrap().0
    }
}

/// The origin's end of one connection.
pub(super) struct Peer<'a>(Box<dyn Stream + 'a>);

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl<'a> Peer<'a> {
    pub(super) fn new(stream: impl Stream + 'a) -> Self {
        Self(Box::new(stream))
    }

    /// Reads the head of a request, and not a byte more.
    pub(super) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within(self.0.read_u8()).await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    pub(super) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        within(self.0.read_exact(&mut bytes)).await.unwrap();
        bytes
    }

    pub(super) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.0.write_all(bytes.as_ref())).await.unwrap();
        within(self.0.flush()).await.unwrap();
    }

    /// Reads a request without body and answers it.
    pub(super) async fn answer(&mut self, body: &str) -> String {
        let head = self.head().await;
        self.write(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
        head
    }

    /// Waits until the gateway has closed the connection; what it still sent does not matter.
    pub(super) async fn closed(mut self) {
        let mut rest = [0; 4096];
        while !matches!(within(self.0.read(&mut rest)).await, Ok(0) | Err(_)) {}
    }

    /// Writes until the gateway has closed the connection, and says how much was written; at most 64 MiB.
    pub(super) async fn flood(mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < 64 << 20 && within(self.0.write_all(bytes)).await.is_ok() {
            written += bytes.len();
        }
        written
    }
}

/// An upstream whose only connection is a pipe in memory, of which the other end is returned: for tests with paused time.
/// It counts as used before. Nothing listens at its address.
pub(super) async fn piped(settings: Settings, buffer: usize) -> (Upstream, Peer<'static>) {
    let upstream = Upstream::new(settings, &Endpoints::new(1)).unwrap();
    let peer = put_pipe(&upstream, buffer).await;
    (upstream, peer)
}

/// One more idle connection over a pipe.
pub(super) async fn put_pipe(upstream: &Upstream, buffer: usize) -> Peer<'static> {
    let (ours, theirs) = tokio::io::duplex(buffer);
    let connection = Connection::over(TokioIo::new(ours), "pipe".into(), false).await.unwrap();
    while !connection.is_ready() {
        tokio::task::yield_now().await;
    }
    upstream.endpoints()[0].shard(0).put(connection, Duration::from_secs(3600), 8);
    Peer::new(theirs)
}

/// An address where nothing listens.
pub(super) fn nowhere() -> Address {
    Address::Unix { path: "/nonexistent/munjigi-test.sock".into() }
}

/// The client of a request that has a body.
pub(super) struct Client {
    stream: DuplexStream,
}

impl Client {
    /// Sends `head` (lines that say how long the body is) and hands out the body as the gateway gets it.
    pub(super) async fn start(head: &str, most: u64, idle: Duration) -> (Self, RequestBody, BodyWatch) {
        let (mut stream, server) = tokio::io::duplex(1 << 20);
        let (heads, mut incoming) = mpsc::unbounded_channel::<Request<Incoming>>();
        let service = service_fn(move |request| {
            heads.send(request).unwrap();
            std::future::pending::<Result<Response<Empty<Bytes>>, Infallible>>()
        });
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service));
        stream.write_all(format!("POST / HTTP/1.1\r\nhost: app.test\r\n{head}\r\n\r\n").as_bytes()).await.unwrap();
        let request = within(incoming.recv()).await.unwrap();
        let (head, incoming) = request.into_parts();
        let terms = BodyTerms { most, pace: Pace { idle, min_rate: 0 }, trailers: announced_trailers(&head.headers, |_| false) };
        let (body, watch) = RequestBody::new(Arriving::new(&head, incoming, 0), terms);
        (Self { stream }, body, watch)
    }

    /// A client with nothing special about it.
    pub(super) async fn new(head: &str) -> (Self, RequestBody) {
        let (client, body, _) = Self::start(head, u64::MAX, Duration::from_secs(600)).await;
        (client, body)
    }

    pub(super) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.stream.write_all(bytes.as_ref())).await.unwrap();
    }
}

/// `upstream.send` on worker 0 in a task of its own.
pub(super) fn sending(
    upstream: &Arc<Upstream>,
    request: Request<RequestBody>,
) -> tokio::task::JoinHandle<Result<Response<LeasedBody>, SendError>> {
    let upstream = Arc::clone(upstream);
    tokio::spawn(async move { upstream.send(request, 0).await })
}
