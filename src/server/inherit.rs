use std::io;
use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;

use super::bind::BindError;

/// Listening sockets the service manager opened for us (`LISTEN_FDS`, `sd_listen_fds(3)`): ports below 1024 then need no
/// capability, and connections queue while the gateway is restarted.
///
/// The configuration still says where to listen. A socket that it does not name is an error, because somebody believes that
/// it is served.
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<(SocketAddr, TcpListener)>,
}

impl Inherited {
    /// Takes what this process was given, once: the variables are gone afterwards, so that no child believes they are
    /// its own. Call before there are other threads.
    ///
    /// # Errors
    /// When something other than listening TCP sockets was given.
    pub fn take() -> Result<Self, BindError> {
        let mut given = ListenFd::from_env();
        let mut sockets = Vec::new();
        for index in 0..given.len() {
            let socket = given.take_tcp_listener(index).map_err(|source| BindError::Inherited { index, source })?;
            sockets.extend(socket);
        }
        Self::of(sockets).map_err(|source| BindError::Inherited { index: 0, source })
    }

    fn of(sockets: Vec<TcpListener>) -> io::Result<Self> {
        let placed = sockets.into_iter().map(|socket| Ok((socket.local_addr()?, socket)));
        Ok(Self { sockets: placed.collect::<io::Result<_>>()? })
    }

    /// Takes out what listens on exactly this address: one socket, or several that share it (`ReusePort=`).
    pub(super) fn at(&mut self, address: SocketAddr) -> Vec<TcpListener> {
        let (here, elsewhere) = std::mem::take(&mut self.sockets).into_iter().partition(|(place, _)| *place == address);
        self.sockets = elsewhere;
        here.into_iter().map(|(_, socket)| socket).collect()
    }

    /// What nobody asked for.
    pub(super) fn rest(&self) -> Option<BindError> {
        self.sockets.first().map(|(address, _)| BindError::Unasked(*address))
    }
}

/// One socket for each worker. When there are fewer sockets than workers, workers share one: each is woken for a connection
/// and one gets it, which costs a little and loses nothing.
pub(super) fn spread(sockets: &[TcpListener], workers: usize) -> io::Result<Vec<TcpListener>> {
    sockets.iter().cycle().take(workers.max(sockets.len())).map(TcpListener::try_clone).collect()
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
        let mut inherited = Inherited::of(vec![one, other]).unwrap();
        assert_eq!(inherited.at(here).len(), 1);
        assert_eq!(inherited.at(here).len(), 0);
        assert!(matches!(inherited.rest(), Some(BindError::Unasked(address)) if address == there));
        assert_eq!(inherited.at(there).len(), 1);
        assert!(inherited.rest().is_none());
    }

    #[test]
    fn every_worker_gets_a_socket_and_every_socket_a_worker() {
        let (one, other) = (listening(), listening());
        let places = |sockets: &[TcpListener]| sockets.iter().map(|socket| socket.local_addr().unwrap()).collect::<Vec<_>>();
        let (here, there) = (one.local_addr().unwrap(), other.local_addr().unwrap());
        assert_eq!(places(&spread(&[one.try_clone().unwrap()], 3).unwrap()), [here, here, here]);
        // More sockets than workers: the connections queued on the others would never be answered.
        assert_eq!(places(&spread(&[one, other], 1).unwrap()), [here, there]);
    }
}
