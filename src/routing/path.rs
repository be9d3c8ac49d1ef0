use std::fmt::Write as _;

/// A request's path in the one form that is both judged and forwarded: unreserved octets decoded (RFC 3986, section 2.3),
/// the hexadecimal digits of other escapes in upper case, nothing else changed.
///
/// What applications read differently from one another is refused rather than interpreted: dot segments, backslashes, encoded
/// slashes, `;` parameters, control characters, broken escapes. Every path-confusion advisory of the field (Traefik
/// CVE-2026-40912, Heimdall CVE-2026-42274, Oathkeeper GHSA-p224-6x5r-fjpm, …) is two programs reading one of these two ways.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CanonicalPath {
    path: String,
    empty_segments: bool,
}

/// Why a path is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum PathFault {
    /// It does not begin with a slash.
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    /// `.` or `..` as a segment, plain or escaped.
    #[error("the path holds a dot segment")]
    DotSegment,
    /// A backslash, plain or escaped.
    #[error("the path holds a backslash")]
    Backslash,
    /// `%2F`.
    #[error("the path holds an encoded slash")]
    EncodedSlash,
    /// `;`, plain or escaped: some servers cut the segment there.
    #[error("the path holds a semicolon")]
    Semicolon,
    /// NUL or another control character, escaped or not.
    #[error("the path holds a control character")]
    Control,
    /// `%` without two hexadecimal digits behind it.
    #[error("the path holds a broken escape")]
    BrokenEscape,
    /// A byte that a path cannot hold unescaped.
    #[error("the path holds a byte that must be escaped")]
    NotAscii,
    /// `//`, on a route that does not allow it.
    #[error("the path holds an empty segment")]
    EmptySegment,
}

impl CanonicalPath {
    /// Brings a raw path (without query) into its one form.
    ///
    /// # Errors
    /// Why it has none. Empty segments are not a fault yet: a route may allow them ([`Self::has_empty_segments`]).
    pub fn parse(raw: &str) -> Result<Self, PathFault> {
        if !raw.starts_with('/') {
            return Err(PathFault::NotAbsolute);
        }
        let mut path = String::with_capacity(raw.len());
        let mut bytes = raw.bytes();
        while let Some(byte) = bytes.next() {
            match byte {
                b'%' => push_escape(&mut path, hex(bytes.next())? << 4 | hex(bytes.next())?)?,
                b';' => return Err(PathFault::Semicolon),
                b'\\' => return Err(PathFault::Backslash),
                0..=0x20 | 0x7f => return Err(PathFault::Control),
                0x80.. => return Err(PathFault::NotAscii),
                plain => path.push(char::from(plain)),
            }
        }
        let mut segments = path.split('/').skip(1).peekable();
        let mut empty_segments = false;
        while let Some(segment) = segments.next() {
            match segment {
                "." | ".." => return Err(PathFault::DotSegment),
                "" if segments.peek().is_some() => empty_segments = true,
                _ => {}
            }
        }
        Ok(Self { path, empty_segments })
    }

    /// The path as it is judged and forwarded.
    pub fn as_str(&self) -> &str {
        &self.path
    }

    /// Whether it holds `//`.
    pub const fn has_empty_segments(&self) -> bool {
        self.empty_segments
    }

    /// The path as an application that merges slashes reads it. A route that allows empty segments must be the route of
    /// this form too, or `//staff` would be judged by another rule than the `/staff` it becomes.
    pub fn merged(&self) -> String {
        let mut merged = String::with_capacity(self.path.len());
        for c in self.path.chars() {
            if c != '/' || !merged.ends_with('/') {
                merged.push(c);
            }
        }
        merged
    }
}

fn hex(digit: Option<u8>) -> Result<u8, PathFault> {
    match digit {
        Some(d @ b'0'..=b'9') => Ok(d - b'0'),
        Some(d @ b'a'..=b'f') => Ok(d - b'a' + 10),
        Some(d @ b'A'..=b'F') => Ok(d - b'A' + 10),
        Some(_) | None => Err(PathFault::BrokenEscape),
    }
}

