use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Balancing, Endpoint};

/// Whose turn it is. Each worker counts for itself, so that no cache line is shared.
pub(super) struct Balance {
    turns: Box<[Counter]>,
    by: Balancing,
}

#[derive(Default)]
#[repr(align(128))]
struct Counter(AtomicUsize);

impl Balance {
    /// For so many workers. Each starts elsewhere, lest all send their first request to the same endpoint.
    pub(super) fn new(by: Balancing, workers: usize) -> Self {
        Self { turns: (0..workers.max(1)).map(|worker| Counter(AtomicUsize::new(worker))).collect(), by }
    }

    /// For how many workers.
    pub(super) const fn workers(&self) -> usize {
        self.turns.len()
    }

    /// The choice for a new request among `endpoints`, of which there is at least one.
    pub(super) fn choose<'a>(&self, endpoints: &'a [Arc<Endpoint>], worker: usize) -> Choice<'a> {
        let start = self.turns[worker % self.turns.len()].0.fetch_add(1, Ordering::Relaxed);
        let mut choice = Choice { endpoints, by: self.by, start, current: start % endpoints.len(), tried: Vec::new() };
        choice.go_on();
        choice
    }
}

/// Which endpoints a request goes to: one, unless it takes no connection; then the others, each once.
pub(super) struct Choice<'a> {
    endpoints: &'a [Arc<Endpoint>],
    by: Balancing,
    start: usize,
    current: usize,
    tried: Vec<usize>,
}

impl<'a> Choice<'a> {
    /// Where to go now.
    pub(super) fn endpoint(&self) -> &'a Arc<Endpoint> {
        &self.endpoints[self.current]
    }

    /// The present one took no connection: go on to the next. False when all have had their turn.
    pub(super) fn give_up(&mut self) -> bool {
        self.tried.push(self.current);
        self.go_on()
    }

    /// Endpoints that rest come last, but they do come: a request that has nowhere else to go is better off with a small
    /// chance than with none.
    fn go_on(&mut self) -> bool {
        let untried = || {
            let in_turn = (0..self.endpoints.len()).map(|step| self.start.wrapping_add(step) % self.endpoints.len());
            in_turn.filter(|at| !self.tried.contains(at))
        };
        // Asked last of all: an endpoint that rests takes being asked for being tried.
        let admits = |at: &usize| self.endpoints[*at].health.admits();
        let next = match self.by {
            Balancing::RoundRobin => untried().find(admits),
            Balancing::LeastRequests => {
                let mut by_load: Vec<usize> = untried().collect();
                // Stable: among equals it goes round.
                by_load.sort_by_cached_key(|at| self.endpoints[*at].in_flight());
                by_load.into_iter().find(admits)
            }
        };
        let next = next.or_else(|| untried().next());
        self.current = next.unwrap_or(self.current);
        next.is_some()
    }
}
