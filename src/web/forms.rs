use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;

use super::{Arriving, BodyFault, BodyTerms, Pace, RequestBody};

/// Largest body of a request to one of our own endpoints.
const LARGEST: u64 = 64 * 1024;

/// How much of a form's body is looked through for a field.
const PEEKED: usize = 64 * 1024;

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

/// A field of the form a request carries (urlencoded or multipart), looked for in the beginning of its body, which stays whole
/// for whoever it is for. `None` when the body is no form, or the field does not stand there.
///
/// It is for secrets alone: whoever writes one anywhere into a body knows it, so that it does not matter whether the
/// application, which reads the form by rules of its own, would find the same field.
///
/// # Errors
/// Too slow, or broken off.
pub async fn peek_field(incoming: &mut Arriving, headers: &HeaderMap, name: &str) -> Result<Option<String>, BodyFault> {
    let multipart = is_multipart(headers);
    if !multipart && FormKind::of(headers) != FormKind::UrlEncoded {
        return Ok(None);
    }
    let seen = match tokio::time::timeout(LONGEST, incoming.peek(PEEKED)).await {
        Ok(seen) => seen.map_err(|_| BodyFault::Client)?,
        Err(_) => return Err(BodyFault::TooSlow),
    };
    Ok(if multipart { part(&seen, name) } else { field(&seen, name).map(std::borrow::Cow::into_owned) })
}

fn is_multipart(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"multipart/form-data"))
}

/// The one line behind the head of the part with this name (RFC 7578, section 4.2).
fn part(body: &[u8], name: &str) -> Option<String> {
    let find = |text: &[u8], wanted: &[u8]| text.windows(wanted.len()).position(|window| window == wanted);
    let named = format!("; name=\"{name}\"");
    let behind = &body[find(body, named.as_bytes())? + named.len()..];
    let value = &behind[find(behind, b"\r\n\r\n")? + 4..];
    String::from_utf8(value[..find(value, b"\r\n")?].to_vec()).ok()
}

/// Reads a JSON object into a structure. serde would take an array for one too; a client's author should hear of that.
pub fn from_json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Option<T> {
    if body.trim_ascii_start().starts_with(b"{") { serde_json::from_slice(body).ok() } else { None }
}

/// The fields of a form or query, percent-decoded; the first of a name counts.
pub fn field<'a>(encoded: &'a [u8], name: &str) -> Option<std::borrow::Cow<'a, str>> {
    form_urlencoded::parse(encoded).find(|(key, _)| key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_form_is_found_by_its_name() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"csrf_token\"\r\n\r\nx\r\n\
            --b\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\nvalue\r\n--b--\r\n";
        assert_eq!(part(body, "csrf_token").as_deref(), Some("value"));
        assert_eq!(part(body, "other"), None);
        assert_eq!(part(b"; name=\"csrf_token\"\r\n\r\nvalue", "csrf_token"), None, "cut off");
        assert_eq!(part(b"", "csrf_token"), None);
    }
}
