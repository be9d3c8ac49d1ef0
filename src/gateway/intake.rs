use http::header::{EXPECT, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, request};
use hyper::body::Incoming;

use super::endpoints::Told;
use super::{Gateway, HostFault, Refusal};
use crate::base::{AccessToken, ClientAddr};
use crate::routing::{CanonicalPath, HostName};
use crate::web::{
    Arriving, DoubledCookie, Field, HeaderText, Peer, PresentedCookies, Seen, SessionCookies, announced_trailers, asks_for_websocket,
    strip_hop_by_hop, takes_trailers,
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// A request that is well-formed, and from which everything was taken that only we may say. Only [`Gateway::intake`] makes
/// one; it has not been judged yet.
pub struct Intake {
    pub(super) method: Method,
    pub(super) host: HostName,
    pub(super) authority: HeaderValue,
    pub(super) path: CanonicalPath,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    /// What they had when they came.
    pub(super) seen: Seen,
    pub(super) body: Option<Arriving>,
    /// The fields that may follow the body.
    pub(super) trailers: Vec<HeaderName>,
    /// Whether fields may follow the answer's body.
    pub(super) takes_trailers: bool,
    pub(super) client: ClientAddr,
    pub(super) peer: Peer,
    pub(super) websocket: bool,
    /// Whether `/login` and its like at the root are ours on this host.
    pub(super) aliases: bool,
    pub(super) credentials: Credentials,
    pub(super) upgrade: Option<hyper::upgrade::OnUpgrade>,
    /// What a trusted proxy says of the request it asks about.
    pub(super) told: Option<Box<Told>>,
    forwarded_for: Option<HeaderValue>,
    secure: bool,
}

/// What a request shows to say who is asking. Nothing of it is known to be good.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    pub(super) bearer: Option<Result<AccessToken, BearerFault>>,
    pub(super) cookies: PresentedCookies,
    pub(super) doubled: Option<DoubledCookie>,
    /// The double-submit value of a form, once its body was looked into.
    pub(super) in_form: Option<String>,
}

/// An `Authorization` header that says Bearer but holds no single token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BearerFault;

impl Gateway {
    /// Host, framing, canonical path; hop-by-hop and identity headers stripped; credentials taken aside.
    ///
    /// Hop-by-hop fields go before anything is written, and identity headers go on every route, public ones too.
    pub(super) fn intake(&self, mut head: request::Parts, seen: Seen, body: Option<Incoming>, peer: &Peer) -> Result<Intake, Refusal> {
        let body = body.map(|body| Arriving::new(&head, body, self.settings.drain_body));
        if matches!(head.method, Method::CONNECT | Method::TRACE) {
            return Err(Refusal::Method { allowed: Vec::new() });
        }
        let target = head.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
        if target.len() > self.settings.max_target {
            return Err(Refusal::TargetTooLong);
        }
        // hyper counts them for HTTP/1 only.
        if head.headers.len() > self.settings.max_headers {
            return Err(Refusal::TooManyHeaders);
        }
        if seen.has(Field::TransferEncoding) {
            check_framing(&head)?;
        }
        let (host, authority) = host(&head)?;
        // Only HTTP/2 lets a client use one connection for several hosts.
        if head.version == Version::HTTP_2
            && peer.secure
            && self.settings.certificates.separates(peer.server_name.as_deref(), host.as_str())
        {
            return Err(Refusal::Misdirected);
        }
        let path = CanonicalPath::parse(head.uri.path())?;
        let query = head.uri.query().map(str::to_owned);
        let client = self.client(&head.headers, peer);
        let trusted = peer.is_trusted(&self.settings.trusted_proxies);
        let forwarded_for = if trusted { joined(&head.headers, "x-forwarded-for") } else { None };
        let secure = self.is_secure(&head.headers, peer);
        let told = (trusted && Told::is_wanted(path.as_str())).then(|| Box::new(Told::read(&head.headers)));
        let may_switch = head.method == Method::GET && head.version == Version::HTTP_11 && seen.has(Field::Upgrade);
        let websocket = may_switch && asks_for_websocket(&head.headers);
        let upgrade = websocket.then(|| head.extensions.remove::<hyper::upgrade::OnUpgrade>()).flatten();
        let credentials = self.credentials(&head.headers, seen, query.as_deref());
        let query = self.settings.library.places.without_token(query);
        let aliases = self.settings.aliases.active(Some(&host));
        let takes_trailers = seen.has(Field::Te) && takes_trailers(&head.headers);
        let not_theirs = |name: &HeaderName| self.identity_headers.is_reserved(name.as_str()) || name.as_str().contains('_');
        let trailers = if seen.has(Field::Trailer) { announced_trailers(&head.headers, not_theirs) } else { Vec::new() };
        strip_hop_by_hop(&mut head.headers, seen);
        self.identity_headers.strip(&mut head.headers);
        if seen.has(Field::Expect) {
            head.headers.remove(EXPECT);
        }
        Ok(Intake {
            method: head.method,
            host,
            authority,
            path,
            query,
            headers: head.headers,
            seen,
            body,
            trailers,
            takes_trailers,
            client,
            peer: peer.clone(),
            websocket,
            aliases,
            credentials,
            upgrade,
            told,
            forwarded_for,
            secure,
        })
    }

