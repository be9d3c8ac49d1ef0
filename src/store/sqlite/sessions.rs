use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Params, Result, Row, named_params, params};

use super::columns::{self, millis, number, reason, session_id, span, text, timestamp, unreadable};
use super::{changes, people};
use crate::base::{SessionId, Timestamp};
use crate::identity::{ProviderName, UserId};
use crate::store::{Change, EndReason, LoggedChange, Opened, Opening, SessionQuery, SessionRecord};

/// What [`record`] reads.
pub(super) const RECORD: &str = "id, realm, user_id, provider, created, last_seen, address, user_agent, generation, absolute_end, idle, \
     persistent, rotate, ended_at, end_reason";

/// A session that can still be used at `:now`.
const LIVE: &str = "ended_at IS NULL AND absolute_end > :now AND last_seen + idle >= :now";

/// The reasons a person is told at the next login: somebody else's doing, or something they should know.
pub(super) const TELLING: &str = "end_reason IN ('theft', 'administrator', 'elsewhere', 'password_changed', 'disabled')";

pub(super) fn record(row: &Row<'_>) -> Result<SessionRecord> {
    let ended = match columns::maybe_timestamp(row, "ended_at")? {
        Some(at) => Some((at, reason(row, "end_reason")?)),
        None => None,
    };
    Ok(SessionRecord {
        id: session_id(row, "id")?,
        user: columns::user(row, "realm", "user_id")?,
        provider: ProviderName::new(&text(row, "provider")?).map_err(|_| unreadable("provider"))?,
        created: timestamp(row, "created")?,
        last_seen: timestamp(row, "last_seen")?,
        address: columns::address(row, "address")?,
        user_agent: text(row, "user_agent")?,
        generation: u32::try_from(number(row, "generation")?).map_err(|_| unreadable("generation"))?,
        absolute_end: timestamp(row, "absolute_end")?,
        idle: Duration::from_millis(number(row, "idle")?),
        persistent: row.get("persistent")?,
        rotate: row.get("rotate")?,
        ended,
    })
}

pub(super) fn one(db: &Connection, id: &SessionId) -> Result<Option<SessionRecord>> {
    db.prepare_cached(&format!("SELECT {RECORD} FROM sessions WHERE id = ?1"))?.query_row([id.bytes()], record).optional()
}

/// Newest first; of the same moment the one inserted last.
pub(super) fn of_person(db: &Connection, user: &UserId, now: Timestamp) -> Result<Vec<SessionRecord>> {
    let sql = format!("SELECT {RECORD} FROM sessions WHERE realm = :realm AND user_id = :id AND {LIVE} ORDER BY created DESC, number DESC");
    list(db, &sql, named_params! {":realm": user.realm().as_str(), ":id": user.id(), ":now": millis(now)})
}

pub(super) fn page(db: &Connection, query: &SessionQuery, now: Timestamp) -> Result<Vec<SessionRecord>> {
    let sql = format!("SELECT {RECORD} FROM sessions WHERE id > :after AND {LIVE} ORDER BY id LIMIT :limit");
    let after: &[u8] = query.after.as_ref().map_or(&[], |id| id.bytes());
    list(db, &sql, named_params! {":after": after, ":limit": query.limit, ":now": millis(now)})
}

pub(super) fn count(db: &Connection, now: Timestamp) -> Result<u64> {
    let sql = format!("SELECT count(*) AS live FROM sessions WHERE {LIVE}");
    db.prepare_cached(&sql)?.query_row(named_params! {":now": millis(now)}, |row| number(row, "live"))
}

fn list(db: &Connection, sql: &str, params: impl Params) -> Result<Vec<SessionRecord>> {
    db.prepare_cached(sql)?.query_map(params, record)?.collect()
}

pub(super) fn open(db: &Connection, opening: &Opening) -> Result<Opened> {
    let Some(first) = people::log_in(db, &opening.user, opening.at)? else {
        return Ok(Opened::Disabled);
    };
    let mut ended = Vec::new();
    if let Some(old) = &opening.replaces
        && let Some(record) = one(db, old)?.filter(|record| record.ended.is_none())
    {
        ended.push(end_and_log(db, record, opening.at, EndReason::Replaced)?);
    }
    if let Some(most) = opening.sessions_per_user {
        // The new one counts too, and there is room for it even under a limit of none.
        let room = usize::try_from(most.saturating_sub(1)).unwrap_or(usize::MAX);
        for record in of_person(db, &opening.user, opening.at)?.into_iter().skip(room) {
            ended.push(end_and_log(db, record, opening.at, EndReason::TooMany)?);
        }
    }
    let last_end = tell(db, &opening.user)?;
    insert(db, opening)?;
    Ok(Opened::Begun { position: changes::position(db)?, ended, first, last_end })
}

