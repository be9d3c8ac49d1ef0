//! Where a websocket's frames begin and end (RFC 6455, section 5.2), so that a last frame of ours can stand between two of
//! the application's. Looks at headers only; payload is neither kept nor judged.

/// How far a stream of frames has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Frames {
    place: Place,
    /// The other side has said goodbye: nothing may follow.
    closed: bool,
}

#[derive(Clone, Debug, Default)]
enum Place {
    /// Between two frames.
    #[default]
    Boundary,
    /// Inside a header, with what there is of it.
    Header { bytes: [u8; Place::LONGEST], have: usize },
    /// Inside a payload, with so many bytes to come.
    Payload(u64),
    /// These were no frames; no boundary will be found again.
    Lost,
}

impl Place {
    /// Two bytes, a length of eight, a mask of four.
    const LONGEST: usize = 14;
}

const CLOSE: u8 = 0x8;

impl Frames {
    /// Goes along `bytes`, at most to the next boundary, and tells how many it took.
    pub(super) fn step(&mut self, bytes: &[u8]) -> usize {
        let Some(first) = bytes.first() else { return 0 };
        match &mut self.place {
            Place::Lost => bytes.len(),
            Place::Boundary => {
                self.place = Place::Header { bytes: [0; Place::LONGEST], have: 0 };
                self.closed |= first & 0x0f == CLOSE;
                self.step(bytes)
            }
            Place::Header { bytes: header, have } => {
                let mut taken = 0;
                let next = loop {
                    let (Some(place), Some(byte)) = (header.get_mut(*have), bytes.get(taken)) else { break None };
                    *place = *byte;
                    *have += 1;
                    taken += 1;
                    if let Some(next) = behind(header.get(..*have).unwrap_or_default()) {
                        break Some(next);
                    }
                };
                if let Some(next) = next {
                    self.place = next;
                }
                // The payload may be at hand, too, or there may be none.
                let more = if matches!(self.place, Place::Payload(_)) { self.step(bytes.get(taken..).unwrap_or_default()) } else { 0 };
                taken + more
            }
            Place::Payload(left) => {
                let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                if *left == 0 {
                    self.place = Place::Boundary;
                }
                taken
            }
        }
    }

    /// How many of `bytes` stand before the next boundary.
    pub(super) fn ahead(&self, bytes: &[u8]) -> usize {
        self.clone().step(bytes)
    }

    /// Goes along all of `bytes`.
    pub(super) fn advance(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = self.step(bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    /// Whether a frame of ours could stand here.
    pub(super) const fn at_boundary(&self) -> bool {
        matches!(self.place, Place::Boundary)
    }

    /// Whether there is no use in a last frame: one has been sent, or these are no frames.
    pub(super) const fn past_words(&self) -> bool {
        self.closed || matches!(self.place, Place::Lost)
    }
}

/// What comes behind a header; `None` while it is not whole.
fn behind(header: &[u8]) -> Option<Place> {
    let second = header.get(1)?;
    let length_bytes = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mask_bytes = if second & 0x80 == 0 { 0 } else { 4 };
    if header.len() < 2 + length_bytes + mask_bytes {
        return None;
    }
    let extended = header.get(2..2 + length_bytes)?.iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
    let length = if length_bytes == 0 { u64::from(second & 0x7f) } else { extended };
    Some(match length {
        0 => Place::Boundary,
        // The highest bit must not be set.
        length if length > u64::MAX / 2 => Place::Lost,
        length => Place::Payload(length),
    })
}

/// A Close frame of ours (section 5.5.1). `reason` is short: a control frame holds 125 bytes.
pub(super) fn close_frame(code: u16, reason: &'static str) -> Vec<u8> {
    let reason = reason.as_bytes().get(..123).unwrap_or(reason.as_bytes());
    let length = u8::try_from(reason.len() + 2).unwrap_or(125);
    [&[0x80 | CLOSE, length], &code.to_be_bytes()[..], reason].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame with a header as any sender might write it.
    fn frame(opcode: u8, payload: &[u8], masked: bool) -> Vec<u8> {
        let mask = if masked { 0x80 } else { 0 };
        let mut bytes = vec![0x80 | opcode];
        match payload.len() {
            length @ 0..126 => bytes.push(mask | u8::try_from(length).unwrap()),
            length @ 126..65_536 => {
                bytes.push(mask | 0x7e);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            length => {
                bytes.push(mask | 0x7f);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        if masked {
            bytes.extend([1, 2, 3, 4]);
        }
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn every_kind_of_header_is_followed_byte_by_byte() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            for masked in [false, true] {
                let bytes = frame(1, &vec![0x88; length], masked);
                let mut frames = Frames::default();
                for byte in &bytes[..bytes.len() - 1] {
                    assert_eq!(frames.step(&[*byte]), 1);
                    assert!(!frames.at_boundary(), "{length} {masked}");
                }
                assert_eq!(frames.step(&bytes[bytes.len() - 1..]), 1);
                assert!(frames.at_boundary() && !frames.past_words(), "{length} {masked}");
                // The next one is not touched.
                let two = [&bytes[..], &[0x81, 0x01]].concat();
                assert_eq!(Frames::default().step(&two), bytes.len());
            }
        }
    }

    #[test]
    fn after_a_goodbye_or_among_rubbish_there_is_nothing_to_say() {
        let mut frames = Frames::default();
        frames.advance(&[frame(1, b"hi", false), frame(8, b"", false)].concat());
        assert!(frames.at_boundary() && frames.past_words());
        let mut lost = Frames::default();
        lost.advance(&[&[0x82, 127][..], &[0xff; 100]].concat());
        assert!(!lost.at_boundary() && lost.past_words());
    }

    #[test]
    fn our_goodbye_is_a_frame() {
        let bytes = close_frame(1008, "session ended");
        assert_eq!(bytes[..4], [0x88, 15, 0x03, 0xf0]);
        let mut frames = Frames::default();
        assert_eq!(frames.step(&bytes), bytes.len());
        assert!(frames.at_boundary() && frames.past_words());
    }

    proptest! {
        #[test]
        fn boundaries_are_where_frames_end_however_the_bytes_are_cut(
            sizes in prop::collection::vec((0_usize..300, any::<bool>()), 1..20),
            cuts in prop::collection::vec(1_usize..50, 1..50),
        ) {
            let all: Vec<Vec<u8>> = sizes.iter().map(|(size, masked)| frame(2, &vec![0xa5; *size], *masked)).collect();
            let ends: Vec<usize> = all.iter().scan(0, |end, frame| { *end += frame.len(); Some(*end) }).collect();
            let bytes = all.concat();
            let (mut frames, mut place, mut cuts) = (Frames::default(), 0, cuts.iter().cycle());
            while place < bytes.len() {
                let to = bytes.len().min(place + cuts.next().unwrap());
                let taken = frames.step(&bytes[place..to]);
                prop_assert!(taken > 0);
                place += taken;
                prop_assert_eq!(frames.at_boundary(), ends.contains(&place), "at {}", place);
            }
        }

        #[test]
        fn no_bytes_make_it_stand_still(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            Frames::default().advance(&bytes);
        }
    }
}
