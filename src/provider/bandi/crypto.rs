//! What the sign-in page's script does with a password (bandiJS over forge), as public clients have read it.
//!
//! A random text is the root of an AES key; the page's RSA key carries that text and the time; AES carries the password.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA1};
use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::base::{Timestamp, random_bytes};

const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(1023);

/// The least that can carry the random text and the time (88 + 1 + 13 bytes, and 11 of padding), in bits, rounded up to
/// a size that keys have.
const SMALLEST_KEY: u64 = 1024;

/// What ECMAScript's `encodeURIComponent` leaves as it is.
const URI_COMPONENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'!').remove(b'~').remove(b'*').remove(b'\'').remove(b'(').remove(b')');

/// The page's RSA key.
pub(super) enum PublicKey {
    /// 2048 bits and more: the library's.
    Usual(Pkcs1PublicEncryptingKey),
    /// Fewer, which the library refuses. Encryption with a public key has no secret to leak through timing but the
    /// random text, which is used once; a page that offers such a key leaves no better way.
    Small(SmallKey),
}

pub(super) struct SmallKey {
    modulus: BigUint,
    exponent: BigUint,
}

/// The page's key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyFault {
    #[error("it is not base64")]
    NotBase64,
    #[error("it is not an RSA public key")]
    NotRsa,
    #[error("it has only {0} bits")]
    TooSmall(u64),
}

/// A password as it is posted.
pub(super) struct Sealed {
    pub(super) encsymka: String,
    pub(super) pw_enc: String,
}

impl PublicKey {
    /// Reads the base64 of a DER `SubjectPublicKeyInfo`, with or without the lines and dashes of PEM.
    pub(super) fn parse(text: &str) -> Result<Self, KeyFault> {
        let base64: String = text.lines().filter(|line| !line.starts_with("-----")).flat_map(str::split_whitespace).collect();
        let der = STANDARD.decode(base64).map_err(|_| KeyFault::NotBase64)?;
        match PublicEncryptingKey::from_der(&der).ok().and_then(|key| Pkcs1PublicEncryptingKey::new(key).ok()) {
            Some(key) => Ok(Self::Usual(key)),
            None => SmallKey::parse(&der).map(Self::Small),
        }
    }

    pub(super) fn bits(&self) -> u64 {
        match self {
            Self::Usual(key) => key.key_size_bits() as u64,
            Self::Small(key) => key.modulus.bits(),
        }
    }

    fn encrypt(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Usual(key) => {
                let mut sealed = vec![0; key.ciphertext_size()];
                let length = key.encrypt(message, &mut sealed)?.len();
                sealed.truncate(length);
                Ok(sealed)
            }
            Self::Small(key) => key.encrypt(message),
        }
    }
}

/// Seals a password for this key at this moment.
pub(super) fn seal(key: &PublicKey, password: &str, now: Timestamp) -> Result<Sealed, Unspecified> {
    let root = Zeroizing::new(STANDARD.encode(*Zeroizing::new(random_bytes::<64>())));
    let timed = Zeroizing::new(format!("{},{}", *root, now.millis()));
    let encsymka = STANDARD.encode(key.encrypt(timed.as_bytes())?);

    let salt = root.get(root.len() - 16..).ok_or(Unspecified)?;
    let mut aes = Zeroizing::new([0_u8; 32]);
    pbkdf2::derive(PBKDF2_HMAC_SHA1, ROUNDS, salt.as_bytes(), root.as_bytes(), aes.as_mut());
    let iv: [u8; 16] = aes[16..].try_into().map_err(|_| Unspecified)?;

    let text = as_the_page_writes_it(password);
    // Room for the padding too, so that growing leaves no copy behind.
    let mut block = Zeroizing::new(Vec::with_capacity(text.len().div_ceil(3) * 4 + 16));
    block.resize(text.len().div_ceil(3) * 4, 0);
    STANDARD.encode_slice(text.as_bytes(), &mut block).map_err(|_| Unspecified)?;
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, aes.as_ref())?)?;
    cipher.less_safe_encrypt(&mut *block, EncryptionContext::Iv128(FixedLength::from(&iv)))?;
    Ok(Sealed { encsymka, pw_enc: STANDARD.encode(&*block) })
}

