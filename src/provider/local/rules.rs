//! Which passwords may be chosen, after NIST SP 800-63B: long rather than composed, none that everybody tries first.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// Longest password, in characters. Longer ones are refused, never cut.
pub(super) const LONGEST: usize = 256;

/// How many guesses a password has to be worth. Below that it is a common one, a word, a date, a row of keys, or one of
/// those with something about the person.
const LEAST_GUESSES: u64 = 1_000_000;

/// What is wrong with a password somebody chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// Too few characters.
    #[error("the new password has fewer than {least} characters")]
    TooShort {
        /// The least.
        least: usize,
    },
    /// More than 256 characters.
    #[error("the new password has more than {LONGEST} characters")]
    TooLong,
    /// It is on the lists that guessing begins with, or built of the person's own id, name or address.
    #[error("the new password is among those that are guessed first")]
    Common,
}

/// A password as it is hashed and compared: NFKC, so that it is the same from every keyboard. `None` when it is longer than
/// any password here can be; it is not even looked at then.
pub(super) fn prepared(typed: &str) -> Option<Zeroizing<String>> {
    if typed.len() > LONGEST * 16 {
        return None;
    }
    let text: Zeroizing<String> = Zeroizing::new(typed.nfkc().collect());
    (text.chars().count() <= LONGEST).then_some(text)
}

/// Looks at a new password. Takes some milliseconds.
///
/// # Errors
/// What is wrong with it.
pub(super) fn judge(prepared: &str, least: usize, about: &[&str]) -> Result<(), PasswordFault> {
    if prepared.chars().count() < least {
        return Err(PasswordFault::TooShort { least });
    }
    // The estimate looks at the beginning only, so a long one is judged by what it begins with.
    if zxcvbn::zxcvbn(prepared, about).guesses() < LEAST_GUESSES { Err(PasswordFault::Common) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_and_composition_does_not() {
        for good in ["only lower case words here", "바다로 가는 기차 열두시", "x7#kQ9!vLp", "84620193758264", &"참외 수박 멜론 ".repeat(28)]
        {
            assert_eq!(judge(&prepared(good).unwrap(), 8, &[]), Ok(()), "{good}");
        }
        assert_eq!(judge("x7#kQ9!", 8, &[]), Err(PasswordFault::TooShort { least: 8 }));
        assert_eq!(judge("x7#kQ9!v", 12, &[]), Err(PasswordFault::TooShort { least: 12 }));
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        for common in ["password", "Password1", "12345678", "qwertyuiop", "aaaaaaaaaaaa", "iloveyou", "19991231", "P@ssw0rd"] {
            assert_eq!(judge(common, 8, &[]), Err(PasswordFault::Common), "{common}");
        }
        assert_eq!(judge("hongminjikim7", 8, &["hongminjikim"]), Err(PasswordFault::Common), "the person's own name");
    }

    #[test]
    fn every_keyboard_writes_the_same_password_and_none_is_cut() {
        assert_eq!(*prepared("ｐａｓｓ①").unwrap(), *prepared("pass1").unwrap());
        assert_eq!(*prepared("\u{1112}\u{1161}\u{11ab}").unwrap(), *prepared("한").unwrap());
        assert_eq!(prepared(&"가".repeat(256)).unwrap().chars().count(), 256);
        assert!(prepared(&"가".repeat(257)).is_none() && prepared(&"a".repeat(1 << 20)).is_none());
    }
}
