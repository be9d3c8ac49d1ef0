//! HTTP/1.1 messages as they stand on the wire: the fields in their order and spelling, the body, and whether it ended as
//! it should.

use std::io::{self, BufRead, Read};

use serde_json::Value;

/// One message as it was received.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Request line or status line.
    pub start: String,
    /// Field lines in their order, names as spelled.
    pub fields: Vec<(String, String)>,
    /// The body, decoded if it was chunked.
    pub body: Vec<u8>,
    /// The trailer fields of a chunked body.
    pub trailers: Vec<(String, String)>,
    /// The head, byte for byte, its final empty line included.
    pub head: Vec<u8>,
    /// Whether the body came to its proper end.
    pub whole: bool,
    /// Which connection of the receiver it came over, counted from 1. Zero on the client's side.
    pub connection: usize,
}

impl Message {
    /// The only value of a field; `None` when there is none.
    #[track_caller]
    pub fn get(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() < 2, "{name} stands {} times in {:?}", all.len(), self.fields);
        all.first().copied()
    }

    /// Every value of a field.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str()).collect()
    }

    /// The status of an answer.
    #[track_caller]
    pub fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("no status line: {:?}", self.start))
    }

    /// The method of a request.
    pub fn method(&self) -> &str {
        self.start.split(' ').next().unwrap_or_default()
    }

    /// The target of a request, byte for byte.
    pub fn target(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {} {:?} {:?}", self.start, self.fields, self.text()))
    }

    /// The names and values an answer sets as cookies, with the attributes behind the first semicolon.
    pub fn set_cookies(&self) -> Vec<(String, String, String)> {
        self.all("set-cookie")
            .into_iter()
            .map(|line| {
                let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (name.to_owned(), value.to_owned(), attributes.trim().to_owned())
            })
            .collect()
    }

    /// The status and the word of a refusal told to a program. Checks what every refusal has: a Korean sentence in `msg`, a
    /// word in `error`, and that nothing may keep it.
    #[track_caller]
    pub fn refusal(&self) -> (u16, String) {
        let body = self.json();
        let said = body["msg"].as_str().unwrap_or_else(|| panic!("no msg: {body}"));
        assert!(said.chars().any(|c| ('가'..='힣').contains(&c)), "not Korean: {said}");
        let word = body["error"].as_str().unwrap_or_else(|| panic!("no error: {body}"));
        assert!(self.get("cache-control").is_some_and(|v| v.contains("no-store")), "{:?}", self.fields);
        assert!(self.status() >= 400, "{}: {body}", self.start);
        (self.status(), word.to_owned())
    }

    /// What is said to the person in a refusal told to a program.
    #[track_caller]
    pub fn msg(&self) -> String {
        self.json()["msg"].as_str().unwrap_or_else(|| panic!("no msg: {}", self.text())).to_owned()
    }

    /// The value and attributes of one cookie an answer sets.
    #[track_caller]
    pub fn cookie(&self, name: &str) -> (String, String) {
        let found = self.set_cookies().into_iter().find(|(n, _, _)| n == name);
        let (_, value, attributes) = found.unwrap_or_else(|| panic!("{name} is not set: {} {:?}", self.start, self.fields));
        (value, attributes)
    }
}

/// How a message's body ends.
#[derive(Clone, Copy)]
pub enum Ends {
    /// As its own fields say; without any, there is no body (requests).
    AsRequest,
    /// As its own fields say; without any, with the connection (answers).
    AsAnswer,
    /// There is none, whatever the fields say (answers to HEAD).
    Bare,
}

/// Reads one message; `None` when the connection ends before its first byte.
pub fn read_message(from: &mut impl BufRead, ends: Ends) -> io::Result<Option<Message>> {
    let Some(head) = read_head(from)? else { return Ok(None) };
    let mut message = parse_head(head);
    read_body(from, &mut message, ends)?;
    Ok(Some(message))
}

