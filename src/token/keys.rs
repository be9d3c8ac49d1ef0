use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, OctetKeyPairParameters, OctetKeyPairType,
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::ExposeSecret as _;

use super::{Algorithm, KeyMaterial, KeySetError, KeySettings, TokenFault};
use crate::base::Timestamp;

/// Why a key of the configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The material is not a key of this algorithm.
    #[error("key {kid:?} is not a usable {} key: {reason}", .algorithm.as_str())]
    Unusable {
        /// Which key.
        kid: String,
        /// What it should be.
        algorithm: Algorithm,
        /// The library's reason.
        reason: String,
    },
    /// Nothing can sign.
    #[error("no key can sign: at least one must be a secret or a private key without verify_only")]
    NoneSigns,
    /// A key set has nothing usable.
    #[error("key set: {0}")]
    Set(KeySetError),
}

/// The keys: found by `kid`, each with its one algorithm (RFC 8725, section 3.1).
pub struct KeyRing {
    keys: Vec<Key>,
    without_kid: Option<usize>,
}

struct Key {
    kid: String,
    algorithm: Algorithm,
    checks: DecodingKey,
    signs: Option<(EncodingKey, Timestamp)>,
    public: Option<Jwk>,
}

/// A key at work in signing.
pub(super) struct Signer<'a> {
    pub(super) kid: &'a str,
    pub(super) algorithm: Algorithm,
    key: &'a EncodingKey,
}

impl KeyRing {
    /// Makes the keys ready for use.
    ///
    /// # Errors
    /// Every key that cannot be used, and that none can sign.
    pub fn new(settings: &[KeySettings]) -> Result<Self, Vec<KeyError>> {
        Self::build(settings, true)
    }

    /// Keys that only check: those of others.
    ///
    /// # Errors
    /// Every key that cannot be used.
    pub fn checking(settings: &[KeySettings]) -> Result<Self, Vec<KeyError>> {
        Self::build(settings, false)
    }

    /// The keys of a published set (RFC 7517): the public ones for signatures, of the algorithms known here. The algorithm is
    /// the key's, said by it or the only one its kind has here; a shared secret in a published set is none.
    ///
    /// # Errors
    /// When it is no set, or has no such key.
    pub fn from_key_set(document: &[u8]) -> Result<Self, KeySetError> {
        let set: serde_json::Value = serde_json::from_slice(document).map_err(|_| KeySetError::NotASet)?;
        let entries = set.get("keys").and_then(serde_json::Value::as_array).ok_or(KeySetError::NotASet)?;
        // One entry that is not understood does not spoil the others (RFC 7517, section 5).
        let keys: Vec<Key> = entries.iter().take(MOST_PUBLISHED).filter_map(published).collect();
        if keys.is_empty() { Err(KeySetError::NoKeys) } else { Ok(Self { keys, without_kid: None }) }
    }

    /// Whether checking a signature costs much: tens of microseconds with a key pair, a few with a secret.
    pub(super) fn is_costly(&self) -> bool {
        self.keys.iter().any(|key| key.algorithm != Algorithm::Hs256)
    }

    /// How many keys there are.
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn build(settings: &[KeySettings], signs: bool) -> Result<Self, Vec<KeyError>> {
        let mut errors = Vec::new();
        let mut keys = Vec::new();
        for setting in settings {
            match Key::new(setting) {
                Ok(key) => keys.push(key),
                Err(reason) => {
                    errors.push(KeyError::Unusable { kid: setting.kid.clone(), algorithm: setting.algorithm, reason: reason.to_string() });
                }
            }
        }
        if errors.is_empty() && signs && !keys.iter().any(|key| key.signs.is_some()) {
            errors.push(KeyError::NoneSigns);
        }
        if errors.is_empty() {
            Ok(Self { without_kid: settings.iter().position(|setting| setting.for_tokens_without_kid), keys })
        } else {
            Err(errors)
        }
    }

    /// The public keys, for `/.well-known/jwks.json`. Secrets have no public part and are not in it.
    pub fn public(&self) -> JwkSet {
        JwkSet { keys: self.keys.iter().filter_map(|key| key.public.clone()).collect() }
    }

    /// The key that signs at `now`: the one whose time to sign came last.
    pub(super) fn signer(&self, now: Timestamp) -> Option<Signer<'_>> {
        let ready = |key: &&Key| key.signs.as_ref().is_some_and(|(_, from)| *from <= now);
        // Without one whose time has come, the first that can sign at all: a gateway that cannot sign logs nobody in.
        let newest = self.keys.iter().filter(ready).max_by_key(|key| key.signs.as_ref().map(|(_, from)| *from));
        let key = newest.or_else(|| self.keys.iter().find(|key| key.signs.is_some()))?;
        key.signs.as_ref().map(|(signs, _)| Signer { kid: &key.kid, algorithm: key.algorithm, key: signs })
    }

    /// Checks a signature under the key a header names; the algorithm is the key's, and the header must agree.
    pub(super) fn check(&self, kid: Option<&str>, alg: &str, message: &[u8], signature: &str) -> Result<(), TokenFault> {
        let key = match kid {
            Some(kid) => self.keys.iter().find(|key| key.kid == kid),
            None => self.without_kid.and_then(|at| self.keys.get(at)),
        };
        let key = key.ok_or(TokenFault::UnknownKey)?;
        if alg != key.algorithm.as_str() {
            return Err(TokenFault::WrongAlgorithm);
        }
        key.check(message, signature)
    }

    /// Checks a signature of somebody who names no key, under every key that has the algorithm the header names.
    pub(super) fn check_each(&self, alg: &str, message: &[u8], signature: &str) -> Result<(), TokenFault> {
        if self.keys.is_empty() {
            return Err(TokenFault::UnknownKey);
        }
        let mut verdict = Err(TokenFault::WrongAlgorithm);
        for key in self.keys.iter().filter(|key| key.algorithm.as_str() == alg) {
            verdict = key.check(message, signature);
            if verdict.is_ok() {
                break;
            }
        }
        verdict
    }
}

