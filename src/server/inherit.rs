use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use listenfd::ListenFd;

use super::bind::{BindError, PlainAddress};
use super::socket::Socket;

/// Listening sockets the service manager opened for us (`LISTEN_FDS`, `sd_listen_fds(3)`): ports below 1024 then need no
/// capability, and connections queue while the gateway is restarted.
///
/// The configuration still says where to listen. A socket that it does not name is an error, because somebody believes that
/// it is served.
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<(SocketAddr, TcpListener)>,
    files: Vec<(PathBuf, UnixListener)>,
}

impl Inherited {
    /// Takes what this process was given, once: the variables are gone afterwards, so that no child believes they are
    /// its own. Call before there are other threads.
    ///
    /// # Errors
    /// When something other than listening TCP sockets and socket files was given.
    pub fn take() -> Result<Self, BindError> {
        let mut given = ListenFd::from_env();
        let (mut sockets, mut files) = (Vec::new(), Vec::new());
        for index in 0..given.len() {
            if let Ok(file) = given.take_unix_listener(index) {
                files.extend(file);
                continue;
            }
            let socket = given.take_tcp_listener(index).map_err(|source| BindError::Inherited { index, source })?;
            sockets.extend(socket);
        }
        Self::of(sockets, files).map_err(|source| BindError::Inherited { index: 0, source })
    }

    fn of(sockets: Vec<TcpListener>, files: Vec<UnixListener>) -> io::Result<Self> {
        let sockets = sockets.into_iter().map(|socket| Ok((socket.local_addr()?, socket)));
        // One without a file (an abstract name) is found by no configuration, and told as such.
        let place = |file: &UnixListener| file.local_addr().map(|name| name.as_pathname().map_or_else(PathBuf::new, Path::to_owned));
        let files = files.into_iter().map(|file| Ok((place(&file)?, file)));
        Ok(Self { sockets: sockets.collect::<io::Result<_>>()?, files: files.collect::<io::Result<_>>()? })
    }

    /// Takes out what listens on exactly this address: one socket, or several that share it (`ReusePort=`).
    pub(super) fn at(&mut self, address: SocketAddr) -> Vec<TcpListener> {
        let (here, elsewhere) = std::mem::take(&mut self.sockets).into_iter().partition(|(place, _)| *place == address);
        self.sockets = elsewhere;
        here.into_iter().map(|(_, socket)| socket).collect()
    }

    /// Takes out what listens on exactly this file.
    pub(super) fn file(&mut self, path: &Path) -> Option<UnixListener> {
        let at = self.files.iter().position(|(place, _)| place == path)?;
        Some(self.files.swap_remove(at).1)
    }

    /// What nobody asked for.
    pub(super) fn rest(&self) -> Option<BindError> {
        let sockets = self.sockets.iter().map(|(address, _)| PlainAddress::Tcp(*address));
        let files = self.files.iter().map(|(path, _)| PlainAddress::Unix(path.clone()));
        sockets.chain(files).next().map(BindError::Unasked)
    }
}

/// One socket for each worker. When there are fewer sockets than workers, workers share one: each is woken for a connection
/// and one gets it, which costs a little and loses nothing.
pub(super) fn spread(sockets: &[Socket], workers: usize) -> io::Result<Vec<Socket>> {
    sockets.iter().cycle().take(workers.max(sockets.len())).map(Socket::try_clone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").unwrap()
    }

    #[test]
    fn a_socket_is_found_by_its_address_and_only_once() {
        let (one, other) = (listening(), listening());
        let (here, there) = (one.local_addr().unwrap(), other.local_addr().unwrap());
        let mut inherited = Inherited::of(vec![one, other], Vec::new()).unwrap();
        assert_eq!(inherited.at(here).len(), 1);
        assert_eq!(inherited.at(here).len(), 0);
        assert!(matches!(inherited.rest(), Some(BindError::Unasked(PlainAddress::Tcp(address))) if address == there));
        assert_eq!(inherited.at(there).len(), 1);
        assert!(inherited.rest().is_none());
    }

    #[test]
    fn every_worker_gets_a_socket_and_every_socket_a_worker() {
        let (one, other) = (listening(), listening());
        let places = |sockets: &[Socket]| sockets.iter().map(|socket| socket.address().unwrap()).collect::<Vec<_>>();
        let (here, there) = (one.local_addr().unwrap(), other.local_addr().unwrap());
        let (one, other) = (Socket::Tcp(one), Socket::Tcp(other));
        assert_eq!(places(&spread(&[one.try_clone().unwrap()], 3).unwrap()), [here, here, here]);
        // More sockets than workers: the connections queued on the others would never be answered.
        assert_eq!(places(&spread(&[one, other], 1).unwrap()), [here, there]);
    }

    #[test]
    fn a_socket_file_is_found_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let mut inherited = Inherited::of(Vec::new(), vec![UnixListener::bind(&path).unwrap()]).unwrap();
        assert!(inherited.file(&folder.path().join("b.sock")).is_none());
        assert!(matches!(inherited.rest(), Some(BindError::Unasked(PlainAddress::Unix(place))) if place == path));
        assert!(inherited.file(&path).is_some() && inherited.file(&path).is_none());
    }
}
