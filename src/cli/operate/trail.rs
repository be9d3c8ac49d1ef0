use clap::Args;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Common, Trouble, all, print, quoted};
use crate::base::parse_duration;

/// `munjigi audit`
#[derive(Args)]
pub(crate) struct Trail {
    /// Only what concerns this person
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only this kind, as in `login_refused`
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only what happened since: "24h" ago, or a moment as in 2026-03-01 or 2026-03-01T09:00
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// At most so many, the newest
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    common: Common,
}

/// Runs `munjigi audit`.
pub(in crate::cli) fn audit(trail: &Trail) -> Result<(), Trouble> {
    let Trail { user, kind, since, limit, common } = trail;
    let mut query = Vec::new();
    query.extend(user.iter().map(|user| format!("user={}", quoted(user))));
    query.extend(kind.iter().map(|kind| format!("kind={}", quoted(kind))));
    if let Some(since) = since {
        query.push(format!("since={}", seconds(since, Timestamp::now())?));
    }
    let listed = all(&common.desk()?, "/.auth/api/audit", query, "events", *limit)?;
    let words = listed.in_words(print::events);
    common.show(listed.into_json("events"), words);
    Ok(())
}

/// Seconds since 1970 of a span before `now`, or of a moment.
fn seconds(text: &str, now: Timestamp) -> Result<i64, Trouble> {
    if let Ok(span) = parse_duration(text) {
        return Ok(now.as_second().saturating_sub(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)).max(0));
    }
    let zoned = text.parse::<Timestamp>().ok().or_else(|| {
        let local = text.parse::<DateTime>().ok()?;
        TimeZone::system().to_timestamp(local).ok()
    });
    let wrong =
        || Trouble::Usage(format!("{text:?} is no moment; write a span as in 24h or 7d, or a moment as in 2026-03-01 or 2026-03-01T09:00"));
    Ok(zoned.ok_or_else(wrong)?.as_second().max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        assert_eq!(seconds("1h", now).unwrap(), 996_400);
        assert_eq!(seconds("90d", now).unwrap(), 0);
        assert_eq!(seconds("1970-01-02T00:00:00Z", now).unwrap(), 86_400);
        assert!(seconds("2026-03-01", now).unwrap() > 1_700_000_000);
        assert!(matches!(seconds("yesterday", now), Err(Trouble::Usage(_))));
    }
}