/// The page's script trims the password, and marks and percent-encodes one that is not ASCII.
fn as_the_page_writes_it(password: &str) -> Zeroizing<String> {
    let password = password.trim();
    if password.is_ascii() {
        return Zeroizing::new(password.to_owned());
    }
    let mut text = Zeroizing::new(String::with_capacity(4 + 3 * password.len()));
    text.push_str("__h_");
    text.extend(utf8_percent_encode(password, URI_COMPONENT));
    text
}

impl SmallKey {
    fn parse(der: &[u8]) -> Result<Self, KeyFault> {
        let (modulus, exponent) = spki(der).ok_or(KeyFault::NotRsa)?;
        let key = Self { modulus: BigUint::from_bytes_be(modulus), exponent: BigUint::from_bytes_be(exponent) };
        let bits = key.modulus.bits();
        // Larger ones the library would have taken, were they sound.
        if bits >= 2048 || !key.modulus.bit(0) || !key.exponent.bit(0) || key.exponent < BigUint::from(3_u8) || key.exponent.bits() > 33 {
            return Err(KeyFault::NotRsa);
        }
        if bits < SMALLEST_KEY { Err(KeyFault::TooSmall(bits)) } else { Ok(key) }
    }

    /// RSAES-PKCS1-v1_5 (RFC 8017, 7.2.1).
    fn encrypt(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let size = usize::try_from(self.modulus.bits().div_ceil(8)).map_err(|_| Unspecified)?;
        let padding = size.checked_sub(message.len() + 3).filter(|padding| *padding >= 8).ok_or(Unspecified)?;
        let mut block = Zeroizing::new(Vec::with_capacity(size));
        block.extend([0, 2]);
        while block.len() < padding + 2 {
            block.extend(random_bytes::<1>().into_iter().filter(|byte| *byte != 0));
        }
        block.push(0);
        block.extend(message);
        let sealed = BigUint::from_bytes_be(&block).modpow(&self.exponent, &self.modulus).to_bytes_be();
        let mut whole = vec![0; size - sealed.len()];
        whole.extend(sealed);
        Ok(whole)
    }
}

/// Modulus and exponent of an RSA `SubjectPublicKeyInfo` (RFC 5280, 4.1; RFC 8017, A.1.1).
fn spki(der: &[u8]) -> Option<(&[u8], &[u8])> {
    const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    let (info, []) = element(der, 0x30)? else { return None };
    let (algorithm, info) = element(info, 0x30)?;
    if element(algorithm, 0x06)?.0 != RSA_ENCRYPTION {
        return None;
    }
    let (bits, []) = element(info, 0x03)? else { return None };
    let (key, []) = element(bits.strip_prefix(&[0])?, 0x30)? else { return None };
    let (modulus, key) = element(key, 0x02)?;
    let (exponent, []) = element(key, 0x02)? else { return None };
    Some((modulus, exponent))
}

