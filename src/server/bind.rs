use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::{fmt, thread};

use socket2::{Domain, Protocol, Socket as Bare, Type};

use super::Settings;
use super::inherit::{Inherited, spread};
use super::socket::{Socket, SocketFile};

/// Connections that may queue in the kernel while none is accepted. The kernel cuts it to `net.core.somaxconn`.
pub(super) const BACKLOG: i32 = 4096;

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
        "the service manager listens on {0} for this gateway, and the configuration does not name it; write it into listen, listen_plain or redirect_http, or take it out of the socket unit"
    )]
    Unasked(PlainAddress),
    /// The service manager handed over something else.
    #[error("what the service manager handed over as number {index} is neither a listening TCP socket nor a socket file ({source})")]
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
    /// One list for each worker.
    pub(super) workers: Vec<Vec<Listening>>,
    pub(super) redirect: Option<TcpListener>,
    /// Where TLS is served, in the order of the settings, with the ports the system chose where 0 was asked for.
    pub addresses: Vec<SocketAddr>,
    /// Where the same is served without TLS, likewise.
    pub(super) plain: Vec<PlainAddress>,
    /// The files of the sockets that were made here.
    pub(super) files: Vec<SocketFile>,
}

/// A socket of one worker.
pub(super) struct Listening {
    pub(super) socket: Socket,
    pub(super) speaks: Speaks,
}

/// What is spoken on a listener. Never guessed from bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Speaks {
    /// TLS first.
    pub(super) tls: bool,
    /// Before anything else, a PROXY header.
    pub(super) proxy_header: bool,
}

impl Listeners {
    /// How many workers will serve them.
    pub const fn workers(&self) -> usize {
        self.workers.len()
    }

    /// Binds all addresses of the settings, each once for every worker (`SO_REUSEPORT`: the kernel spreads connections; a
    /// socket file is shared). Raises the limit of open descriptors first.
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
        let workers = (0..count).map(|_| Vec::new()).collect();
        let mut all = Self { workers, redirect: None, addresses: Vec::new(), plain: Vec::new(), files: Vec::new() };
        for address in &settings.listen {
            let speaks = Speaks { tls: true, proxy_header: settings.proxy_protocol.contains(&PlainAddress::Tcp(*address)) };
            let bound = all.tcp(*address, speaks, &mut inherited)?;
            all.addresses.push(bound);
        }
        for place in &settings.listen_plain {
            let speaks = Speaks { tls: false, proxy_header: settings.proxy_protocol.contains(place) };
            let bound = match place {
                PlainAddress::Tcp(address) => PlainAddress::Tcp(all.tcp(*address, speaks, &mut inherited)?),
                PlainAddress::Unix(path) => {
                    all.unix(path, speaks, settings.socket_mode, &mut inherited)?;
                    place.clone()
                }
            };
            all.plain.push(bound);
        }
        let redirect = |address| match inherited.at(address).pop() {
            Some(socket) => listen(socket.into(), address),
            None => listen(bind_tcp(address, false)?, address),
        };
        all.redirect = settings.redirect_http.map(redirect).transpose()?;
        inherited.rest().map_or(Ok(all), Err)
    }

    /// One socket for every worker, or those that were handed over. Returns where they listen.
    fn tcp(&mut self, mut address: SocketAddr, speaks: Speaks, inherited: &mut Inherited) -> Result<SocketAddr, BindError> {
        let given = inherited.at(address);
        if !given.is_empty() {
            let listening = |socket: TcpListener| listen(socket.into(), address).map(Socket::Tcp);
            let given = given.into_iter().map(listening).collect::<Result<Vec<_>, _>>()?;
            self.share(&given, speaks, &address)?;
            return Ok(address);
        }
        if address.port() != 0 {
            // With SO_REUSEPORT a second gateway would share a taken port without a word, and every other client would
            // reach the wrong one. A chosen port needs no such look: the kernel never chooses one in use.
            drop(bind_tcp(address, false)?);
        }
        for worker in &mut self.workers {
            let listener = listen(bind_tcp(address, true)?, address)?;
            address = listener.local_addr().map_err(|source| BindError::new(&address, source))?;
            worker.push(Listening { socket: Socket::Tcp(listener), speaks });
        }
        Ok(address)
    }

    /// One socket file, which all workers share.
    fn unix(&mut self, path: &Path, speaks: Speaks, mode: u32, inherited: &mut Inherited) -> Result<(), BindError> {
        let shown = path.display();
        let failed = |source| BindError::new(&shown, source);
        let listener = if let Some(listener) = inherited.file(&std::path::absolute(path).map_err(failed)?) {
            // Its file is the service manager's.
            listener.set_nonblocking(true).map_err(failed)?;
            listener
        } else {
            let (listener, file) = SocketFile::bind(path, mode).map_err(failed)?;
            self.files.push(file);
            listener
        };
        self.share(&[Socket::Unix(listener)], speaks, &shown)
    }

    fn share(&mut self, sockets: &[Socket], speaks: Speaks, place: &impl ToString) -> Result<(), BindError> {
        let count = self.workers.len();
        let sockets = spread(sockets, count).map_err(|source| BindError::new(place, source))?;
        for (index, socket) in sockets.into_iter().enumerate() {
            self.workers[index % count].push(Listening { socket, speaks });
        }
        Ok(())
    }
}

fn bind_tcp(address: SocketAddr, shared: bool) -> Result<Bare, BindError> {
    let bind = || {
        let socket = Bare::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
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

fn listen(socket: Bare, address: SocketAddr) -> Result<TcpListener, BindError> {
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

/// A place without TLS. As text it is what the configuration says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PlainAddress {
    /// A TCP port; the configuration allows loopback only, unless danger is asked for by name.
    Tcp(SocketAddr),
    /// A socket file.
    Unix(PathBuf),
}

impl fmt::Display for PlainAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A listening socket without TLS, away from the data path.
#[derive(Debug)]
pub struct PlainListener {
    pub(super) socket: Socket,
    pub(super) file: Option<SocketFile>,
}

impl PlainListener {
    /// Binds. A socket file that nobody serves any more is replaced; those whom `mode` names (permission bits) may connect.
    ///
    /// # Errors
    /// When the place is taken or cannot be used.
    pub fn bind(address: &PlainAddress, mode: u32) -> Result<Self, BindError> {
        match address {
            PlainAddress::Tcp(address) => listen(bind_tcp(*address, false)?, *address).map(Self::from),
            PlainAddress::Unix(path) => {
                let (listener, file) = SocketFile::bind(path, mode).map_err(|source| BindError::new(&path.display(), source))?;
                Ok(Self { socket: Socket::Unix(listener), file: Some(file) })
            }
        }
    }
}

impl From<TcpListener> for PlainListener {
    fn from(listener: TcpListener) -> Self {
        Self { socket: Socket::Tcp(listener), file: None }
    }
}
