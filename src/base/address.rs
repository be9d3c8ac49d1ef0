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
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Trust exactly these networks.
    #[must_use]
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether `addr` is one of them.
    #[must_use]
    pub fn contains(&self, addr: ClientAddr) -> bool {
        self.0.iter().any(|net| net.contains(&addr.0))
    }

    /// The client behind the proxies: walks `X-Forwarded-For` (all its lines joined in order) from the right and stops at
    /// the first address that is not a trusted proxy. An element that is no address ends the walk at the hop before it,
    /// since what stands left of it was not written by anyone we trust.
    #[must_use]
    pub fn client(&self, peer: ClientAddr, forwarded_for: &str) -> ClientAddr {
        let mut client = peer;
        for element in forwarded_for.rsplit(',') {
            if !self.contains(client) {
                break;
            }
            match parse_element(element.trim()) {
                Some(addr) => client = addr,
                None => break,
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
    bare.parse().ok().map(ClientAddr::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> ClientAddr {
        ClientAddr::new(text.parse().unwrap())
    }

    fn trusted() -> TrustedProxies {
        TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()])
    }

    #[test]
    fn nobody_is_believed_by_default() {
        assert_eq!(TrustedProxies::default().client(addr("10.0.0.1"), "1.2.3.4"), addr("10.0.0.1"));
    }

    #[test]
    fn the_walk_stops_at_the_first_stranger() {
        assert_eq!(trusted().client(addr("10.0.0.1"), "6.6.6.6, 1.2.3.4, 10.9.9.9"), addr("1.2.3.4"));
        assert_eq!(trusted().client(addr("1.2.3.4"), "6.6.6.6"), addr("1.2.3.4"));
    }

    #[test]
    fn rubbish_ends_the_walk() {
        assert_eq!(trusted().client(addr("10.0.0.1"), "6.6.6.6, unknown, 10.0.0.2"), addr("10.0.0.2"));
        assert_eq!(trusted().client(addr("10.0.0.1"), ""), addr("10.0.0.1"));
    }

    #[test]
    fn ports_and_brackets_are_read() {
        assert_eq!(trusted().client(addr("10.0.0.1"), "1.2.3.4:5678"), addr("1.2.3.4"));
        assert_eq!(trusted().client(addr("10.0.0.1"), "[2001:db8::1]:443"), addr("2001:db8::1"));
        assert_eq!(trusted().client(addr("10.0.0.1"), "[2001:db8::1]"), addr("2001:db8::1"));
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
