use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, OctetKeyPairParameters, OctetKeyPairType,
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::ExposeSecret as _;

use super::{Algorithm, KeyMaterial, KeySettings, TokenFault};
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
        if errors.is_empty() && !keys.iter().any(|key| key.signs.is_some()) {
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
        match jsonwebtoken::crypto::verify(signature, message, &key.checks, key.algorithm.into()) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(TokenFault::BadSignature),
        }
    }
}

impl Key {
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
