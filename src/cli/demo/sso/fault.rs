use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use encoding_rs::EUC_KR;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;

use crate::cli::demo::body::ReplyBody;
use crate::cli::demo::serve::{Reply, reply};

/// A way for an SSO to fail. Those about JSON make sense for the first generation only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers rightly, but so late.
    Slow(Duration),
    /// Never answers.
    Silent,
    /// Sends a byte now and then, for ever.
    Drip,
    /// 302 to somewhere else.
    Redirect,
    /// A page saying that the service is being maintained.
    Html,
    /// 200 and nothing.
    Empty,
    /// Half of the right answer, then the connection breaks.
    HalfBody,
    /// The right answer behind ten megabytes of blanks.
    TenMegabytes,
    /// A few kilobytes of gzip that grow to many megabytes.
    GzipBomb,
    /// 500.
    ServerError,
    /// 503.
    Unavailable,
    /// 403, as a firewall in front of it says.
    Forbidden,
    /// 404, as after the login was taken away.
    NotFound,
    /// 410.
    Gone,
    /// The connection ends without an answer.
    Close,
    /// The right answer, but in EUC-KR: no fault of the login, and no reason to fail.
    EucKr,
    /// The code 0 as a number.
    Number,
    /// The code in an array.
    ArrayField,
    /// The whole answer in an array.
    Array,
    /// No code.
    MissingCode,
    /// Two codes.
    DuplicateCode,
}

impl Fault {
    /// Every fault but [`Fault::EucKr`], which is none, and [`Fault::Slow`], which needs a time.
    pub const ALL: [Self; 19] = [
        Self::Silent,
        Self::Drip,
        Self::Redirect,
        Self::Html,
        Self::Empty,
        Self::HalfBody,
        Self::TenMegabytes,
        Self::GzipBomb,
        Self::ServerError,
        Self::Unavailable,
        Self::Forbidden,
        Self::NotFound,
        Self::Gone,
        Self::Close,
        Self::Number,
        Self::ArrayField,
        Self::Array,
        Self::MissingCode,
        Self::DuplicateCode,
    ];

    /// What becomes of the right answer.
    pub(super) async fn spoil(self, right: Reply) -> Spoiled {
        let page = |status, html: &'static str| reply(status, "text/html; charset=utf-8", ReplyBody::whole(html));
        let json = |text: &'static str| reply(StatusCode::OK, "application/json", ReplyBody::whole(text));
        Spoiled::Reply(match self {
            Self::Slow(span) => {
                tokio::time::sleep(span).await;
                right
            }
            Self::Silent => pending().await,
            Self::Drip => right.map(|_| ReplyBody::endless(Duration::from_millis(100), |_| Bytes::from_static(b" "))),
            Self::Redirect => with(page(StatusCode::FOUND, ""), LOCATION, "https://www.mju.ac.kr/mjukr/index.do"),
            Self::Html => page(StatusCode::OK, "<!doctype html><title>점검</title><h1>시스템 점검 중입니다.</h1>"),
            Self::Empty => right.map(|_| ReplyBody::empty()),
            Self::HalfBody => half(right).await,
            Self::TenMegabytes => right.map(|_| ReplyBody::repeated(Bytes::from(vec![b' '; 1024]), 10 * 1024)),
            Self::GzipBomb => with(right.map(|_| ReplyBody::whole(gzip_bomb())), CONTENT_ENCODING, "gzip"),
            Self::ServerError => page(StatusCode::INTERNAL_SERVER_ERROR, "<h1>HTTP Status 500</h1>"),
            Self::Unavailable => page(StatusCode::SERVICE_UNAVAILABLE, "<h1>503</h1>"),
            Self::Forbidden => page(StatusCode::FORBIDDEN, "<h1>Request blocked</h1>"),
            Self::NotFound => page(StatusCode::NOT_FOUND, "<h1>HTTP Status 404</h1>"),
            Self::Gone => page(StatusCode::GONE, "<h1>410</h1>"),
            Self::Close => return Spoiled::Closed,
            Self::EucKr => in_euc_kr(right).await,
            Self::Number => json(r#"{"error":0,"error_message":"정상처리되었습니다."}"#),
            Self::ArrayField => json(r#"{"error":["0000"]}"#),
            Self::Array => json(r#"[{"error":"0000"}]"#),
            Self::MissingCode => json(r#"{"error_message":"정상처리되었습니다."}"#),
            Self::DuplicateCode => json(r#"{"error":"VL-9001","error":"0000"}"#),
        })
    }
}

/// What is left of a right answer.
pub(super) enum Spoiled {
    Reply(Reply),
    /// The connection ends without one.
    Closed,
}

fn with(mut reply: Reply, name: HeaderName, value: &'static str) -> Reply {
    reply.headers_mut().insert(name, HeaderValue::from_static(value));
    reply
}

async fn whole(right: Reply) -> (http::response::Parts, Bytes) {
    let (head, body) = right.into_parts();
    // The stand-in's own bodies are in memory and do not break.
    (head, body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default())
}

async fn half(right: Reply) -> Reply {
    let (mut head, body) = whole(right).await;
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Reply::from_parts(head, ReplyBody::broken(body.slice(..body.len() / 2)))
}

async fn in_euc_kr(right: Reply) -> Reply {
    let (mut head, body) = whole(right).await;
    let (body, ..) = EUC_KR.encode(std::str::from_utf8(&body).unwrap_or_default());
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("text/html");
    let kind = content_type.split(';').next().unwrap_or_default();
    if let Ok(value) = HeaderValue::try_from(format!("{kind};charset=EUC-KR")) {
        head.headers.insert(CONTENT_TYPE, value);
    }
    Reply::from_parts(head, ReplyBody::whole(body.into_owned()))
}

/// A gzip stream of many megabytes of blanks: a block of its own for each, in the shortest form deflate has (RFC 1951,
/// 3.2.6: fixed codes; a length of 258 at distance 1 takes thirteen bits).
fn gzip_bomb() -> Bytes {
    let mut bits = Bits::default();
    bits.put(1, 1); // last block
    bits.put(1, 2); // fixed codes
    bits.put_code(0x30 + u32::from(b' '), 8);
    for _ in 0..100_000 {
        bits.put_code(0b1100_0101, 8); // length 258
        bits.put_code(0, 5); // distance 1
    }
    bits.put_code(0, 7); // end of block
    // RFC 1952: magic, deflate, no flags, no time, unknown system. The checksum behind it nobody gets to see.
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    gzip.append(&mut bits.bytes);
    gzip.extend([0; 8]);
    gzip.into()
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    /// A number, its lowest bit first.
    fn put(&mut self, value: u32, count: u32) {
        for at in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= u8::from(value >> at & 1 == 1) << (self.used % 8);
            }
            self.used += 1;
        }
    }

    /// A code, its highest bit first.
    fn put_code(&mut self, code: u32, count: u32) {
        for at in (0..count).rev() {
            self.put(code >> at & 1, 1);
        }
    }
}
