use std::cell::RefCell;
use std::fmt;

use crate::base::random_bytes;

/// Longest id taken over from a proxy in front of us.
const LONGEST: usize = 63;

/// The name of one request: in the access log, in the audit table, towards the upstream and in the answer. No secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    length: u8,
    text: [u8; LONGEST],
}

/// Each thread counts below a random prefix of its own, so that no two cores share a counter.
struct Series {
    prefix: [u8; 6],
    next: u32,
}

impl Series {
    fn new() -> Self {
        Self { prefix: random_bytes(), next: 0 }
    }
}

thread_local! {
    static SERIES: RefCell<Series> = RefCell::new(Series::new());
}

impl RequestId {
    /// A new one: twenty hexadecimal digits, no two alike in any process.
    #[must_use]
    pub fn next() -> Self {
        SERIES.with_borrow_mut(|series| {
            let mut raw = [0; 10];
            raw[..6].copy_from_slice(&series.prefix);
            raw[6..].copy_from_slice(&series.next.to_be_bytes());
            match series.next.checked_add(1) {
                Some(next) => series.next = next,
                None => *series = Series::new(),
            }
            Self::from_bytes(raw)
        })
    }

    /// Takes over the id that a trusted proxy gave the request; `None` if it is not made of 1 to 63 letters, digits, `.`, `_` and `-`.
    #[must_use]
    pub fn from_trusted(text: &str) -> Option<Self> {
        let good =
            (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        good.then(|| Self::from_ascii(text.as_bytes()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The same, byte by byte: it is ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.length)]
    }

    fn from_bytes(raw: [u8; 10]) -> Self {
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        let mut text = [0; 20];
        for (pair, byte) in text.chunks_exact_mut(2).zip(raw) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self::from_ascii(&text)
    }

    fn from_ascii(ascii: &[u8]) -> Self {
        let mut text = [0; LONGEST];
        let length = ascii.len().min(LONGEST);
        text[..length].copy_from_slice(&ascii[..length]);
        Self { length: u8::try_from(length).unwrap_or_default(), text }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::*;

    #[test]
    fn no_two_are_alike_across_threads() {
        let threads: Vec<_> =
            (0..4).map(|_| thread::spawn(|| (0..1000).map(|_| RequestId::next().to_string()).collect::<Vec<_>>())).collect();
        let all: HashSet<String> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(all.len(), 4000);
        assert!(all.iter().all(|id| id.len() == 20 && RequestId::from_trusted(id).is_some()));
    }

    #[test]
    fn a_series_that_is_used_up_begins_anew() {
        SERIES.with_borrow_mut(|series| series.next = u32::MAX);
        let last = RequestId::next();
        let first = RequestId::next();
        assert!(last.as_str().ends_with("ffffffff") && first.as_str().ends_with("00000000"));
        assert_ne!(last.as_str()[..12], first.as_str()[..12]);
    }

    #[test]
    fn what_could_break_a_line_or_a_header_is_not_taken_over() {
        for text in ["", "a b", "a\r\nX: y", "한글", "a\"b", &"x".repeat(64)] {
            assert_eq!(RequestId::from_trusted(text), None, "{text:?}");
        }
        assert_eq!(RequestId::from_trusted("abc-1._Z").unwrap().as_str(), "abc-1._Z");
    }
}
