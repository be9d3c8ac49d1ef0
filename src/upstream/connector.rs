use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::resolve::Resolver;
use super::transport::Transport;
use super::trust::{Fingerprint, Trust};
use super::{Address, SetupError};

/// Makes connections to one endpoint.
pub(super) enum Connector {
    Tcp(Resolver),
    Tls { resolver: Resolver, tls: TlsConnector, name: ServerName<'static>, trust: Fingerprint },
    Unix(PathBuf),
}

/// Why a connection was not made.
pub(super) enum ConnectFault {
    Io(io::Error),
    Timeout,
    Tls(io::Error),
}

impl Connector {
    /// For `address`. Reads the certificate authorities an `https` one is judged by.
    pub(super) fn new(address: &Address) -> Result<Self, SetupError> {
        let (host, port, server_name, ca, unverified) = match address {
            Address::Http { host, port } => return Ok(Self::Tcp(Resolver::new(host, *port))),
            Address::Unix { path } => return Ok(Self::Unix(path.clone())),
            Address::Https { host, port, server_name, ca, dangerous_skip_verification } => {
                (host, *port, server_name, ca, *dangerous_skip_verification)
            }
        };
        let trust = if unverified { Trust::none() } else { Trust::load(ca.as_deref())? };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = server_name.as_deref().unwrap_or(bare);
        Ok(Self::Tls {
            resolver: Resolver::new(host, port),
            trust: trust.fingerprint,
            tls: TlsConnector::from(Arc::new(trust.client_config()?)),
            name: ServerName::try_from(name.to_owned()).map_err(|_| SetupError::ServerName(name.to_owned()))?,
        })
    }

    /// What the certificate authorities were when they were read.
    pub(super) const fn trust(&self) -> Option<Fingerprint> {
        match self {
            Self::Tls { trust, .. } => Some(*trust),
            Self::Tcp(_) | Self::Unix(_) => None,
        }
    }

    /// Whether the endpoint may move to another address.
    pub(super) const fn is_named(&self) -> bool {
        match self {
            Self::Tcp(resolver) | Self::Tls { resolver, .. } => resolver.is_named(),
            Self::Unix(_) => false,
        }
    }

    /// A new connection, with one deadline around name service, connecting and TLS.
    pub(super) async fn connect(&self, within: Duration) -> Result<Transport, ConnectFault> {
        let deadline = Instant::now() + within;
        timeout_at(deadline, self.connect_until(deadline)).await.unwrap_or(Err(ConnectFault::Timeout))
    }

    async fn connect_until(&self, deadline: Instant) -> Result<Transport, ConnectFault> {
        match self {
            Self::Tcp(resolver) => Ok(Transport::Tcp(connect_tcp(resolver, deadline).await?)),
            Self::Tls { resolver, tls, name, .. } => {
                let stream = connect_tcp(resolver, deadline).await?;
                let stream = tls.connect(name.clone(), stream).await.map_err(ConnectFault::Tls)?;
                Ok(Transport::Tls(Box::new(stream)))
            }
            Self::Unix(path) => UnixStream::connect(path).await.map(Transport::Unix).map_err(ConnectFault::Io),
        }
    }
}

/// Tries each address in turn. Each gets its share of the time left, so that one that swallows packets cannot use it all.
async fn connect_tcp(resolver: &Resolver, deadline: Instant) -> Result<TcpStream, ConnectFault> {
    let addresses = resolver.addresses(deadline).await.map_err(ConnectFault::Io)?;
    let mut fault = ConnectFault::Timeout;
    for (at, address) in addresses.iter().enumerate() {
        let now = Instant::now();
        let left = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        let share = now + deadline.saturating_duration_since(now) / left;
        match timeout_at(share, connect_one(*address)).await {
            Ok(Ok(stream)) => {
                resolver.prefer(*address);
                return Ok(stream);
            }
            Ok(Err(error)) => fault = ConnectFault::Io(error),
            Err(_elapsed) => fault = ConnectFault::Timeout,
        }
    }
    resolver.doubt();
    Err(fault)
}

async fn connect_one(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
