use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::{fs, thread};

use socket2::{Domain, Protocol, Socket, Type};

use super::Settings;
use super::inherit::{Inherited, spread};

/// Connections that may queue in the kernel while none is accepted. The kernel cuts it to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Why nobody can connect.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody listens there already.
    #[error("{0} is taken: another program listens there; stop it, or choose another address or port")]
    Taken(String),
    /// The system forbids it.
    #[error("{0} may not be used by this user; ports below 1024 need the capability CAP_NET_BIND_SERVICE, a socket file a writable folder")]
    Forbidden(String),
    /// The address is not one of this machine's.
    #[error("{0} is not an address of this machine; write 0.0.0.0 or [::] to listen on all of them")]
    NotOurs(String),
    /// The service manager opened a socket for nothing.
    #[error(
        "the service manager listens on {0} for this gateway, and the configuration does not name it; write it into listen or redirect_http, or take it out of the socket unit"
    )]
    Unasked(SocketAddr),
    /// The service manager handed over something else.
    #[error("what the service manager handed over as number {index} is not a listening TCP socket ({source})")]
    Inherited {
        /// Its place, from 0.
        index: usize,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else.
    #[error("{address} cannot be listened on ({source})")]
    Failed {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
}

impl BindError {
    fn new(address: &impl ToString, source: io::Error) -> Self {
        let address = address.to_string();
        if source.kind() == ErrorKind::AddrInUse {
            Self::Taken(address)
        } else if source.kind() == ErrorKind::PermissionDenied {
            Self::Forbidden(address)
        } else if source.kind() == ErrorKind::AddrNotAvailable {
            Self::NotOurs(address)
        } else {
            Self::Failed { address, source }
        }
    }
}

/// Sockets that listen: connections queue from here on, before anything serves them.
pub struct Listeners {
    /// One list for each worker, one socket in it for each address.
    pub(super) workers: Vec<Vec<TcpListener>>,
    pub(super) redirect: Option<TcpListener>,
    /// Where TLS is served, in the order of the settings, with the ports the system chose where 0 was asked for.
    pub addresses: Vec<SocketAddr>,
}

impl Listeners {
    /// How many workers will serve them.
    pub const fn workers(&self) -> usize {
        self.workers.len()
    }

    /// Binds all addresses of the settings, each once for every worker (`SO_REUSEPORT`: the kernel spreads connections).
    /// Raises the limit of open descriptors first.
    ///
    /// # Errors
    /// When an address is taken or cannot be used; nothing stays bound then.
    pub fn bind(settings: &Settings) -> Result<Self, BindError> {
        Self::inherit(settings, Inherited::default())
    }

    /// As [`Listeners::bind`], but takes what the service manager has bound already.
    ///
    /// # Errors
    /// As there, and when a socket was handed over that the settings do not name.
    pub fn inherit(settings: &Settings, mut inherited: Inherited) -> Result<Self, BindError> {
        super::descriptors::raise(settings.max_connections);
        let count = settings.workers.or_else(|| thread::available_parallelism().ok().map(NonZero::get)).unwrap_or(1).max(1);
        let mut workers: Vec<Vec<TcpListener>> = (0..count).map(|_| Vec::new()).collect();
        let mut addresses = Vec::new();
        for wanted in &settings.listen {
            let mut address = *wanted;
            let given = inherited.at(address);
            if !given.is_empty() {
                let given = given.into_iter().map(|socket| listen(socket.into(), address)).collect::<Result<Vec<_>, _>>()?;
                let sockets = spread(&given, count).map_err(|source| BindError::new(&address, source))?;
                for (index, socket) in sockets.into_iter().enumerate() {
                    workers[index % count].push(socket);
                }
                addresses.push(address);
                continue;
            }
            if address.port() != 0 {
                // With SO_REUSEPORT a second gateway would share a taken port without a word, and every other client would
                // reach the wrong one. A chosen port needs no such look: the kernel never chooses one in use.
                drop(bind_tcp(address, false)?);
            }
            for worker in &mut workers {
                let listener = listen(bind_tcp(address, true)?, address)?;
                address = listener.local_addr().map_err(|source| BindError::new(&address, source))?;
                worker.push(listener);
            }
            addresses.push(address);
        }
        let redirect = |address| match inherited.at(address).pop() {
            Some(socket) => listen(socket.into(), address),
            None => listen(bind_tcp(address, false)?, address),
        };
        let redirect = settings.redirect_http.map(redirect).transpose()?;
        if let Some(fault) = inherited.rest() {
            return Err(fault);
        }
        Ok(Self { workers, redirect, addresses })
    }
}

fn bind_tcp(address: SocketAddr, shared: bool) -> Result<Socket, BindError> {
    let bind = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            // So that 0.0.0.0 and [::] can be named side by side.
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(shared)?;
        socket.bind(&address.into())?;
        Ok(socket)
    };
    bind().map_err(|source| BindError::new(&address, source))
}

fn listen(socket: Socket, address: SocketAddr) -> Result<TcpListener, BindError> {
    let listen = || {
        socket.set_nonblocking(true)?;
        // Accepted connections inherit both (Linux): two system calls less for each.
        socket.set_tcp_nodelay(true)?;
        socket.set_keepalive(true)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|source| BindError::new(&address, source))?;
    Ok(socket.into())
}

/// A place without TLS, for this machine only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PlainAddress {
    /// A TCP port; the configuration allows loopback only.
    Tcp(SocketAddr),
    /// A socket file.
    Unix(PathBuf),
}

/// A listening socket without TLS.
#[derive(Debug)]
pub enum PlainListener {
    /// TCP.
    Tcp(TcpListener),
    /// A socket file.
    Unix(UnixListener),
}

impl PlainListener {
    /// Binds. A socket file that nobody serves any more is replaced; user and group of this process may connect.
    ///
    /// # Errors
    /// When the place is taken or cannot be used.
    pub fn bind(address: &PlainAddress) -> Result<Self, BindError> {
        match address {
            PlainAddress::Tcp(address) => listen(bind_tcp(*address, false)?, *address).map(Self::Tcp),
            PlainAddress::Unix(path) => bind_unix(path).map(Self::Unix).map_err(|source| BindError::new(&path.display(), source)),
        }
    }

    /// Where it listens; `None` for a socket file.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }
}

fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_left_over(path) => {
            fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Whether this is a socket that a process left behind: nobody answers.
fn is_left_over(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    is_socket && UnixStream::connect(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}
