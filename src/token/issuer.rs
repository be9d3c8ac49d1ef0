use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use uuid::Uuid;

use super::claims::{Claims, HeaderOut, Kind};
use super::keys::Signer;
use super::{KeyRing, Settings};
use crate::base::{AccessToken, Position, RefreshToken, SessionId, Timestamp, TokenId, random_bytes};
use crate::identity::{ProviderName, UserId};

/// Makes our tokens.
pub struct TokenIssuer {
    keys: Arc<KeyRing>,
    settings: Settings,
}

/// For whom and for how long a token is made.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The person.
    pub user: UserId,
    /// Who checked the password.
    pub provider: ProviderName,
    /// The session the token belongs to.
    pub session: SessionId,
    /// The session's absolute end: no token outlives it.
    pub session_end: Timestamp,
    /// The change log's position now.
    pub position: Position,
    /// The generation, when a rotation makes the token.
    pub generation: Option<u32>,
    /// Whether the password was given just now (flask-jwt-extended's `fresh`; refresh tokens never are).
    pub fresh: bool,
}

/// A new token and what its issue settled.
#[derive(Debug)]
pub struct Issued<T> {
    /// The token.
    pub token: T,
    /// Its `jti`.
    pub id: TokenId,
    /// When it ends.
    pub expires: Timestamp,
    /// The value a double-submit check compares (flask profile).
    pub csrf: String,
}

impl TokenIssuer {
    /// An issuer with these keys.
    pub fn new(keys: Arc<KeyRing>, settings: Settings) -> Self {
        Self { keys, settings }
    }

    /// How long access tokens live at most.
    pub const fn access_ttl(&self) -> std::time::Duration {
        self.settings.access_ttl
    }

    /// How long refresh tokens live at most.
    pub const fn refresh_ttl(&self) -> std::time::Duration {
        self.settings.refresh_ttl
    }

    /// How people are named in `sub`.
    pub const fn subjects(&self) -> &crate::identity::Subjects {
        &self.settings.subjects
    }

    /// What stands in `iss`: the URL under which people reach the gateway.
    pub fn name(&self) -> &str {
        &self.settings.issuer
    }

    /// A new access token.
    ///
    /// # Errors
    /// When the key will not sign; an operator's fault that start-up should have found.
    pub fn access(&self, grant: &Grant, now: Timestamp) -> Result<Issued<AccessToken>, SignError> {
        let expires = now.plus(self.settings.access_ttl).min(grant.session_end);
        self.issue(grant, Kind::Access, TokenId::random(), expires, now).map(|(compact, csrf)| Issued {
            token: AccessToken::new(compact),
            id: csrf.0,
            expires,
            csrf: csrf.1,
        })
    }

    /// A new refresh token with an id made beforehand (the store is told its hash before the token exists).
    ///
    /// # Errors
    /// As for [`Self::access`].
    pub fn refresh(&self, grant: &Grant, id: TokenId, now: Timestamp) -> Result<Issued<RefreshToken>, SignError> {
        let expires = now.plus(self.settings.refresh_ttl).min(grant.session_end);
        self.issue(grant, Kind::Refresh, id, expires, now).map(|(compact, csrf)| Issued {
            token: RefreshToken::new(compact),
            id: csrf.0,
            expires,
            csrf: csrf.1,
        })
    }

    fn issue(
        &self,
        grant: &Grant,
        kind: Kind,
        id: TokenId,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(String, (TokenId, String)), SignError> {
        let signer = self.keys.signer(now).ok_or(SignError)?;
        // Dated back, because an application whose clock is a second behind would refuse a token from the future with 422.
        let issued = now.minus(self.settings.backdate).secs();
        let csrf = uuid::Builder::from_random_bytes(random_bytes()).into_uuid();
        let claims = Claims {
            fresh: grant.fresh && kind == Kind::Access,
            iat: issued,
            jti: id.to_string(),
            kind,
            sub: self.settings.subjects.write(&grant.user),
            nbf: issued,
            csrf: csrf_text(csrf),
            exp: expires.secs(),
            iss: self.settings.issuer.clone(),
            aud: self.settings.audience.clone(),
            sid: grant.session.to_string(),
            idp: grant.provider.to_string(),
            rsn: grant.position.0,
            generation: grant.generation,
        };
        let header = HeaderOut { alg: signer.algorithm.as_str(), typ: "JWT", kid: signer.kid };
        let compact = signed(&signer, &header, &claims)?;
        Ok((compact, (id, claims.csrf)))
    }
}

/// The signing key did not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signing key does not sign")]
pub struct SignError;

/// The compact form of what a header and claims say, signed.
pub(super) fn signed(signer: &Signer<'_>, header: &impl Serialize, claims: &impl Serialize) -> Result<String, SignError> {
    let mut compact = part(header)?;
    compact.push('.');
    compact.push_str(&part(claims)?);
    let signature = signer.sign(compact.as_bytes()).map_err(|_| SignError)?;
    compact.push('.');
    compact.push_str(&signature);
    Ok(compact)
}

fn part(value: &impl Serialize) -> Result<String, SignError> {
    serde_json::to_vec(value).map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|_| SignError)
}

fn csrf_text(uuid: Uuid) -> String {
    uuid.as_hyphenated().to_string()
}
