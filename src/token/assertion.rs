use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use jsonwebtoken::jwk::JwkSet;
use moka::sync::Cache;
use secrecy::SecretString;
use serde::Serialize;

use super::issuer::{SignError, signed};
use super::{KeyError, KeyRing, KeySettings};
use crate::base::{Timestamp, TokenId};
use crate::identity::{DisplayName, Email, Group, Identity, Profile};

/// What the operator wants of signed words about who asks.
#[derive(Clone, Debug)]
pub struct AssertionSettings {
    /// `iss`: the gateway.
    pub issuer: String,
    /// How long each is good.
    pub ttl: Duration,
    /// How far `iat` is dated back, for applications whose clocks are behind.
    pub backdate: Duration,
    /// The keys: pairs only, since whoever could check a secret's word could also make one.
    pub keys: Vec<KeySettings>,
}

/// Signs for applications who is asking, so that an application need not trust the network between the gateway and itself.
/// Its keys are its own: an assertion is no access token, and an access token is no assertion.
pub struct Asserter {
    keys: KeyRing,
    settings: AssertionSettings,
}

/// The assertions of one route, whose name is their audience: one made for another route is refused by whoever checks it.
pub struct RouteAssertions {
    asserter: Arc<Asserter>,
    audience: Box<str>,
    made: Cache<TokenId, Arc<Made>>,
}

/// One that was made. It serves the requests under the same token for the first half of its life, so that signing costs
/// once and whoever is handed it has at least the other half left to look at it.
struct Made {
    at: Timestamp,
    profile: Arc<Profile>,
    value: HeaderValue,
}

/// Assertions remembered for each route.
const REMEMBERED: u64 = 20_000;

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    /// Says what kind of token this is (RFC 8725, section 3.11), so that it cannot be taken for another one.
    typ: &'static str,
    kid: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    iat: u64,
    exp: u64,
    idp: &'a str,
    sid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    groups: Vec<&'a str>,
}

impl Asserter {
    /// What stands in `typ`.
    pub const TYPE: &'static str = "munjigi-assertion+jwt";

    /// With these keys, one of which signs.
    ///
    /// # Errors
    /// Every key that cannot be used, and that none can sign.
    pub fn new(settings: AssertionSettings) -> Result<Arc<Self>, Vec<KeyError>> {
        Ok(Arc::new(Self { keys: KeyRing::new(&settings.keys)?, settings }))
    }

    /// The public keys that assertions are checked with.
    pub fn public(&self) -> JwkSet {
        self.keys.public()
    }

    /// The assertions of a route.
    pub fn on_route(self: &Arc<Self>, name: &str) -> RouteAssertions {
        let made = Cache::builder().max_capacity(REMEMBERED).time_to_live(self.settings.ttl / 2).build();
        RouteAssertions { asserter: Arc::clone(self), audience: name.into(), made }
    }
}

impl RouteAssertions {
    /// The assertion about somebody who passes under the token `id`.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn about(&self, identity: Identity<'_>, id: &TokenId, now: Timestamp) -> Result<HeaderValue, SignError> {
        if let Some(made) = self.made.get(id)
            && made.serves(identity.profile, now, self.asserter.settings.ttl)
        {
            return Ok(made.value.clone());
        }
        let mut value = HeaderValue::try_from(self.sign(identity, now)?).map_err(|_| SignError)?;
        value.set_sensitive(true);
        let made = Made { at: now, profile: Arc::clone(identity.profile), value: value.clone() };
        self.made.insert(*id, Arc::new(made));
        Ok(value)
    }

    fn sign(&self, identity: Identity<'_>, now: Timestamp) -> Result<String, SignError> {
        let Asserter { keys, settings } = &*self.asserter;
        let signer = keys.signer(now).ok_or(SignError)?;
        let profile = identity.profile;
        let claims = Claims {
            iss: &settings.issuer,
            aud: &self.audience,
            sub: identity.subject,
            iat: now.minus(settings.backdate).secs(),
            exp: now.plus(settings.ttl).secs(),
            idp: identity.provider.as_str(),
            sid: identity.session.to_string(),
            name: profile.name.as_ref().map(DisplayName::as_str),
            email: profile.email.as_ref().map(Email::as_str),
            groups: profile.groups.iter().map(Group::as_str).collect(),
        };
        signed(&signer, &Header { alg: signer.algorithm.as_str(), typ: Asserter::TYPE, kid: signer.kid }, &claims)
    }
}

