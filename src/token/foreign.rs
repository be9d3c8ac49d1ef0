use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use serde_json::Value;

use super::claims::Header;
use super::jwks::KeySource;
use super::keys::KeyError;
use super::known::KnownTokens;
use super::members::Members;
use super::verifier::{decode, split};
use super::{KeyRing, KeySettings, TokenFault, Verified};
use crate::base::{AccessToken, Position, RefreshToken, SessionId, Timestamp, TokenId};
use crate::identity::{DisplayName, Email, Group, IdRule, ProviderName, Realm, Subjects, UserId};

/// Somebody else who makes tokens that some routes take: an identity provider, or an application with flask-jwt-extended.
#[derive(Clone, Debug)]
pub struct ForeignSettings {
    /// Its name in the configuration; stands as the provider in identity headers.
    pub name: ProviderName,
    /// `iss`, exactly. `None` only for an application's own tokens: then it is not looked at.
    pub issuer: Option<String>,
    /// The one `aud` must name; `None` as for `issuer`.
    pub audience: Option<String>,
    /// Whose ids these are.
    pub realm: Realm,
    /// How they look.
    pub id_rule: IdRule,
    /// Its keys.
    pub keys: ForeignKeys,
    /// How far its clock may be off.
    pub leeway: Duration,
    /// A token older than this by its `iat` is over, whatever its `exp` says.
    pub longest: Duration,
    /// Which claims say what.
    pub claims: ClaimMap,
    /// Further claims that are kept, for rules that ask for them.
    pub kept: Vec<Box<str>>,
    /// What a token must have beside `sub` and `iat`.
    pub needs: Needs,
    /// Made by the application behind the route: it goes back to it as it came.
    pub application: bool,
}

/// Where the keys of another issuer come from.
#[derive(Clone, Debug)]
pub enum ForeignKeys {
    /// The configuration.
    Fixed(Vec<KeySettings>),
    /// A key set in a file (RFC 7517): its text.
    Set(String),
    /// A key set at a URL.
    Url(String),
}

/// Which claims say what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimMap {
    /// The id: `sub` unless said.
    pub subject: Box<str>,
    /// A list of groups, or one text with commas.
    pub groups: Option<Box<str>>,
    /// What the person is called.
    pub name: Option<Box<str>>,
    /// Where the person gets mail.
    pub email: Option<Box<str>>,
}

impl Default for ClaimMap {
    fn default() -> Self {
        Self { subject: "sub".into(), groups: None, name: None, email: None }
    }
}

/// What a token must have beside `sub` and `iat`. Each that is let go of is a setting of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// `jti`.
    pub id: bool,
    /// `type`: "access" (or "refresh", where that is wanted).
    pub kind: bool,
    /// `exp`.
    pub end: bool,
}

/// What only a foreign token says.
#[derive(Debug)]
pub struct Foreign {
    /// Groups, sorted, each once.
    pub groups: Vec<Group>,
    /// What the person is called.
    pub name: Option<DisplayName>,
    /// Where the person gets mail.
    pub email: Option<Email>,
    /// Claims that rules ask for: names and values, a list's items one by one.
    pub claims: Vec<(Box<str>, Box<str>)>,
    /// How far its issuer's clock may be off.
    pub leeway: Duration,
    /// Made by the application behind the route.
    pub application: bool,
}

/// Checks the tokens of one other issuer. They are good for the routes that name it and for nothing else.
pub struct ForeignVerifier {
    settings: ForeignSettings,
    subjects: Subjects,
    source: Option<Arc<KeySource>>,
    current: ArcSwap<Current>,
}

/// Keys, and what was found good under them: gone together.
struct Current {
    keys: Arc<KeyRing>,
    known: KnownTokens,
}

/// Longest compact form looked at: others put more into theirs than we do.
const LONGEST: usize = 8192;
/// How many good tokens are remembered, and how long.
const REMEMBERED: u64 = 20_000;
const REMEMBERED_FOR: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Access,
    Refresh,
}

impl ForeignVerifier {
    /// A verifier; `source` when the keys come from a URL.
    ///
    /// # Errors
    /// Every key that cannot be used.
    pub fn new(settings: ForeignSettings, subjects: Subjects, source: Option<Arc<KeySource>>) -> Result<Self, Vec<KeyError>> {
        let keys = match &settings.keys {
            ForeignKeys::Fixed(keys) => KeyRing::checking(keys)?,
            ForeignKeys::Set(text) => KeyRing::from_key_set(text.as_bytes()).map_err(|error| vec![KeyError::Set(error)])?,
            ForeignKeys::Url(_) => KeyRing::checking(&[])?,
        };
        let current = ArcSwap::from_pointee(Current::new(Arc::new(keys)));
        Ok(Self { settings, subjects, source, current })
    }

