use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, Result, Row, named_params, params, params_from_iter};

use super::columns::{self, integer, millis, number, text, timestamp, unreadable};
use crate::base::{SessionId, random_bytes};
use crate::identity::UserId;
use crate::observe::{AuditEvent, AuditKind};
use crate::store::{AuditEntry, AuditQuery};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn append(db: &Connection, events: &[AuditEvent]) -> Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO audit (at, kind, realm, user_id, session, address, request, detail) \
         VALUES (:at, :kind, :realm, :user, :session, :address, :request, :detail)",
    )?;
    for AuditEvent { at, kind, user, session, address, request, detail } in events {
        insert.execute(named_params! {
            ":at": millis(*at),
            ":kind": kind.as_str(),
            ":realm": user.as_ref().map(|user| user.realm().as_str()),
            ":user": user.as_ref().map(UserId::id),
            ":session": session.as_ref().map(SessionId::bytes),
            ":address": address.map(|address| address.to_string()),
            ":request": request,
            ":detail": detail,
        })?;
    }
    Ok(())
}

/// Newest first. The conditions are put together, so that each set of them finds its index; a `+` keeps the engine from
/// taking another one (there are few events of a person and many of a kind).
pub(super) fn trail(db: &Connection, query: &AuditQuery) -> Result<Vec<AuditEntry>> {
    let mut sql = "SELECT * FROM audit WHERE true".to_owned();
    let mut values = Vec::new();
    let mut only = |condition: &str, value: Value| {
        sql.push_str(condition);
        values.push(value);
    };
    if let Some(user) = &query.user {
        only(" AND realm = ?", Value::from(user.realm().as_str().to_owned()));
        only(" AND user_id = ?", Value::from(user.id().to_owned()));
    }
    if let Some(kind) = query.kind {
        only(if query.user.is_some() { " AND +kind = ?" } else { " AND kind = ?" }, Value::from(kind.as_str().to_owned()));
    }
    // Events stand nearly in the order of time: a day's slack finds all of them, and no month has to be sorted.
    if let Some(since) = query.since {
        only(" AND number >= (SELECT number FROM audit WHERE at >= ? ORDER BY at LIMIT 1)", Value::from(millis(since.minus(DAY))));
        only(" AND +at >= ?", Value::from(millis(since)));
    }
    if let Some(until) = query.until {
        only(" AND number <= (SELECT number FROM audit WHERE at < ? ORDER BY at DESC LIMIT 1)", Value::from(millis(until.plus(DAY))));
        only(" AND +at < ?", Value::from(millis(until)));
    }
    if let Some(before) = query.before {
        only(" AND number < ?", Value::from(integer(before)));
    }
    only(" ORDER BY number DESC LIMIT ?", Value::from(query.limit));
    db.prepare_cached(&sql)?.query_map(params_from_iter(values), entry)?.collect()
}

/// What happened stays, of one and the same nobody: a made-up id that nothing leads back from. To whom, from where and in
/// which session goes. The request's id goes too: it leads to the access log, where the name stands; and a detail that
/// holds an address. What the person did to others as an administrator was done by that nobody.
pub(super) fn forget(db: &Connection, user: &UserId) -> Result<()> {
    let nobody = format!("removed#{:016x}", u64::from_be_bytes(random_bytes()));
    let whose = params![user.realm().as_str(), user.id(), nobody];
    let blank = "UPDATE audit SET realm = ?1, user_id = ?3, address = NULL, session = NULL, request = NULL, \
                 detail = CASE kind WHEN 'token_reused' THEN '' ELSE detail END WHERE ";
    let sessions = "session IN (SELECT id FROM sessions WHERE realm = ?1 AND user_id = ?2)";
    db.execute(&format!("{blank} {sessions}"), whose)?;
    db.execute(&format!("{blank} realm = ?1 AND user_id = ?2"), whose)?;
    // Ids may hold what a pattern reads as a wildcard, so the end of the text is compared. The first condition is word for
    // word that of the index, which holds only what administrators did.
    db.execute(
        "UPDATE audit SET detail = substr(detail, 1, length(detail) - length(?1)) || ?2, address = NULL, request = NULL \
         WHERE detail GLOB '*by *:*' AND substr(detail, -length(?1)) = ?1",
        params![format!("by {user}"), format!("by {}:{nobody}", user.realm())],
    )?;
    Ok(())
}

fn entry(row: &Row<'_>) -> Result<AuditEntry> {
    let has = |column: &'static str| row.get_ref(column).map(|value| value != rusqlite::types::ValueRef::Null);
    let event = AuditEvent {
        at: timestamp(row, "at")?,
        kind: AuditKind::parse(&text(row, "kind")?).ok_or_else(|| unreadable("kind"))?,
        user: if has("user_id")? { Some(columns::user(row, "realm", "user_id")?) } else { None },
        session: if has("session")? { Some(columns::session_id(row, "session")?) } else { None },
        address: if has("address")? { Some(columns::address(row, "address")?) } else { None },
        request: row.get("request")?,
        detail: text(row, "detail")?,
    };
    Ok(AuditEntry { number: number(row, "number")?, event })
}
