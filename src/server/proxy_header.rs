//! The PROXY protocol, versions 1 and 2 (`HAProxy`, doc/proxy-protocol.txt): what a proxy in front writes before the bytes of
//! a connection to say whose they are.
//!
//! A listener either expects it or does not: guessing would let a client write it himself. Whoever may not write it is not
//! asked (the caller sees to that). What is read is strict, so that nobody and the proxy can read it in two ways; the crates
//! that parse it take any octet for a separator and UDP for a stream.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncReadExt as _, Interest};
use tokio::net::{TcpStream, UnixStream};

/// How version 2 begins: bytes that no other protocol begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// How version 1 begins.
const WORD: &[u8] = b"PROXY ";

/// The longest line of version 1.
const LONGEST_LINE: usize = 107;

/// Most bytes of a header that are read. Version 2 could have 64 KiB; its extras are a few hundred bytes.
const LONGEST: usize = 16 * 1024;

/// Bytes looked at in one go: nearly every header whole.
const PIECE: usize = 256;

/// `PP2_TYPE_SSL`: what is known of the client's TLS.
const TLS_FACTS: u8 = 0x20;

/// Whose connection it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// This client's.
    Client {
        /// The client's end.
        source: SocketAddr,
        /// The end the client connected to.
        destination: SocketAddr,
        /// The client speaks TLS to the proxy, which says so.
        secure: bool,
    },
    /// The proxy's own (a health check), or somebody's whom it does not name.
    Unnamed,
}

/// What stands there is no PROXY header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Malformed;

/// Why there is no header.
#[derive(Debug)]
pub(super) enum Absent {
    /// The connection ended before its first byte: a health check that only connects.
    Gone,
    /// Something else stands there, or it broke off.
    Malformed,
    /// The connection failed.
    Failed,
}

impl From<Malformed> for Absent {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// A stream that can be looked at before it is read: what follows the header is not ours to take.
pub(super) trait Peek: AsyncRead + Unpin {
    /// Waits for bytes and copies them, leaving them where they are; 0 at the end.
    fn look(&self, piece: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;
}

impl Peek for TcpStream {
    async fn look(&self, piece: &mut [u8]) -> io::Result<usize> {
        self.peek(piece).await
    }
}

impl Peek for UnixStream {
    async fn look(&self, piece: &mut [u8]) -> io::Result<usize> {
        self.async_io(Interest::READABLE, || Ok(recv(self, &mut *piece, RecvFlags::PEEK)?.1)).await
    }
}

/// Reads the header and not one byte more.
pub(super) async fn read(stream: &mut impl Peek) -> Result<Origin, Absent> {
    let mut head = Vec::new();
    let mut piece = [0; PIECE];
    loop {
        let seen = stream.look(&mut piece).await.map_err(|_| Absent::Failed)?;
        if seen == 0 {
            return Err(if head.is_empty() { Absent::Gone } else { Absent::Malformed });
        }
        let before = head.len();
        head.extend_from_slice(&piece[..seen]);
        let parsed = parse(&head)?;
        // An unfinished header has no end in what was seen, so all of that belongs to it.
        let ours = parsed.map_or(seen, |(_, length)| length - before);
        stream.read_exact(&mut piece[..ours]).await.map_err(|_| Absent::Failed)?;
        if let Some((origin, _)) = parsed {
            return Ok(origin);
        }
    }
}

/// The header at the beginning of `bytes`, with its length. `None`: they are the beginning of a header, and no more than that.
fn parse(bytes: &[u8]) -> Result<Option<(Origin, usize)>, Malformed> {
    let begins = |signature: &[u8]| {
        let common = signature.len().min(bytes.len());
        signature[..common] == bytes[..common]
    };
    if begins(SIGNATURE) {
        binary(bytes)
    } else if begins(WORD) {
        line(bytes)
    } else {
        Err(Malformed)
    }
}

/// Version 1: a line of text.
fn line(bytes: &[u8]) -> Result<Option<(Origin, usize)>, Malformed> {
    let looked_at = &bytes[..bytes.len().min(LONGEST_LINE)];
    let Some(end) = looked_at.windows(2).position(|pair| pair == b"\r\n") else {
        return if bytes.len() < LONGEST_LINE { Ok(None) } else { Err(Malformed) };
    };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| Malformed)?;
    let mut words = text.split(' ').skip(1);
    let mut word = || words.next().ok_or(Malformed);
    let origin = match word()? {
        // Whatever follows is to be ignored.
        "UNKNOWN" => return Ok(Some((Origin::Unnamed, end + 2))),
        "TCP4" => {
            let ends: [Ipv4Addr; 2] = [word()?.parse().map_err(|_| Malformed)?, word()?.parse().map_err(|_| Malformed)?];
            client((ends[0], port(word()?)?).into(), (ends[1], port(word()?)?).into(), false)
        }
        "TCP6" => {
            let ends: [Ipv6Addr; 2] = [word()?.parse().map_err(|_| Malformed)?, word()?.parse().map_err(|_| Malformed)?];
            client((ends[0], port(word()?)?).into(), (ends[1], port(word()?)?).into(), false)
        }
        _ => return Err(Malformed),
    };
    if words.next().is_some() { Err(Malformed) } else { Ok(Some((origin, end + 2))) }
}

const fn client(source: SocketAddr, destination: SocketAddr, secure: bool) -> Origin {
    Origin::Client { source, destination, secure }
}

fn port(text: &str) -> Result<u16, Malformed> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain).ok_or(Malformed)
}

