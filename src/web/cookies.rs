use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use super::{CookieProfile, CookieSettings};
use crate::base::{AccessToken, RefreshToken, Timestamp, TokenId};

/// The cookies a session travels in: read, removed before the upstream, set and cleared, all in this one place.
///
/// Names are compared as raw bytes: servers that trimmed Unicode white space took a neighbour's cookie for a `__Host-` one.
#[derive(Clone, Debug)]
pub struct SessionCookies {
    names: Names,
    /// Everything behind `name=value` but `HttpOnly` and the lifetime.
    attributes: Box<str>,
    /// The same without `Domain`, where ours have one: cookies left from before it was set would stand beside ours, and two of
    /// one name are refused.
    former: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug)]
struct Names {
    access: &'static str,
    refresh: &'static str,
    /// Readable by scripts, which send the value back in a header: flask profile only.
    csrf: Option<(&'static str, &'static str)>,
    /// Keeps a person's own choice of language. No secret, but ours all the same: applications neither see nor set it.
    language: &'static str,
}

const HOST: Names = Names { access: "__Host-munjigi_access", refresh: "__Host-munjigi_refresh", csrf: None, language: LANGUAGE };
const FLASK: Names = Names {
    access: "access_token_cookie",
    refresh: "refresh_token_cookie",
    csrf: Some(("csrf_access_token", "csrf_refresh_token")),
    language: LANGUAGE,
};
const DESK: Names = Names { access: "munjigi_desk_access", refresh: "munjigi_desk_refresh", csrf: None, language: DESK_LANGUAGE };

const LANGUAGE: &str = "__Host-munjigi_lang";
const DESK_LANGUAGE: &str = "munjigi_desk_lang";

/// A year, in seconds: how long that choice is kept.
const LANGUAGE_LIFE: u32 = 31_536_000;

/// Tells a portal which browser asks, so that a login carried over from there ends up in the same one. As long as the
/// browser runs, and the same in all its tabs.
const BROWSER: &str = "__Host-munjigi_browser";

/// The session cookies of one request, not yet known to be good.
#[derive(Debug, Default)]
pub struct PresentedCookies {
    /// The access token's cookie.
    pub access: Option<AccessToken>,
    /// The refresh token's cookie.
    pub refresh: Option<RefreshToken>,
}

/// Two cookies with the name of one of ours: somebody beside us set one of them, and nobody can say which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session cookie stands twice in the request")]
pub struct DoubledCookie;

/// How long a cookie is kept by the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieLife {
    /// Until the browser is closed.
    Browser,
    /// Until this moment ("remember me").
    Until(Timestamp),
}

impl SessionCookies {
    /// The cookies of a profile.
    pub fn new(settings: &CookieSettings) -> Self {
        let names = match settings.profile {
            CookieProfile::Host => return Self { names: HOST, attributes: "; Path=/; Secure; SameSite=Lax".into(), former: None },
            CookieProfile::Flask => FLASK,
        };
        let secure = if settings.insecure { "" } else { "; Secure" };
        let former = format!("; Path=/{secure}; SameSite={}", settings.same_site.as_str());
        match &settings.domain {
            Some(domain) => Self { names, attributes: format!("; Domain={domain}{former}").into(), former: Some(former.into()) },
            None => Self { names, attributes: former.into(), former: None },
        }
    }

    /// The cookies of the admin listener, which speaks no TLS: browsers take neither `Secure` nor `__Host-` there. They go
    /// to nothing but our own addresses, and along with no request that another site begins.
    pub fn desk() -> Self {
        Self { names: DESK, attributes: "; Path=/.auth/admin; SameSite=Strict".into(), former: None }
    }

    /// Our cookies in a request, from all its `Cookie` lines (HTTP/2 sends one for each, RFC 9113, section 8.2.3).
    ///
    /// # Errors
    /// When one of our names stands twice.
    pub fn read(&self, headers: &HeaderMap) -> Result<PresentedCookies, DoubledCookie> {
        let mut found = PresentedCookies::default();
        for (line, (name, value)) in headers.get_all(COOKIE).iter().flat_map(|line| pairs(line).map(move |pair| (line, pair))) {
            if name == self.names.access.as_bytes() {
                if found.access.replace(AccessToken::within(line, value)).is_some() {
                    return Err(DoubledCookie);
                }
            } else if name == self.names.refresh.as_bytes() {
                // A value that is no text is no token; an empty one then stands for it and is refused as malformed.
                let text = std::str::from_utf8(value).unwrap_or_default();
                if found.refresh.replace(RefreshToken::new(text)).is_some() {
                    return Err(DoubledCookie);
                }
            }
        }
        Ok(found)
    }

