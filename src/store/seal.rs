//! The successor of a refresh token waits in the store until it has been used once, in case the answer got lost. It is
//! sealed under a key that only the presented predecessor gives, so whoever reads the store reads no token.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

use crate::base::RefreshToken;

/// The first byte of what is sealed, so that another construction can follow this one.
const VERSION: u8 = 1;
/// RFC 5869, section 3.1: a salt that is not secret still separates this use of the token's bytes from every other.
const SALT: &[u8] = b"munjigi successor seal";
const INFO: &[u8] = b"AES-256-GCM key";

/// Why it cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The cryptographic library refused. Not to be expected.
    #[error("the successor could not be sealed")]
    Failed,
    /// Sealed for another token, damaged, or not sealed by us.
    #[error("the sealed successor does not belong to this token")]
    NotYours,
}

/// Seals `plaintext` for whoever presents `predecessor` again. AES-256-GCM under a random nonce; the key comes from the
/// token's compact form by HKDF-SHA256 (RFC 5869). The signature in it is what nobody can guess.
///
/// # Errors
/// Only when the cryptographic library fails.
pub fn seal(predecessor: &RefreshToken, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
    let key = key(predecessor).ok_or(SealError::Failed)?;
    let mut text = plaintext.to_vec();
    let nonce = key.seal_in_place_append_tag(Aad::from([VERSION]), &mut text).map_err(|_| SealError::Failed)?;
    let mut sealed = Vec::with_capacity(1 + NONCE_LEN + text.len());
    sealed.push(VERSION);
    sealed.extend_from_slice(nonce.as_ref());
    sealed.append(&mut text);
    Ok(sealed)
}

/// Opens what [`seal`] made for this very token.
///
/// # Errors
/// When it was sealed for another token, or changed since.
pub fn open(predecessor: &RefreshToken, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let key = key(predecessor).ok_or(SealError::Failed)?;
    let (&version, rest) = sealed.split_first().ok_or(SealError::NotYours)?;
    let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or(SealError::NotYours)?;
    if version != VERSION {
        return Err(SealError::NotYours);
    }
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::NotYours)?;
    let mut text = Zeroizing::new(text.to_vec());
    let length = key.open_in_place(nonce, Aad::from([version]), &mut text).map_err(|_| SealError::NotYours)?.len();
    text.truncate(length);
    Ok(text)
}

fn key(token: &RefreshToken) -> Option<RandomizedNonceKey> {
    let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(token.expose().as_bytes());
    let mut key = Zeroizing::new([0; 32]);
    secret.expand(&[INFO], &AES_256_GCM).and_then(|bytes| bytes.fill(key.as_mut())).ok()?;
    RandomizedNonceKey::new(&AES_256_GCM, key.as_ref()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> RefreshToken {
        RefreshToken::new(text)
    }

    #[test]
    fn the_predecessor_opens_it_and_nothing_else_does() {
        let sealed = seal(&token("head.body.sig"), b"the new pair").unwrap();
        assert_eq!(open(&token("head.body.sig"), &sealed).unwrap().as_slice(), b"the new pair");
        assert_eq!(open(&token("head.body.sih"), &sealed).unwrap_err(), SealError::NotYours);
    }

    #[test]
    fn what_was_changed_does_not_open() {
        let sealed = seal(&token("t"), b"pair").unwrap();
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(open(&token("t"), &changed).unwrap_err(), SealError::NotYours, "byte {place}");
            assert!(open(&token("t"), &sealed[..place]).is_err(), "cut at {place}");
        }
    }

    #[test]
    fn the_same_text_is_sealed_differently_each_time() {
        assert_ne!(seal(&token("t"), b"pair").unwrap(), seal(&token("t"), b"pair").unwrap());
    }
}