/// Version 2: signature, version and command, family, length; then addresses and extras.
fn binary(bytes: &[u8]) -> Result<Option<(Origin, usize)>, Malformed> {
    let Some((&[what, family, high, low], rest)) = bytes.get(SIGNATURE.len()..).and_then(|rest| rest.split_first_chunk()) else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let whole = SIGNATURE.len() + 4 + length;
    let is_local = match what {
        0x20 => true,
        0x21 => false,
        _ => return Err(Malformed),
    };
    if whole > LONGEST {
        return Err(Malformed);
    }
    let Some(content) = rest.get(..length) else { return Ok(None) };
    let unnamed = |addresses: usize| content.get(addresses..).map(|_| Origin::Unnamed).ok_or(Malformed);
    let origin = match family {
        // The proxy's own connection: its addresses are to be ignored.
        _ if is_local => Origin::Unnamed,
        0x11 => stream::<4>(content, |ip| Ipv4Addr::from(ip).into())?,
        0x21 => stream::<16>(content, |ip| Ipv6Addr::from(ip).into())?,
        // Not said; datagrams of IPv4 and IPv6; socket files: valid, and nobody we could name.
        0x00 => Origin::Unnamed,
        0x12 => unnamed(12)?,
        0x22 => unnamed(36)?,
        0x31 | 0x32 => unnamed(216)?,
        _ => return Err(Malformed),
    };
    Ok(Some((origin, whole)))
}

/// Two addresses, two ports, and extras.
fn stream<const N: usize>(content: &[u8], ip: impl Fn([u8; N]) -> std::net::IpAddr) -> Result<Origin, Malformed> {
    let (source, rest) = content.split_first_chunk::<N>().ok_or(Malformed)?;
    let (destination, rest) = rest.split_first_chunk::<N>().ok_or(Malformed)?;
    let (ports, extras) = rest.split_first_chunk::<4>().ok_or(Malformed)?;
    let port = |at: usize| u16::from_be_bytes([ports[at], ports[at + 1]]);
    Ok(client((ip(*source), port(0)).into(), (ip(*destination), port(2)).into(), speaks_tls(extras)?))
}

