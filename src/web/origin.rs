use http::header::{ORIGIN, UPGRADE};
use http::{HeaderMap, HeaderName, Method};
use subtle::ConstantTimeEq as _;

use super::CsrfSettings;

// Made once: a name given as text is looked at letter by letter at each request.
static FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
static FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
static REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// Why a request with cookie identity is not taken: a page of another site may have sent it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum CrossSite {
    /// The browser says it comes from another site, or from a neighbour that is not on the list.
    #[error("the request comes from another site")]
    Foreign,
    /// Neither `Sec-Fetch-Site` nor `Origin`: nothing says where it comes from.
    #[error("the request does not say where it comes from")]
    Unsaid,
}

/// Whether a request may change something on the strength of a cookie alone.
///
/// The browser's own word is asked first (`Sec-Fetch-Site`, Fetch Metadata), since pages cannot forge it; browsers that do not
/// say it send `Origin`. `same-site` is a stranger: neighbours under `ac.kr` belong to other people.
///
/// # Errors
/// Where it comes from instead.
pub fn from_our_pages(headers: &HeaderMap, own_origin: &str, settings: &CsrfSettings) -> Result<(), CrossSite> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let origin = origins.next().map(http::HeaderValue::as_bytes);
    let trusted = || origin.is_some_and(|origin| settings.trusted_origins.iter().any(|listed| listed.as_bytes() == origin));
    if origins.next().is_some() {
        return Err(CrossSite::Foreign);
    }
    match headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes) {
        Some(b"same-origin" | b"none") => Ok(()),
        Some(_) if trusted() => Ok(()),
        Some(_) => Err(CrossSite::Foreign),
        None if trusted() || origin.is_some_and(|origin| origin.eq_ignore_ascii_case(own_origin.as_bytes())) => Ok(()),
        None if origin.is_some() => Err(CrossSite::Foreign),
        None => Err(CrossSite::Unsaid),
    }
}

/// Why a double-submit check fails. flask-jwt-extended answers both with 401.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum DoubleSubmit {
    /// No `X-CSRF-TOKEN`, or more than one.
    #[error("the CSRF token is missing")]
    Missing,
    /// It is not the token's.
    #[error("the CSRF token is not that of the session")]
    Mismatch,
}

/// The header of the double submit.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// Whether `X-CSRF-TOKEN` holds the `csrf` claim of the token in the cookie, which only a page of our own origin can read
/// (flask-jwt-extended's rule for cookies); without the header `in_form` counts, what stands in the field of a form. Compared
/// in constant time.
///
/// # Errors
/// What is wrong.
pub fn double_submit(headers: &HeaderMap, in_form: Option<&str>, csrf: &str) -> Result<(), DoubleSubmit> {
    let mut lines = headers.get_all(CSRF_HEADER).iter().filter(|line| !line.is_empty());
    let submitted = match (lines.next(), lines.next()) {
        (Some(line), None) => line.as_bytes(),
        (None, _) => in_form.filter(|text| !text.is_empty()).ok_or(DoubleSubmit::Missing)?.as_bytes(),
        (Some(_), Some(_)) => return Err(DoubleSubmit::Missing),
    };
    if bool::from(submitted.ct_eq(csrf.as_bytes())) { Ok(()) } else { Err(DoubleSubmit::Mismatch) }
}

/// Whether a method only reads (RFC 9110, section 9.2.1).
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Whether whoever waits for the answer is a person looking at a page, rather than a program. When unclear: a program, since
/// a program that gets a login page takes it for data, while a person who gets JSON still reads what is wrong.
pub fn wants_page(method: &Method, headers: &HeaderMap) -> bool {
    let value = |name: &HeaderName| headers.get(name).map(http::HeaderValue::as_bytes);
    if !matches!(*method, Method::GET | Method::HEAD) {
        return false;
    }
    match (value(&FETCH_MODE), value(&FETCH_DEST)) {
        (Some(b"navigate"), Some(b"document" | b"iframe" | b"frame") | None) => true,
        (Some(_), _) => false,
        (None, _) => accepts_html(headers) && value(&REQUESTED_WITH).is_none() && value(&UPGRADE).is_none(),
    }
}

