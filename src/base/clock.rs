use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment, in milliseconds since the Unix epoch. Tokens carry its whole seconds (RFC 7519, `NumericDate`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// A moment `secs` whole seconds after the Unix epoch.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// A moment `millis` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub const fn secs(self) -> u64 {
        self.0 / 1000
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// The moment `span` later; the end of time rather than an overflow.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The moment `span` earlier; the epoch rather than an underflow.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The same moment for libraries that want the standard type (HTTP dates, certificates).
    #[must_use]
    pub fn system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// Where the time comes from. Everything that judges by time is given one, so that tests need not wait.
pub trait Clock: Send + Sync + 'static {
    /// The present moment. Never goes backwards within one process.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, made monotone.
///
/// A wall clock that is set back must not bring an ended token to life, so the time told is the
/// monotonic clock plus the largest offset to the wall clock ever seen by this process: it follows a
/// clock that is set forward and ignores one that is set back.
pub struct SystemClock {
    start: Instant,
    offset_millis: AtomicI64,
}

impl SystemClock {
    /// A clock that starts at the wall clock's present time.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now(), offset_millis: AtomicI64::new(i64::MIN) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = i64::try_from(wall.as_millis()).unwrap_or(i64::MAX);
        let offset = wall.saturating_sub(elapsed);
        // A plain load first: on the road the offset hardly ever moves, and a load does not bounce the cache line.
        let known = self.offset_millis.load(Ordering::Relaxed);
        let largest = if offset > known { self.offset_millis.fetch_max(offset, Ordering::Relaxed).max(offset) } else { known };
        Timestamp(u64::try_from(elapsed.saturating_add(largest)).unwrap_or(0))
    }
}

/// A clock that moves only when told to: for tests.
#[derive(Default)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self(AtomicU64::new(now.0))
    }

    /// Sets the clock, back too.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    /// Moves the clock forward.
    pub fn advance(&self, span: Duration) {
        self.0.store(self.now().plus(span).0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_seen_ahead_never_falls_back() {
        let clock = SystemClock::new();
        let before = clock.now();
        // As if the wall clock had been an hour ahead at some earlier call and was then set right.
        clock.offset_millis.fetch_add(3_600_000, Ordering::Relaxed);
        assert!(clock.now() >= before.plus(Duration::from_secs(3600)));
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        let end = Timestamp::from_millis(u64::MAX);
        assert_eq!(end.plus(Duration::from_secs(1)), end);
        assert_eq!(Timestamp::from_secs(1).minus(Duration::from_secs(2)), Timestamp::default());
        assert_eq!(Timestamp::from_secs(1).since(Timestamp::from_secs(5)), Duration::ZERO);
    }
}