/// Walks the extras (type, length, value). All but one are skipped: whether the client speaks TLS to the proxy.
fn speaks_tls(mut extras: &[u8]) -> Result<bool, Malformed> {
    let mut secure = false;
    while !extras.is_empty() {
        let (&[kind, high, low], rest) = extras.split_first_chunk().ok_or(Malformed)?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low]))).ok_or(Malformed)?;
        // Its first byte holds flags; the lowest is PP2_CLIENT_SSL.
        secure |= kind == TLS_FACTS && value.first().is_some_and(|flags| flags & 1 == 1);
        extras = rest;
    }
    Ok(secure)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    fn v2(what: u8, family: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[what, family, length[0], length[1]], content].concat()
    }

    fn of(source: &str, destination: &str, secure: bool) -> Origin {
        client(source.parse().unwrap(), destination.parse().unwrap(), secure)
    }

    const V4: &[u8] = &[192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0x01, 0xbb];

    #[rstest]
    #[case(b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n", of("192.0.2.7:12345", "10.0.0.1:443", false))]
    #[case(b"PROXY TCP6 2001:db8::7 ::1 0 65535\r\n", of("[2001:db8::7]:0", "[::1]:65535", false))]
    #[case(b"PROXY UNKNOWN\r\n", Origin::Unnamed)]
    #[case(b"PROXY UNKNOWN ffff::1 garbage 0 0\r\n", Origin::Unnamed)]
    fn lines_are_read(#[case] head: &[u8], #[case] wanted: Origin) {
        assert_eq!(parse(head), Ok(Some((wanted, head.len()))));
        assert_eq!(parse(&[head, b"GET / HTTP/1.1\r\n"].concat()), Ok(Some((wanted, head.len()))), "what follows is not ours");
    }

    #[rstest]
    #[case(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    #[case(b"\x16\x03\x01\x02\x00")]
    #[case(b"proxy TCP4 192.0.2.7 10.0.0.1 12345 443\r\n")]
    #[case(b"PROXYxTCP4 192.0.2.7 10.0.0.1 12345 443\r\n")]
    #[case(b"PROXY  TCP4 192.0.2.7 10.0.0.1 12345 443\r\n")]
    #[case(b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443 \r\n")]
    #[case(b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443 1\r\n")]
    #[case(b"PROXY TCP4 192.0.2.7 10.0.0.1 12345\r\n")]
    #[case(b"PROXY TCP4 192.0.2.7 10.0.0.1 +12345 443\r\n")]
    #[case(b"PROXY TCP4 192.0.2.7 10.0.0.1 012345 443\r\n")]
    #[case(b"PROXY TCP4 192.0.2.7 10.0.0.1 65536 443\r\n")]
    #[case(b"PROXY TCP4 192.0.2.07 10.0.0.1 1 443\r\n")]
    #[case(b"PROXY TCP4 2001:db8::7 ::1 1 443\r\n")]
    #[case(b"PROXY TCP6 192.0.2.7 10.0.0.1 1 443\r\n")]
    #[case(b"PROXY TCP6 fe80::1%eth0 ::1 1 443\r\n")]
    #[case(b"PROXY UDP4 192.0.2.7 10.0.0.1 1 443\r\n")]
    #[case(b"PROXY UNKNOWNs\r\n")]
    #[case(b"PROXY \r\n")]
    #[case(b"PROXY TCP4 \xff 10.0.0.1 1 443\r\n")]
    #[case(b"PROXY UNKNOWN                                                                                             \r\n")]
    #[case(&v2(0x11, 0x11, V4))]
    #[case(&v2(0x22, 0x11, V4))]
    #[case(&v2(0x21, 0x41, V4))]
    #[case(&v2(0x21, 0x13, V4))]
    #[case(&v2(0x21, 0x11, &V4[..11]))]
    #[case(&v2(0x21, 0x21, V4))]
    #[case(&v2(0x21, 0x31, V4))]
    #[case(&v2(0x21, 0x12, &V4[..11]))]
    // Extras that are longer than what is there, or broken off.
    #[case(&v2(0x21, 0x11, &[V4, &[0x05, 0, 9, 1]].concat()))]
    #[case(&v2(0x21, 0x11, &[V4, &[0x05, 0]].concat()))]
    #[case(&v2(0x20, 0x00, &[0; LONGEST]))]
    fn what_is_no_header_is_refused(#[case] bytes: &[u8]) {
        assert_eq!(parse(bytes), Err(Malformed), "{}", bytes.escape_ascii());
    }

    #[rstest]
    #[case(v2(0x21, 0x11, V4), of("192.0.2.7:12345", "10.0.0.1:443", false))]
    #[case(v2(0x21, 0x21, &[&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[7], &[0; 15], &[1], &[0, 80, 1, 187]].concat()), of("[2001:db8::7]:80", "[::1]:443", false))]
    // Extras: an authority, a checksum, padding; then the client's TLS, said and denied.
    #[case(v2(0x21, 0x11, &[V4, &[2, 0, 1, b'a', 3, 0, 4, 1, 2, 3, 4, 4, 0, 0]].concat()), of("192.0.2.7:12345", "10.0.0.1:443", false))]
    #[case(v2(0x21, 0x11, &[V4, &[2, 0, 1, b'a', 0x20, 0, 5, 1, 0, 0, 0, 0]].concat()), of("192.0.2.7:12345", "10.0.0.1:443", true))]
    #[case(v2(0x21, 0x11, &[V4, &[0x20, 0, 5, 6, 0, 0, 0, 0]].concat()), of("192.0.2.7:12345", "10.0.0.1:443", false))]
    #[case(v2(0x20, 0x11, V4), Origin::Unnamed)]
    #[case(v2(0x20, 0x00, &[]), Origin::Unnamed)]
    #[case(v2(0x21, 0x00, b"anything"), Origin::Unnamed)]
    #[case(v2(0x21, 0x12, V4), Origin::Unnamed)]
    #[case(v2(0x21, 0x31, &[0; 216]), Origin::Unnamed)]
    fn binary_headers_are_read(#[case] head: Vec<u8>, #[case] wanted: Origin) {
        assert_eq!(parse(&head), Ok(Some((wanted, head.len()))));
        let followed = [&head[..], b"\x16\x03\x01"].concat();
        assert_eq!(parse(&followed), Ok(Some((wanted, head.len()))), "what follows is not ours");
        for end in 0..head.len() {
            assert_eq!(parse(&head[..end]), Ok(None), "{end} bytes of {}", head.len());
        }
    }

    /// However it is cut into pieces, the header is read and nothing behind it.
    #[rstest]
    #[case(b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 443\r\n".to_vec())]
    #[case(v2(0x21, 0x11, &[V4, &[4, 1, 244], &[0; 500]].concat()))]
    #[tokio::test]
    async fn nothing_behind_the_header_is_taken(#[case] head: Vec<u8>) {
        for cut in [0, 1, 5, 12, 20, 40, head.len()] {
            let cut = cut.min(head.len());
            let (mut near, mut far) = UnixStream::pair().unwrap();
            let sent = [&head[..], b"GET"].concat();
            let reading = tokio::spawn(async move { read(&mut near).await.map(|origin| (origin, near)) });
            far.write_all(&sent[..cut]).await.unwrap();
            tokio::task::yield_now().await;
            far.write_all(&sent[cut..]).await.unwrap();
            let (origin, mut near) = reading.await.unwrap().unwrap();
            assert_eq!(origin, of("192.0.2.7:12345", "10.0.0.1:443", false));
            let mut rest = [0; 3];
            near.read_exact(&mut rest).await.unwrap();
            assert_eq!(&rest, b"GET");
        }
    }

    #[tokio::test]
    async fn an_end_before_the_header_is_told_from_one_within() {
        for (sent, gone) in [(&b""[..], true), (b"PROXY TCP4 ", false), (SIGNATURE, false)] {
            let (mut near, mut far) = UnixStream::pair().unwrap();
            far.write_all(sent).await.unwrap();
            drop(far);
            let absent = read(&mut near).await.unwrap_err();
            assert_eq!(matches!(absent, Absent::Gone), gone, "{absent:?}");
        }
    }

    proptest! {
        /// No bytes make it panic, or read past their end.
        #[test]
        fn any_bytes_are_survived(start in 0..4_usize, bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let starts: [&[u8]; 4] = [b"", b"PROXY TCP", SIGNATURE, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0"];
            let bytes = [starts[start], &bytes].concat();
            if let Ok(Some((_, length))) = parse(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }

        /// What one end writes, the other reads.
        #[test]
        fn a_line_of_any_addresses_is_read(source: std::net::SocketAddrV6, destination: std::net::SocketAddrV6) {
            let (source, destination) = (SocketAddr::from((*source.ip(), source.port())), SocketAddr::from((*destination.ip(), destination.port())));
            let head = format!("PROXY TCP6 {} {} {} {}\r\n", source.ip(), destination.ip(), source.port(), destination.port());
            prop_assert_eq!(parse(head.as_bytes()), Ok(Some((client(source, destination, false), head.len()))));
        }
    }
}