/// Whether `Accept` names HTML.
pub fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get_all(http::header::ACCEPT).iter().any(|line| {
        line.as_bytes().split(|b| *b == b',').any(|range| {
            let kind = range.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
            kind.eq_ignore_ascii_case(b"text/html") || kind.eq_ignore_ascii_case(b"application/xhtml+xml")
        })
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use rstest::rstest;

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in list {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    #[rstest]
    #[case(&[("sec-fetch-site", "same-origin")], Ok(()))]
    #[case(&[("sec-fetch-site", "none")], Ok(()))]
    #[case(&[("sec-fetch-site", "same-site"), ("origin", "https://b.ac.kr")], Err(CrossSite::Foreign))]
    #[case(&[("sec-fetch-site", "same-site"), ("origin", "https://friend.ac.kr")], Ok(()))]
    #[case(&[("sec-fetch-site", "cross-site"), ("origin", "https://gate.ac.kr")], Err(CrossSite::Foreign))]
    #[case(&[("sec-fetch-site", "anything-new")], Err(CrossSite::Foreign))]
    #[case(&[("origin", "https://gate.ac.kr")], Ok(()))]
    #[case(&[("origin", "https://gate.ac.kr:8443")], Err(CrossSite::Foreign))]
    #[case(&[("origin", "http://gate.ac.kr")], Err(CrossSite::Foreign))]
    #[case(&[("origin", "null")], Err(CrossSite::Foreign))]
    #[case(&[("origin", "https://gate.ac.kr"), ("origin", "https://evil.example")], Err(CrossSite::Foreign))]
    #[case(&[], Err(CrossSite::Unsaid))]
    fn only_our_own_pages_act(#[case] list: &[(&'static str, &'static str)], #[case] wanted: Result<(), CrossSite>) {
        let settings = CsrfSettings { trusted_origins: vec!["https://friend.ac.kr".into()], form_field: None };
        assert_eq!(from_our_pages(&headers(list), "https://gate.ac.kr", &settings), wanted);
    }

    /// The library's order: the header, and only without it the form.
    #[rstest]
    #[case(&[("x-csrf-token", "c")], None, Ok(()))]
    #[case(&[], Some("c"), Ok(()))]
    #[case(&[("x-csrf-token", "")], Some("c"), Ok(()))]
    #[case(&[("x-csrf-token", "d")], Some("c"), Err(DoubleSubmit::Mismatch))]
    #[case(&[("x-csrf-token", "c"), ("x-csrf-token", "c")], Some("c"), Err(DoubleSubmit::Missing))]
    #[case(&[], Some("d"), Err(DoubleSubmit::Mismatch))]
    #[case(&[], Some(""), Err(DoubleSubmit::Missing))]
    #[case(&[], None, Err(DoubleSubmit::Missing))]
    fn the_double_submit_is_the_tokens(
        #[case] list: &[(&'static str, &'static str)],
        #[case] form: Option<&str>,
        #[case] wanted: Result<(), DoubleSubmit>,
    ) {
        assert_eq!(double_submit(&headers(list), form, "c"), wanted);
    }

    #[rstest]
    #[case(Method::GET, &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")], true)]
    #[case(Method::GET, &[("sec-fetch-mode", "cors"), ("accept", "text/html")], false)]
    #[case(Method::GET, &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image"), ("accept", "text/html")], false)]
    #[case(Method::POST, &[("sec-fetch-mode", "navigate"), ("accept", "text/html")], false)]
    #[case(Method::GET, &[("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")], true)]
    #[case(Method::GET, &[("accept", "text/html"), ("x-requested-with", "XMLHttpRequest")], false)]
    #[case(Method::GET, &[("accept", "text/html"), ("upgrade", "websocket")], false)]
    #[case(Method::GET, &[("accept", "*/*")], false)]
    #[case(Method::GET, &[("accept", "application/json")], false)]
    #[case(Method::GET, &[], false)]
    fn pages_are_for_people(#[case] method: Method, #[case] list: &[(&'static str, &'static str)], #[case] page: bool) {
        assert_eq!(wants_page(&method, &headers(list)), page);
    }
}