/// The contents of the element with this tag at the front, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => rest.split_first_chunk().map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?,
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::{KeySize, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey};

    use super::*;

    // Made for this test with `openssl genrsa 1024`; it opens nothing.
    const SMALL: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCvK8RrP1IKsF0L2rZZPGYYo4s2QkcQu/e1meoggdvscRtisoQQEhkQCFxj17ZuX4G3DYK8pyrAMrrXUWfJnCKcv/vqYoSGqF6gF1kuc7MhPOwptdd8P3zM0hw6K9o493V2wLN8kWc74DhS+D5iIAliCBYQlZd7fF34RsfFqSJJ2QIDAQAB";
    const SMALL_SECRET_EXPONENT: &str = "95d9db2de3fd4b2794718fa86eae3ca8d73f402b729fde2d0a2da11c2dfaf549cd23a193582c234493e275871389582a9f6def6973981ed34702eba0ddd7b3c2f9431344b1e3f92a9190cd3ecfe23b32ecb8683e4a481f16bc9c9e8a22f61952c9e72d6b18fd90984f1dbf13587b47d358a926663e0c593df5b754cde641fc1";
    const NOW: Timestamp = Timestamp::from_millis(1_764_563_066_913);

    fn unpad(block: &[u8]) -> &[u8] {
        assert_eq!(block[..2], [0, 2]);
        let end = 2 + block[2..].iter().position(|byte| *byte == 0).unwrap();
        assert!(end >= 10);
        &block[end + 1..]
    }

    #[test]
    fn a_usual_key_carries_the_text_and_the_time() {
        let secret = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let key = PublicKey::parse(&STANDARD.encode(secret.public_key().as_der().unwrap().as_ref())).unwrap();
        assert_eq!(key.bits(), 2048);
        let sealed = STANDARD.decode(seal(&key, "rightPasswd", NOW).unwrap().encsymka).unwrap();
        let mut space = vec![0; 256];
        let opened = Pkcs1PrivateDecryptingKey::new(secret).unwrap().decrypt(&sealed, &mut space).unwrap().to_vec();
        let text = String::from_utf8(opened).unwrap();
        let (root, time) = text.split_once(',').unwrap();
        assert_eq!((root.len(), time), (88, "1764563066913"));
    }

    #[test]
    fn a_small_key_is_used_by_hand() {
        let key = PublicKey::parse(SMALL).unwrap();
        assert_eq!(key.bits(), 1024);
        let PublicKey::Small(small) = &key else { panic!("1024 bits are small") };
        let secret = BigUint::parse_bytes(SMALL_SECRET_EXPONENT.as_bytes(), 16).unwrap();
        for message in [b"".as_slice(), b"short", &[7; 117]] {
            let sealed = key.encrypt(message).unwrap();
            assert_eq!(sealed.len(), 128);
            let mut opened = BigUint::from_bytes_be(&sealed).modpow(&secret, &small.modulus).to_bytes_be();
            opened.insert(0, 0);
            assert_eq!(unpad(&opened), message);
        }
        assert!(key.encrypt(&[7; 118]).is_err(), "eight bytes of padding are the least");
        assert!(seal(&key, "rightPasswd", NOW).is_ok());
    }

    #[test]
    fn nothing_repeats_itself() {
        let key = PublicKey::parse(SMALL).unwrap();
        let (one, two) = (seal(&key, "x", NOW).unwrap(), seal(&key, "x", NOW).unwrap());
        assert!(one.encsymka != two.encsymka && one.pw_enc != two.pw_enc);
    }

    #[test]
    fn what_is_no_key_is_said_to_be_none() {
        assert_eq!(PublicKey::parse("!").err(), Some(KeyFault::NotBase64));
        assert_eq!(PublicKey::parse("").err(), Some(KeyFault::NotRsa));
        assert_eq!(PublicKey::parse("AAAA").err(), Some(KeyFault::NotRsa));
        let der = STANDARD.decode(SMALL).unwrap();
        for cut in 0..der.len() {
            assert_eq!(PublicKey::parse(&STANDARD.encode(&der[..cut])).err(), Some(KeyFault::NotRsa), "cut at {cut}");
        }
        assert!(PublicKey::parse(&format!("-----BEGIN PUBLIC KEY-----\n{SMALL}\n-----END PUBLIC KEY-----\n")).is_ok());
    }

    #[test]
    fn a_password_is_written_as_the_page_writes_it() {
        assert_eq!(*as_the_page_writes_it(" a b!\t"), "a b!");
        assert_eq!(*as_the_page_writes_it("비번 1'(~)"), "__h_%EB%B9%84%EB%B2%88%201'(~)");
    }

    proptest::proptest! {
        #[test]
        fn no_der_makes_it_panic(der: Vec<u8>) {
            let _ = spki(&der);
        }
    }
}
