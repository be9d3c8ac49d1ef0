use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use super::connection::Connection;

/// What one worker keeps of one endpoint: idle connections and counts. A worker touches only its own, so that neither lock
/// nor counts are ever contended. Aligned so that two workers' never share a cache line.
#[repr(align(128))]
pub(super) struct Shard {
    pub(super) endpoint: Arc<str>,
    pub(super) counts: Counts,
    /// The most recently used last: it is the least likely to have been closed at the other end.
    idle: Mutex<IdleList>,
}

#[derive(Default)]
struct IdleList {
    list: Vec<Idle>,
    /// Whether a task is going round to close what nobody takes.
    swept: bool,
}

struct Idle {
    connection: Connection,
    since: Instant,
    keep: Duration,
}

impl Idle {
    fn expires(&self) -> Instant {
        self.since + self.keep
    }
}

impl Shard {
    pub(super) fn new(endpoint: Arc<str>) -> Arc<Self> {
        Arc::new(Self { endpoint, counts: Counts::default(), idle: Mutex::default() })
    }

    /// An idle connection that may be used at `now`, the freshest first. Those that may not are closed on the way.
    pub(super) fn take(&self, now: Instant, keep_alive: Duration) -> Option<Connection> {
        let mut dead = Vec::new();
        let mut idle = self.lock();
        let found = loop {
            let Some(candidate) = idle.list.pop() else { break None };
            // The limit may have become shorter since it was put here.
            let rested = now.saturating_duration_since(candidate.since);
            if rested < candidate.keep.min(keep_alive) && candidate.connection.is_ready() {
                break Some(candidate.connection);
            }
            dead.push(candidate);
        };
        drop(idle); // closing wakes tasks: not under the lock
        drop(dead);
        found
    }

    /// Keeps `connection` for `keep`, unless it has been used long enough; when there are more than `most`, the oldest goes.
    pub(super) fn put(self: &Arc<Self>, connection: Connection, keep: Duration, most: usize) {
        if keep.is_zero() || most == 0 || connection.is_retired() {
            return;
        }
        let mut idle = self.lock();
        idle.list.push(Idle { connection, since: Instant::now(), keep });
        let surplus = if idle.list.len() > most { Some(idle.list.remove(0)) } else { None };
        let sweeper = if idle.swept { None } else { Handle::try_current().ok() };
        idle.swept |= sweeper.is_some();
        drop(idle);
        drop(surplus);
        if let Some(runtime) = sweeper {
            runtime.spawn(go_round(Arc::downgrade(self)));
        }
    }

    /// Closes what has expired or was closed at the other end, and says when to come again, if anything is left.
    fn sweep(&self, now: Instant) -> Option<Instant> {
        let mut idle = self.lock();
        let dead: Vec<_> = idle.list.extract_if(.., |idle| now >= idle.expires() || !idle.connection.is_ready()).collect();
        let next = idle.list.iter().map(Idle::expires).min();
        idle.swept = next.is_some();
        drop(idle);
        drop(dead);
        next
    }

    /// How many are idle.
    pub(super) fn idle(&self) -> usize {
        self.lock().list.len()
    }

    fn lock(&self) -> MutexGuard<'_, IdleList> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lives as long as there is something to look after, on the worker's own runtime.
async fn go_round(shard: Weak<Shard>) {
    /// Nothing hangs on the moment; this bounds the effort.
    const AT_LEAST: Duration = Duration::from_millis(500);
    loop {
        let now = Instant::now();
        let Some(next) = shard.upgrade().and_then(|shard| shard.sweep(now)) else { return };
        sleep_until(next.max(now + AT_LEAST)).await;
    }
}

/// What has happened with an endpoint since it was first named in a configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Connections made.
    pub opened: u64,
    /// Connections that could not be made.
    pub failed: u64,
    /// Requests that went over a connection used before.
    pub reused: u64,
    /// Requests sent again because a kept connection turned out to be closed.
    pub retried: u64,
    /// Requests lost because a kept connection turned out to be closed and they could not be sent again safely.
    pub lost: u64,
    /// Requests being answered now, tunnels included.
    pub in_flight: u64,
    /// Connections waiting for a request now.
    pub idle: u64,
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.opened += other.opened;
        self.failed += other.failed;
        self.reused += other.reused;
        self.retried += other.retried;
        self.lost += other.lost;
        self.in_flight += other.in_flight;
        self.idle += other.idle;
    }
}

