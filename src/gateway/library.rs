use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::endpoints::Endpoint;
use super::intake::BearerFault;
use super::reply::{self, Reply};
use super::{Gateway, Refusal};
use crate::base::AccessToken;
use crate::web::field;

/// What makes the gateway look like flask-jwt-extended to clients that were written for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibrarySettings {
    /// Answer refusals with the library's codes and texts.
    pub errors: bool,
    /// The one member of such an answer (`JWT_ERROR_MESSAGE_KEY`).
    pub message_key: String,
    /// Where tokens are looked for.
    pub places: TokenPlaces,
    /// `POST /refresh` takes an access token that is still good, too.
    pub renew_with_access: bool,
    /// Other paths of `POST /refresh`.
    pub refresh_paths: Vec<String>,
    /// Origins whose pages may read what our own endpoints answer.
    pub cors_origins: Vec<String>,
}

/// Where tokens are looked for (`JWT_TOKEN_LOCATION`, `JWT_HEADER_NAME`, `JWT_HEADER_TYPE`, `JWT_QUERY_STRING_NAME`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPlaces {
    /// In a header.
    pub headers: bool,
    /// In our cookies.
    pub cookies: bool,
    /// In this parameter of the query; it is taken out before the application or a log sees it.
    pub query: Option<String>,
    /// Which header.
    pub header: HeaderName,
    /// What stands before the token; `None`: nothing.
    pub scheme: Option<String>,
}

impl Default for LibrarySettings {
    fn default() -> Self {
        let places = TokenPlaces { headers: true, cookies: true, query: None, header: AUTHORIZATION, scheme: Some("Bearer".to_owned()) };
        Self {
            errors: false,
            message_key: "msg".to_owned(),
            places,
            renew_with_access: false,
            refresh_paths: Vec::new(),
            cors_origins: Vec::new(),
        }
    }
}

impl TokenPlaces {
    /// Whether a token that a script can read would be of no use: then a login by JSON is answered with cookies.
    pub(super) const fn only_cookies(&self) -> bool {
        self.cookies && !self.headers && self.query.is_none()
    }

    /// The one token outside cookies. Two different ones in two places are nobody's; the same one twice is one.
    pub(super) fn presented(&self, headers: &HeaderMap, query: Option<&str>) -> Option<Result<AccessToken, BearerFault>> {
        let in_header = if self.headers { self.in_header(headers) } else { None };
        let in_query = self.query.as_deref().and_then(|name| Self::in_query(query?, name));
        match (in_header, in_query) {
            (Some(Ok(header)), Some(Ok(query))) if header.bytes() != query.bytes() => Some(Err(BearerFault)),
            (Some(header), _) => Some(header),
            (None, query) => query,
        }
    }

    /// The token of the one header with our scheme (RFC 6750, section 2.1); other schemes are the application's.
    fn in_header(&self, headers: &HeaderMap) -> Option<Result<AccessToken, BearerFault>> {
        let mut found = None;
        for line in headers.get_all(&self.header) {
            let bytes = line.as_bytes();
            let rest = match &self.scheme {
                Some(scheme) => {
                    let end = bytes.iter().position(|b| *b == b' ').unwrap_or(bytes.len());
                    if !bytes[..end].eq_ignore_ascii_case(scheme.as_bytes()) {
                        continue;
                    }
                    &bytes[end..]
                }
                // Without a scheme only what looks like a compact token is one: `Basic …` stays the application's.
                None if bytes.split(|b| *b == b'.').count() == 3 && !bytes.contains(&b' ') => bytes,
                None => continue,
            };
            let token = rest.trim_ascii();
            let single = !token.is_empty() && memchr::memchr2(b' ', b',', token).is_none();
            let read = if single && found.is_none() { Ok(AccessToken::within(line, token)) } else { Err(BearerFault) };
            found = Some(read);
        }
        found
    }

    fn in_query(query: &str, name: &str) -> Option<Result<AccessToken, BearerFault>> {
        let token = field(query.as_bytes(), name)?;
        let others = pieces(query).filter(|piece| is_named(piece, name)).count();
        Some(if others == 1 && !token.is_empty() { Ok(AccessToken::new(token)) } else { Err(BearerFault) })
    }

