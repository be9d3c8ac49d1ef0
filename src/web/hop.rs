use http::header::{CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Field, Seen};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

// Not constants, of which each use would be a copy to make and to drop.
static ASKED_ABOUT: [(Field, HeaderName); 4] =
    [(Field::Te, TE), (Field::Trailer, TRAILER), (Field::TransferEncoding, TRANSFER_ENCODING), (Field::Upgrade, UPGRADE)];
static OTHERS: [HeaderName; 5] = [KEEP_ALIVE, PROXY_CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, HTTP2_SETTINGS];

/// Removes what belongs to one connection only (RFC 9110, section 7.6.1): the fields that `Connection` names, on every line
/// of it, and the well-known ones. `seen` is what these headers had when they came.
///
/// Always before identity headers are written: a client that lists `X-Auth-User` in `Connection` must not make a later hop
/// drop ours (Fabio CVE-2025-48865, Traefik CVE-2024-45410, Apache CVE-2022-31813).
pub fn strip_hop_by_hop(headers: &mut HeaderMap, seen: Seen) {
    // `keep-alive` alone, as most upstreams have it, names what is looked for below.
    let usual = || headers.get_all(CONNECTION).iter().all(|line| line.as_bytes().eq_ignore_ascii_case(b"keep-alive"));
    if seen.has(Field::Connection) && usual() {
        headers.remove(CONNECTION);
    } else if seen.has(Field::Connection) {
        let options = headers.get_all(CONNECTION).iter().flat_map(connection_options);
        let named: Vec<HeaderName> = options
            .flat_map(|option| headers.keys().filter(|name| name.as_str().as_bytes().eq_ignore_ascii_case(option)).cloned())
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    for (_, name) in ASKED_ABOUT.iter().filter(|(field, _)| seen.has(*field)) {
        headers.remove(name);
    }
    if seen.has(Field::HopByHop) {
        for name in &OTHERS {
            headers.remove(name);
        }
    }
}

fn connection_options(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    line.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii)
}

/// Whether a request asks for a websocket, the one protocol we switch to (RFC 6455, section 4.1). `h2c` is never one of
/// them: it would carry requests past every check.
pub fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let upgrades = || {
        headers
            .get_all(CONNECTION)
            .iter()
            .flat_map(connection_options)
            .any(|option| option.eq_ignore_ascii_case(UPGRADE.as_str().as_bytes()))
    };
    let mut protocols = headers.get_all(UPGRADE).iter();
    let websocket = protocols.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    websocket && protocols.next().is_none() && upgrades()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn every_connection_line_is_obeyed() {
        let mut headers = headers(&[
            ("connection", "close, X-Auth-User"),
            ("connection", "keep-alive,x-other , , bad name"),
            ("x-auth-user", "mallory"),
            ("x-other", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAMAAABkAAQCAAAAAAIAAAAA"),
            ("transfer-encoding", "chunked"),
            ("accept", "*/*"),
        ]);
        let seen = Seen::of(&headers);
        strip_hop_by_hop(&mut headers, seen);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
    }

    #[test]
    fn the_usual_line_takes_what_it_names_along() {
        let mut headers = headers(&[("connection", "Keep-Alive"), ("keep-alive", "timeout=5"), ("accept", "*/*")]);
        let seen = Seen::of(&headers);
        strip_hop_by_hop(&mut headers, seen);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
    }

    #[test]
    fn only_a_lone_websocket_is_an_upgrade() {
        assert!(asks_for_websocket(&headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")])));
        assert!(!asks_for_websocket(&headers(&[("connection", "Upgrade"), ("upgrade", "h2c")])));
        assert!(!asks_for_websocket(&headers(&[("connection", "Upgrade"), ("upgrade", "websocket, h2c")])));
        assert!(!asks_for_websocket(&headers(&[("connection", "Upgrade"), ("upgrade", "websocket"), ("upgrade", "h2c")])));
        assert!(!asks_for_websocket(&headers(&[("upgrade", "websocket")])));
    }
}
