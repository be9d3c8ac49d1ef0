use std::net::SocketAddr;
use std::sync::Arc;

use crate::base::{ClientAddr, TrustedProxies};

/// What a connection knows of itself: handed along with each of its requests.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The other end of the socket. Not yet the client, if it is a trusted proxy.
    pub address: ClientAddr,
    /// Its port.
    pub port: u16,
    /// Our end of the socket.
    pub local: SocketAddr,
    /// Whether the bytes came through TLS of ours, or of a proxy that says so in its PROXY header.
    pub secure: bool,
    /// The host an HTTP/2 connection was made for (SNI). Never what requests are routed by.
    pub server_name: Option<Arc<str>>,
    /// Which worker (data-path runtime) the connection lives on: 0 to the number of workers less one.
    pub worker: usize,
    /// Which user of this machine is at the other end, as the kernel says; only of a socket file.
    pub uid: Option<u32>,
    /// How much `address` says.
    pub known: Known,
}

/// How the other end of a connection is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// By its address.
    Address,
    /// By being allowed to open a socket file. Its address is no more than a way to show it.
    SocketFile,
    /// Not at all: a proxy in front passed somebody on without naming them (PROXY protocol: `UNKNOWN`, `LOCAL`). The address is
    /// the proxy's, and what is said is not the proxy's word.
    Unnamed,
}

impl Peer {
    /// Whether the other end is a proxy whose word on its clients is believed.
    #[must_use]
    pub fn is_trusted(&self, trusted: &TrustedProxies) -> bool {
        match self.known {
            Known::Address => trusted.contains(self.address),
            Known::SocketFile => trusted.socket_files(),
            Known::Unnamed => false,
        }
    }
}
