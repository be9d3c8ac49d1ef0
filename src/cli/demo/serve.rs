use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::body::ReplyBody;

pub(super) type Reply = Response<ReplyBody>;

/// What a sample server does with a request. `None` closes the connection without a word.
pub(super) type Answering = Pin<Box<dyn Future<Output = Option<Reply>> + Send>>;
pub(super) type Handler = Arc<dyn Fn(Request<Incoming>) -> Answering + Send + Sync>;

/// A small HTTP/1.1 server on loopback. It ends, with all its connections, when it is dropped.
pub(super) struct Server {
    address: SocketAddr,
    running: AbortHandle,
}

impl Server {
    /// Serves on this port of 127.0.0.1; 0 takes a free one. Must be called on a tokio runtime, which carries it.
    pub(super) async fn start(port: u16, tls: Option<Arc<ServerConfig>>, handler: Handler) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let running = tokio::spawn(accept(listener, tls.map(TlsAcceptor::from), handler)).abort_handle();
        Ok(Self { address, running })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, handler: Handler) {
    // Connections end with this set, and the set ends with this task.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let (tls, handler) = (tls.clone(), handler.clone());
                connections.spawn(async move {
                    match tls {
                        None => serve(stream, handler).await,
                        Some(tls) => if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, handler).await;
                        },
                    }
                });
            },
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send, handler: Handler) {
    let service = service_fn(move |request| {
        let answering = handler(request);
        async move { answering.await.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionAborted)) }
    });
    // How a connection ends concerns nobody here.
    let _ = hyper::server::conn::http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// A reply with a body of this type.
pub(super) fn reply(status: StatusCode, content_type: &'static str, body: ReplyBody) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// A JSON reply.
pub(super) fn json(status: StatusCode, value: &serde_json::Value) -> Reply {
    reply(status, "application/json", ReplyBody::whole(value.to_string()))
}

/// Text as it may stand in HTML, in attributes too.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}
