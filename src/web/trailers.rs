use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, COOKIE, EXPECT, HOST,
    LOCATION, MAX_FORWARDS, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE, STRICT_TRANSPORT_SECURITY, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Most trailer fields that are passed on for one message.
const MOST: usize = 32;

/// Whether a field says something that has to be known before a body is read: framing, routing, who is asking, how to
/// handle the answer (RFC 9110, section 6.5.1). Such a field behind a body is never passed on.
pub fn is_forbidden_trailer(name: &HeaderName) -> bool {
    const FORBIDDEN: [HeaderName; 21] = [
        AUTHORIZATION,
        CACHE_CONTROL,
        CONNECTION,
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        CONTENT_RANGE,
        CONTENT_TYPE,
        COOKIE,
        EXPECT,
        HOST,
        LOCATION,
        MAX_FORWARDS,
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        SET_COOKIE,
        STRICT_TRANSPORT_SECURITY,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
        WWW_AUTHENTICATE,
    ];
    FORBIDDEN.contains(name) || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings" | "x-request-id")
}

/// The fields that `Trailer` announces and that may follow a body; what `refused` says stays behind too.
pub fn announced_trailers(headers: &HeaderMap, refused: impl Fn(&HeaderName) -> bool) -> Vec<HeaderName> {
    let names = headers.get_all(TRAILER).iter().flat_map(|line| line.as_bytes().split(|b| *b == b','));
    let names = names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok());
    names.filter(|name| !is_forbidden_trailer(name) && !refused(name)).take(MOST).collect()
}

/// The line that announces these fields; `None` when there are none.
pub fn trailer_line(names: &[HeaderName]) -> Option<HeaderValue> {
    let line = names.iter().map(HeaderName::as_str).collect::<Vec<_>>().join(", ");
    if line.is_empty() { None } else { HeaderValue::try_from(line).ok() }
}

/// Whether the sender of these headers takes trailers (`TE: trailers`; RFC 9110, section 10.1.4).
pub fn takes_trailers(headers: &HeaderMap) -> bool {
    let words = headers.get_all(TE).iter().flat_map(|line| line.as_bytes().split(|b| *b == b','));
    words.into_iter().any(|word| word.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

/// Keeps only the fields for which `kept` says so.
pub fn filter_trailers(trailers: &mut HeaderMap, kept: impl Fn(&HeaderName) -> bool) {
    let doomed: Vec<HeaderName> = trailers.keys().filter(|name| !kept(name)).cloned().collect();
    for name in doomed {
        trailers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_announced_fields_pass() {
        let mut headers = HeaderMap::new();
        headers.append(TRAILER, HeaderValue::from_static("X-Sum, Content-Length , host"));
        headers.append(TRAILER, HeaderValue::from_static("X-Auth-User,bad name,,Grpc-Status"));
        let names = announced_trailers(&headers, |name| name == "x-auth-user");
        assert_eq!(names, ["x-sum", "grpc-status"]);
        assert_eq!(trailer_line(&names).unwrap(), "x-sum, grpc-status");
        assert_eq!(trailer_line(&[]), None);
        let mut trailers: HeaderMap = [("x-sum", "1"), ("x-other", "2")]
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .into_iter()
            .collect();
        filter_trailers(&mut trailers, |name| names.contains(name));
        assert_eq!(trailers.len(), 1);
    }

    #[test]
    fn trailers_are_taken_by_those_who_say_so() {
        let with = |value| HeaderMap::from_iter([(TE, HeaderValue::from_static(value))]);
        assert!(takes_trailers(&with("trailers")) && takes_trailers(&with("gzip;q=0.5, Trailers")));
        assert!(!takes_trailers(&with("gzip")) && !takes_trailers(&HeaderMap::new()));
    }
}
