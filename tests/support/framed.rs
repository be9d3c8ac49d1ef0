//! HTTP/2 frame by frame, for what no library would do.

use std::io;
use std::net::SocketAddr;

use super::tls::{Tls, any_certificate};

/// A connection whose frames are written by hand and read one by one.
pub struct FramedH2 {
    tls: Tls,
    pings: u64,
}

/// One frame that came.
#[derive(Debug)]
pub struct Frame {
    /// Its type (RFC 9113, section 6).
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream.
    pub stream: u32,
    /// What is in it.
    pub payload: Vec<u8>,
}

impl FramedH2 {
    /// Connects and sends preface and empty settings.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        Self::with_settings(address, &[])
    }

    /// Connects with settings of its own.
    #[track_caller]
    pub fn with_settings(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let tls = Tls::with(address, "localhost", any_certificate(&[b"h2"], rustls::DEFAULT_VERSIONS)).unwrap();
        let mut framed = Self { tls, pings: 0 };
        framed.tls.say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let payload: Vec<u8> = settings.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect();
        framed.say(0x4, 0, 0, &payload);
        framed
    }

    /// Sends a frame.
    #[track_caller]
    pub fn say(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.try_say(&frame(kind, flags, stream, payload)).unwrap();
    }

    /// Sends bytes to a gateway that may have hung up.
    pub fn try_say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tls.try_say(bytes)
    }

    /// A request without body.
    #[track_caller]
    pub fn ask(&mut self, stream: u32, method: &str, path: &str) {
        self.say(0x1, 0x5, stream, &fields(&request(method, path)));
    }

    /// The next frame; `None` at the end.
    pub fn next(&mut self) -> Option<Frame> {
        let head = self.tls.some_bytes_exactly(9)?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        Some(Frame { kind: head[3], flags: head[4], stream, payload: self.tls.some_bytes_exactly(length)? })
    }

    /// Reads until a frame of this kind; `None` when the connection ends or GOAWAY with an error comes first.
    pub fn until(&mut self, kind: u8, stream: u32) -> Option<Frame> {
        loop {
            let frame = self.next()?;
            if frame.kind == kind && frame.stream == stream {
                return Some(frame);
            }
            if frame.kind == 0x7 && frame.payload.get(4..8) != Some(&[0; 4]) {
                return None;
            }
        }
    }

    /// Waits for the answer to a ping: everything before it has been dealt with.
    #[track_caller]
    pub fn ping(&mut self) {
        assert!(self.try_ping(), "the connection ended");
    }

    /// The same; `false` when the connection was cut.
    pub fn try_ping(&mut self) -> bool {
        self.pings += 1;
        let number = self.pings.to_be_bytes();
        if self.try_say(&frame(0x6, 0, 0, &number)).is_err() {
            return false;
        }
        loop {
            match self.until(0x6, 0) {
                Some(pong) if pong.flags & 1 == 1 && pong.payload == number => return true,
                Some(_) => {}
                None => return false,
            }
        }
    }
}

/// The fields of a request.
pub fn request<'a>(method: &'a str, path: &'a str) -> [(&'a str, &'a str); 4] {
    [(":method", method), (":scheme", "https"), (":authority", "x.test"), (":path", path)]
}

/// RFC 7541, section 6.2.2: literals without indexing, new names, no Huffman coding.
pub fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            super::h2::push_length(&mut block, text.len());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// RFC 9113, section 4.1.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}
