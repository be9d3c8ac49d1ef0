use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

/// The address a request is attributed to: the socket's peer, or what a trusted proxy says it is.
/// IPv4 addresses mapped into IPv6 are held as IPv4, so that one client has one address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientAddr(IpAddr);

impl ClientAddr {
    /// The canonical form of `ip`.
    #[must_use]
    pub const fn new(ip: IpAddr) -> Self {
        Self(ip.to_canonical())
    }

    /// The address itself.
    #[must_use]
    pub const fn ip(self) -> IpAddr {
        self.0
    }

    /// The address as budgets are counted: IPv4 whole, IPv6 by its /64, which is what one subscriber holds.
    #[must_use]
    pub fn budget_key(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(v6) => {
                let mut segments = v6.segments();
                segments[4..].fill(0);
                IpAddr::V6(Ipv6Addr::from(segments))
            }
        }
    }
}

impl ClientAddr {
    /// Gives the address as text to `read`. Each request writes it twice, and the library's way takes a thousand instructions.
    pub fn with_text<R>(self, read: impl FnOnce(&[u8]) -> R) -> R {
        let IpAddr::V4(v4) = self.0 else { return read(self.0.to_string().as_bytes()) };
        let (mut text, mut end) = ([b'.'; 16], 0);
        for octet in v4.octets() {
            let digits = [octet / 100, octet / 10 % 10, octet % 10].map(|digit| b'0' + digit);
            let begin = if octet >= 100 { 0 } else { 2 - usize::from(octet >= 10) };
            text[end..end + 3 - begin].copy_from_slice(&digits[begin..]);
            end += 4 - begin;
        }
        read(&text[..end - 1])
    }
}

impl fmt::Display for ClientAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ClientAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The proxies whose `X-Forwarded-*` we believe. Empty by default: then nobody is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    socket_files: bool,
}

impl TrustedProxies {
    /// Trust exactly these networks, and whoever comes through a socket file of ours if so said.
    #[must_use]
    pub const fn new(networks: Vec<IpNet>, socket_files: bool) -> Self {
        Self { networks, socket_files }
    }

    /// Whether `addr` is one of them.
    #[must_use]
    pub fn contains(&self, addr: ClientAddr) -> bool {
        self.networks.iter().any(|net| net.contains(&addr.0))
    }

    /// Whether those who may open our socket files are believed.
    #[must_use]
    pub const fn socket_files(&self) -> bool {
        self.socket_files
    }

    /// The client behind `peer`, which is trusted: walks `X-Forwarded-For` (all its lines joined in order) from the right and
    /// stops at the first address that is not a trusted proxy. An element that is no address ends the walk at the hop before
    /// it, since what stands left of it was not written by anyone we trust.
    #[must_use]
    pub fn client_behind(&self, peer: ClientAddr, forwarded_for: &str) -> ClientAddr {
        let mut client = peer;
        for element in forwarded_for.rsplit(',') {
            let Some(addr) = parse_element(element.trim()) else { break };
            client = addr;
            if !self.contains(client) {
                break;
            }
        }
        client
    }
}

