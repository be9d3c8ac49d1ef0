use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{HeaderEncoding, IdentityHeaderSettings, IdentityItem};
use crate::identity::Identity;

/// Escaped in a header value: everything but visible ASCII, and the escape sign itself.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// Names beginning so say where a request came from; only we and trusted proxies may.
const FORWARDING_FAMILIES: [&str; 2] = ["x-forwarded-", "x-original-"];

/// Further names of that kind, and `Proxy`, which CGI programs take for an environment variable (CVE-2016-5385).
const FORWARDING_NAMES: [&str; 11] = [
    "forwarded",
    "x-real-ip",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "x-envoy-external-address",
    "x-rewrite-url",
    "x-forwarded",
    "proxy",
];

/// The headers that tell an application who is asking: stripped in every spelling on the way in, written by us alone.
///
/// Applications fold `_`, `.` and `~` into `-`, or case, in their own ways; the comparison folds them all
/// (oauth2-proxy CVE-2025-64484, Traefik CVE-2026-39858, Caddy CVE-2026-52845: the underscore twin survived).
#[derive(Debug)]
pub struct IdentityHeaders {
    write: Vec<(HeaderName, IdentityItem)>,
    encoding: HeaderEncoding,
    assertion: HeaderName,
    /// Folded names nobody outside may send, sorted.
    reserved: Vec<String>,
    /// How those, and the families, begin: most names of a request begin otherwise.
    first: [bool; 256],
}

impl IdentityHeaders {
    /// Headers as the operator wants them written; every preset's names are stripped whatever is written.
    pub fn new(settings: &IdentityHeaderSettings) -> Self {
        let known = IdentityHeaderSettings::KNOWN.into_iter().chain(FORWARDING_NAMES);
        let written = settings.write.iter().map(|(name, _)| name).chain([&settings.assertion]).map(HeaderName::as_str);
        let mut reserved: Vec<String> = known.chain(written).map(fold).collect();
        reserved.sort_unstable();
        reserved.dedup();
        let mut first = [false; 256];
        for name in reserved.iter().map(String::as_str).chain(FORWARDING_FAMILIES) {
            first[usize::from(name.as_bytes().first().copied().unwrap_or_default())] = true;
        }
        Self { write: settings.write.clone(), encoding: settings.encoding, assertion: settings.assertion.clone(), reserved, first }
    }

    /// Removes every header that could speak for the gateway, whatever its spelling.
    pub fn strip(&self, headers: &mut HeaderMap) {
        // Collected only when there is something to remove, which is never for an honest client.
        let mut doomed: Vec<HeaderName> = Vec::new();
        for name in headers.keys() {
            if self.is_reserved(name.as_str()) {
                doomed.push(name.clone());
            }
        }
        for name in doomed {
            headers.remove(name);
        }
    }

    /// Whether nobody outside may send a header of this name, given in lower case.
    pub fn is_reserved(&self, name: &str) -> bool {
        if !name.as_bytes().first().is_some_and(|first| self.first[usize::from(*first)]) {
            return false;
        }
        let folded = if name.bytes().any(|b| matches!(b, b'_' | b'.' | b'~')) { std::borrow::Cow::Owned(fold(name)) } else { name.into() };
        self.reserved.binary_search_by(|reserved| reserved.as_str().cmp(&folded)).is_ok()
            || FORWARDING_FAMILIES.iter().any(|family| folded.starts_with(family))
    }

    /// Removes the headers that [`Self::write`] writes: whatever else has written into these headers since they were stripped.
    pub fn clear(&self, headers: &mut HeaderMap) {
        for (name, _) in &self.write {
            headers.remove(name);
        }
    }

    /// Writes who is asking, into headers that were stripped or cleared. A thing not known writes no header: an absent header is
    /// the only honest one (Caddy CVE-2026-30851 left the client's in place).
    pub fn write(&self, headers: &mut HeaderMap, identity: Identity<'_>) {
        for (name, item) in &self.write {
            let value = match item {
                IdentityItem::User => identity.labels.subject.clone(),
                IdentityItem::Name => identity.profile.name.as_ref().and_then(|name| self.encoding.encode(name.as_str())),
                IdentityItem::Email => identity.profile.email.as_ref().and_then(|email| self.encoding.encode(email.as_str())),
                IdentityItem::Groups if identity.profile.groups.is_empty() => None,
                IdentityItem::Groups => {
                    let list: Vec<&str> = identity.profile.groups.iter().map(crate::identity::Group::as_str).collect();
                    self.encoding.encode(&list.join(","))
                }
                IdentityItem::Provider => identity.labels.provider.clone(),
                IdentityItem::Session => identity.labels.session.clone(),
            };
            if let Some(value) = value {
                headers.insert(name.clone(), value);
            }
        }
    }

