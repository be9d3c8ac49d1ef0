use std::fmt;
use std::sync::Arc;

/// Longest name, e-mail address or group we take, in bytes: what fits a header and a page without harm.
const LONGEST: usize = 200;

/// Why a text cannot be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left after trimming.
    #[error("it is empty")]
    Empty,
    /// More than 200 bytes.
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
    /// A line break, another control character, or one that reorders text, could split a header or deceive a reader.
    #[error("it holds a control or invisible formatting character")]
    Control,
    /// A character that this kind of name does not have.
    #[error("it holds the character {0:?}, which this kind of name cannot have")]
    Character(char),
    /// An e-mail address without exactly one `@` between two parts.
    #[error("it is not an e-mail address")]
    NotAnAddress,
}

fn plain_text(text: &str) -> Result<&str, NameError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > LONGEST {
        return Err(NameError::TooLong);
    }
    if text.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Err(NameError::Control);
    }
    Ok(text)
}

/// Zero-width, direction-changing and line-separating characters: they make two different names look equal.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes a text.
            ///
            /// # Errors
            /// When a header or a page could not carry it safely.
            pub fn new(text: &str) -> Result<Self, NameError> {
                let text = plain_text(text)?;
                let check: fn(&str) -> Result<(), NameError> = $check;
                check(text)?;
                Ok(Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// What a person is called. Any script; no control characters.
    DisplayName, |_| Ok(())
}

name! {
    /// Where a person gets mail. Looked at just enough to keep it apart from other text; no proof that it works.
    Email, |text| match text.split_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !text.contains(char::is_whitespace) => Ok(()),
        _ => Err(NameError::NotAnAddress),
    }
}

name! {
    /// A group a person is in. No comma and no white space, since headers list groups separated by commas.
    Group, |text| text.chars().find(|c| *c == ',' || c.is_whitespace()).map_or(Ok(()), |c| Err(NameError::Character(c)))
}

name! {
    /// The name of a provider in the configuration: lower-case letters, digits and hyphens.
    ProviderName, |text| {
        text.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-')).map_or(Ok(()), |c| Err(NameError::Character(c)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_split_a_header_is_no_name() {
        for text in ["a\r\nX-Evil: 1", "a\0", "a\u{7f}", "a\u{85}b", "a\u{2028}b", "\u{202e}drow"] {
            assert_eq!(DisplayName::new(text), Err(NameError::Control), "{text:?}");
        }
        assert_eq!(Group::new("staff,admins"), Err(NameError::Character(',')));
        assert_eq!(DisplayName::new("  "), Err(NameError::Empty));
        assert_eq!(DisplayName::new(&"가".repeat(67)), Err(NameError::TooLong));
    }

    #[test]
    fn korean_names_are_names() {
        assert_eq!(DisplayName::new(" 홍길동 ").unwrap().as_str(), "홍길동");
        assert_eq!(Group::new("교직원").unwrap().as_str(), "교직원");
    }

    #[test]
    fn addresses_have_one_at_sign() {
        assert!(Email::new("a@mju.ac.kr").is_ok());
        // oauth2-proxy GHSA-c5c4-8r6x-56w3: two at signs made two readings of one identity.
        for text in ["a", "@b", "a@", "a@b@c", "a b@c"] {
            assert_eq!(Email::new(text), Err(NameError::NotAnAddress), "{text:?}");
        }
    }
}