fn push_escape(path: &mut String, octet: u8) -> Result<(), PathFault> {
    match octet {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => path.push(char::from(octet)),
        b'/' => return Err(PathFault::EncodedSlash),
        b'\\' => return Err(PathFault::Backslash),
        b';' => return Err(PathFault::Semicolon),
        0..=0x1f | 0x7f => return Err(PathFault::Control),
        other => {
            // Writing to a String cannot fail.
            let _ = write!(path, "%{other:02X}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/", "/")]
    #[case("/a/b", "/a/b")]
    #[case("/a/", "/a/")]
    #[case("/%61%2Db", "/a-b")]
    #[case("/%7euser", "/~user")]
    #[case("/%ed%95%9c", "/%ED%95%9C")]
    #[case("/a%20b", "/a%20b")]
    #[case("/a%23b%3fc", "/a%23b%3Fc")]
    #[case("/%252e%252e/x", "/%252e%252e/x")]
    #[case("/a...b/.hidden/..x", "/a...b/.hidden/..x")]
    #[case("/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,=")]
    fn paths_have_one_form(#[case] raw: &str, #[case] canonical: &str) {
        assert_eq!(CanonicalPath::parse(raw).unwrap().as_str(), canonical);
    }

    #[rstest]
    #[case("/a/../b", PathFault::DotSegment)]
    #[case("/..", PathFault::DotSegment)]
    #[case("/./a", PathFault::DotSegment)]
    #[case("/a/%2e%2E/b", PathFault::DotSegment)]
    #[case("/a/%2e", PathFault::DotSegment)]
    #[case("/a/.%2e/b", PathFault::DotSegment)]
    #[case("/a%2fb", PathFault::EncodedSlash)]
    #[case("/a%2Fb", PathFault::EncodedSlash)]
    #[case("/a%5cb", PathFault::Backslash)]
    #[case("/a\\b", PathFault::Backslash)]
    #[case("/a;b=c", PathFault::Semicolon)]
    #[case("/a%3bb", PathFault::Semicolon)]
    #[case("/..;/b", PathFault::Semicolon)]
    #[case("/a%00", PathFault::Control)]
    #[case("/a%0d%0ab", PathFault::Control)]
    #[case("/a%7f", PathFault::Control)]
    #[case("/a%", PathFault::BrokenEscape)]
    #[case("/a%2", PathFault::BrokenEscape)]
    #[case("/a%zz", PathFault::BrokenEscape)]
    #[case("/%u002e", PathFault::BrokenEscape)]
    #[case("/한글", PathFault::NotAscii)]
    #[case("", PathFault::NotAbsolute)]
    #[case("*", PathFault::NotAbsolute)]
    #[case("a/b", PathFault::NotAbsolute)]
    fn what_can_be_read_two_ways_is_refused(#[case] raw: &str, #[case] fault: PathFault) {
        assert_eq!(CanonicalPath::parse(raw), Err(fault));
    }

    #[test]
    fn overlong_utf8_stays_escaped() {
        // %C0%AE is an overlong dot: kept as it is, so that it can never become one.
        assert_eq!(CanonicalPath::parse("/%c0%ae%c0%ae/x").unwrap().as_str(), "/%C0%AE%C0%AE/x");
    }

    #[test]
    fn empty_segments_are_seen() {
        for raw in ["//", "//a", "/a//b", "/a//"] {
            assert!(CanonicalPath::parse(raw).unwrap().has_empty_segments(), "{raw}");
        }
        for raw in ["/", "/a", "/a/"] {
            assert!(!CanonicalPath::parse(raw).unwrap().has_empty_segments(), "{raw}");
        }
        assert_eq!(CanonicalPath::parse("//staff///x//").unwrap().merged(), "/staff/x/");
    }

    proptest! {
        /// Judged once is judged for ever: the canonical form of a canonical form is itself, whatever the bytes.
        #[test]
        fn canonical_is_final(raw in "/([a-zA-Z0-9./;\\\\%_~-]|%[0-9a-fA-F]{2}){0,40}") {
            if let Ok(path) = CanonicalPath::parse(&raw) {
                let again = CanonicalPath::parse(path.as_str());
                prop_assert_eq!(again.as_ref(), Ok(&path));
                prop_assert!(!path.as_str().contains('\\') && !path.as_str().contains("/../"));
            }
        }
    }
}
