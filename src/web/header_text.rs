use bytes::{Bytes, BytesMut};
use http::HeaderValue;

/// Room for what is usually written about one request.
const ROOM: usize = 192;

/// Values of headers, written one behind the other into one piece of memory: a value made by itself costs an allocation,
/// and a second one as soon as it is cloned.
pub struct HeaderText(BytesMut);

impl HeaderText {
    /// With room for what is usually written about one request.
    pub fn new() -> Self {
        Self(BytesMut::with_capacity(ROOM))
    }

    /// Text as a value; `None` when a header cannot hold it.
    pub fn text(&mut self, text: &[u8]) -> Option<HeaderValue> {
        HeaderValue::from_maybe_shared(self.bytes(&[text])).ok()
    }

    /// Pieces, one behind the other.
    pub fn bytes(&mut self, pieces: &[&[u8]]) -> Bytes {
        for piece in pieces {
            self.0.extend_from_slice(piece);
        }
        self.0.split().freeze()
    }
}

impl Default for HeaderText {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_by_themselves() {
        let mut text = HeaderText::new();
        let (first, second) = (text.text(b"alice").unwrap(), text.bytes(&[b"1", b"-", b"2"]));
        // Longer than the room: it moves, and what was written before stays.
        let long = text.text(&[b'x'; 1000]).unwrap();
        assert_eq!((first.as_bytes(), &second[..], long.len()), (&b"alice"[..], &b"1-2"[..], 1000));
    }

    #[test]
    fn what_would_break_out_of_a_header_is_no_value_and_spoils_no_other() {
        let mut text = HeaderText::new();
        assert_eq!(text.text(b"a\r\nX-Auth-User: mallory"), None);
        assert_eq!(text.text(b"bob").unwrap(), "bob");
    }
}
