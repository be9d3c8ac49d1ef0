//! HTTP/2 clients: a polite one, and one that writes its frames by hand.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use super::PATIENCE;
use super::tls::{Tls, any_certificate};
use super::wire::Message;

/// One polite connection with a runtime of its own.
pub struct H2 {
    runtime: Runtime,
    sender: SendRequest<Full<Bytes>>,
    authority: String,
    begun: Vec<Incoming>,
}

impl H2 {
    /// Connects and agrees on h2.
    pub fn connect(address: SocketAddr) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let sender = runtime.block_on(async {
            let socket = TcpStream::connect(address).await.unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            let config = any_certificate(&[b"h2"], rustls::DEFAULT_VERSIONS);
            let stream = tokio_rustls::TlsConnector::from(config).connect(name, socket).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()), "h2 was not agreed on");
            let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            sender
        });
        Self { runtime, sender, authority: address.to_string(), begun: Vec::new() }
    }

    /// A request for this gateway, to be completed and given to [`H2::send`].
    pub fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder().version(Version::HTTP_2).method(method).uri(format!("https://{}{path}", self.authority))
    }

    /// Sends a request and reads its answer; an error text when the stream was refused.
    pub fn try_send(&mut self, request: http::request::Builder, body: &[u8]) -> Result<Message, String> {
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
        let Self { runtime, sender, .. } = self;
        let exchange = async {
            sender.ready().await.map_err(|error| error.to_string())?;
            let (head, body) = sender.send_request(request).await.map_err(|error| error.to_string())?.into_parts();
            let mut message = Message { start: format!("HTTP/2 {}", head.status.as_u16()), ..Message::default() };
            for (name, value) in &head.headers {
                message.fields.push((name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
            }
            let body = body.collect().await;
            message.whole = body.is_ok();
            if let Ok(body) = body {
                let told = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
                    (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                };
                message.trailers = body.trailers().into_iter().flatten().map(told).collect();
                message.body = body.to_bytes().to_vec();
            }
            Ok(message)
        };
        runtime.block_on(async { tokio::time::timeout(PATIENCE, exchange).await.expect("an answer came in time") })
    }

    /// Sends a request and reads its answer.
    #[track_caller]
    pub fn send(&mut self, request: http::request::Builder, body: &[u8]) -> Message {
        self.try_send(request, body).unwrap()
    }
}

impl H2 {
    /// Sends a request and reads the head and the first piece of its answer; the rest is left for [`H2::rests`].
    #[track_caller]
    pub fn begin(&mut self, request: http::request::Builder) {
        let request = request.body(Full::default()).unwrap();
        let Self { runtime, sender, begun, .. } = self;
        let first = async {
            sender.ready().await.unwrap();
            let mut body = sender.send_request(request).await.unwrap().into_body();
            assert!(matches!(body.frame().await, Some(Ok(_))), "no first piece");
            body
        };
        begun.push(runtime.block_on(async { tokio::time::timeout(PATIENCE, first).await.expect("an answer came in time") }));
    }

    /// How the answers begun before came to their ends.
    pub fn rests(&mut self) -> Vec<Result<Bytes, String>> {
        let Self { runtime, begun, .. } = self;
        let read =
            |body: Incoming| async { body.collect().await.map(http_body_util::Collected::to_bytes).map_err(|error| error.to_string()) };
        let all = begun.drain(..);
        all.map(|body| runtime.block_on(async { tokio::time::timeout(PATIENCE, read(body)).await.expect("an end came in time") })).collect()
    }
}

/// A connection whose frames are written by hand, for fields no library would send.
pub struct RawH2(Tls);

/// What a hand-written request was answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// An answer's head came (its fields are packed and not read here).
    Answered,
    /// The stream or the connection was refused.
    Refused,
}

impl RawH2 {
    /// Connects and sends preface and settings.
    pub fn connect(address: SocketAddr) -> Self {
        let mut tls = Tls::with(address, "localhost", any_certificate(&[b"h2"], rustls::DEFAULT_VERSIONS)).unwrap();
        tls.say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        tls.say(frame(0x4, 0, 0, &[]));
        Self(tls)
    }

    /// Sends one request without body as a single HEADERS frame, every field a literal as given, and waits for the verdict.
    pub fn ask(&mut self, fields: &[(&str, &str)]) -> Verdict {
        self.ask_status(fields).map_or(Verdict::Refused, |_| Verdict::Answered)
    }

    /// The same; the answer's status, or `None` when the stream or the connection was refused.
    pub fn ask_status(&mut self, fields: &[(&str, &str)]) -> Option<u16> {
        let mut block = Vec::new();
        for (name, value) in fields {
            // RFC 7541, section 6.2.2: literal without indexing, new name, no Huffman coding.
            block.push(0);
            for text in [name, value] {
                push_length(&mut block, text.len());
                block.extend_from_slice(text.as_bytes());
            }
        }
        // END_STREAM and END_HEADERS on stream 1.
        self.0.say(frame(0x1, 0x5, 1, &block));
        loop {
            let head = self.0.some_bytes_exactly(9)?;
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let kind = head[3];
            let payload = self.0.some_bytes_exactly(length)?;
            match kind {
                0x1 => return Some(packed_status(&payload)),
                // RST_STREAM, GOAWAY
                0x3 | 0x7 => return None,
                _ => {}
            }
        }
    }
}

/// The status at the front of a header block: in the static table (RFC 7541, appendix A), or three digits behind its name's
/// index, in Huffman coding (appendix B: five bits for 0, 1 and 2, six for the others).
fn packed_status(block: &[u8]) -> u16 {
    match block {
        [index @ 0x88..=0x8e, ..] => [200, 204, 206, 304, 400, 404, 500][usize::from(index - 0x88)],
        [0x48 | 0x08, length, text @ ..] if length & 0x80 == 0 => {
            std::str::from_utf8(&text[..usize::from(*length)]).unwrap().parse().unwrap()
        }
        [0x48 | 0x08, length, text @ ..] => {
            let bits: Vec<u16> =
                text[..usize::from(length & 0x7f)].iter().flat_map(|byte| (0..8).rev().map(move |at| u16::from(byte >> at & 1))).collect();
            let (mut at, mut status) = (0, 0);
            for _ in 0..3 {
                let read = |length: usize| bits[at..at + length].iter().fold(0, |sum, bit| sum * 2 + bit);
                let (digit, length) = if read(5) < 3 { (read(5), 5) } else { (read(6) - 0b01_1001 + 3, 6) };
                (at, status) = (at + length, status * 10 + digit);
            }
            status
        }
        other => panic!("no status at the front of {other:x?}"),
    }
}

/// RFC 9113, section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A length before a string without Huffman coding (RFC 7541, section 5.1: an integer with a prefix of seven bits).
pub(super) fn push_length(block: &mut Vec<u8>, length: usize) {
    let Some(mut rest) = length.checked_sub(127) else { return block.push(u8::try_from(length).unwrap()) };
    block.push(127);
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}