    /// The language a person has chosen before, as they sent it, from the `Cookie` lines of a request.
    pub fn language<'h>(lines: impl Iterator<Item = &'h HeaderValue>) -> Option<&'h str> {
        let ours = [LANGUAGE.as_bytes(), DESK_LANGUAGE.as_bytes()];
        let found = lines.flat_map(pairs).find(|(name, _)| ours.contains(name));
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// Keeps a person's choice of language, whoever they are and whether they log in or not.
    pub fn keep_language(&self, headers: &mut HeaderMap, tag: &str) {
        append(headers, &format!("{}={tag}{}; HttpOnly; Max-Age={LANGUAGE_LIFE}", self.names.language, self.attributes));
    }

    /// Which browser this is, as it was told.
    pub fn browser(headers: &HeaderMap) -> Option<TokenId> {
        let found = headers.get_all(COOKIE).iter().flat_map(pairs).find(|(name, _)| *name == BROWSER.as_bytes());
        found.and_then(|(_, value)| TokenId::parse(std::str::from_utf8(value).ok()?))
    }

    /// Tells a browser which one it is.
    pub fn mark_browser(headers: &mut HeaderMap, mark: &TokenId) {
        append(headers, &format!("{BROWSER}={mark}; Path=/; Secure; SameSite=Lax; HttpOnly"));
    }

    /// Leaves only the application's cookies, in one `Cookie` line (RFC 9113 asks for one towards HTTP/1.1).
    pub fn strip(&self, headers: &mut HeaderMap) {
        self.names.strip(headers);
    }

    /// The same for the names of flask-jwt-extended, whatever ours are: for an application that is handed cookies of these names.
    pub fn strip_flask(headers: &mut HeaderMap) {
        FLASK.strip(headers);
    }

    /// Removes what an upstream tries to set under our names.
    pub fn strip_from_answer(&self, headers: &mut HeaderMap) {
        let ours = |line: &HeaderValue| {
            let name = split(line.as_bytes().split(|b| *b == b';').next().unwrap_or_default()).0.trim_ascii();
            self.names.all().any(|own| name.eq_ignore_ascii_case(own.as_bytes()))
        };
        if !headers.get_all(SET_COOKIE).iter().any(ours) {
            return;
        }
        let kept: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().filter(|line| !ours(line)).cloned().collect();
        headers.remove(SET_COOKIE);
        for line in kept {
            headers.append(SET_COOKIE, line);
        }
    }

    /// Sets the access cookie (and, in the flask profile, its double-submit twin).
    pub fn set_access(&self, headers: &mut HeaderMap, token: &AccessToken, csrf: &str, life: CookieLife, now: Timestamp) {
        self.set(headers, self.names.access, token.expose(), life, now);
        if let Some((name, _)) = self.names.csrf {
            self.set(headers, name, csrf, life, now);
        }
    }

    /// Sets the refresh cookie (and, in the flask profile, its double-submit twin).
    pub fn set_refresh(&self, headers: &mut HeaderMap, token: &RefreshToken, csrf: &str, life: CookieLife, now: Timestamp) {
        self.set(headers, self.names.refresh, token.expose(), life, now);
        if let Some((_, name)) = self.names.csrf {
            self.set(headers, name, csrf, life, now);
        }
    }

    /// Makes the browser forget all of them.
    pub fn clear(&self, headers: &mut HeaderMap) {
        for name in self.names.iter() {
            self.forget(headers, name, &self.attributes);
            self.forget_former(headers, name);
        }
    }

    fn set(&self, headers: &mut HeaderMap, name: &str, value: &str, life: CookieLife, now: Timestamp) {
        self.forget_former(headers, name);
        let http_only = self.names.http_only(name);
        let line = match life {
            CookieLife::Browser => format!("{name}={value}{}{http_only}", self.attributes),
            CookieLife::Until(end) => format!("{name}={value}{}{http_only}; Max-Age={}", self.attributes, end.since(now).as_secs()),
        };
        append(headers, &line);
    }

    fn forget_former(&self, headers: &mut HeaderMap, name: &str) {
        if let Some(former) = &self.former {
            self.forget(headers, name, former);
        }
    }

    fn forget(&self, headers: &mut HeaderMap, name: &str, attributes: &str) {
        let http_only = self.names.http_only(name);
        append(headers, &format!("{name}={attributes}{http_only}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"));
    }
}

