use std::net::SocketAddr;
use std::sync::Arc;

use crate::base::ClientAddr;

/// What a connection knows of itself: handed along with each of its requests.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The other end of the socket. Not yet the client, if it is a trusted proxy.
    pub address: ClientAddr,
    /// Its port.
    pub port: u16,
    /// Our end of the socket.
    pub local: SocketAddr,
    /// Whether the bytes came through TLS of ours.
    pub secure: bool,
    /// The host an HTTP/2 connection was made for (SNI). Never what requests are routed by.
    pub server_name: Option<Arc<str>>,
    /// Which worker (data-path runtime) the connection lives on: 0 to the number of workers less one.
    pub worker: usize,
    /// Which user of this machine is at the other end, as the kernel says; only of a socket file.
    pub uid: Option<u32>,
}