fn insert(db: &Connection, opening: &Opening) -> Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO sessions (id, realm, user_id, provider, created, last_seen, address, user_agent, absolute_end, idle, persistent, \
         rotate, refresh) VALUES (:id, :realm, :user, :provider, :at, :at, :address, :agent, :end, :idle, :persistent, :rotate, :refresh)",
    )?;
    insert.execute(named_params! {
        ":id": opening.id.bytes(),
        ":realm": opening.user.realm().as_str(),
        ":user": opening.user.id(),
        ":provider": opening.provider.as_str(),
        ":at": millis(opening.at),
        ":address": opening.address.to_string(),
        ":agent": opening.user_agent,
        ":end": millis(opening.absolute_end),
        ":idle": span(opening.idle),
        ":persistent": opening.persistent,
        ":rotate": opening.rotate,
        ":refresh": opening.refresh.bytes(),
    })?;
    Ok(())
}

/// Why the person's newest session that ended by somebody else's doing ended, unless they were told. Now they are.
fn tell(db: &Connection, user: &UserId) -> Result<Option<EndReason>> {
    let whose = params![user.realm().as_str(), user.id()];
    let untold = format!("realm = ?1 AND user_id = ?2 AND ended_at IS NOT NULL AND told = 0 AND {TELLING}");
    let sql = format!("SELECT end_reason FROM sessions WHERE {untold} ORDER BY ended_at DESC, number DESC LIMIT 1");
    let last = db.prepare_cached(&sql)?.query_row(whose, |row| reason(row, "end_reason")).optional()?;
    if last.is_some() {
        db.prepare_cached(&format!("UPDATE sessions SET told = 1 WHERE {untold}"))?.execute(whose)?;
    }
    Ok(last)
}

/// Ends a session and appends that to the change log.
pub(super) fn end_and_log(db: &Connection, record: SessionRecord, at: Timestamp, reason: EndReason) -> Result<LoggedChange> {
    end(db, &record.id, at, reason)?;
    changes::log(db, Change::SessionEnded { session: record.id, user: record.user, reason }, at)
}

/// A session that ended before keeps its first reason. The sealed pair has no use any more.
pub(super) fn end(db: &Connection, id: &SessionId, at: Timestamp, reason: EndReason) -> Result<()> {
    db.prepare_cached("UPDATE sessions SET ended_at = ?2, end_reason = ?3, sealed = NULL WHERE id = ?1 AND ended_at IS NULL")?
        .execute(params![id.bytes(), millis(at), reason.as_str()])?;
    Ok(())
}

pub(super) fn end_person(db: &Connection, user: &UserId, at: Timestamp, reason: EndReason) -> Result<()> {
    db.prepare_cached(
        "UPDATE sessions SET ended_at = ?3, end_reason = ?4, sealed = NULL WHERE realm = ?1 AND user_id = ?2 AND ended_at IS NULL",
    )?
    .execute(params![user.realm().as_str(), user.id(), millis(at), reason.as_str()])?;
    Ok(())
}

pub(super) fn end_everybody(db: &Connection, at: Timestamp, reason: EndReason) -> Result<()> {
    db.prepare_cached("UPDATE sessions SET ended_at = ?1, end_reason = ?2, sealed = NULL WHERE ended_at IS NULL")?
        .execute(params![millis(at), reason.as_str()])?;
    Ok(())
}

pub(super) fn touch(db: &Connection, seen: &[(SessionId, Timestamp)]) -> Result<()> {
    let mut touch = db.prepare_cached("UPDATE sessions SET last_seen = ?2 WHERE id = ?1 AND last_seen < ?2 AND ended_at IS NULL")?;
    for (id, at) in seen {
        touch.execute(params![id.bytes(), millis(*at)])?;
    }
    Ok(())
}

/// The rows of one person go, and the past tokens with them.
pub(super) fn remove_of(db: &Connection, user: &UserId) -> Result<()> {
    let whose = params![user.realm().as_str(), user.id()];
    db.execute("DELETE FROM past_tokens WHERE session IN (SELECT number FROM sessions WHERE realm = ?1 AND user_id = ?2)", whose)?;
    db.execute("DELETE FROM sessions WHERE realm = ?1 AND user_id = ?2", whose)?;
    Ok(())
}
