use std::time::Duration;

use secrecy::{SecretSlice, SecretString};

use crate::base::Timestamp;
use crate::identity::{ProviderName, Realm, Subjects};

/// What the operator wants of tokens.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `iss` of our tokens; a token of ours with another one is refused.
    pub issuer: String,
    /// `aud` of our tokens; absent by default, because plain `PyJWT` refuses a token that names one.
    pub audience: Option<String>,
    /// How long an access token is good.
    pub access_ttl: Duration,
    /// How long a refresh token is good, and so how long a session can last at most.
    pub refresh_ttl: Duration,
    /// How far `iat` and `nbf` are dated back, so that a machine whose clock is behind takes a new token (default 5 s).
    pub backdate: Duration,
    /// The keys. At least one can sign.
    pub keys: Vec<KeySettings>,
    /// How people are named in `sub`.
    pub subjects: Subjects,
    /// The providers there are, each with its realm: a token whose `idp` names another pair is refused.
    pub providers: Vec<(ProviderName, Realm)>,
    /// How many verified tokens are remembered.
    pub cache: u64,
}

/// One key.
#[derive(Clone, Debug)]
pub struct KeySettings {
    /// Its name in the `kid` header: at most 64 visible ASCII characters.
    pub kid: String,
    /// The one algorithm it is used with.
    pub algorithm: Algorithm,
    /// The key itself.
    pub material: KeyMaterial,
    /// Signs from this moment on; the newest such key signs. `None`: from the beginning.
    pub sign_from: Option<Timestamp>,
    /// Checks tokens but never signs.
    pub verify_only: bool,
    /// A token without `kid` is checked with this key. At most one key has this.
    pub for_tokens_without_kid: bool,
}

/// A key's secret or public part.
#[derive(Clone, Debug)]
pub enum KeyMaterial {
    /// An HMAC secret: at least 32 bytes.
    Secret(SecretSlice<u8>),
    /// A private key in PEM (PKCS#8).
    Private(SecretString),
    /// A public key in PEM: checks only.
    Public(String),
}

/// The algorithms a key can have. Never taken from a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSA PKCS#1 v1.5 with SHA-256.
    Rs256,
}

impl Algorithm {
    /// The name in a JWT header (RFC 7518, section 3.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }

    /// Reads that name, exactly.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Hs256, Self::Es256, Self::EdDsa, Self::Rs256].into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}
