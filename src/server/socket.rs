use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, fchmod};
use socket2::{Domain, SockAddr, Socket as Bare, Type};
use tokio::net;

use super::bind::BACKLOG;
use crate::base::ClientAddr;
use crate::web::{Known, Peer};

/// A listening socket that belongs to no runtime yet.
#[derive(Debug)]
pub(super) enum Socket {
    /// TCP.
    Tcp(std::net::TcpListener),
    /// A socket file.
    Unix(UnixListener),
}

impl Socket {
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(listener) => Self::Tcp(listener.try_clone()?),
            Self::Unix(listener) => Self::Unix(listener.try_clone()?),
        })
    }

    /// Where it listens; `None` for a socket file.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Hands it to the current runtime.
    pub(super) fn register(self) -> io::Result<Entrance> {
        Ok(match self {
            Self::Tcp(listener) => Entrance::Tcp(net::TcpListener::from_std(listener)?),
            Self::Unix(listener) => Entrance::Unix(net::UnixListener::from_std(listener)?),
        })
    }
}

/// A listening socket at work.
pub(super) enum Entrance {
    Tcp(net::TcpListener),
    Unix(net::UnixListener),
}

/// A connection, and who is at its other end as far as the socket knows.
pub(super) enum Arrival {
    Tcp(net::TcpStream, SocketAddr),
    Unix(net::UnixStream),
}

/// A connection between two runtimes.
pub(super) enum Moving {
    Tcp(std::net::TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Entrance {
    pub(super) async fn accept(&self) -> io::Result<Arrival> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, address)| Arrival::Tcp(stream, address)),
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| Arrival::Unix(stream)),
        }
    }
}

impl Moving {
    /// On the runtime that takes it.
    pub(super) fn arrive(self) -> io::Result<Arrival> {
        Ok(match self {
            Self::Tcp(stream, address) => Arrival::Tcp(net::TcpStream::from_std(stream)?, address),
            Self::Unix(stream) => Arrival::Unix(net::UnixStream::from_std(stream)?),
        })
    }
}

impl Arrival {
    /// Takes it out of the runtime it was accepted on.
    pub(super) fn leave(self) -> io::Result<Moving> {
        Ok(match self {
            Self::Tcp(stream, address) => Moving::Tcp(stream.into_std()?, address),
            Self::Unix(stream) => Moving::Unix(stream.into_std()?),
        })
    }

    /// The connection as its requests will see it, before anything was read from it. The peers of a socket file have no
    /// address; they are shown as 127.0.0.1, port 0, with the user at the other end beside it.
    pub(super) fn peer(&self, worker: usize) -> io::Result<Peer> {
        let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (address, local, uid, known) = match self {
            Self::Tcp(stream, address) => (*address, stream.local_addr()?, None, Known::Address),
            Self::Unix(stream) => (nobody, nobody, stream.peer_cred().ok().map(|peer| peer.uid()), Known::SocketFile),
        };
        let client = ClientAddr::new(address.ip());
        Ok(Peer { address: client, port: address.port(), local, secure: false, server_name: None, worker, uid, known })
    }
}

/// The file of a socket of ours. It goes with its listener, so that whoever comes later hears at once that nobody is there.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and number: a file that another process has put in its place is not ours to remove.
    is: (u64, u64),
}

impl SocketFile {
    /// Listens on a file that may be used by those whom `mode` names (permission bits). A file that nobody serves any more is
    /// replaced.
    pub(super) fn bind(path: &Path, mode: u32) -> io::Result<(UnixListener, Self)> {
        let listener = match bind(path, mode) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && is_left_over(path) => {
                fs::remove_file(path)?;
                bind(path, mode)?
            }
            bound => bound?,
        };
        let found = fs::symlink_metadata(path)?;
        Ok((listener, Self { path: path.to_owned(), is: (found.dev(), found.ino()) }))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let still_ours = fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.is);
        if still_ours {
            // What cannot be removed is replaced at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn bind(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let socket = Bare::new(Domain::UNIX, Type::STREAM, None)?;
    // On Linux the file is made with the socket's own mode less the umask: nobody slips in before it is set to the full.
    fchmod(&socket, Mode::from_raw_mode(mode))?;
    socket.bind(&SockAddr::unix(path)?)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Whether this is a socket that a process left behind: nobody answers.
fn is_left_over(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    is_socket && UnixStream::connect(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_file_is_open_to_whom_it_says_and_goes_with_its_listener() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        for mode in [0o600, 0o660, 0o666] {
            let (listener, file) = SocketFile::bind(&path, mode).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
            assert_eq!(SocketFile::bind(&path, mode).unwrap_err().kind(), ErrorKind::AddrInUse, "somebody is there");
            drop((listener, file));
            assert!(!path.exists());
        }
    }

    #[test]
    fn only_what_nobody_serves_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a process that was killed leaves its file");
        let (_listener, file) = SocketFile::bind(&path, 0o660).unwrap();
        // Somebody else's by now.
        fs::remove_file(&path).unwrap();
        let other = UnixListener::bind(&path).unwrap();
        drop(file);
        assert!(path.exists());
        drop(other);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "notes").unwrap();
        assert!(SocketFile::bind(&path, 0o660).is_err(), "a file that is no socket is left alone");
        assert!(path.exists());
    }
}
