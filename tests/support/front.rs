//! A proxy in front of the gateway, made of chosen bytes: it connects without TLS or with it, through a port or a socket file,
//! and may say first whose connection it is.

use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::PATIENCE;
use super::tls::{Tls, any_certificate};
use super::wire::{self, Ends, Message};

/// A connection without TLS.
pub struct Front<S>(BufReader<S>);

impl Front<TcpStream> {
    /// Through a port.
    #[track_caller]
    pub fn port(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }
}

impl Front<UnixStream> {
    /// Through a socket file.
    #[track_caller]
    pub fn file(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }
}

impl<S> Front<S>
where
    S: Read,
    for<'s> &'s S: Write,
{
    /// Sends bytes. The gateway may have hung up.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let mut stream = self.0.get_ref();
        let _ = stream.write_all(bytes.as_ref());
        self
    }

    /// The next answer; `None` when the connection ends instead.
    #[track_caller]
    pub fn answer(&mut self) -> Option<Message> {
        match wire::read_message(&mut self.0, Ends::AsAnswer) {
            Ok(answer) => answer,
            Err(error) => {
                assert!(!matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "nothing came within {PATIENCE:?}");
                None
            }
        }
    }
}

/// TLS behind a PROXY header; an error when the connection ends before the handshake does.
pub fn tls_behind(address: SocketAddr, header: &[u8]) -> io::Result<Tls> {
    let mut socket = TcpStream::connect(address)?;
    socket.write_all(header)?;
    Tls::over(socket, "localhost", any_certificate(&[b"http/1.1"], rustls::DEFAULT_VERSIONS))
}