    /// The address a request is attributed to.
    pub(super) fn client(&self, headers: &HeaderMap, peer: &Peer) -> ClientAddr {
        if !peer.is_trusted(&self.settings.trusted_proxies) {
            return peer.address;
        }
        let lines: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or("?")).collect();
        if lines.is_empty() { peer.address } else { self.settings.trusted_proxies.client_behind(peer.address, &lines.join(",")) }
    }

    /// Whether the client speaks https: to us, or to a trusted proxy that says so, once and in this one word.
    pub(super) fn is_secure(&self, headers: &HeaderMap, peer: &Peer) -> bool {
        let said = || {
            let mut lines = headers.get_all(FORWARDED_PROTO).iter();
            lines.next().is_some_and(|value| value == "https") && lines.next().is_none()
        };
        peer.secure || (peer.is_trusted(&self.settings.trusted_proxies) && said())
    }

    pub(super) fn credentials(&self, headers: &HeaderMap, seen: Seen, query: Option<&str>) -> Credentials {
        let places = &self.settings.library.places;
        let (cookies, doubled) =
            if places.cookies && seen.has(Field::Cookie) { read_cookies(&self.cookies, headers) } else { Default::default() };
        Credentials { bearer: places.presented(headers, query), cookies, doubled, in_form: None }
    }
}

impl Intake {
    /// Our own origin as the client sees it, for comparing with `Origin`.
    pub(super) fn origin(&self) -> String {
        let (scheme, usual_port) = if self.secure { ("https", ":443") } else { ("http", ":80") };
        let authority = self.authority.to_str().unwrap_or_default();
        // A browser never writes the port that goes without saying; a proxy in front may.
        format!("{scheme}://{}", authority.strip_suffix(usual_port).unwrap_or(authority))
    }

    /// Path and query as they are forwarded.
    pub(super) fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path.as_str()),
            None => self.path.as_str().to_owned(),
        }
    }

    /// The same at the admin listener: its session is in other cookies, and nobody stands between it and who asks.
    pub(super) fn at_desk(mut self, cookies: &SessionCookies) -> Self {
        (self.client, self.secure) = (self.peer.address, false);
        (self.credentials.cookies, self.credentials.doubled) = read_cookies(cookies, &self.headers);
        self
    }

    /// Takes the body out, for an endpoint that reads it.
    pub(super) fn take_body(&mut self) -> Option<Arriving> {
        self.body.take()
    }

    /// Writes who asked whom and how, in our words; a trusted proxy's chain is carried on.
    pub(super) fn write_forwarding(headers: &mut HeaderMap, intake: ForwardingFacts, text: &mut HeaderText) {
        let mut shown = |address: ClientAddr| address.with_text(|address| text.text(address));
        if let Some(peer) = shown(intake.peer) {
            let client = if intake.client == intake.peer { Some(peer.clone()) } else { shown(intake.client) };
            let chain = match &intake.chain {
                Some(chain) => HeaderValue::from_bytes(&[chain.as_bytes(), b", ", peer.as_bytes()].concat()).unwrap_or(peer),
                None => peer,
            };
            headers.insert(FORWARDED_FOR, chain);
            if let Some(client) = client {
                headers.insert(REAL_IP, client);
            }
        }
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(if intake.secure { "https" } else { "http" }));
        headers.insert(FORWARDED_HOST, intake.authority.clone());
        headers.insert(HOST, intake.authority);
    }

    /// What [`Self::write_forwarding`] writes, taken before the request's parts go their own ways.
    pub(super) fn forwarding_facts(&self) -> ForwardingFacts {
        ForwardingFacts {
            peer: self.peer.address,
            client: self.client,
            chain: self.forwarded_for.clone(),
            secure: self.secure,
            authority: self.authority.clone(),
        }
    }
}

