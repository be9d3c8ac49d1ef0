//! Opens what a browser sealed. Written from the description of the page's script, by other means than the provider's.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;
use aws_lc_rs::rsa::{KeySize, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;
use percent_encoding::percent_decode_str;

/// A key of 1024 bits, made with `openssl genrsa 1024` for the stand-in alone: public key, modulus, secret exponent.
const SMALL_PUBLIC: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQD5/wDX3X1MG7jwYsy7Nt3b2QEazjqAERGZsjbyE3+IjM3fhrE99I9vnpMyIIY175BDmHpfogJgcr781EXyP0vIBuMmEU8DewSjIJY8tnsOcLdyTbsOMOltsHWsxCKLQDj2Bsep9NVd/luIfe0mlMsFfDoAx+zhZA0PCwpiNZdV5QIDAQAB";
const SMALL_MODULUS: &str = "f9ff00d7dd7d4c1bb8f062ccbb36dddbd9011ace3a80111199b236f2137f888ccddf86b13df48f6f9e9332208635ef9043987a5fa2026072befcd445f23f4bc806e326114f037b04a320963cb67b0e70b7724dbb0e30e96db075acc4228b4038f606c7a9f4d55dfe5b887ded2694cb057c3a00c7ece1640d0f0b0a62359755e5";
const SMALL_EXPONENT: &str = "a071edcb9d06466b60653f33a04fd551bcd33dadefd3b3a0b520b0aceaa0a635a0077e7d9082bdefe8391629d39918186199a1a870e4cf9bb541b4c6f373762134b7b794f0565b35d8875481aa72f637e362eb0c42df7ab1d97413992f1a0bc297c80ecaaee8b7d7034f52729b6f7a5c2105aa2ed30784a122ceb35e66dfb49d";

/// The stand-in's RSA key: a fresh one of 2048 bits, and the small one.
pub(super) struct Keys {
    usual: Pkcs1PrivateDecryptingKey,
    usual_public: String,
}

/// What was sealed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) password: String,
    /// Milliseconds since the epoch, as the browser's clock had it.
    pub(super) sealed_at: u64,
}

impl Keys {
    pub(super) fn make() -> Option<Self> {
        let secret = PrivateDecryptingKey::generate(KeySize::Rsa2048).ok()?;
        let usual_public = STANDARD.encode(secret.public_key().as_der().ok()?.as_ref());
        Some(Self { usual: Pkcs1PrivateDecryptingKey::new(secret).ok()?, usual_public })
    }

    /// What stands in the page.
    pub(super) fn public(&self, small: bool) -> &str {
        if small { SMALL_PUBLIC } else { &self.usual_public }
    }

    /// Opens the two fields of a sign-in. `None` when anything about them is wrong.
    pub(super) fn open(&self, encsymka: &str, pw_enc: &str) -> Option<Opened> {
        let sealed_key = STANDARD.decode(encsymka).ok()?;
        let timed = if sealed_key.len() == 128 { open_small(&sealed_key)? } else { self.open_usual(&sealed_key)? };
        let (root, time) = timed.rsplit_once(',')?;
        if root.len() != 88 {
            return None;
        }

        let mut key = [0_u8; 32];
        let rounds = NonZeroU32::new(1024)?;
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, rounds, &root.as_bytes()[72..], root.as_bytes(), &mut key);
        let mut block = STANDARD.decode(pw_enc).ok()?;
        let iv: [u8; 16] = key[16..].try_into().ok()?;
        let cipher = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, &key).ok()?).ok()?;
        let text = cipher.decrypt(&mut block, DecryptionContext::Iv128(FixedLength::from(iv))).ok()?;
        let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        let password = match text.strip_prefix("__h_") {
            Some(encoded) => percent_decode_str(encoded).decode_utf8().ok()?.into_owned(),
            None => text,
        };
        Some(Opened { password, sealed_at: time.parse().ok()? })
    }

    fn open_usual(&self, sealed: &[u8]) -> Option<String> {
        let mut space = vec![0; self.usual.min_output_size()];
        let opened = self.usual.decrypt(sealed, &mut space).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }
}

fn open_small(sealed: &[u8]) -> Option<String> {
    let number = |hex: &str| BigUint::parse_bytes(hex.as_bytes(), 16);
    let block = BigUint::from_bytes_be(sealed).modpow(&number(SMALL_EXPONENT)?, &number(SMALL_MODULUS)?).to_bytes_be();
    // The leading zero byte is lost in the number; the type follows, then at least eight bytes that are not zero.
    let padded = block.strip_prefix(&[2])?;
    let end = padded.iter().position(|byte| *byte == 0).filter(|end| *end >= 8)?;
    String::from_utf8(padded[end + 1..].to_vec()).ok()
}
