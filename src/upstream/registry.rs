use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::connector::Connector;
use super::trust::Fingerprint;
use super::{Address, Endpoint, SetupError};

/// All endpoints that a living configuration names. It outlives reloads, so that an endpoint that stays keeps its idle
/// connections, its counts and its health.
pub struct Endpoints {
    workers: usize,
    known: Mutex<HashMap<Key, Weak<Endpoint>>>,
}

/// Two addresses are one endpoint only if they are also judged by the same certificate authorities.
#[derive(PartialEq, Eq, Hash)]
struct Key(Address, Option<Fingerprint>);

impl Endpoints {
    /// For so many workers (data-path runtimes), each of which gets idle connections of its own.
    pub fn new(workers: usize) -> Self {
        Self { workers: workers.max(1), known: Mutex::default() }
    }

    /// The endpoint at `address`: the one already there while anybody holds it. Reads files of certificate authorities, so it
    /// belongs to start and reload, not on a worker.
    ///
    /// # Errors
    /// What is wrong with the certificate authorities or the name.
    pub fn endpoint(&self, address: &Address) -> Result<Arc<Endpoint>, SetupError> {
        let connector = Connector::new(address)?;
        let key = Key(address.clone(), connector.trust());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, endpoint| endpoint.strong_count() > 0);
        if let Some(endpoint) = known.get(&key).and_then(Weak::upgrade) {
            return Ok(endpoint);
        }
        let endpoint = Arc::new(Endpoint::new(&address.to_string(), connector, self.workers));
        known.insert(key, Arc::downgrade(&endpoint));
        Ok(endpoint)
    }

    /// How many workers there are.
    pub(super) const fn workers(&self) -> usize {
        self.workers
    }

    /// Those that are alive, by label: for metrics.
    pub fn all(&self) -> Vec<Arc<Endpoint>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = known.values().filter_map(Weak::upgrade).collect();
        drop(known);
        all.sort_by(|a, b| a.label().cmp(b.label()));
        all
    }
}
