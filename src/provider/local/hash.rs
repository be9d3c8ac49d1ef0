//! Hashes of passwords: Argon2id is made, bcrypt and Argon2 are read.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::SecretString;

use crate::base::random_bytes;

/// What an imported Argon2 hash may ask for, so that no row of a file makes every login of its owner an attack on the
/// gateway: 128 MiB, ten passes, four lanes. bcrypt: cost 14, about a second.
const MOST_MEMORY: u32 = 128 * 1024;
const MOST_PASSES: u32 = 10;
const MOST_LANES: u32 = 4;
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=14;

/// Why a text is no hash that can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashFault {
    /// Neither `$2b$…` nor `$argon2id$…`, or a broken one.
    #[error("it is no bcrypt hash and no Argon2 hash")]
    Format,
    /// It would cost too much to check.
    #[error("checking it would cost too much (Argon2: at most 128 MiB, 10 passes, 4 lanes; bcrypt: cost 4 to 14)")]
    TooCostly,
    /// It has no salt, or hardly any hash.
    #[error("it holds too little: a salt of 8 bytes and a hash of 16 bytes are the least")]
    TooShort,
}

/// Looks whether a hash from elsewhere can be taken.
///
/// # Errors
/// Why not.
pub fn check_imported(hash: &str) -> Result<(), HashFault> {
    if let Some(parts) = bcrypt_parts(hash) {
        let cost = parts.parse::<u32>().map_err(|_| HashFault::Format)?;
        return if BCRYPT_COSTS.contains(&cost) { Ok(()) } else { Err(HashFault::TooCostly) };
    }
    let parsed = PasswordHash::new(hash).map_err(|_| HashFault::Format)?;
    Algorithm::try_from(parsed.algorithm.as_str()).map_err(|_| HashFault::Format)?;
    let params = Params::try_from(&parsed).map_err(|_| HashFault::Format)?;
    if params.m_cost() > MOST_MEMORY || params.t_cost() > MOST_PASSES || params.p_cost() > MOST_LANES {
        return Err(HashFault::TooCostly);
    }
    let salted = parsed.salt.as_ref().is_some_and(|salt| salt.as_ref().len() >= 8);
    let long = parsed.hash.as_ref().is_some_and(|hash| hash.as_bytes().len() >= 16);
    if salted && long { Ok(()) } else { Err(HashFault::TooShort) }
}

/// The cost of a well-formed bcrypt hash: `$2a$`, `$2b$`, `$2x$` or `$2y$`, two digits, `$`, 53 characters.
fn bcrypt_parts(hash: &str) -> Option<&str> {
    let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|begin| hash.strip_prefix(begin))?;
    let (cost, digest) = rest.split_once('$')?;
    let alphabet = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/');
    (cost.len() == 2 && digest.len() == 53 && digest.bytes().all(alphabet)).then_some(cost)
}

/// Makes the hash that is stored from now on: Argon2id, 19 MiB, two passes, one lane. Takes tens of milliseconds.
pub(super) fn make(password: &str) -> Option<SecretString> {
    let salt = random_bytes::<16>();
    let hash = hasher().hash_password_with_salt(password.as_bytes(), &salt).ok()?;
    Some(SecretString::from(hash.to_string()))
}

/// Whether a password is that of a hash. Takes as long as the hash asks for.
pub(super) fn is_right(password: &str, hash: &str) -> bool {
    if check_imported(hash).is_err() {
        return false;
    }
    if bcrypt_parts(hash).is_some() {
        // bcrypt looks at 72 bytes. What an earlier system cut off was no part of its password.
        return bcrypt::verify(password, hash).unwrap_or(false);
    }
    hasher().verify_password(password.as_bytes(), hash).is_ok()
}

/// Whether a right password should be hashed anew: everything but what [`make`] makes, or better.
pub(super) fn is_outdated(hash: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash) else { return true };
    let good = Params::try_from(&parsed)
        .is_ok_and(|params| params.m_cost() >= Params::DEFAULT_M_COST && params.t_cost() >= Params::DEFAULT_T_COST);
    !good || parsed.algorithm.as_str() != Algorithm::Argon2id.as_str()
}

/// Takes as long as looking at a real one: for ids that nobody has.
pub(super) fn pretend(password: &str) {
    /// A hash of nobody's password.
    static NOBODY: LazyLock<Option<SecretString>> = LazyLock::new(|| make("nobody has this one"));
    if let Some(hash) = &*NOBODY {
        // Nothing is made of the answer, and the compiler may not leave the work out.
        std::hint::black_box(is_right(password, secrecy::ExposeSecret::expose_secret(hash)));
    }
}

fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    /// Made with the reference programs: `htpasswd -nbB` and `argon2 saltsaltsalt -id -m 12 -t 3 -p 1`.
    #[test]
    fn made_hashes_are_right_for_their_password_only() {
        let hash = make("바다 + 하늘 & 100%").unwrap();
        let hash = hash.expose_secret();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(is_right("바다 + 하늘 & 100%", hash) && !is_right("바다 + 하늘 & 100", hash));
        assert!(!is_outdated(hash));
        assert_eq!(check_imported(hash), Ok(()));
        assert_ne!(make("same").unwrap().expose_secret(), make("same").unwrap().expose_secret(), "each has its salt");
    }

    #[test]
    fn bcrypt_is_read_and_outdated() {
        let hash = bcrypt::hash("correct horse", 4).unwrap();
        for hash in [hash.clone(), hash.replace("$2b$", "$2y$"), hash.replace("$2b$", "$2a$")] {
            assert_eq!(check_imported(&hash), Ok(()));
            assert!(is_right("correct horse", &hash) && !is_right("correct hors", &hash) && is_outdated(&hash), "{hash}");
        }
    }

    #[test]
    fn what_is_no_hash_or_costs_too_much_is_not_taken() {
        let bcrypt = bcrypt::hash("x", 4).unwrap();
        let argon = make("x").unwrap();
        let argon = argon.expose_secret();
        assert_eq!(check_imported(&argon.replace("argon2id", "argon2i")), Ok(()));
        for (hash, fault) in [
            (String::new(), HashFault::Format),
            ("plain".into(), HashFault::Format),
            ("5f4dcc3b5aa765d61d8327deb882cf99".into(), HashFault::Format),
            ("$1$salt$hash".into(), HashFault::Format),
            ("$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E".into(), HashFault::Format),
            (bcrypt[..59].into(), HashFault::Format),
            (bcrypt.replace("$04$", "$31$"), HashFault::TooCostly),
            (bcrypt.replace("$04$", "$15$"), HashFault::TooCostly),
            (argon.replace("m=19456", "m=4000000"), HashFault::TooCostly),
            (argon.replace("t=2", "t=99"), HashFault::TooCostly),
            (argon.rsplit_once('$').unwrap().0.into(), HashFault::TooShort),
        ] {
            assert_eq!(check_imported(&hash), Err(fault), "{hash}");
            assert!(!is_right("x", &hash), "{hash}");
        }
    }
}
