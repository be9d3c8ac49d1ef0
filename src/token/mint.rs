use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use serde::Serialize;

use super::claims::Kind;
use super::issuer::{SignError, signed};
use super::{KeyError, KeyRing, KeySettings, Verified};
use crate::base::{Timestamp, TokenId};

/// Makes tokens for one application, under the key it shares with us: what its own library would have made for the person
/// who is asking. One is made for each access token, and lasts as long: a little longer, since the application's clock may
/// be ahead of ours as far as `iat` lets it be behind, and whether somebody passes is decided here.
pub struct Minter {
    keys: KeyRing,
    settings: MintSettings,
    made: Cache<TokenId, Arc<str>>,
}

/// What a minted token says beside the person.
#[derive(Clone, Debug)]
pub struct MintSettings {
    /// The key.
    pub key: KeySettings,
    /// `iss`, for an application that looks at it (`JWT_DECODE_ISSUER`).
    pub issuer: Option<String>,
    /// `aud`, for one that looks at that (`JWT_DECODE_AUDIENCE`).
    pub audience: Option<String>,
    /// How far the application's clock may be off: `iat` and `nbf` are dated back and `exp` forward.
    pub backdate: Duration,
    /// Makes refresh tokens instead: for the one route of an application that takes nothing else.
    pub refresh: bool,
}

#[derive(Serialize)]
struct Header {
    alg: &'static str,
    typ: &'static str,
}

/// In the order in which the library writes them.
#[derive(Serialize)]
struct Claims<'a> {
    fresh: bool,
    iat: u64,
    jti: String,
    #[serde(rename = "type")]
    kind: Kind,
    sub: &'a str,
    nbf: u64,
    csrf: &'a str,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

impl Minter {
    /// A minter with this key.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn new(settings: MintSettings) -> Result<Self, Vec<KeyError>> {
        let keys = KeyRing::new(std::slice::from_ref(&settings.key))?;
        let made = Cache::builder().max_capacity(20_000).time_to_live(Duration::from_secs(900)).build();
        Ok(Self { keys, settings, made })
    }

    /// The token for somebody who passes. Its `csrf` is that of the token shown, so that the double submit a browser did
    /// for us is good for the application too.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn mint(&self, verified: &Verified, now: Timestamp) -> Result<Arc<str>, SignError> {
        if let Some(made) = self.made.get(&verified.id) {
            return Ok(made);
        }
        let signer = self.keys.signer(now).ok_or(SignError)?;
        let issued = now.minus(self.settings.backdate).secs();
        let claims = Claims {
            fresh: verified.fresh && !self.settings.refresh,
            iat: issued,
            jti: TokenId::random().to_string(),
            kind: if self.settings.refresh { Kind::Refresh } else { Kind::Access },
            sub: &verified.subject,
            nbf: issued,
            csrf: &verified.csrf,
            exp: verified.expires.plus(self.settings.backdate).secs(),
            iss: self.settings.issuer.as_deref(),
            aud: self.settings.audience.as_deref(),
        };
        let made: Arc<str> = signed(&signer, &Header { alg: signer.algorithm.as_str(), typ: "JWT" }, &claims)?.into();
        self.made.insert(verified.id, Arc::clone(&made));
        Ok(made)
    }
}
