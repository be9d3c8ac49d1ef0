use std::fmt;
use std::ops::Range;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

/// `N` bytes from the system's cryptographic generator.
///
/// # Panics
/// When the operating system has no randomness to give; nothing safe can be done then.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "without randomness no token may be made; the process must not go on")]
    rand::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// An access token as presented or as issued: a JWT in its compact form. Not known to be good.
pub struct AccessToken(Compact);

enum Compact {
    /// A copy of ours, wiped when it is dropped.
    Own(SecretString),
    /// A part of a line of the request. What is in the request's own memory is not worth a copy that has to be wiped.
    Lent { line: HeaderValue, part: Range<usize> },
}

/// A refresh token as presented or as issued: a JWT in its compact form. Not known to be good.
/// A type of its own, so that one can never stand where the other is wanted.
pub struct RefreshToken(SecretString);

impl AccessToken {
    /// Takes the compact form.
    pub fn new(compact: impl Into<String>) -> Self {
        Self(Compact::Own(SecretString::from(compact.into())))
    }

    /// The compact form in a `part` of a line of a request.
    #[must_use]
    pub fn within(line: &HeaderValue, part: &[u8]) -> Self {
        let begin = part.as_ptr().addr().checked_sub(line.as_bytes().as_ptr().addr());
        match begin.map(|begin| begin..begin + part.len()) {
            Some(range) if range.end <= line.len() => Self(Compact::Lent { line: line.clone(), part: range }),
            // It is no part of it: then it is copied.
            Some(_) | None => Self::new(str::from_utf8(part).unwrap_or_default()),
        }
    }

    /// The compact form. For signature checks and for answers to the person it belongs to; never for a log. Empty when it is
    /// no text, and so no token.
    #[must_use]
    pub fn expose(&self) -> &str {
        match &self.0 {
            Compact::Own(text) => text.expose_secret(),
            Compact::Lent { .. } => str::from_utf8(self.bytes()).unwrap_or_default(),
        }
    }

    /// The same, byte by byte: for looking it up and for comparing it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Compact::Own(text) => text.expose_secret().as_bytes(),
            Compact::Lent { line, part } => line.as_bytes().get(part.clone()).unwrap_or_default(),
        }
    }
}

impl RefreshToken {
    /// Takes the compact form.
    pub fn new(compact: impl Into<String>) -> Self {
        Self(SecretString::from(compact.into()))
    }

    /// The compact form. For signature checks and for answers to the person it belongs to; never for a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

/// The `jti` of a token of ours: a random UUID, as flask-jwt-extended writes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId(Uuid);

impl TokenId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Builder::from_random_bytes(random_bytes()).into_uuid())
    }

    /// Reads the hyphenated form; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 36).then(|| Uuid::try_parse(text).ok().map(Self)).flatten()
    }

    /// Its sixteen bytes, as stored.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// From sixteen stored bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One login of one person on one device (a refresh family). It names a session and opens nothing: no secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(random_bytes())
    }

    /// Reads the 22 characters that [`fmt::Display`] writes; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 22 {
            return None;
        }
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Its sixteen bytes, as stored.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From sixteen stored bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 22];
        let length = URL_SAFE_NO_PAD.encode_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(str::from_utf8(&text[..length]).unwrap_or_default())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A place in the change log. Every token carries the position at its issue (`rsn`), so that "everything before now"
/// needs no clock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Position(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_their_text() {
        let session = SessionId::random();
        assert_eq!(SessionId::parse(&session.to_string()), Some(session));
        let token = TokenId::random();
        assert_eq!(TokenId::parse(&token.to_string()), Some(token));
    }

    #[test]
    fn other_spellings_are_not_ids() {
        assert_eq!(TokenId::parse("6f2c1b7e3c5d4f0e9a1b2c3d4e5f6071"), None);
        assert_eq!(TokenId::parse("{f2c1b7e-3c5d-4f0e-9a1b-2c3d4e5f607}"), None);
        assert_eq!(SessionId::parse(""), None);
        assert_eq!(SessionId::parse("!!!!!!!!!!!!!!!!!!!!!!"), None);
    }

    #[test]
    fn a_part_of_a_line_is_that_part_and_nothing_else() {
        let line = HeaderValue::from_static("Bearer eyJ.a.b");
        let token = AccessToken::within(&line, &line.as_bytes()[7..]);
        assert_eq!((token.expose(), token.bytes()), ("eyJ.a.b", &b"eyJ.a.b"[..]));
        assert!(matches!(token.0, Compact::Lent { .. }) && !format!("{token:?}").contains("eyJ"));
        assert_eq!(AccessToken::within(&line, b"from elsewhere").expose(), "from elsewhere");
        let odd = HeaderValue::from_bytes(b"a=\xff\xfe").unwrap();
        assert_eq!(AccessToken::within(&odd, &odd.as_bytes()[2..]).expose(), "", "no text, no token");
    }

    #[test]
    fn tokens_do_not_show_themselves() {
        assert!(!format!("{:?}", AccessToken::new("eyJ.secret.sig")).contains("secret"));
        assert!(!format!("{:?}", RefreshToken::new("eyJ.secret.sig")).contains("secret"));
    }
}
