use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::claims::{Claims, Header, Kind};
use super::foreign::Foreign;
use super::known::KnownTokens;
use super::{KeyRing, Settings, TokenFault};
use crate::base::{AccessToken, Position, RefreshToken, SessionId, Timestamp, TokenId};
use crate::identity::{Labels, ProviderName, UserId};

/// Longest compact form looked at. Ours have about 500 bytes.
const LONGEST: usize = 4096;

/// Checks our tokens, and remembers the access tokens it has found good: as long as its keys, since a reload that changes keys
/// makes a new verifier.
pub struct TokenVerifier {
    keys: Arc<KeyRing>,
    settings: Settings,
    known: KnownTokens,
}

/// What a good token says. Good means signed by us, within its times, for this gateway; whether its session still lives is
/// another question.
#[derive(Debug)]
pub struct Verified {
    /// The person.
    pub user: UserId,
    /// The person as `sub` names them.
    pub subject: Arc<str>,
    /// Who checked the password.
    pub provider: ProviderName,
    /// The session.
    pub session: SessionId,
    /// These, as headers hold them.
    pub labels: Labels,
    /// The token's own id.
    pub id: TokenId,
    /// The change log's position when it was made.
    pub position: Position,
    /// The generation, if a rotation made it.
    pub generation: Option<u32>,
    /// When it was made (dated back by a few seconds).
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// Whether the password was given when it was made.
    pub fresh: bool,
    /// The double-submit value.
    pub csrf: Box<str>,
    /// What only a token of another issuer says: it belongs to no session of ours. `None` for ours.
    pub foreign: Option<Box<Foreign>>,
    confirmed: AtomicBool,
    noted: AtomicU64,
}

/// A session seen again sooner than this is not noted again: most requests then only read.
const NOTED: Duration = Duration::from_secs(15);

impl Verified {
    /// What a good token of another issuer says. `session` and `id` are made of its text and name nothing of ours.
    #[expect(clippy::too_many_arguments, reason = "each is a field")]
    pub(super) fn foreign(
        user: UserId,
        subject: Arc<str>,
        provider: ProviderName,
        session: SessionId,
        id: TokenId,
        position: Position,
        issued: Timestamp,
        expires: Timestamp,
        fresh: bool,
        csrf: Box<str>,
        foreign: Foreign,
    ) -> Self {
        Self {
            labels: Labels::new(&subject, &provider, session),
            user,
            subject,
            provider,
            session,
            id,
            position,
            generation: None,
            issued,
            expires,
            fresh,
            csrf,
            foreign: Some(Box::new(foreign)),
            confirmed: AtomicBool::new(false),
            noted: AtomicU64::new(0),
        }
    }

    /// True exactly once for a token that a rotation made: its first use confirms the rotation.
    pub fn first_use_of_rotated(&self) -> Option<u32> {
        let generation = self.generation?;
        (!self.confirmed.load(Ordering::Relaxed) && !self.confirmed.swap(true, Ordering::Relaxed)).then_some(generation)
    }

    /// The store did not take the confirmation: the next use is the first again.
    pub fn was_not_confirmed(&self) {
        self.confirmed.store(false, Ordering::Relaxed);
    }

    /// Whether it is time to note again that this token's session is in use.
    pub fn is_worth_noting(&self, now: Timestamp) -> bool {
        let last = Timestamp::from_millis(self.noted.load(Ordering::Relaxed));
        let due = now.since(last) >= NOTED;
        if due {
            self.noted.store(now.millis(), Ordering::Relaxed);
        }
        due
    }
}

impl TokenVerifier {
    /// A verifier with these keys and nothing remembered.
    pub fn new(keys: Arc<KeyRing>, settings: Settings) -> Self {
        let known = KnownTokens::new(settings.cache, settings.access_ttl.max(Duration::from_secs(1)));
        Self { keys, settings, known }
    }

    /// Checks an access token.
    ///
    /// # Errors
    /// Why it is not good now.
    pub fn access(&self, token: &AccessToken, now: Timestamp) -> Result<Arc<Verified>, TokenFault> {
        if let Some(remembered) = self.remembered(token, now) {
            return remembered;
        }
        let verified = Arc::new(self.verify(token.expose(), Kind::Access, Some(now))?);
        self.known.insert(token, &verified);
        Ok(verified)
    }

