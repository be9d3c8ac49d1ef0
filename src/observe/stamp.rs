use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::LazyLock;

use jiff::tz::TimeZone;

use crate::base::Timestamp;

static ZONE: LazyLock<TimeZone> = LazyLock::new(TimeZone::system);

/// One second of the local calendar, written out. Made once a second on each thread, not once a line.
#[derive(Clone, Default)]
pub(super) struct Stamp {
    second: u64,
    /// `21/Nov/2026:16:21:00 +0900`, as nginx and Apache write it.
    pub(super) combined: String,
    /// `2026-11-21T16:21:00`: what stands before the fraction (RFC 3339).
    pub(super) date_time: String,
    /// `+09:00`: what stands behind it.
    pub(super) offset: String,
}

thread_local! {
    static LAST: RefCell<Stamp> = RefCell::default();
}

/// Hands the written form of `at`'s second in the machine's time zone to `use_it`.
pub(super) fn with_stamp<T>(at: Timestamp, use_it: impl FnOnce(&Stamp) -> T) -> T {
    LAST.with_borrow_mut(|stamp| {
        if stamp.second != at.secs() || stamp.combined.is_empty() {
            stamp.set(at, &ZONE);
        }
        use_it(stamp)
    })
}

impl Stamp {
    fn set(&mut self, at: Timestamp, zone: &TimeZone) {
        self.second = at.secs();
        let instant = jiff::Timestamp::from_second(i64::try_from(at.secs()).unwrap_or(i64::MAX)).unwrap_or(jiff::Timestamp::MAX);
        let local = instant.to_zoned(zone.clone());
        for (text, format) in
            [(&mut self.combined, "%d/%b/%Y:%H:%M:%S %z"), (&mut self.date_time, "%Y-%m-%dT%H:%M:%S"), (&mut self.offset, "%:z")]
        {
            text.clear();
            // Writing to a string cannot fail, and the three formats ask for nothing that a zoned time lacks.
            let _ = write!(text, "{}", local.strftime(format));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_tell_the_local_time_and_its_offset() {
        let mut stamp = Stamp::default();
        stamp.set(Timestamp::from_millis(1_795_249_260_123), &TimeZone::fixed(jiff::tz::offset(9)));
        assert_eq!(stamp.combined, "21/Nov/2026:17:21:00 +0900");
        assert_eq!(stamp.date_time, "2026-11-21T17:21:00");
        assert_eq!(stamp.offset, "+09:00");
    }

    #[test]
    fn the_end_of_time_is_no_panic() {
        Stamp::default().set(Timestamp::from_millis(u64::MAX), &TimeZone::UTC);
    }

    #[test]
    fn the_cache_moves_with_the_second() {
        let first = with_stamp(Timestamp::from_secs(1_000_000_000), |stamp| stamp.date_time.clone());
        let same = with_stamp(Timestamp::from_millis(1_000_000_000_999), |stamp| stamp.date_time.clone());
        let next = with_stamp(Timestamp::from_secs(1_000_000_001), |stamp| stamp.date_time.clone());
        assert_eq!(first, same);
        assert_ne!(first, next);
    }
}
