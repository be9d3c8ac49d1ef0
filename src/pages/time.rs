use std::time::Duration;

use jiff::Timestamp as Moment;
use jiff::tz::TimeZone;

use super::Lang;
use super::texts::Texts;
use crate::base::Timestamp;

/// How long somebody has to wait, and until when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wait {
    /// From now on. The same span that stands in `Retry-After`.
    pub span: Duration,
    /// The moment after which it will work.
    pub until: Timestamp,
}

impl Wait {
    /// A wait that begins now.
    pub fn new(now: Timestamp, span: Duration) -> Self {
        Self { span, until: now.plus(span) }
    }
}

/// A span as people say it, rounded up: waiting a little too long helps, a little too short does not.
pub(super) fn span(lang: Lang, span: Duration) -> String {
    let secs = span.as_secs().saturating_add(u64::from(span.subsec_nanos() > 0));
    let minutes = secs.div_ceil(60);
    let plural = |n: u64| if n == 1 { "" } else { "s" };
    match (lang, secs, minutes) {
        (Lang::Ko, ..60, _) => format!("{secs}초"),
        (Lang::Ko, _, ..60) => format!("{minutes}분"),
        (Lang::Ko, _, ..1440) if minutes.is_multiple_of(60) => format!("{}시간", minutes / 60),
        (Lang::Ko, _, ..1440) => format!("{}시간 {}분", minutes / 60, minutes % 60),
        (Lang::Ko, ..) => format!("{}일", minutes.div_ceil(1440)),
        (Lang::En, ..60, _) => format!("{secs} second{}", plural(secs)),
        (Lang::En, _, ..60) => format!("{minutes} minute{}", plural(minutes)),
        (Lang::En, _, ..1440) if minutes.is_multiple_of(60) => format!("{} hour{}", minutes / 60, plural(minutes / 60)),
        (Lang::En, _, ..1440) => format!("{} h {} min", minutes / 60, minutes % 60),
        (Lang::En, ..) => format!("{} days", minutes.div_ceil(1440)),
    }
}

/// When to try again, as one sentence: after how long, and at what time of day.
pub(super) fn again_at(lang: Lang, zone: &TimeZone, wait: Wait) -> String {
    (Texts::of(lang).time.again_at)(&span(lang, wait.span), &second(lang, zone, wait.until).text)
}

/// A moment as a page shows it: for people, and for `datetime`.
pub(super) struct Shown {
    /// As people read it there.
    pub(super) text: String,
    /// RFC 3339, with the offset of the place.
    pub(super) machine: String,
}

/// Day and time to the minute.
pub(super) fn minute(lang: Lang, zone: &TimeZone, at: Timestamp) -> Shown {
    match lang {
        Lang::Ko => shown(zone, at, "%Y년 %-m월 %-d일 %H:%M"),
        Lang::En => shown(zone, at, "%-d %b %Y, %H:%M"),
    }
}

/// The time of day to the second, for waits that are short.
pub(super) fn second(lang: Lang, zone: &TimeZone, at: Timestamp) -> Shown {
    match lang {
        Lang::Ko => shown(zone, at, "%H시 %M분 %S초"),
        Lang::En => shown(zone, at, "%H:%M:%S"),
    }
}

/// Day and time to the second, short and the same in both languages: for lists that are compared with logs.
pub(super) fn instant(zone: &TimeZone, at: Timestamp) -> Shown {
    shown(zone, at, "%Y-%m-%d %H:%M:%S")
}

/// An hour of the day.
pub(super) fn hour(zone: &TimeZone, at: Timestamp) -> String {
    shown(zone, at, "%H:%M").text
}

/// The first moment of a day in a place, and that of the day after.
pub(super) fn day(zone: &TimeZone, text: &str) -> Option<(Timestamp, Timestamp)> {
    let day: jiff::civil::Date = text.parse().ok()?;
    let begins = |day: jiff::civil::Date| {
        let moment = day.to_zoned(zone.clone()).ok()?.timestamp();
        u64::try_from(moment.as_millisecond()).ok().map(Timestamp::from_millis)
    };
    Some((begins(day)?, begins(day.tomorrow().ok()?)?))
}

/// A moment beyond the calendar shows as a dash: no page fails for the sake of a date.
fn shown(zone: &TimeZone, at: Timestamp, format: &str) -> Shown {
    let moment = i64::try_from(at.millis()).ok().and_then(|millis| Moment::from_millisecond(millis).ok());
    match moment {
        None => Shown { text: "–".into(), machine: String::new() },
        Some(moment) => {
            let zoned = moment.to_zoned(zone.clone());
            Shown { text: zoned.strftime(format).to_string(), machine: zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_rounded_up() {
        let said = |millis| (span(Lang::Ko, Duration::from_millis(millis)), span(Lang::En, Duration::from_millis(millis)));
        assert_eq!(said(1), ("1초".into(), "1 second".into()));
        assert_eq!(said(30_000), ("30초".into(), "30 seconds".into()));
        assert_eq!(said(61_000), ("2분".into(), "2 minutes".into()));
        assert_eq!(said(3_600_000), ("1시간".into(), "1 hour".into()));
        assert_eq!(said(5_400_000), ("1시간 30분".into(), "1 h 30 min".into()));
        assert_eq!(said(2 * 86_400_000), ("2일".into(), "2 days".into()));
        assert!(!span(Lang::En, Duration::MAX).is_empty());
    }

    #[test]
    fn a_day_begins_where_the_people_are() {
        let seoul = TimeZone::fixed(jiff::tz::offset(9));
        let (begins, ends) = day(&seoul, "2026-11-22").unwrap();
        assert_eq!((instant(&seoul, begins).text, ends.since(begins).as_secs()), ("2026-11-22 00:00:00".to_owned(), 86_400));
        for wrong in ["", "2026-13-01", "yesterday", "1969-01-01", "9999-12-31"] {
            assert_eq!(day(&seoul, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn moments_are_written_as_the_place_has_them() {
        let seoul = TimeZone::fixed(jiff::tz::offset(9));
        let at = Timestamp::from_secs(1_795_278_765); // 2026-11-21T16:32:45Z
        assert_eq!(minute(Lang::Ko, &seoul, at).text, "2026년 11월 22일 01:32");
        assert_eq!(minute(Lang::En, &seoul, at).text, "22 Nov 2026, 01:32");
        assert_eq!(second(Lang::Ko, &seoul, at).text, "01시 32분 45초");
        assert_eq!(minute(Lang::Ko, &seoul, at).machine, "2026-11-22T01:32:45+09:00");
        assert_eq!(minute(Lang::Ko, &seoul, Timestamp::from_millis(u64::MAX)).text, "–");
    }
}