impl Made {
    /// Whether it still says what is so. A change of the person acts at the next request, as it does in the other headers;
    /// a clock that was set back makes a new one.
    fn serves(&self, profile: &Arc<Profile>, now: Timestamp, ttl: Duration) -> bool {
        let known = Arc::ptr_eq(&self.profile, profile) || self.profile == *profile;
        known && self.at <= now && now.since(self.at) < ttl / 2
    }
}

/// A new private key for ES256, in PEM (PKCS#8).
///
/// # Errors
/// When the system gives no randomness.
pub fn new_signing_key() -> Result<SecretString, SignError> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(|_| SignError)?;
    Ok(key.serialize_pem().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Somebody;
    use crate::token::{Algorithm, KeyMaterial};

    fn asserter(kid: &str) -> Arc<Asserter> {
        crate::token::install_crypto();
        let key = KeySettings {
            kid: kid.into(),
            algorithm: Algorithm::Es256,
            material: KeyMaterial::Private(new_signing_key().unwrap()),
            sign_from: None,
            verify_only: false,
            for_tokens_without_kid: false,
        };
        let (ttl, backdate) = (Duration::from_secs(60), Duration::from_secs(5));
        Asserter::new(AssertionSettings { issuer: "https://gate.test".into(), ttl, backdate, keys: vec![key] }).unwrap()
    }

    fn member_of(groups: &[&str]) -> Somebody {
        let groups = groups.iter().map(|group| Group::new(group).unwrap()).collect();
        Somebody::with(Profile { groups, name: Some(DisplayName::new("홍길동").unwrap()), ..Profile::default() })
    }

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + secs)
    }

    #[test]
    fn one_is_signed_for_half_of_its_life_and_anew_when_the_person_changes() {
        let route = asserter("a1").on_route("grades.test/");
        let id = TokenId::from_bytes([7; 16]);
        let first = route.about(member_of(&["staff"]).identity(), &id, at(0)).unwrap();
        assert!(first.is_sensitive());
        assert_eq!(route.about(member_of(&["staff"]).identity(), &id, at(29)).unwrap(), first);
        let moved = route.about(member_of(&[]).identity(), &id, at(29)).unwrap();
        assert_ne!(moved, first, "a group that was taken away is not told any longer");
        assert_ne!(route.about(member_of(&[]).identity(), &id, at(59)).unwrap(), moved, "half of its life is over");
        assert_ne!(route.about(member_of(&[]).identity(), &id, at(20)).unwrap(), moved, "a clock that was set back");
        let other = TokenId::from_bytes([8; 16]);
        assert_ne!(route.about(member_of(&["staff"]).identity(), &other, at(0)).unwrap(), first);
    }

    #[test]
    fn it_says_who_asks_for_one_minute_and_one_route() {
        let asserter = asserter("a1");
        let about = asserter.on_route("grades.test/").about(member_of(&["staff"]).identity(), &TokenId::random(), at(0)).unwrap();
        let (message, signature) = about.to_str().unwrap().rsplit_once('.').unwrap();
        asserter.keys.check(Some("a1"), "ES256", message.as_bytes(), signature).unwrap();
        let part = |at: usize| -> serde_json::Value {
            serde_json::from_slice(&crate::token::verifier::decode(message.split('.').nth(at).unwrap()).unwrap()).unwrap()
        };
        assert_eq!(part(0), serde_json::json!({ "alg": "ES256", "typ": "munjigi-assertion+jwt", "kid": "a1" }));
        let wanted = serde_json::json!({
            "iss": "https://gate.test", "aud": "grades.test/", "sub": "60241234", "iat": 1_799_999_995, "exp": 1_800_000_060,
            "idp": "mju", "sid": Somebody::SESSION.to_string(), "name": "홍길동", "groups": ["staff"],
        });
        assert_eq!(part(1), wanted);
    }
}
