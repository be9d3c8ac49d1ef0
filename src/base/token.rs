use std::fmt;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
pub struct AccessToken(SecretString);

/// A refresh token as presented or as issued: a JWT in its compact form. Not known to be good.
/// A type of its own, so that one can never stand where the other is wanted.
pub struct RefreshToken(SecretString);

macro_rules! token_value {
    ($name:ident) => {
        impl $name {
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

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

token_value!(AccessToken);
token_value!(RefreshToken);

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
    fn tokens_do_not_show_themselves() {
        assert!(!format!("{:?}", AccessToken::new("eyJ.secret.sig")).contains("secret"));
        assert!(!format!("{:?}", RefreshToken::new("eyJ.secret.sig")).contains("secret"));
    }
}
