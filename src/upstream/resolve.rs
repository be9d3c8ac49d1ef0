use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// How long an answer of the name service is used without asking again. Shorter than anybody waits for a move to be noticed.
const FRESH: Duration = Duration::from_secs(30);

/// How soon the name service may be asked again when an address does not answer, or when it itself does not.
const RETRY: Duration = Duration::from_secs(2);

/// Turns an endpoint's name into addresses, and asks anew from time to time, so that a move needs no restart.
///
/// When the name service is down, the addresses known last are used: they are more likely right than nothing.
pub(super) struct Resolver {
    host: String,
    port: u16,
    /// Set when the host is an address and nobody need be asked.
    literal: Option<SocketAddr>,
    known: Mutex<Known>,
    /// Held while one connection attempt asks; the others wait and take its answer.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    addresses: Option<Arc<[SocketAddr]>>,
    fresh_until: Option<Instant>,
}

impl Resolver {
    pub(super) fn new(host: &str, port: u16) -> Self {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let literal = host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, port));
        Self { host: host.to_owned(), port, literal, known: Mutex::default(), asking: tokio::sync::Mutex::new(()) }
    }

    /// Whether addresses can change under us.
    pub(super) const fn is_named(&self) -> bool {
        self.literal.is_none()
    }

    /// Where to connect, best first; never empty. The name service gets half of the time to `deadline`, so that known
    /// addresses can still be tried when it is silent.
    pub(super) async fn addresses(&self, deadline: Instant) -> io::Result<Arc<[SocketAddr]>> {
        if let Some(address) = self.literal {
            return Ok(Arc::new([address]));
        }
        let ask = async { tokio::net::lookup_host((self.host.as_str(), self.port)).await.map(Iterator::collect) };
        self.known_or(ask, deadline).await
    }

    async fn known_or(&self, ask: impl Future<Output = io::Result<Vec<SocketAddr>>>, deadline: Instant) -> io::Result<Arc<[SocketAddr]>> {
        if let Some(addresses) = self.fresh() {
            return Ok(addresses);
        }
        let _only_one_asks = self.asking.lock().await;
        if let Some(addresses) = self.fresh() {
            return Ok(addresses);
        }
        let now = Instant::now();
        let answer = timeout_at(now + deadline.saturating_duration_since(now) / 2, ask).await;
        self.learn(answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())))
    }

    fn learn(&self, answer: io::Result<Vec<SocketAddr>>) -> io::Result<Arc<[SocketAddr]>> {
        let now = Instant::now();
        let mut known = self.lock();
        match answer {
            Ok(found) if !found.is_empty() => {
                let addresses: Arc<[SocketAddr]> = found.into();
                *known = Known { addresses: Some(Arc::clone(&addresses)), fresh_until: Some(now + FRESH) };
                Ok(addresses)
            }
            failed => {
                known.fresh_until = Some(now + RETRY);
                let error = failed.err().unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
                known.addresses.clone().ok_or(error)
            }
        }
    }

    /// `address` was the first to answer: it is tried first from now on.
    pub(super) fn prefer(&self, address: SocketAddr) {
        let mut known = self.lock();
        let Some(addresses) = &known.addresses else { return };
        let Some(at) = addresses.iter().position(|known| *known == address).filter(|at| *at > 0) else { return };
        let mut reordered = addresses.to_vec();
        reordered[..=at].rotate_right(1);
        known.addresses = Some(reordered.into());
    }

    /// No address answered: the name service is asked again soon.
    pub(super) fn doubt(&self) {
        let soon = Instant::now() + RETRY;
        let mut known = self.lock();
        known.fresh_until = known.fresh_until.map(|until| until.min(soon));
    }

    fn fresh(&self) -> Option<Arc<[SocketAddr]>> {
        let known = self.lock();
        known.fresh_until.filter(|until| Instant::now() < *until).and(known.addresses.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 80);
    const B: SocketAddr = SocketAddr::new(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST), 80);

    async fn ask(resolver: &Resolver, answer: io::Result<Vec<SocketAddr>>) -> io::Result<Vec<SocketAddr>> {
        let deadline = Instant::now() + Duration::from_secs(4);
        resolver.known_or(async { answer }, deadline).await.map(|addresses| addresses.to_vec())
    }

    fn down() -> io::Result<Vec<SocketAddr>> {
        Err(io::ErrorKind::HostUnreachable.into())
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_used_until_it_is_old() {
        let resolver = Resolver::new("app", 80);
        assert_eq!(ask(&resolver, Ok(vec![A])).await.unwrap(), [A]);
        assert_eq!(ask(&resolver, Ok(vec![B])).await.unwrap(), [A]);
        tokio::time::advance(FRESH).await;
        assert_eq!(ask(&resolver, Ok(vec![B])).await.unwrap(), [B]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_name_service_does_not_stop_what_is_known() {
        let resolver = Resolver::new("app", 80);
        assert!(ask(&resolver, down()).await.is_err());
        assert_eq!(ask(&resolver, Ok(vec![A])).await.unwrap(), [A]);
        tokio::time::advance(FRESH).await;
        assert_eq!(ask(&resolver, down()).await.unwrap(), [A]);
        tokio::time::advance(FRESH).await;
        let start = Instant::now();
        let deadline = start + Duration::from_secs(4);
        assert_eq!(resolver.known_or(std::future::pending(), deadline).await.unwrap().to_vec(), [A]);
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        // Silent once: not waited for again at once.
        assert_eq!(resolver.known_or(std::future::pending(), deadline).await.unwrap().to_vec(), [A]);
        assert_eq!(start.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn doubt_makes_it_ask_again_soon_but_not_at_once() {
        let resolver = Resolver::new("app", 80);
        ask(&resolver, Ok(vec![A])).await.unwrap();
        resolver.doubt();
        assert_eq!(ask(&resolver, Ok(vec![B])).await.unwrap(), [A]);
        tokio::time::advance(RETRY).await;
        assert_eq!(ask(&resolver, Ok(vec![B])).await.unwrap(), [B]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_answered_is_tried_first() {
        let resolver = Resolver::new("app", 80);
        ask(&resolver, Ok(vec![A, B])).await.unwrap();
        resolver.prefer(B);
        assert_eq!(ask(&resolver, down()).await.unwrap(), [B, A]);
    }

    #[tokio::test]
    async fn addresses_and_the_hosts_file_need_no_name_service() {
        let deadline = Instant::now() + Duration::from_secs(5);
        let literal = Resolver::new("[::1]", 8080);
        assert!(!literal.is_named());
        assert_eq!(literal.addresses(deadline).await.unwrap().to_vec(), ["[::1]:8080".parse().unwrap()]);
        let named = Resolver::new("localhost", 8080);
        assert!(named.addresses(deadline).await.unwrap().iter().all(|address| address.ip().is_loopback()));
    }
}