#[derive(Default)]
pub(super) struct Counts {
    pub(super) opened: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) reused: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) in_flight: AtomicU64,
}

/// One more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Shard {
    pub(super) fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            opened: read(&self.counts.opened),
            failed: read(&self.counts.failed),
            reused: read(&self.counts.reused),
            retried: read(&self.counts.retried),
            lost: read(&self.counts.lost),
            in_flight: read(&self.counts.in_flight),
            idle: self.idle() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper_util::rt::TokioIo;
    use tokio::io::DuplexStream;

    use super::*;

    const KEEP: Duration = Duration::from_secs(4);

    /// A connection at rest, and its other end.
    async fn connection(named: bool) -> (Connection, DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(64);
        let connection = Connection::over(TokioIo::new(ours), "test".into(), named).await.unwrap();
        while !connection.is_ready() {
            tokio::task::yield_now().await;
        }
        (connection, theirs)
    }

    async fn is_closed(mut other_end: DuplexStream) -> bool {
        use tokio::io::AsyncReadExt as _;
        let read = tokio::time::timeout(Duration::from_millis(1), other_end.read_u8()).await;
        read.is_ok_and(|byte| byte.is_err())
    }

    #[tokio::test(start_paused = true)]
    async fn the_freshest_is_taken_and_none_that_is_too_old() {
        let shard = Shard::new("test".into());
        let (first, first_end) = connection(false).await;
        let (second, second_end) = connection(false).await;
        shard.put(first, KEEP, 8);
        tokio::time::advance(Duration::from_secs(2)).await;
        shard.put(second, KEEP, 8);
        let taken = shard.take(Instant::now(), KEEP).unwrap();
        assert_eq!(shard.idle(), 1);
        shard.put(taken, KEEP, 8);
        tokio::time::advance(Duration::from_secs(3)).await;
        // The limit has become shorter in the meantime: not even the second is young enough.
        assert!(shard.take(Instant::now(), Duration::from_secs(3)).is_none());
        assert!(is_closed(first_end).await && is_closed(second_end).await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_takes_is_closed() {
        let shard = Shard::new("test".into());
        let (connection, end) = connection(false).await;
        shard.put(connection, KEEP, 8);
        tokio::time::sleep(Duration::from_millis(3999)).await;
        assert_eq!(shard.idle(), 1);
        tokio::time::sleep(Duration::from_millis(502)).await;
        assert_eq!(shard.idle(), 0);
        assert!(is_closed(end).await);
        assert!(!shard.lock().swept, "the sweeper goes home when there is nothing left");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_kept_than_allowed_and_the_oldest_goes() {
        let shard = Shard::new("test".into());
        let (first, first_end) = connection(false).await;
        let (second, _second_end) = connection(false).await;
        shard.put(first, KEEP, 1);
        shard.put(second, KEEP, 1);
        assert_eq!(shard.idle(), 1);
        assert!(is_closed(first_end).await);
        let (third, _) = connection(false).await;
        shard.put(third, Duration::ZERO, 1);
        assert!(shard.take(Instant::now(), KEEP).is_some());
        assert_eq!(shard.idle(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_other_end_has_closed_is_not_taken() {
        let shard = Shard::new("test".into());
        let (connection, end) = connection(false).await;
        shard.put(connection, KEEP, 8);
        drop(end);
        tokio::task::yield_now().await;
        assert!(shard.take(Instant::now(), KEEP).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_to_a_name_retires() {
        let shard = Shard::new("test".into());
        let (named, _named_end) = connection(true).await;
        let (literal, _literal_end) = connection(false).await;
        tokio::time::advance(Duration::from_secs(300)).await;
        shard.put(named, KEEP, 8);
        assert_eq!(shard.idle(), 0);
        shard.put(literal, KEEP, 8);
        assert_eq!(shard.idle(), 1);
    }
}