    /// Its name.
    pub const fn name(&self) -> &ProviderName {
        &self.settings.name
    }

    /// Where its keys are fetched from.
    pub const fn source(&self) -> Option<&Arc<KeySource>> {
        self.source.as_ref()
    }

    /// Checks an access token. `position` is the change log's now: what a token first seen here counts as issued after, so that
    /// an end that comes later takes it along; what ended before is compared with its `iat`, by whoever asks the view.
    ///
    /// # Errors
    /// Why it is not good now.
    pub fn access(&self, token: &AccessToken, position: Position, now: Timestamp) -> Result<Arc<Verified>, TokenFault> {
        let current = self.current();
        if let Some(remembered) = current.known.get(token, now) {
            return remembered;
        }
        let verified = Arc::new(self.verify(&current.keys, token.expose(), Wanted::Access, position, now)?);
        current.known.insert(token, &verified);
        Ok(verified)
    }

    /// What is known of an access token that was found good before under the keys of now; `None` when nothing is.
    pub fn remembered(&self, token: &AccessToken, now: Timestamp) -> Option<Result<Arc<Verified>, TokenFault>> {
        self.current().known.get(token, now)
    }

    /// Whether a token that is not remembered costs much to check.
    pub fn is_costly(&self) -> bool {
        self.current().keys.is_costly()
    }

    /// Checks a refresh token of an application.
    ///
    /// # Errors
    /// Why it is not good now.
    pub fn refresh(&self, token: &RefreshToken, position: Position, now: Timestamp) -> Result<Verified, TokenFault> {
        self.verify(&self.current().keys, token.expose(), Wanted::Refresh, position, now)
    }

    fn current(&self) -> Arc<Current> {
        let current = self.current.load_full();
        let Some(fetched) = self.source.as_ref().and_then(|source| source.keys()) else { return current };
        if Arc::ptr_eq(&fetched, &current.keys) {
            return current;
        }
        let newer = Arc::new(Current::new(fetched));
        self.current.store(Arc::clone(&newer));
        newer
    }

    fn verify(&self, keys: &KeyRing, compact: &str, wanted: Wanted, position: Position, now: Timestamp) -> Result<Verified, TokenFault> {
        let (message, header, payload, signature) = split(compact, LONGEST)?;
        let header_json = decode(header)?;
        let header: Header<'_> = serde_json::from_slice(&header_json).map_err(|_| TokenFault::Malformed)?;
        if header.crit.0 || header.b64.0 {
            return Err(TokenFault::Critical);
        }
        match (header.kid.as_deref(), &self.settings.keys) {
            // An application's library neither writes nor reads a kid: its few keys are tried, each with its own algorithm.
            (None, _) | (_, ForeignKeys::Fixed(_)) => keys.check_each(&header.alg, message.as_bytes(), signature)?,
            (kid, ForeignKeys::Set(_) | ForeignKeys::Url(_)) => keys.check(kid, &header.alg, message.as_bytes(), signature)?,
        }
        let claims = Members::parse(&decode(payload)?)?;
        let (issued, expires) = self.times(&claims, now)?;
        self.names(&claims)?;
        self.kind(&claims, wanted)?;
        let user = self.user(&claims)?;
        let fresh = is_fresh(&claims, now)?;
        let hash = digest::digest(&digest::SHA256, compact.as_bytes());
        let half = |at: usize| -> [u8; 16] { std::array::from_fn(|index| hash.as_ref().get(at + index).copied().unwrap_or_default()) };
        let csrf = claims.text("csrf")?.unwrap_or_default().into();
        let foreign = Foreign {
            groups: self.groups(&claims)?,
            name: Self::mapped(&claims, self.settings.claims.name.as_deref())?.and_then(|name| DisplayName::new(name).ok()),
            email: Self::mapped(&claims, self.settings.claims.email.as_deref())?.and_then(|email| Email::new(email).ok()),
            claims: self.kept(&claims),
            leeway: self.settings.leeway,
            application: self.settings.application,
        };
        let subject = self.subjects.write(&user);
        let (session, id) = (SessionId::from_bytes(half(0)), TokenId::from_bytes(half(16)));
        let provider = self.settings.name.clone();
        Ok(Verified::foreign(user, subject.into(), provider, session, id, position, issued, expires, fresh, csrf, foreign))
    }