    /// The query as the application may see it: the rest of it byte for byte.
    pub(super) fn without_token(&self, query: Option<String>) -> Option<String> {
        let (Some(name), Some(query)) = (&self.query, &query) else { return query };
        if !pieces(query).any(|piece| is_named(piece, name)) {
            return Some(query.clone());
        }
        let kept: Vec<&str> = pieces(query).filter(|piece| !is_named(piece, name)).collect();
        if kept.is_empty() { None } else { Some(kept.join("&")) }
    }
}

fn pieces(query: &str) -> impl Iterator<Item = &str> {
    query.split('&')
}

fn is_named(piece: &str, name: &str) -> bool {
    field(piece.as_bytes(), name).is_some()
}

impl Gateway {
    /// An endpoint under another name that the operator gave it.
    pub(super) fn renamed(&self, path: &str) -> Option<Result<Endpoint, Refusal>> {
        self.settings.library.refresh_paths.iter().any(|other| other == path).then_some(Ok(Endpoint::Refresh))
    }

    /// The origin of a page elsewhere that may read the answers of our own endpoints (`cors_origins`); never of an application's.
    pub(super) fn cors_origin(&self, path: &str, headers: &HeaderMap) -> Option<HeaderValue> {
        let allowed = &self.settings.library.cors_origins;
        if allowed.is_empty() {
            return None;
        }
        let origin = headers.get(ORIGIN)?;
        let known = allowed.iter().any(|known| known.as_bytes() == origin.as_bytes());
        let ours = Endpoint::of(path, self.settings.aliases.default).is_some() || self.renamed(path).is_some();
        (known && ours).then(|| origin.clone())
    }

    /// A browser asks whether a page elsewhere may ask (the Fetch standard's preflight).
    pub(super) fn preflight(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Reply> {
        if *method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        self.cors_origin(path, headers)?;
        let mut reply = reply::empty(StatusCode::NO_CONTENT);
        let answer = reply.headers_mut();
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type, x-csrf-token"));
        answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        Some(reply)
    }
}

/// Lets a page of that origin read an answer.
pub(super) fn share(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    let Some(origin) = origin else { return };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.append(VARY, HeaderValue::from_static("Origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(query: Option<&str>, scheme: Option<&str>) -> TokenPlaces {
        let usual = LibrarySettings::default().places;
        TokenPlaces { query: query.map(str::to_owned), scheme: scheme.map(str::to_owned), ..usual }
    }

    fn shown(places: &TokenPlaces, header: Option<&str>, query: Option<&str>) -> Option<Result<String, BearerFault>> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(header).unwrap());
        }
        places.presented(&headers, query).map(|read| read.map(|token| token.expose().to_owned()))
    }

    #[test]
    fn a_token_is_found_where_the_settings_say_and_two_are_none() {
        let usual = places(None, Some("Bearer"));
        assert_eq!(shown(&usual, None, Some("jwt=a.b.c")), None);
        let query = places(Some("jwt"), Some("Bearer"));
        assert_eq!(shown(&query, None, Some("x=1&jwt=a.b.c")), Some(Ok("a.b.c".into())));
        assert_eq!(shown(&query, Some("Bearer a.b.c"), Some("jwt=a.b.c")), Some(Ok("a.b.c".into())));
        assert_eq!(shown(&query, Some("Bearer a.b.c"), Some("jwt=a.b.d")), Some(Err(BearerFault)));
        assert_eq!(shown(&query, None, Some("jwt=a.b.c&jwt=a.b.d")), Some(Err(BearerFault)));
        let bare = places(None, None);
        assert_eq!(shown(&bare, Some("a.b.c"), None), Some(Ok("a.b.c".into())));
        assert_eq!(shown(&bare, Some("Basic a.b.c"), None), None);
    }

    #[test]
    fn the_token_leaves_the_query_and_nothing_else_does() {
        let places = places(Some("jwt"), None);
        let left = |query: &str| places.without_token(Some(query.to_owned()));
        assert_eq!(left("a=%2F&jwt=x&b"), Some("a=%2F&b".to_owned()));
        assert_eq!(left("%6Awt=x"), None);
        assert_eq!(left("a=1&&b"), Some("a=1&&b".to_owned()));
    }
}
