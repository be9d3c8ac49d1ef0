//! Figures for the administration's overview: counted when somebody looks, from the tables that are there anyway.

use std::time::Duration;

use rusqlite::{Connection, Result, params};

use super::columns::{millis, number, timestamp};
use crate::base::Timestamp;
use crate::store::{Figures, PeopleCount};

const HOUR: Duration = Duration::from_secs(60 * 60);

pub(super) fn people(db: &Connection) -> Result<PeopleCount> {
    let sql = "SELECT (SELECT count(*) FROM people) AS everybody, (SELECT count(*) FROM people WHERE status = 'awaiting') AS awaiting";
    db.prepare_cached(sql)?
        .query_row([], |row| Ok(PeopleCount { everybody: number(row, "everybody")?, awaiting: number(row, "awaiting")? }))
}

/// The hours from `since` on, `hours` of them.
pub(super) fn hours(db: &Connection, since: Timestamp, hours: usize) -> Result<Vec<Figures>> {
    let mut figures: Vec<Figures> = vec![Figures::default(); hours];
    let end = since.plus(HOUR.saturating_mul(u32::try_from(hours).unwrap_or(u32::MAX)));
    let mut events = db.prepare_cached(
        "SELECT kind = 'login_accepted' AS good, (at - ?1) / ?3 AS hour, count(*) AS events FROM audit \
         WHERE at >= ?1 AND at < ?2 AND +kind IN ('login_accepted', 'login_refused', 'login_throttled') GROUP BY good, hour",
    )?;
    let mut rows = events.query(params![millis(since), millis(end), millis(Timestamp::from_millis(0).plus(HOUR))])?;
    while let Some(row) = rows.next()? {
        let hour = usize::try_from(number(row, "hour")?).unwrap_or(usize::MAX);
        let count = number(row, "events")?;
        let Some(of) = figures.get_mut(hour) else { continue };
        if row.get("good")? {
            of.logins += count;
        } else {
            of.refusals += count;
        }
    }
    drop(rows);
    alive(db, since, &mut figures)?;
    Ok(figures)
}

/// Sessions alive at the end of each hour: one walk over the sessions that are kept, which are those of the last days.
fn alive(db: &Connection, since: Timestamp, figures: &mut [Figures]) -> Result<()> {
    let mut sessions = db.prepare_cached(
        "SELECT created, min(absolute_end, last_seen + idle, coalesce(ended_at, absolute_end)) AS over FROM sessions \
         WHERE min(absolute_end, last_seen + idle, coalesce(ended_at, absolute_end)) > ?1",
    )?;
    let mut rows = sessions.query([millis(since)])?;
    // The end of hour `n` is at `since` and `n + 1` hours.
    let ends_before = |at: Timestamp| usize::try_from(at.since(since).as_secs() / HOUR.as_secs()).unwrap_or(usize::MAX);
    while let Some(row) = rows.next()? {
        let (from, to) = (ends_before(timestamp(row, "created")?), ends_before(timestamp(row, "over")?));
        for hour in figures.iter_mut().take(to).skip(from) {
            hour.sessions += 1;
        }
    }
    Ok(())
}