    /// What is known of an access token that was found good before; `None` when nothing is.
    pub fn remembered(&self, token: &AccessToken, now: Timestamp) -> Option<Result<Arc<Verified>, TokenFault>> {
        self.known.get(token, now)
    }

    /// Checks an access token but for its end: for logging out with one that has just expired, and for renewing a cookie
    /// together with a good refresh token.
    ///
    /// # Errors
    /// Why it was never good, or is not good yet.
    pub fn access_even_expired(&self, token: &AccessToken, now: Timestamp) -> Result<Verified, TokenFault> {
        let verified = self.verify(token.expose(), Kind::Access, None)?;
        if verified.issued > now { Err(TokenFault::NotYetValid) } else { Ok(verified) }
    }

    /// Checks a refresh token. Never remembered: the store is asked anyway.
    ///
    /// # Errors
    /// Why it is not good now.
    pub fn refresh(&self, token: &RefreshToken, now: Timestamp) -> Result<Verified, TokenFault> {
        self.verify(token.expose(), Kind::Refresh, Some(now))
    }

    /// Whether a token that is not remembered costs much to check.
    pub fn is_costly(&self) -> bool {
        self.keys.is_costly()
    }

    fn verify(&self, compact: &str, kind: Kind, now: Option<Timestamp>) -> Result<Verified, TokenFault> {
        let (message, header, payload, signature) = split(compact, LONGEST)?;
        let header_json = decode(header)?;
        let header: Header<'_> = serde_json::from_slice(&header_json).map_err(|_| TokenFault::Malformed)?;
        if header.crit.0 || header.b64.0 {
            return Err(TokenFault::Critical);
        }
        self.keys.check(header.kid.as_deref(), &header.alg, message.as_bytes(), signature)?;
        let claims: Claims = serde_json::from_slice(&decode(payload)?).map_err(|_| TokenFault::Malformed)?;
        if let Some(now) = now {
            if claims.exp <= now.secs() {
                return Err(TokenFault::Expired);
            }
            if claims.nbf > now.secs() || claims.iat > now.secs() {
                return Err(TokenFault::NotYetValid);
            }
        }
        if claims.iss != self.settings.issuer || claims.aud != self.settings.audience {
            return Err(TokenFault::NotForUs);
        }
        if claims.kind != kind {
            return Err(TokenFault::WrongType);
        }
        self.read(claims)
    }

    fn read(&self, claims: Claims) -> Result<Verified, TokenFault> {
        let user = self.settings.subjects.read(&claims.sub).map_err(|_| TokenFault::NotForUs)?;
        // A bare `sub` belongs to whichever realm is primary now; the provider's name in the token says which one was meant
        // when it was made, so that changing the primary realm cannot turn one person into another.
        let provider = self.settings.providers.iter().find(|(name, realm)| name.as_str() == claims.idp && realm == user.realm());
        let (provider, _) = provider.ok_or(TokenFault::NotForUs)?;
        let session = SessionId::parse(&claims.sid).ok_or(TokenFault::Malformed)?;
        Ok(Verified {
            user,
            labels: Labels::new(&claims.sub, provider, session),
            subject: claims.sub.into(),
            provider: provider.clone(),
            session,
            id: TokenId::parse(&claims.jti).ok_or(TokenFault::Malformed)?,
            position: Position(claims.rsn),
            generation: claims.generation,
            issued: Timestamp::from_secs(claims.iat),
            expires: Timestamp::from_secs(claims.exp),
            fresh: claims.fresh,
            csrf: claims.csrf.into(),
            foreign: None,
            confirmed: AtomicBool::new(false),
            noted: AtomicU64::new(0),
        })
    }
}

/// Message, header, payload and signature of a compact form with exactly three parts.
pub(super) fn split(compact: &str, longest: usize) -> Result<(&str, &str, &str, &str), TokenFault> {
    if compact.len() > longest {
        return Err(TokenFault::Malformed);
    }
    let (message, signature) = compact.rsplit_once('.').ok_or(TokenFault::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(TokenFault::Malformed)?;
    if payload.contains('.') { Err(TokenFault::Malformed) } else { Ok((message, header, payload, signature)) }
}

/// The JSON object in a part. An array is none: serde would read one as a structure whose members stand in order.
pub(super) fn decode(part: &str) -> Result<Vec<u8>, TokenFault> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Malformed)?;
    if json.trim_ascii_start().starts_with(b"{") { Ok(json) } else { Err(TokenFault::Malformed) }
}
