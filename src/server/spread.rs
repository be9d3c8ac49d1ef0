//! Connections over workers. The kernel spreads them by a hash, which says nothing about how many there are: a dozen
//! browsers, each with one long connection, can all land on one worker while the others have nothing to do.
//!
//! Whoever accepts looks whether another worker has clearly fewer, and if so hands the newcomer over before its handshake.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::bind::Speaks;
use super::limits::Place;
use super::socket::Moving;
use crate::web::Peer;

/// How many more connections than the least busy worker one may have, beside a sixteenth of those: handing over costs
/// another thread's waking.
const SLACK: usize = 1;

/// A connection on its way to the worker that will serve it.
pub(super) struct Newcomer {
    pub(super) arrival: Moving,
    pub(super) peer: Peer,
    pub(super) place: Place,
    pub(super) speaks: Speaks,
}

/// Who has how many, and how to hand over.
pub(super) struct Spread(Box<[Worker]>);

/// Aligned so that two workers' counts never share a cache line.
#[repr(align(128))]
struct Worker {
    open: AtomicUsize,
    newcomers: UnboundedSender<Newcomer>,
}

/// One connection counted as its worker's.
pub(super) struct Seat {
    spread: Arc<Spread>,
    worker: usize,
}

impl Spread {
    /// For so many workers; each takes its receiver.
    pub(super) fn new(workers: usize) -> (Arc<Self>, Vec<UnboundedReceiver<Newcomer>>) {
        let (workers, receivers) = (0..workers)
            .map(|_| {
                let (newcomers, receiver) = unbounded_channel();
                (Worker { open: AtomicUsize::new(0), newcomers }, receiver)
            })
            .unzip::<_, _, Vec<_>, _>();
        (Arc::new(Self(workers.into())), receivers)
    }

    /// Counts a connection that `accepting` has accepted, as the worker's that should serve it.
    pub(super) fn seat(self: &Arc<Self>, accepting: usize) -> Seat {
        let mine = self.open(accepting);
        let least = (0..self.0.len()).min_by_key(|worker| self.open(*worker)).unwrap_or(accepting);
        let fewest = self.open(least);
        let worker = if mine > fewest + SLACK + fewest / 16 { least } else { accepting };
        self.0[worker].open.fetch_add(1, Ordering::Relaxed);
        Seat { spread: Arc::clone(self), worker }
    }

    /// Hands a connection to `worker`. If that has stopped meanwhile the connection is closed.
    pub(super) fn hand_over(&self, worker: usize, newcomer: Newcomer) {
        drop(self.0[worker].newcomers.send(newcomer));
    }

    fn open(&self, worker: usize) -> usize {
        self.0[worker].open.load(Ordering::Relaxed)
    }
}

impl Seat {
    /// Whose it is.
    pub(super) const fn worker(&self) -> usize {
        self.worker
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.spread.0[self.worker].open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_clearly_more_hands_over() {
        let (spread, _receivers) = Spread::new(2);
        let mut seats: Vec<Seat> = (0..64).map(|_| spread.seat(0)).collect();
        let on = |seats: &[Seat], worker| seats.iter().filter(|seat| seat.worker() == worker).count();
        assert!(on(&seats, 0) - on(&seats, 1) <= 3, "{} of 64 stay with who accepted them all", on(&seats, 0));
        // Those of one worker go: newcomers fill the gap.
        seats.retain(|seat| seat.worker() == 1);
        seats.extend((0..16).map(|_| spread.seat(1)));
        assert_eq!(on(&seats, 0), 16);
        drop(seats);
        assert_eq!((spread.open(0), spread.open(1)), (0, 0));
    }
}