/// Reads up to and with the empty line that ends a head.
pub fn read_head(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    loop {
        if from.read_until(b'\n', &mut head)? == 0 {
            return if head.is_empty() { Ok(None) } else { Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the head was cut")) };
        }
        if head.ends_with(b"\r\n\r\n") {
            return Ok(Some(head));
        }
    }
}

/// Takes a head apart.
pub fn parse_head(head: Vec<u8>) -> Message {
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.trim_end_matches("\r\n").split("\r\n");
    let start = lines.next().unwrap_or_default().to_owned();
    Message { start, fields: lines.map(field).collect(), head, ..Message::default() }
}

fn field(line: &str) -> (String, String) {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    (name.to_owned(), value.trim().to_owned())
}

/// Reads the body that belongs to a head. A body that is cut is no error: the message is then not whole.
pub fn read_body(from: &mut impl BufRead, message: &mut Message, ends: Ends) -> io::Result<()> {
    let bodyless = matches!(ends, Ends::Bare) || (matches!(ends, Ends::AsAnswer) && matches!(message.status(), 100..=199 | 204 | 304));
    message.whole = true;
    if bodyless {
        return Ok(());
    }
    if message.all("transfer-encoding").iter().any(|v| v.eq_ignore_ascii_case("chunked")) {
        message.whole = read_chunks(from, message)?;
    } else if let Some(length) = message.all("content-length").first() {
        let length: u64 = length.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "an odd Content-Length"))?;
        message.whole = cut_is_fine(from.take(length).read_to_end(&mut message.body))? && message.body.len() as u64 == length;
    } else if matches!(ends, Ends::AsAnswer) {
        message.whole = cut_is_fine(from.read_to_end(&mut message.body))?;
    }
    Ok(())
}

/// A connection that breaks inside a body is told as `false`; a timeout stays an error, because then a test hangs.
fn cut_is_fine(read: io::Result<usize>) -> io::Result<bool> {
    match read {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => Ok(false),
        Err(error) => Err(error),
    }
}

fn read_chunks(from: &mut impl BufRead, message: &mut Message) -> io::Result<bool> {
    loop {
        let mut line = String::new();
        if !cut_is_fine(from.read_line(&mut line))? || !line.ends_with('\n') {
            return Ok(false);
        }
        let size = line.trim().split(';').next().unwrap_or_default();
        let size =
            u64::from_str_radix(size, 16).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("an odd chunk: {line:?}")))?;
        if size == 0 {
            break;
        }
        let before = message.body.len() as u64;
        if !cut_is_fine(from.take(size).read_to_end(&mut message.body))? || message.body.len() as u64 != before + size {
            return Ok(false);
        }
        let mut end = [0; 2];
        if from.read_exact(&mut end).is_err() {
            return Ok(false);
        }
    }
    loop {
        let mut line = String::new();
        if !cut_is_fine(from.read_line(&mut line))? || !line.ends_with('\n') {
            return Ok(false);
        }
        match line.trim_end() {
            "" => return Ok(true),
            trailer => message.trailers.push(field(trailer)),
        }
    }
}

/// The bytes of an answer with a JSON body.
pub fn json_answer(status: u16, body: &Value) -> Vec<u8> {
    text_answer(status, "application/json", &body.to_string())
}

/// The bytes of an answer with a text body.
pub fn text_answer(status: u16, kind: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Told\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// An answer that would be a right one, compressed from so many bytes to a thousandth of them.
pub fn bomb(bytes: usize) -> Vec<u8> {
    let runs = bytes / 258;
    let (before, after) = (br#"{"error":"0000","pad":"A"#.as_slice(), br#""}"#.as_slice());
    let mut packed = Bits::default();
    // RFC 1951: one last block with the fixed codes (section 3.2.6).
    packed.put(0b011, 3);
    packed.literals(before);
    for _ in 0..runs {
        // Length 258 (code 285), distance 1 (code 0): the byte before, 258 times more.
        packed.code(0b1100_0101, 8);
        packed.code(0, 5);
    }
    packed.literals(after);
    packed.code(0, 7);
    let plain = [before, &vec![b'A'; runs * 258], after].concat();
    let mut body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    body.extend(packed.finish());
    body.extend(crc32(&plain).to_le_bytes());
    body.extend(u32::try_from(plain.len()).unwrap().to_le_bytes());
    let mut answer =
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len())
            .into_bytes();
    answer.extend(body);
    answer
}

/// Bits as RFC 1951, section 3.1.1 packs them.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    /// A number, its lowest bit first.
    fn put(&mut self, value: u32, bits: u32) {
        self.held |= value << self.count;
        self.count += bits;
        while self.count >= 8 {
            self.bytes.push(self.held.to_le_bytes()[0]);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// A Huffman code, its highest bit first.
    fn code(&mut self, value: u32, bits: u32) {
        self.put(value.reverse_bits() >> (32 - bits), bits);
    }

    fn literals(&mut self, bytes: &[u8]) {
        for byte in bytes {
            assert!(*byte < 144, "only plain ASCII here");
            self.code(0b0011_0000 + u32::from(*byte), 8);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.put(0, 7);
        self.bytes
    }
}

/// RFC 1952, section 8.
fn crc32(bytes: &[u8]) -> u32 {
    let table: Vec<u32> = (0..256).map(|n| (0..8).fold(n, |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 })).collect();
    !bytes.iter().fold(u32::MAX, |c, byte| table[usize::from(c.to_le_bytes()[0] ^ byte)] ^ (c >> 8))
}