/// An `X-Forwarded-For` element: an address, perhaps with a port, perhaps in brackets.
fn parse_element(text: &str) -> Option<ClientAddr> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ClientAddr::new(ip));
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some(ClientAddr::new(socket.ip()));
    }
    let bare = text.strip_prefix('[')?.strip_suffix(']')?;
    bare.parse::<Ipv6Addr>().ok().map(|ip| ClientAddr::new(ip.into()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn addr(text: &str) -> ClientAddr {
        ClientAddr::new(text.parse().unwrap())
    }

    fn trusted() -> TrustedProxies {
        TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap(), "2001:db8:5::/48".parse().unwrap()], false)
    }

    #[test]
    fn an_address_is_written_as_the_library_writes_it() {
        for text in ["0.0.0.0", "9.10.99.100", "255.255.255.255", "127.0.0.1", "203.0.113.7", "2001:db8::1"] {
            let ip: IpAddr = text.parse().unwrap();
            assert_eq!(ClientAddr::new(ip).to_string(), text);
            ClientAddr::new(ip).with_text(|written| assert_eq!(written, text.as_bytes()));
            assert_eq!(format!("{:>20}", ClientAddr::new(ip)), format!("{ip:>20}"));
        }
    }

    #[test]
    fn nobody_is_believed_by_default() {
        let nobody = TrustedProxies::default();
        assert!(!nobody.contains(addr("10.0.0.1")) && !nobody.contains(addr("127.0.0.1")) && !nobody.socket_files());
    }

    /// From the right, over trusted hops only, to the first address that none of them has made up.
    #[rstest]
    #[case("1.2.3.4", "1.2.3.4")]
    #[case("6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4")]
    #[case("6.6.6.6, 1.2.3.4", "1.2.3.4")]
    #[case("10.3.3.3, 10.2.2.2", "10.3.3.3")]
    #[case("6.6.6.6,1.2.3.4,10.2.2.2\t,\t10.3.3.3", "1.2.3.4")]
    // What is no address ends the walk at the hop that wrote it.
    #[case("6.6.6.6, unknown, 10.0.0.2", "10.0.0.2")]
    #[case("6.6.6.6, , 10.0.0.2", "10.0.0.2")]
    #[case("", "10.0.0.1")]
    #[case(",", "10.0.0.1")]
    #[case("1.2.3.4,", "10.0.0.1")]
    #[case("1.2.3.4 6.6.6.6", "10.0.0.1")]
    #[case("for=1.2.3.4", "10.0.0.1")]
    #[case("1.2.3.4:99999", "10.0.0.1")]
    #[case("1.2.3.4:", "10.0.0.1")]
    #[case("1.2.3", "10.0.0.1")]
    #[case("010.2.3.4", "10.0.0.1")]
    #[case("0x0a.2.3.4", "10.0.0.1")]
    #[case("[1.2.3.4]", "10.0.0.1")]
    #[case("[2001:db8::1", "10.0.0.1")]
    #[case("fe80::1%eth0", "10.0.0.1")]
    #[case("\u{661}.2.3.4", "10.0.0.1")]
    // Ports and brackets.
    #[case("1.2.3.4:5678", "1.2.3.4")]
    #[case("[2001:db8::1]:443", "2001:db8::1")]
    #[case("[2001:db8::1]", "2001:db8::1")]
    #[case("2001:db8::1", "2001:db8::1")]
    // IPv6 hops, and IPv4 in IPv6's clothes.
    #[case("2001:db8::1, [2001:db8:5::7]:80, 2001:DB8:5:0::9", "2001:db8::1")]
    #[case("6.6.6.6, 1.2.3.4, ::ffff:10.0.0.9", "1.2.3.4")]
    #[case("::ffff:1.2.3.4", "1.2.3.4")]
    fn the_walk_goes_from_the_right_and_stops_at_the_first_stranger(#[case] forwarded_for: &str, #[case] client: &str) {
        assert_eq!(trusted().client_behind(addr("10.0.0.1"), forwarded_for), addr(client));
    }

    #[test]
    fn a_chain_of_any_length_is_walked() {
        let chain = format!("6.6.6.6, 1.2.3.4{}", ", 10.1.1.1".repeat(10_000));
        assert_eq!(trusted().client_behind(addr("10.0.0.1"), &chain), addr("1.2.3.4"));
    }

    #[test]
    fn mapped_addresses_are_the_same_client() {
        assert_eq!(addr("::ffff:10.0.0.1"), addr("10.0.0.1"));
    }

    #[test]
    fn ipv6_budgets_are_per_subscriber() {
        assert_eq!(addr("2001:db8:1:2:aaaa::1").budget_key(), addr("2001:db8:1:2:bbbb::2").budget_key());
        assert_ne!(addr("2001:db8:1:2::1").budget_key(), addr("2001:db8:1:3::1").budget_key());
    }
}