/// Most keys looked at in a published set.
const MOST_PUBLISHED: usize = 32;

/// A key of a published set, if it is one for us.
fn published(entry: &serde_json::Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(entry.clone()).ok()?;
    if jwk.common.public_key_use.as_ref().is_some_and(|purpose| *purpose != jsonwebtoken::jwk::PublicKeyUse::Signature) {
        return None;
    }
    let text = |name: &str| entry.get(name).and_then(serde_json::Value::as_str);
    let own = match (text("kty")?, text("crv")) {
        ("EC", Some("P-256")) => Algorithm::Es256,
        ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
        ("RSA", _) => Algorithm::Rs256,
        (_, _) => return None,
    };
    if text("alg").is_some_and(|said| said != own.as_str()) {
        return None;
    }
    let kid = jwk.common.key_id.clone().unwrap_or_default();
    Some(Key { kid, algorithm: own, checks: DecodingKey::from_jwk(&jwk).ok()?, signs: None, public: None })
}

impl Key {
    fn check(&self, message: &[u8], signature: &str) -> Result<(), TokenFault> {
        match jsonwebtoken::crypto::verify(signature, message, &self.checks, self.algorithm.into()) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(TokenFault::BadSignature),
        }
    }

    fn new(setting: &KeySettings) -> Result<Self, jsonwebtoken::errors::Error> {
        let algorithm = setting.algorithm;
        let sign_from = setting.sign_from.unwrap_or_default();
        let (checks, signs, public) = match &setting.material {
            KeyMaterial::Secret(secret) => {
                let secret = secret.expose_secret();
                (DecodingKey::from_secret(secret), Some(EncodingKey::from_secret(secret)), None)
            }
            KeyMaterial::Private(pem) => {
                let signs = read_private(algorithm, pem.expose_secret().as_bytes())?;
                let public = match algorithm {
                    Algorithm::EdDsa => ed25519_public(&signs)?,
                    Algorithm::Hs256 | Algorithm::Es256 | Algorithm::Rs256 => Jwk::from_encoding_key(&signs, algorithm.into())?,
                };
                (DecodingKey::from_jwk(&public)?, Some(signs), Some(public))
            }
            KeyMaterial::Public(pem) => {
                let checks = read_public(algorithm, pem.as_bytes())?;
                let public = Jwk::from_decoding_key(&checks, Some(algorithm.into()))?;
                (checks, None, Some(public))
            }
        };
        if checks.family() != jsonwebtoken::Algorithm::from(algorithm).family() {
            return Err(jsonwebtoken::errors::ErrorKind::InvalidAlgorithm.into());
        }
        let public = public.map(|mut jwk| {
            jwk.common.key_id = Some(setting.kid.clone());
            jwk.common.public_key_use = Some(jsonwebtoken::jwk::PublicKeyUse::Signature);
            jwk
        });
        let signs = signs.filter(|_| !setting.verify_only).map(|key| (key, sign_from));
        Ok(Self { kid: setting.kid.clone(), algorithm, checks, signs, public })
    }
}

impl Signer<'_> {
    pub(super) fn sign(&self, message: &[u8]) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::crypto::sign(message, self.key, self.algorithm.into())
    }
}

fn read_private(algorithm: Algorithm, pem: &[u8]) -> Result<EncodingKey, jsonwebtoken::errors::Error> {
    match algorithm {
        Algorithm::Hs256 => Err(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat.into()),
        Algorithm::Es256 => EncodingKey::from_ec_pem(pem),
        Algorithm::EdDsa => EncodingKey::from_ed_pem(pem),
        Algorithm::Rs256 => EncodingKey::from_rsa_pem(pem),
    }
}

fn read_public(algorithm: Algorithm, pem: &[u8]) -> Result<DecodingKey, jsonwebtoken::errors::Error> {
    match algorithm {
        Algorithm::Hs256 => Err(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat.into()),
        Algorithm::Es256 => DecodingKey::from_ec_pem(pem),
        Algorithm::EdDsa => DecodingKey::from_ed_pem(pem),
        Algorithm::Rs256 => DecodingKey::from_rsa_pem(pem),
    }
}

/// The library reads the public part only out of PKCS#8 version 1 (what OpenSSL writes); version 2 files carry it beside the
/// private part and are longer. The crypto back-end reads both.
fn ed25519_public(key: &EncodingKey) -> Result<Jwk, jsonwebtoken::errors::Error> {
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.as_bytes()).map_err(|_| jsonwebtoken::errors::ErrorKind::InvalidEddsaKey)?;
    Ok(Jwk {
        common: CommonParameters { key_algorithm: Some(KeyAlgorithm::EdDSA), ..CommonParameters::default() },
        algorithm: AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
            key_type: OctetKeyPairType::OctetKeyPair,
            curve: EllipticCurve::Ed25519,
            x: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
        }),
    })
}

impl From<Algorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Hs256 => Self::HS256,
            Algorithm::Es256 => Self::ES256,
            Algorithm::EdDsa => Self::EdDSA,
            Algorithm::Rs256 => Self::RS256,
        }
    }
}