fn read_cookies(cookies: &SessionCookies, headers: &HeaderMap) -> (PresentedCookies, Option<DoubledCookie>) {
    match cookies.read(headers) {
        Ok(read) => (read, None),
        Err(doubled) => (PresentedCookies::default(), Some(doubled)),
    }
}

/// Who asked whom and how.
pub(super) struct ForwardingFacts {
    peer: ClientAddr,
    client: ClientAddr,
    chain: Option<HeaderValue>,
    secure: bool,
    authority: HeaderValue,
}

/// All lines of a field as one (RFC 9110, section 5.2).
fn joined(headers: &HeaderMap, name: &str) -> Option<HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    let (first, second) = (lines.next()?, lines.next());
    let Some(second) = second else { return Some(first.clone()) };
    let all = [first, second].into_iter().chain(lines).map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b", "[..]);
    HeaderValue::from_bytes(&all).ok()
}

/// Only `chunked` is an encoding of a request's transfer; HTTP/1.0 has none at all (Pingora CVE-2026-2835).
fn check_framing(head: &request::Parts) -> Result<(), Refusal> {
    let mut encodings = head.headers.get_all(TRANSFER_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => Ok(()),
        (Some(_), _) if head.version == Version::HTTP_10 => Err(Refusal::Framing),
        (Some(only), None) if only.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        (Some(_), _) => Err(Refusal::Framing),
    }
}

/// The one host a request is for. `Host` stands once; `:authority` or an absolute target must say the same.
fn host(head: &request::Parts) -> Result<(HostName, HeaderValue), HostFault> {
    let mut lines = head.headers.get_all(HOST).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return Err(HostFault::Doubled);
    }
    let said = match (line, head.uri.authority()) {
        (None, None) => return Err(HostFault::Missing),
        (Some(line), None) => line.to_str().map_err(|_| HostFault::NoHost)?,
        (None, Some(authority)) => authority.as_str(),
        (Some(line), Some(authority)) if line.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) => authority.as_str(),
        (Some(_), Some(_)) => return Err(HostFault::Contradiction),
    };
    if head.uri.scheme_str().is_some_and(|scheme| !matches!(scheme, "https" | "http")) {
        return Err(HostFault::NoHost);
    }
    // Beside an authority, which may be spelt in another case, the line is not what was read.
    read_host(said, line.filter(|_| head.uri.authority().is_none()))
}

