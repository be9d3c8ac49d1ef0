//! Secrets that are none: too short, typed by hand, or copied out of a tutorial. A token signed with one can be made by anybody.

use std::collections::BTreeSet;
use std::fmt;

/// Fewest bytes of a secret for HS256 (RFC 7518, section 3.2).
pub(super) const LEAST: usize = 32;

/// Why a secret is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Weakness {
    /// Fewer than 32 bytes.
    Short(usize),
    /// Stands in a tutorial, or is made of the words such secrets are made of.
    Placeholder,
    /// One short piece again and again.
    Repeats,
    /// A row of the keyboard, the alphabet or the numbers.
    Sequence,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(length) => write!(f, "it has {length} bytes, and {LEAST} is the least"),
            Self::Placeholder => f.write_str("it is a placeholder, not a secret"),
            Self::Repeats => f.write_str("it repeats itself"),
            Self::Sequence => f.write_str("it is a row of neighbouring characters"),
        }
    }
}

/// Secrets that look random and stand in well-known documentation, for everybody to copy.
const PUBLISHED: [&str; 2] = [
    "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
];

/// What placeholders are made of, longer words first, so that none is cut by a shorter one inside it.
const WORDS: &str = "authentication development placeholder supersecret characters production qwertyuiop asdfghjkl replaceme \
    changeit changeme insecure password settings default example gateway jwtauth munjigi private replace signing \
    testing zxcvbnm change django please random really secret secure should string update bytes flask least other \
    super there token bits here long must some test that this very with your 128 256 384 512 bit dev for jwt key \
    not the";

/// What is wrong with a secret, if anything is.
pub(super) fn weakness(secret: &[u8]) -> Option<Weakness> {
    let plain: Vec<u8> = secret.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    // Where there is nothing but punctuation or binary there are no words to find.
    let spelled = plain.len() * 2 > secret.len();
    if spelled && is_placeholder(&plain) {
        return Some(Weakness::Placeholder);
    }
    if secret.len() < LEAST {
        return Some(Weakness::Short(secret.len()));
    }
    if repeats(secret) || (spelled && repeats(&plain)) {
        return Some(Weakness::Repeats);
    }
    is_sequence(secret).then_some(Weakness::Sequence)
}

/// Whether hardly anything is left once the words of placeholders are taken out.
fn is_placeholder(plain: &[u8]) -> bool {
    let Ok(mut rest) = String::from_utf8(plain.to_vec()) else { return false };
    if PUBLISHED.contains(&rest.as_str()) {
        return true;
    }
    let before = rest.len();
    for word in WORDS.split(' ') {
        // A gap, so that taking out one word does not make another.
        rest = rest.replace(word, " ");
    }
    let left = rest.bytes().filter(|b| *b != b' ').count();
    left < before && left * 3 <= before && left < 16
}

/// Whether it is one piece twice or more often, or has hardly any different bytes.
fn repeats(secret: &[u8]) -> bool {
    let periodic = (1..=secret.len().div_ceil(2)).any(|period| secret.iter().zip(&secret[period..]).all(|(a, b)| a == b));
    periodic || secret.iter().collect::<BTreeSet<_>>().len() < 8
}

/// Whether most bytes are the next (or the one before) of the byte before them.
fn is_sequence(secret: &[u8]) -> bool {
    let steps = secret.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) == 1).count();
    steps * 4 >= secret.len() * 3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("super-secret", Weakness::Placeholder)]
    #[case("change me", Weakness::Placeholder)]
    #[case("your_secret_key", Weakness::Placeholder)]
    #[case("dev", Weakness::Placeholder)]
    #[case("jwt-secret-key", Weakness::Placeholder)]
    #[case("CHANGE_THIS_TO_SOMETHING_SECURE_IN_PRODUCTION", Weakness::Placeholder)]
    #[case("this-is-a-very-long-secret-key-please-change-me", Weakness::Placeholder)]
    #[case("a-string-secret-at-least-256-bits-long", Weakness::Placeholder)]
    #[case("secretsecretsecretsecretsecretsecret", Weakness::Placeholder)]
    #[case("qwertyuiopasdfghjklzxcvbnmqwertyuiop", Weakness::Placeholder)]
    #[case("09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", Weakness::Placeholder)]
    #[case("k3Jx", Weakness::Short(4))]
    #[case("", Weakness::Short(0))]
    #[case("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Weakness::Repeats)]
    #[case("your-256-bit-secret-your-256-bit-secret", Weakness::Placeholder)]
    #[case("k3Jx9QpL0sWm2vRt-k3Jx9QpL0sWm2vRt", Weakness::Repeats)]
    #[case("k3Jxk3Jxk3Jxk3Jxk3Jxk3Jxk3Jxk3Jxk3", Weakness::Repeats)]
    #[case("12345678901234567890123456789012", Weakness::Repeats)]
    #[case("0101101110011010110100111010101101011010", Weakness::Repeats)]
    #[case("abcdefghijklmnopqrstuvwxyz01234567", Weakness::Sequence)]
    fn what_is_no_secret_is_known(#[case] text: &str, #[case] wanted: Weakness) {
        assert_eq!(weakness(text.as_bytes()), Some(wanted));
    }

    #[test]
    fn good_secrets_are_taken() {
        for text in [
            "correct horse battery staple, and a mule",
            "3f9a1c7be02d4856af71e0c9b8d2453677e1fa90cc18d3be",
            "Zk3v-8QmX_pT1yRw7NcJ5uHsLd0aGf2BxEo9iVtY6Kq",
            "\u{1}\u{2}\u{9}\u{80}\u{f0}\u{3}\u{77}\u{15}\u{1f}\u{c4}\u{99}\u{41}\u{e2}\u{6}\u{b0}\u{5c}\u{21}\u{d8}\u{e0}\u{a7}\u{11}\u{5}\u{fe}",
        ] {
            assert_eq!(weakness(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn random_secrets_are_good(bytes in proptest::array::uniform32(any::<u8>())) {
            prop_assert_eq!(weakness(&bytes), None);
            let hex = bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            prop_assert_eq!(weakness(hex.as_bytes()), None);
        }
    }
}