impl Names {
    fn strip(&self, headers: &mut HeaderMap) {
        let mut lines = headers.get_all(COOKIE).iter();
        let Some(first) = lines.next() else { return };
        if lines.next().is_none() && !pairs(first).any(|(name, _)| self.is_ours(name)) {
            return;
        }
        let mut kept: Vec<u8> = Vec::new();
        for line in headers.get_all(COOKIE) {
            for piece in line.as_bytes().split(|b| *b == b';') {
                let piece = trim(piece);
                if !piece.is_empty() && !self.is_ours(split(piece).0) {
                    if !kept.is_empty() {
                        kept.extend_from_slice(b"; ");
                    }
                    kept.extend_from_slice(piece);
                }
            }
        }
        match HeaderValue::from_bytes(&kept) {
            Ok(value) if !kept.is_empty() => headers.insert(COOKIE, value),
            Ok(_) | Err(_) => headers.remove(COOKIE),
        };
    }

    fn is_ours(&self, name: &[u8]) -> bool {
        self.all().any(|own| own.as_bytes() == name)
    }

    fn http_only(&self, name: &str) -> &'static str {
        if self.csrf.is_some_and(|(access, refresh)| name == access || name == refresh) { "" } else { "; HttpOnly" }
    }

    /// Every cookie of ours, those that no session needs too.
    fn all(&self) -> impl Iterator<Item = &'static str> {
        self.iter().chain([self.language, BROWSER])
    }

    fn iter(&self) -> impl Iterator<Item = &'static str> {
        let (csrf_access, csrf_refresh) = self.csrf.unzip();
        [Some(self.access), Some(self.refresh), csrf_access, csrf_refresh].into_iter().flatten()
    }
}

fn append(headers: &mut HeaderMap, line: &str) {
    if let Ok(mut value) = HeaderValue::from_str(line) {
        value.set_sensitive(true);
        headers.append(SET_COOKIE, value);
    }
}

fn pairs(line: &HeaderValue) -> impl Iterator<Item = (&[u8], &[u8])> {
    line.as_bytes().split(|b| *b == b';').map(|piece| split(trim(piece)))
}

fn split(piece: &[u8]) -> (&[u8], &[u8]) {
    piece.iter().position(|b| *b == b'=').map_or((piece, &[]), |at| (&piece[..at], &piece[at + 1..]))
}

