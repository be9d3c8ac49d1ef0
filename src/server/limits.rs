use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::spread::Seat;
use crate::base::ClientAddr;

/// How many connections there may be, in all and from one address.
pub(super) struct Gate {
    places: Arc<Semaphore>,
    per_address: Option<Addresses>,
    open: Gauge,
}

struct Addresses {
    most: usize,
    held: Mutex<HashMap<IpAddr, usize>>,
}

/// An address holds as many places as it may.
struct Full;

/// The right to be connected; given back on drop.
pub(super) struct Place {
    gate: Arc<Gate>,
    address: Option<IpAddr>,
    seat: Option<Seat>,
    _permit: OwnedSemaphorePermit,
}

impl Gate {
    /// `open` shows how many places are taken.
    pub(super) fn new(most: usize, most_per_address: Option<usize>, open: Gauge) -> Arc<Self> {
        let per_address = most_per_address.map(|most| Addresses { most, held: Mutex::default() });
        Arc::new(Self { places: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))), per_address, open })
    }

    /// Whether all places are taken, so that [`Gate::enter`] would wait.
    pub(super) fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }

    /// Waits for a place. While it waits nobody else is accepted, and newcomers queue in the kernel: whoever is patient gets
    /// in, since idle connections end by themselves. `None` when this address holds as many as it may; without an address
    /// (a proxy, behind which are many) none is counted.
    pub(super) async fn enter(self: &Arc<Self>, address: Option<ClientAddr>) -> Option<Place> {
        let held = match address {
            Some(address) => self.take(address).ok()?,
            None => None,
        };
        // From here on the address is given back by the guard, also when this future is dropped.
        let guard = AddressGuard { gate: self, address: held };
        let permit = Arc::clone(&self.places).acquire_owned().await.ok()?;
        self.open.inc();
        Some(Place { gate: Arc::clone(self), address: guard.keep(), seat: None, _permit: permit })
    }

    /// One more for an address: what to give back, if that is counted at all.
    fn take(&self, address: ClientAddr) -> Result<Option<IpAddr>, Full> {
        let Some(addresses) = &self.per_address else { return Ok(None) };
        let key = address.budget_key();
        if addresses.take(key) { Ok(Some(key)) } else { Err(Full) }
    }

    fn give_back(&self, address: Option<IpAddr>) {
        if let (Some(addresses), Some(address)) = (&self.per_address, address) {
            addresses.give_back(address);
        }
    }
}

impl Place {
    /// Counts the place for the client that a proxy has named. False when that address holds as many as it may.
    pub(super) fn count_for(&mut self, address: ClientAddr) -> bool {
        let Ok(held) = self.gate.take(address) else { return false };
        let before = std::mem::replace(&mut self.address, held);
        self.gate.give_back(before);
        true
    }
}

impl Addresses {
    fn take(&self, address: IpAddr) -> bool {
        let mut held = self.lock();
        let count = held.entry(address).or_default();
        let fits = *count < self.most;
        *count += usize::from(fits);
        fits
    }

    fn give_back(&self, address: IpAddr) {
        let mut held = self.lock();
        if let Some(count) = held.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.remove(&address);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct AddressGuard<'a> {
    gate: &'a Gate,
    address: Option<IpAddr>,
}

impl AddressGuard<'_> {
    fn keep(mut self) -> Option<IpAddr> {
        self.address.take()
    }
}

impl Drop for AddressGuard<'_> {
    fn drop(&mut self) {
        self.gate.give_back(self.address.take());
    }
}

impl Place {
    /// Takes a seat at the worker that will serve the connection, and says which that is.
    pub(super) fn sit(&mut self, seat: Seat) -> usize {
        self.seat.insert(seat).worker()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gate.open.dec();
        self.gate.give_back(self.address.take());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn address(text: &str) -> ClientAddr {
        ClientAddr::new(text.parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_the_house_full_waits_and_gets_in() {
        let open = Gauge::default();
        let gate = Gate::new(1, None, open.clone());
        let first = gate.enter(Some(address("10.0.0.1"))).await.unwrap();
        assert!(gate.is_full());
        let mut second = Box::pin(gate.enter(Some(address("10.0.0.2"))));
        assert!(tokio::time::timeout(Duration::from_secs(60), &mut second).await.is_err());
        drop(first);
        let second = second.await.unwrap();
        assert_eq!(open.get(), 1);
        drop(second);
        assert_eq!(open.get(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_cannot_take_all() {
        let gate = Gate::new(2, Some(1), Gauge::default());
        let mine = gate.enter(Some(address("2001:db8::1"))).await.unwrap();
        assert!(gate.enter(Some(address("2001:db8::2"))).await.is_none(), "the same subscriber");
        let other = gate.enter(Some(address("2001:db8:0:1::1"))).await.unwrap();
        // Somebody who gave up waiting gives the address back.
        let waiting = tokio::time::timeout(Duration::from_secs(1), gate.enter(Some(address("10.0.0.1")))).await;
        assert!(waiting.is_err());
        drop((mine, other));
        assert!(gate.per_address.as_ref().unwrap().lock().is_empty());
        assert!(gate.enter(Some(address("10.0.0.1"))).await.is_some());
    }

    #[tokio::test]
    async fn behind_a_proxy_each_client_is_counted_by_itself() {
        let gate = Gate::new(9, Some(1), Gauge::default());
        let mut places = Vec::new();
        for client in ["192.0.2.1", "192.0.2.2"] {
            let mut place = gate.enter(None).await.unwrap();
            assert!(place.count_for(address(client)), "{client}");
            places.push(place);
        }
        assert!(!gate.enter(None).await.unwrap().count_for(address("192.0.2.1")));
        drop(places);
        assert!(gate.per_address.as_ref().unwrap().lock().is_empty());
    }
}
