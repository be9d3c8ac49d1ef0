use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::base::Timestamp;

/// How many hours are kept: a day.
const HOURS: usize = 24;
const HOUR: u64 = 60 * 60;
/// Enough for 34 minutes.
const BUCKETS: usize = 160;

/// How long account systems took to answer, hour by hour over the last day. In memory: it begins anew with the process.
/// Counted in steps of an eighth, so that an hour costs the same whatever happens in it.
#[derive(Default)]
pub struct Latencies(Mutex<VecDeque<Hour>>);

struct Hour {
    /// Hours since 1970.
    number: u64,
    counts: [u32; BUCKETS],
}

/// The middle and the slow end of one hour's answers, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quantiles {
    /// Half of them took no longer.
    pub median: u64,
    /// 95 of 100 took no longer.
    pub slow: u64,
}

impl Latencies {
    /// An answer came now, after so long.
    pub fn note(&self, now: Timestamp, after: Duration) {
        let number = now.secs() / HOUR;
        let mut hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hours.back().is_none_or(|hour| hour.number < number) {
            hours.push_back(Hour { number, counts: [0; BUCKETS] });
            while hours.len() > HOURS {
                hours.pop_front();
            }
        }
        // A clock that was set back counts in the newest hour.
        if let Some(hour) = hours.back_mut() {
            let count = &mut hour.counts[bucket(after)];
            *count = count.saturating_add(1);
        }
    }

    /// What is known of the hour that holds this moment; `None` when nobody answered in it.
    pub fn of(&self, moment: Timestamp) -> Option<Quantiles> {
        let hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = hours.iter().find(|hour| hour.number == moment.secs() / HOUR)?;
        let all: u64 = hour.counts.iter().map(|count| u64::from(*count)).sum();
        let quantile = |percent: u64| {
            let wanted = (all * percent).div_ceil(100);
            let mut seen = 0;
            let place = hour.counts.iter().position(|count| {
                seen += u64::from(*count);
                seen >= wanted
            });
            upper(place.unwrap_or(BUCKETS - 1))
        };
        (all > 0).then(|| Quantiles { median: quantile(50), slow: quantile(95) })
    }
}

/// Exact below 8 ms, then eight buckets to each doubling.
fn bucket(after: Duration) -> usize {
    let millis = after.as_millis().clamp(0, 1 << 20);
    let millis = usize::try_from(millis).unwrap_or(1 << 20);
    let octave = millis.max(1).ilog2().saturating_sub(3);
    let index = if millis < 8 { millis } else { usize::try_from(octave).unwrap_or(0) * 8 + (millis >> octave) };
    index.min(BUCKETS - 1)
}

/// The largest number of milliseconds that falls into a bucket.
const fn upper(bucket: usize) -> u64 {
    if bucket < 16 { bucket as u64 } else { ((bucket % 8 + 9) << (bucket / 8 - 1)) as u64 - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_has_a_bucket_that_is_near() {
        for millis in (0..3000).chain([10_000, 123_456, 1_000_000]) {
            let told = upper(bucket(Duration::from_millis(millis)));
            assert!(told >= millis && told <= millis + millis / 8, "{millis} is told as {told}");
        }
        assert_eq!(upper(bucket(Duration::MAX)), upper(bucket(Duration::from_millis(1 << 20))));
    }

    #[test]
    fn hours_are_apart_and_a_day_is_kept() {
        let latencies = Latencies::default();
        let at = |hour: u64| Timestamp::from_secs(1_800_000_000 / HOUR * HOUR + hour * HOUR + 5);
        for millis in [100, 100, 100, 5000] {
            latencies.note(at(0), Duration::from_millis(millis));
        }
        let quantiles = latencies.of(at(0)).unwrap();
        assert!((100..=112).contains(&quantiles.median) && (5000..=5600).contains(&quantiles.slow), "{quantiles:?}");
        assert_eq!(latencies.of(at(1)), None);
        for hour in 1..=24 {
            latencies.note(at(hour), Duration::from_millis(7));
        }
        assert_eq!((latencies.of(at(0)), latencies.of(at(24))), (None, Some(Quantiles { median: 7, slow: 7 })));
    }
}
