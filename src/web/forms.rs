use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;

use super::{Arriving, BodyFault, BodyTerms, Pace, RequestBody};

/// Largest body of a request to one of our own endpoints.
const LARGEST: u64 = 64 * 1024;

/// How long such a body may take in all: it is a few hundred bytes.
const LONGEST: Duration = Duration::from_secs(15);

/// How the body of a request to one of our own endpoints is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FormKind {
    /// `application/json`
    Json,
    /// `application/x-www-form-urlencoded`, as pages send it.
    UrlEncoded,
    /// Anything else, or nothing said.
    Other,
}

impl FormKind {
    /// What the request's `Content-Type` says.
    pub fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(CONTENT_TYPE) else { return Self::Other };
        let kind = value.as_bytes().split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
        if kind.eq_ignore_ascii_case(b"application/json") || kind.to_ascii_lowercase().ends_with(b"+json") {
            Self::Json
        } else if kind.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            Self::UrlEncoded
        } else {
            Self::Other
        }
    }
}

/// Reads a whole body, bounded in size and time; no body is an empty one.
///
/// # Errors
/// Too large, too slow, or broken off.
pub async fn read_whole(incoming: Option<Arriving>) -> Result<Bytes, BodyFault> {
    let Some(incoming) = incoming else { return Ok(Bytes::new()) };
    let (body, _) =
        RequestBody::new(incoming, BodyTerms { most: LARGEST, pace: Pace { idle: LONGEST, min_rate: 0 }, trailers: Vec::new() });
    match tokio::time::timeout(LONGEST, body.collect()).await {
        Ok(collected) => collected.map(http_body_util::Collected::to_bytes),
        Err(_) => Err(BodyFault::TooSlow),
    }
}

/// Reads a JSON object into a structure. serde would take an array for one too; a client's author should hear of that.
pub fn from_json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Option<T> {
    if body.trim_ascii_start().starts_with(b"{") { serde_json::from_slice(body).ok() } else { None }
}

/// The fields of a form or query, percent-decoded; the first of a name counts.
pub fn field<'a>(encoded: &'a [u8], name: &str) -> Option<std::borrow::Cow<'a, str>> {
    form_urlencoded::parse(encoded).find(|(key, _)| key == name).map(|(_, value)| value)
}
