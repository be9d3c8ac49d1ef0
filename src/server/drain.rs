use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::web::Tunnels;

/// How long connections and tunnels that are cut have for their last words (a Close frame, a RST).
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How stopping went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stopped {
    /// Connections that were cut with a request under way.
    pub connections_cut: usize,
    /// Tunnels that still ran at the deadline and were told to close.
    pub tunnels_closed: usize,
}

/// The signals between a server that stops and its connections.
#[derive(Clone, Default)]
pub(super) struct Drain {
    /// No more connections; those that are there finish what they have begun.
    pub(super) stopping: CancellationToken,
    /// The deadline has come.
    pub(super) cutting: CancellationToken,
    /// Every connection's task, from its acceptance on.
    pub(super) connections: TaskTracker,
    cut: Arc<AtomicUsize>,
}

impl Drain {
    /// The same drain with signals of its own: a worker's connections look at them often, and the lock inside must not be
    /// shared between cores.
    pub(super) fn for_worker(&self) -> Self {
        Self { stopping: self.stopping.child_token(), cutting: self.cutting.child_token(), ..self.clone() }
    }

    /// A connection was cut with a request under way.
    pub(super) fn note_cut(&self) {
        self.cut.fetch_add(1, Ordering::Relaxed);
    }

    /// Stops: waits for connections and tunnels until `deadline` has passed, then cuts.
    pub(super) async fn finish(&self, tunnels: &Tunnels, deadline: Duration) -> Stopped {
        let ends = Instant::now() + deadline;
        self.stopping.cancel();
        self.connections.close();
        tunnels.running.close();
        let all = async || {
            // In this order: a connection in flight may yet become a tunnel.
            self.connections.wait().await;
            tunnels.running.wait().await;
        };
        if timeout_at(ends, all()).await.is_ok() {
            return Stopped::default();
        }
        let tunnels_closed = tunnels.running.len();
        self.cutting.cancel();
        tunnels.close.cancel();
        // Whoever does not end now ends with its runtime.
        let _ = timeout(LAST_WORDS, all()).await;
        Stopped { connections_cut: self.cut.load(Ordering::Relaxed), tunnels_closed }
    }
}