    /// Writes the signed assertion about who is asking.
    pub fn write_assertion(&self, headers: &mut HeaderMap, assertion: HeaderValue) {
        headers.insert(self.assertion.clone(), assertion);
    }
}

impl HeaderEncoding {
    /// A text as a header holds it: one line, whatever the text. In every form the application gets the text back by decoding,
    /// without having to guess whether it was encoded.
    fn encode(self, text: &str) -> Option<HeaderValue> {
        match self {
            Self::Percent => HeaderValue::try_from(utf8_percent_encode(text, ESCAPED).to_string()).ok(),
            Self::Utf8 => HeaderValue::from_bytes(text.as_bytes()).ok(),
            Self::Base64Url => HeaderValue::try_from(URL_SAFE_NO_PAD.encode(text)).ok(),
        }
    }
}

/// Lower case with `_`, `.` and `~` read as `-`.
fn fold(name: &str) -> String {
    name.chars().map(|c| if matches!(c, '_' | '.' | '~') { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{DisplayName, Group, Profile, Somebody};

    fn ours() -> IdentityHeaders {
        let mut settings = IdentityHeaderSettings::preset("x-auth").unwrap();
        settings.write.push((HeaderName::from_static("my.user"), IdentityItem::User));
        IdentityHeaders::new(&settings)
    }

    fn write(headers: &mut HeaderMap, profile: Profile) {
        ours().clear(headers);
        ours().write(headers, Somebody::with(profile).identity());
    }

    /// Lessons 1, 5 and 6.
    #[test]
    fn every_spelling_is_stripped() {
        for name in [
            "x-auth-user",
            "x_auth_user",
            "x-auth_user",
            "x.auth.user",
            "x~auth~user",
            "remote-user",
            "remote_user",
            "remote.user",
            "my.user",
            "my-user",
            "my_user",
            "x-forwarded-for",
            "x-forwarded-prefix",
            "x_forwarded_for",
            "x-forwarded-anything-new",
            "x-original-url",
            "x-real-ip",
            "forwarded",
            "true-client-ip",
            "proxy",
            "x-rewrite-url",
            "x-munjigi-assertion",
            "cf-connecting-ip",
            "x-auth-request-user",
            "x-webauth-user",
        ] {
            let mut headers = HeaderMap::new();
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static("mallory"));
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static("mallory2"));
            ours().strip(&mut headers);
            assert!(headers.is_empty(), "{name}");
        }
    }

    #[test]
    fn other_headers_stay() {
        let honest = [
            "accept",
            "cookie",
            "x-requested-with",
            "x-auth-token",
            "x-csrf-token",
            "range",
            "x-http-method-override",
            "forwarded-like",
            "user-agent",
        ];
        let mut headers: HeaderMap = honest.iter().map(|name| (HeaderName::from_static(name), HeaderValue::from_static("1"))).collect();
        ours().strip(&mut headers);
        assert_eq!(headers.len(), honest.len());
    }

    /// Lessons 2 and 7.
    #[test]
    fn what_is_not_known_is_absent_and_what_is_korean_is_escaped() {
        let mut headers = HeaderMap::new();
        headers.insert("x-auth-groups", HeaderValue::from_static("admins"));
        write(&mut headers, Profile::default());
        assert_eq!(headers["x-auth-user"], "60241234");
        assert!(!headers.contains_key("x-auth-groups") && !headers.contains_key("x-auth-name"));
        let known = Profile {
            name: Some(DisplayName::new("홍 100%").unwrap()),
            groups: vec![Group::new("staff").unwrap(), Group::new("교수").unwrap()],
            ..Profile::default()
        };
        write(&mut headers, known);
        assert_eq!(headers["x-auth-name"], "%ED%99%8D 100%25");
        assert_eq!(headers["x-auth-groups"], "staff,%EA%B5%90%EC%88%98");
    }

    /// Lesson 7.
    #[test]
    fn a_name_is_one_line_in_every_encoding() {
        let written = |encoding, name: &str| {
            let settings = IdentityHeaderSettings { encoding, ..IdentityHeaderSettings::preset("remote").unwrap() };
            let mut headers = HeaderMap::new();
            let profile = Profile { name: Some(DisplayName::new(name).unwrap()), ..Profile::default() };
            IdentityHeaders::new(&settings).write(&mut headers, Somebody::with(profile).identity());
            headers.remove("remote-name").unwrap()
        };
        assert_eq!(written(HeaderEncoding::Percent, "홍 100%"), "%ED%99%8D 100%25");
        assert_eq!(written(HeaderEncoding::Utf8, "홍 100%").as_bytes(), "홍 100%".as_bytes());
        assert_eq!(written(HeaderEncoding::Base64Url, "홍 100%"), "7ZmNIDEwMCU");
        assert_eq!(written(HeaderEncoding::Base64Url, "Kim"), "S2lt", "encoded always, so that nobody has to guess");
    }
}