/// A host with or without a port, and the same in its one form. `line` is the header that says it, if one does.
pub(super) fn read_host(said: &str, line: Option<&HeaderValue>) -> Result<(HostName, HeaderValue), HostFault> {
    let (name, port) = split_port(said).ok_or(HostFault::NoHost)?;
    let name = HostName::new(name).map_err(|_| HostFault::NoHost)?;
    let rest = said.strip_prefix(name.as_str());
    let in_one_form = match port {
        None => rest == Some(""),
        Some(_) => rest.and_then(|rest| rest.strip_prefix(':')).is_some_and(|digits| !digits.starts_with('0')),
    };
    if let Some(line) = line.filter(|_| in_one_form) {
        return Ok((name, line.clone()));
    }
    // Rewritten from its parts, so that the upstream sees the host that was judged, in its one form.
    let authority = port.map_or_else(|| name.to_string(), |port| format!("{name}:{port}"));
    let authority = HeaderValue::try_from(authority).map_err(|_| HostFault::NoHost)?;
    Ok((name, authority))
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    // Only behind the last bracket is a colon a port's.
    let mark = authority.bytes().rposition(|b| matches!(b, b':' | b']' | b'@'));
    let Some(colon) = mark.filter(|at| authority.as_bytes()[*at] != b']') else { return Some((authority, None)) };
    let (name, port) = (&authority[..colon], &authority[colon + 1..]);
    let is_port = authority.as_bytes()[colon] == b':' && !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    if is_port { Some((name, Some(port.parse().ok()?))) } else { None }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use rstest::rstest;

    use http::header::AUTHORIZATION;

    use super::*;

    fn parts(version: Version, uri: &str, headers: &[(&str, &str)]) -> request::Parts {
        let mut builder = Request::builder().version(version).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    /// Lesson 15.
    #[rstest]
    #[case("/", &[("host", "A.Example.COM")], "a.example.com")]
    #[case("/", &[("host", "a.example.com.")], "a.example.com")]
    #[case("/", &[("host", "a.example.com:8443")], "a.example.com:8443")]
    #[case("/", &[("host", "[::1]:8443")], "[::1]:8443")]
    #[case("https://a.example.com/", &[], "a.example.com")]
    #[case("https://a.example.com/", &[("host", "A.example.com")], "a.example.com")]
    fn hosts_are_read(#[case] uri: &str, #[case] headers: &[(&str, &str)], #[case] wanted: &str) {
        assert_eq!(host(&parts(Version::HTTP_11, uri, headers)).unwrap().1, wanted);
    }

    #[rstest]
    #[case("/", &[], HostFault::Missing)]
    #[case("/", &[("host", "a"), ("host", "a")], HostFault::Doubled)]
    #[case("/", &[("host", "")], HostFault::NoHost)]
    #[case("/", &[("host", "a b")], HostFault::NoHost)]
    #[case("/", &[("host", "a:b")], HostFault::NoHost)]
    #[case("/", &[("host", "a:")], HostFault::NoHost)]
    #[case("/", &[("host", "a:99999")], HostFault::NoHost)]
    #[case("/", &[("host", "user@a")], HostFault::NoHost)]
    #[case("/", &[("host", "a/b")], HostFault::NoHost)]
    #[case("/", &[("host", "a, b")], HostFault::NoHost)]
    #[case("https://a.example/", &[("host", "b.example")], HostFault::Contradiction)]
    fn what_names_no_one_host_is_refused(#[case] uri: &str, #[case] headers: &[(&str, &str)], #[case] fault: HostFault) {
        assert_eq!(host(&parts(Version::HTTP_11, uri, headers)).unwrap_err(), fault);
    }

    #[rstest]
    #[case(Version::HTTP_11, &[("transfer-encoding", "chunked")], true)]
    #[case(Version::HTTP_11, &[("transfer-encoding", "Chunked")], true)]
    #[case(Version::HTTP_11, &[], true)]
    #[case(Version::HTTP_10, &[("transfer-encoding", "chunked")], false)]
    #[case(Version::HTTP_11, &[("transfer-encoding", "gzip, chunked")], false)]
    #[case(Version::HTTP_11, &[("transfer-encoding", "chunked, chunked")], false)]
    #[case(Version::HTTP_11, &[("transfer-encoding", "chunked"), ("transfer-encoding", "identity")], false)]
    #[case(Version::HTTP_11, &[("transfer-encoding", "xchunked")], false)]
    fn only_chunked_is_a_transfer_encoding(#[case] version: Version, #[case] headers: &[(&str, &str)], #[case] good: bool) {
        assert_eq!(check_framing(&parts(version, "/", headers)).is_ok(), good);
    }

    #[rstest]
    #[case(&[], "none")]
    #[case(&["Basic dXNlcjpwdw=="], "none")]
    #[case(&["Bearer tok"], "tok")]
    #[case(&["bearer  tok"], "tok")]
    #[case(&["Basic x", "Bearer tok"], "tok")]
    #[case(&["Bearer"], "fault")]
    #[case(&["Bearer "], "fault")]
    #[case(&["Bearer a b"], "fault")]
    #[case(&["Bearer a,b"], "fault")]
    #[case(&["Bearer a", "Bearer b"], "fault")]
    #[case(&["Bearer a", "Bearer a"], "fault")]
    fn one_bearer_token_or_none(#[case] lines: &[&str], #[case] wanted: &str) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, HeaderValue::from_str(line).unwrap());
        }
        let found = match crate::gateway::LibrarySettings::default().places.presented(&headers, None) {
            None => "none".to_owned(),
            Some(Err(BearerFault)) => "fault".to_owned(),
            Some(Ok(token)) => token.expose().to_owned(),
        };
        assert_eq!(found, wanted);
    }
}