/// Without the blanks and tabs around a pair (RFC 6265, section 5.4 writes one blank).
fn trim(mut piece: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = piece {
        piece = rest;
    }
    piece
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::SameSite;

    fn ours() -> SessionCookies {
        SessionCookies::new(&CookieSettings::default())
    }

    fn set_by(cookies: &SessionCookies, what: impl Fn(&SessionCookies, &mut HeaderMap)) -> Vec<String> {
        let mut headers = HeaderMap::new();
        what(cookies, &mut headers);
        headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().unwrap().to_owned()).collect()
    }

    /// What the library's `JWT_COOKIE_SECURE`, `_SAMESITE` and `_DOMAIN` say, in its profile.
    #[test]
    fn the_flags_of_the_flask_profile_are_settings() {
        let settings = CookieSettings { profile: CookieProfile::Flask, ..CookieSettings::default() };
        let now = Timestamp::from_secs(1000);
        let set = |settings: &CookieSettings| {
            set_by(&SessionCookies::new(settings), |cookies, headers| {
                cookies.set_access(headers, &AccessToken::new("tok"), "c", CookieLife::Browser, now);
            })
        };
        let usual =
            ["access_token_cookie=tok; Path=/; Secure; SameSite=Lax; HttpOnly", "csrf_access_token=c; Path=/; Secure; SameSite=Lax"];
        assert_eq!(set(&settings), usual);
        let loose = CookieSettings { same_site: SameSite::Strict, insecure: true, ..settings.clone() };
        assert_eq!(set(&loose)[0], "access_token_cookie=tok; Path=/; SameSite=Strict; HttpOnly");
        let shared = CookieSettings { same_site: SameSite::None, domain: Some("example.ac.kr".into()), ..settings };
        let lines = set(&shared);
        assert!(lines[0].starts_with("access_token_cookie=; Path=/; Secure; SameSite=None; HttpOnly; Max-Age=0"), "{lines:?}");
        assert_eq!(lines[1], "access_token_cookie=tok; Domain=example.ac.kr; Path=/; Secure; SameSite=None; HttpOnly");
        let cleared = set_by(&SessionCookies::new(&shared), SessionCookies::clear);
        assert_eq!(cleared.len(), 8, "with the domain and without: {cleared:?}");
        assert!(cleared.iter().all(|line| line.contains("=; ") && line.contains("Max-Age=0")));
    }

    fn request(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap())).collect()
    }

    fn access(lines: &[&str]) -> Result<Option<String>, DoubledCookie> {
        ours().read(&request(lines)).map(|found| found.access.map(|token| token.expose().to_owned()))
    }

    #[test]
    fn ours_are_found_wherever_they_stand() {
        assert_eq!(access(&["a=1; __Host-munjigi_access=tok; b=2"]), Ok(Some("tok".into())));
        assert_eq!(access(&["a=1", "__Host-munjigi_access=tok", "b=2"]), Ok(Some("tok".into())));
        assert_eq!(access(&["a=1;__Host-munjigi_access=t=o=k"]), Ok(Some("t=o=k".into())));
        assert_eq!(access(&[]), Ok(None));
    }

    /// Lesson 40 ("Cookie Chaos") and 41.
    #[test]
    fn look_alikes_are_not_ours_and_twins_are_refused() {
        for line in [
            "__host-munjigi_access=tok",
            "\u{2000}__Host-munjigi_access=tok",
            "\u{a0}__Host-munjigi_access=tok",
            "__Host-munjigi_access =tok",
            "$Version=1; x__Host-munjigi_access=tok",
            ";;;;",
            "=;=;=",
            "__Host-munjigi_access_=tok",
        ] {
            assert_eq!(access(&[line]), Ok(None), "{line:?}");
        }
        assert_eq!(access(&["__Host-munjigi_access=a; __Host-munjigi_access=b"]), Err(DoubledCookie));
        assert_eq!(access(&["__Host-munjigi_access=a", "__Host-munjigi_access=a"]), Err(DoubledCookie));
        assert_eq!(access(&["__Host-munjigi_access"]), Ok(Some(String::new())));
    }

    #[test]
    fn only_the_applications_cookies_go_on() {
        let mut headers = request(&["a=1; __Host-munjigi_access=tok; b=\"x=y\"", "c=3", "__Host-munjigi_refresh=r"]);
        ours().strip(&mut headers);
        assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=\"x=y\"; c=3"]);
        let mut untouched = request(&["a=1;b=2"]);
        ours().strip(&mut untouched);
        assert_eq!(untouched[COOKIE], "a=1;b=2");
        let mut only_ours = request(&["__Host-munjigi_access=tok"]);
        ours().strip(&mut only_ours);
        assert!(only_ours.is_empty());
    }

    #[test]
    fn a_choice_of_language_outlives_a_logout_and_stays_with_us() {
        let mut kept = HeaderMap::new();
        ours().keep_language(&mut kept, "en");
        assert_eq!(kept[SET_COOKIE], "__Host-munjigi_lang=en; Path=/; Secure; SameSite=Lax; HttpOnly; Max-Age=31536000");
        assert_eq!(SessionCookies::language(request(&["munjigi_desk_lang=ko"]).get_all(COOKIE).iter()), Some("ko"));
        let mut asked = request(&["a=1; __Host-munjigi_lang=en"]);
        assert_eq!(SessionCookies::language(asked.get_all(COOKIE).iter()), Some("en"));
        ours().strip(&mut asked);
        assert_eq!(asked[COOKIE], "a=1");
        let mut answered = HeaderMap::new();
        ours().clear(&mut answered);
        answered.append(SET_COOKIE, HeaderValue::from_static("__Host-munjigi_lang=ko"));
        ours().strip_from_answer(&mut answered);
        assert!(answered.get_all(SET_COOKIE).iter().all(|line| !line.to_str().unwrap().contains("lang")));
    }

    #[test]
    fn an_upstream_cannot_set_ours() {
        let mut headers = HeaderMap::new();
        for line in ["a=1; Path=/", "__Host-munjigi_access=evil; Path=/; Secure", " __HOST-munjigi_refresh =evil", "b=2"] {
            headers.append(SET_COOKIE, HeaderValue::from_static(line));
        }
        ours().strip_from_answer(&mut headers);
        assert_eq!(headers.get_all(SET_COOKIE).iter().collect::<Vec<_>>(), ["a=1; Path=/", "b=2"]);
    }

    #[test]
    fn cookies_are_set_and_cleared_as_browsers_demand_of_host_cookies() {
        let mut headers = HeaderMap::new();
        let now = Timestamp::from_secs(1000);
        ours().set_access(&mut headers, &AccessToken::new("tok"), "c", CookieLife::Browser, now);
        ours().set_refresh(&mut headers, &RefreshToken::new("ref"), "c", CookieLife::Until(Timestamp::from_secs(1060)), now);
        let lines: Vec<&HeaderValue> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(
            lines,
            [
                "__Host-munjigi_access=tok; Path=/; Secure; SameSite=Lax; HttpOnly",
                "__Host-munjigi_refresh=ref; Path=/; Secure; SameSite=Lax; HttpOnly; Max-Age=60"
            ]
        );
        let mut cleared = HeaderMap::new();
        ours().clear(&mut cleared);
        assert_eq!(
            cleared
                .get_all(SET_COOKIE)
                .iter()
                .filter(|line| line.to_str().unwrap().contains("=; Path=/; Secure") && line.to_str().unwrap().contains("Max-Age=0"))
                .count(),
            2
        );
    }
}
