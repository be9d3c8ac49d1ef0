use std::time::Duration;

use http::header::{CONTENT_LENGTH, TRAILER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version};
use http_body::Body as _;

use super::Breakage;
use super::upload::Outgoing;
use crate::web::RequestBody;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Makes the head say of the body what is true. We speak HTTP/1.1 whatever the client spoke, and the length is written
/// by us alone: hyper would send no body for a GET of unknown length, and would believe a `Content-Length` that is wrong.
pub(super) fn prepare(mut request: Request<RequestBody>) -> Request<Outgoing> {
    *request.version_mut() = Version::HTTP_11;
    let ended = request.body().is_end_stream();
    let length = request.body().size_hint().exact();
    let means_content = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
    let headers = request.headers_mut();
    headers.remove(TRANSFER_ENCODING);
    match length {
        // RFC 9110, section 8.6: said of methods that have content, and left out of the others.
        _ if ended && means_content => _ = headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0")),
        _ if ended && headers.get(CONTENT_LENGTH).is_none_or(|length| length == "0") => (),
        _ if ended => _ = headers.remove(CONTENT_LENGTH),
        // Only a chunked body can be followed by trailers.
        Some(length) if !headers.contains_key(TRAILER) => _ = headers.insert(CONTENT_LENGTH, HeaderValue::from(length)),
        Some(_) | None => {
            headers.remove(CONTENT_LENGTH);
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
    request.map(Outgoing::new)
}

/// Refuses an answer whose length could be read in two ways: what we read as its end, the client could read as the middle.
/// hyper lets some of these pass (equal `Content-Length` lines; `Transfer-Encoding` beside `Content-Length`).
pub(super) fn judge(headers: &HeaderMap) -> Result<(), Breakage> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next();
    if lengths.next().is_some() || length.is_some_and(|length| !is_number(length)) {
        return Err(Breakage::ContentLength);
    }
    let mut encodings = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(encoding) = encodings.next() else { return Ok(()) };
    if length.is_some() || encodings.next().is_some() || !encoding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return Err(Breakage::TransferEncoding);
    }
    Ok(())
}

fn is_number(value: &HeaderValue) -> bool {
    !value.is_empty() && value.as_bytes().iter().all(u8::is_ascii_digit)
}

/// How long the endpoint says it keeps the connection (`Keep-Alive: timeout=5`), less a margin for the way there.
pub(super) fn keep_alive(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(KEEP_ALIVE)?.to_str().ok()?;
    let seconds = value.split(',').find_map(|part| {
        let (name, number) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("timeout").then_some(number.trim())
    })?;
    let promised = Duration::from_secs(seconds.parse::<u32>().ok()?.into());
    Some(promised.saturating_sub((promised / 2).min(Duration::from_secs(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &[(&str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(line) {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn a_length_is_one_number() {
        assert!(judge(&head(&[])).is_ok());
        assert!(judge(&head(&[("content-length", "12")])).is_ok());
        for lines in [
            &[("content-length", "12"), ("content-length", "12")][..],
            &[("content-length", "12, 12")],
            &[("content-length", "+12")],
            &[("content-length", "")],
            &[("content-length", "0x1")],
        ] {
            assert!(matches!(judge(&head(lines)), Err(Breakage::ContentLength)), "{lines:?}");
        }
    }

    #[test]
    fn an_encoding_is_chunked_and_stands_alone() {
        assert!(judge(&head(&[("transfer-encoding", "Chunked")])).is_ok());
        for lines in [
            &[("transfer-encoding", "chunked"), ("content-length", "5")][..],
            &[("transfer-encoding", "gzip, chunked")],
            &[("transfer-encoding", "identity")],
            &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
        ] {
            assert!(matches!(judge(&head(lines)), Err(Breakage::TransferEncoding)), "{lines:?}");
        }
    }

    #[test]
    fn the_endpoints_own_limit_is_read_with_a_margin() {
        let limit = |value| keep_alive(&head(&[("keep-alive", value)]));
        assert_eq!(limit("timeout=5, max=100"), Some(Duration::from_secs(4)));
        assert_eq!(limit("max=3,Timeout = 2"), Some(Duration::from_secs(1)));
        assert_eq!(limit("timeout=1"), Some(Duration::from_millis(500)));
        assert_eq!(limit("timeout=0"), Some(Duration::ZERO));
        for value in ["", "max=5", "timeout", "timeout=-1", "timeout=soon"] {
            assert_eq!(limit(value), None, "{value:?}");
        }
    }

    #[test]
    fn a_request_without_body_says_so_truly() {
        let prepared = |method: &str, length: Option<&str>| {
            let mut request = Request::builder().method(method).version(Version::HTTP_2).uri("/");
            if let Some(length) = length {
                request = request.header(CONTENT_LENGTH, length);
            }
            let request = prepare(request.header(TRANSFER_ENCODING, "chunked").body(RequestBody::empty()).unwrap());
            assert_eq!(request.version(), Version::HTTP_11);
            assert!(!request.headers().contains_key(TRANSFER_ENCODING));
            request.headers().get(CONTENT_LENGTH).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(prepared("GET", None), None);
        assert_eq!(prepared("GET", Some("0")).as_deref(), Some("0"));
        assert_eq!(prepared("GET", Some("7")), None);
        assert_eq!(prepared("POST", None).as_deref(), Some("0"));
        assert_eq!(prepared("POST", Some("7")).as_deref(), Some("0"));
    }
}