    /// When it was made and when it ends. Times are whole numbers; everything else is malformed.
    fn times(&self, claims: &Members, now: Timestamp) -> Result<(Timestamp, Timestamp), TokenFault> {
        let issued = Timestamp::from_secs(claims.time("iat")?.ok_or(TokenFault::Malformed)?);
        let oldest = issued.plus(self.settings.longest);
        let expires = match claims.time("exp")? {
            Some(end) => Timestamp::from_secs(end).plus(self.settings.leeway).min(oldest),
            None if self.settings.needs.end => return Err(TokenFault::Malformed),
            None => oldest,
        };
        if expires <= now {
            return Err(TokenFault::Expired);
        }
        let ahead = now.plus(self.settings.leeway).secs();
        if issued.secs() > ahead || claims.time("nbf")?.is_some_and(|from| from > ahead) {
            return Err(TokenFault::NotYetValid);
        }
        Ok((issued, expires))
    }

    fn names(&self, claims: &Members) -> Result<(), TokenFault> {
        if let Some(issuer) = &self.settings.issuer
            && claims.text("iss")? != Some(issuer)
        {
            return Err(TokenFault::NotForUs);
        }
        if let Some(audience) = &self.settings.audience
            && !claims.texts("aud")?.contains(&audience.as_str())
        {
            return Err(TokenFault::NotForUs);
        }
        Ok(())
    }

    fn kind(&self, claims: &Members, wanted: Wanted) -> Result<(), TokenFault> {
        if claims.text("jti")?.is_none() && self.settings.needs.id {
            return Err(TokenFault::Malformed);
        }
        match (claims.text("type")?, wanted) {
            (Some("access"), Wanted::Access) | (Some("refresh"), Wanted::Refresh) => Ok(()),
            (None, Wanted::Access) if !self.settings.needs.kind => Ok(()),
            (None, Wanted::Access) => Err(TokenFault::Malformed),
            (Some(_), _) | (None, Wanted::Refresh) => Err(TokenFault::WrongType),
        }
    }

    fn user(&self, claims: &Members) -> Result<UserId, TokenFault> {
        let id = claims.text(&self.settings.claims.subject)?.ok_or(TokenFault::Malformed)?;
        let user = self.settings.id_rule.canonical(&self.settings.realm, id).map_err(|_| TokenFault::NotForUs)?;
        // Nobody typed this: an id that is not in its one form already is another person's, or a trick.
        if user.id() == id { Ok(user) } else { Err(TokenFault::NotForUs) }
    }

    fn groups(&self, claims: &Members) -> Result<Vec<Group>, TokenFault> {
        let Some(claim) = self.settings.claims.groups.as_deref() else { return Ok(Vec::new()) };
        let texts = claims.texts(claim)?;
        let mut groups: Vec<Group> =
            texts.iter().flat_map(|text| text.split(',')).filter_map(|text| Group::new(text.trim()).ok()).collect();
        groups.sort();
        groups.dedup();
        Ok(groups)
    }

    /// The claims rules ask for. Anything but a text, a whole number, a boolean or a list of such says nothing.
    fn kept(&self, claims: &Members) -> Vec<(Box<str>, Box<str>)> {
        let mut kept = Vec::new();
        for name in &self.settings.kept {
            let items = match claims.get(name) {
                None => continue,
                Some(Value::Array(items)) => items.as_slice(),
                Some(other) => std::slice::from_ref(other),
            };
            kept.extend(items.iter().filter_map(|item| Some((name.clone(), scalar(item)?))));
        }
        kept
    }

    fn mapped<'a>(claims: &'a Members, claim: Option<&str>) -> Result<Option<&'a str>, TokenFault> {
        claim.map_or(Ok(None), |claim| claims.text(claim))
    }
}

impl Current {
    fn new(keys: Arc<KeyRing>) -> Self {
        Self { keys, known: KnownTokens::new(REMEMBERED, REMEMBERED_FOR) }
    }
}

fn scalar(value: &Value) -> Option<Box<str>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Bool(flag) => Some(flag.to_string().into()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string().into()),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The library writes a boolean, or a time until which the token is fresh (with a fraction).
fn is_fresh(claims: &Members, now: Timestamp) -> Result<bool, TokenFault> {
    match claims.get("fresh") {
        None => Ok(false),
        Some(Value::Bool(fresh)) => Ok(*fresh),
        #[expect(clippy::cast_precision_loss, reason = "seconds of this age fit a float exactly")]
        Some(Value::Number(until)) => Ok(until.as_f64().is_some_and(|until| until > now.secs() as f64)),
        Some(Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_)) => Err(TokenFault::Malformed),
    }
}
