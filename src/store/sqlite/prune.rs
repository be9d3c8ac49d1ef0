use std::time::Duration;

use rusqlite::{Connection, Result, named_params, params};

use super::columns::millis;
use super::sessions::TELLING;
use super::writer::Writer;
use crate::base::Timestamp;
use crate::store::{Keep, Pending};

/// How many rows are looked at in one operation: a few milliseconds, so that logins get in between.
const SLICE: i64 = 1000;
/// How long a session is kept past its end: so long its holder can still be told why it ended.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a sealed pair is kept past its first use. Longer than any sensible grace.
const SEALED: Duration = Duration::from_secs(60 * 60);

const CHANGES: &str = "DELETE FROM changes WHERE position IN (SELECT position FROM changes WHERE at < ?1 ORDER BY at LIMIT ?2)";
const AUDIT: &str = "DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE at < ?1 ORDER BY at LIMIT ?2)";

/// Walks the sessions by their numbers, then the changes and the audit table by their times.
pub(super) fn all(writer: Writer, now: Timestamp, keep: Keep) -> Pending<()> {
    Box::pin(async move {
        let mut behind = Some(0);
        while let Some(from) = behind {
            behind = writer.write(move |db| sessions(db, from, now)).await?;
        }
        while writer.write(move |db| older(db, CHANGES, keep.changes_since)).await? {}
        while writer.write(move |db| older(db, AUDIT, keep.audit_since)).await? {}
        Ok(())
    })
}

/// Looks at one slice behind `from` and tells where the next one begins.
fn sessions(db: &Connection, from: i64, now: Timestamp) -> Result<Option<i64>> {
    let to: Option<i64> = db
        .prepare_cached("SELECT max(number) FROM (SELECT number FROM sessions WHERE number > ?1 ORDER BY number LIMIT ?2)")?
        .query_row([from, SLICE], |row| row.get(0))?;
    let Some(to) = to else { return Ok(None) };
    // One that ended for a reason the person should hear of waits for their next login, but not past its natural end.
    let over = format!(
        "number > :from AND number <= :to AND (absolute_end < :before OR last_seen + idle < :before \
         OR (ended_at < :before AND (told = 1 OR NOT {TELLING})))"
    );
    let slice = named_params! {":from": from, ":to": to, ":before": millis(now.minus(KEPT))};
    db.prepare_cached(&format!("DELETE FROM past_tokens WHERE session IN (SELECT number FROM sessions WHERE {over})"))?.execute(slice)?;
    db.prepare_cached(&format!("DELETE FROM sessions WHERE {over}"))?.execute(slice)?;
    db.prepare_cached("UPDATE sessions SET sealed = NULL WHERE number > ?1 AND number <= ?2 AND confirmed_at < ?3 AND sealed IS NOT NULL")?
        .execute(params![from, to, millis(now.minus(SEALED))])?;
    Ok(Some(to))
}

/// Deletes one slice of `sql` and tells whether there may be more.
fn older(db: &Connection, sql: &str, than: Timestamp) -> Result<bool> {
    let deleted = db.prepare_cached(sql)?.execute([millis(than), SLICE])?;
    Ok(i64::try_from(deleted).is_ok_and(|deleted| deleted == SLICE))
}
