//! Rotation done right: a lost answer can be fetched again, and a stolen token gives itself away.

use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params, params};

use super::columns::{hash, maybe_hash, maybe_timestamp, millis};
use super::{changes, sessions};
use crate::base::{SessionId, Timestamp};
use crate::store::{EndReason, Presented, Renewal, RenewalOutcome, Rotate, SessionRecord, TokenHash};

/// How many generations a stolen token can be behind and still be known for one. Older ones are refused like unknown ones.
const REMEMBERED: u32 = 1000;

/// A session with what only a renewal needs.
struct Family {
    number: i64,
    record: SessionRecord,
    refresh: TokenHash,
    predecessor: Option<TokenHash>,
    sealed: Option<Vec<u8>>,
    confirmed: Option<Timestamp>,
    disabled: bool,
}

/// What the presented token is to its session.
enum Standing {
    Current,
    Predecessor,
    Past,
    Unknown,
}

pub(super) fn renew(db: &Connection, renewal: &Renewal) -> Result<RenewalOutcome> {
    let Some(family) = load(db, &renewal.session)? else {
        return Ok(RenewalOutcome::Unknown);
    };
    if let Some((_, reason)) = family.record.ended {
        return Ok(RenewalOutcome::Ended(reason));
    }
    if family.record.absolute_end <= renewal.at || family.record.last_seen.plus(family.record.idle) < renewal.at {
        return Ok(RenewalOutcome::Expired);
    }
    if family.disabled {
        return Ok(RenewalOutcome::Disabled);
    }
    let Presented::Refresh(presented) = &renewal.presented else {
        return keep(db, family, renewal, false);
    };
    match standing(db, &family, presented)? {
        Standing::Current => match &renewal.rotate {
            Some(rotate) => turn(db, family, renewal, rotate),
            None => keep(db, family, renewal, true),
        },
        Standing::Predecessor if family.confirmed.is_none_or(|at| renewal.at <= at.plus(renewal.grace)) => again(db, family, renewal),
        Standing::Predecessor | Standing::Past => theft(db, family, renewal),
        Standing::Unknown => Ok(RenewalOutcome::Unknown),
    }
}

/// The successor has been used: its predecessor is good only for the grace.
pub(super) fn confirm(db: &Connection, id: &SessionId, generation: u32, at: Timestamp) -> Result<()> {
    db.prepare_cached(
        "UPDATE sessions SET confirmed_at = ?3 \
         WHERE id = ?1 AND generation = ?2 AND predecessor IS NOT NULL AND confirmed_at IS NULL AND ended_at IS NULL",
    )?
    .execute(params![id.bytes(), generation, millis(at)])?;
    Ok(())
}

fn keep(db: &Connection, family: Family, renewal: &Renewal, confirming: bool) -> Result<RenewalOutcome> {
    if confirming && family.confirmed.is_none() {
        confirm(db, &family.record.id, family.record.generation, renewal.at)?;
    }
    let record = see(db, family.record, renewal.at)?;
    Ok(RenewalOutcome::Kept { record, position: changes::position(db)? })
}

fn turn(db: &Connection, family: Family, renewal: &Renewal, rotate: &Rotate) -> Result<RenewalOutcome> {
    let Family { number, record, predecessor, .. } = family;
    if let Some(past) = predecessor {
        db.prepare_cached("INSERT INTO past_tokens (session, generation, hash) VALUES (?1, ?2, ?3)")?.execute(params![
            number,
            record.generation,
            past.bytes()
        ])?;
        db.prepare_cached("DELETE FROM past_tokens WHERE session = ?1 AND generation <= ?2")?
            .execute(params![number, i64::from(record.generation) - i64::from(REMEMBERED)])?;
    }
    db.prepare_cached(
        "UPDATE sessions SET predecessor = refresh, refresh = :successor, sealed = :sealed, generation = generation + 1, \
         rotated_at = :at, confirmed_at = NULL WHERE number = :number",
    )?
    .execute(named_params! {
        ":successor": rotate.successor.bytes(),
        ":sealed": rotate.sealed,
        ":at": millis(renewal.at),
        ":number": number,
    })?;
    let record = SessionRecord { generation: record.generation.saturating_add(1), ..see(db, record, renewal.at)? };
    Ok(RenewalOutcome::Rotated { record, position: changes::position(db)? })
}

fn again(db: &Connection, family: Family, renewal: &Renewal) -> Result<RenewalOutcome> {
    // It is gone only when the grace was made longer after the pair had been cleared away: a refusal, but no theft.
    let Some(sealed) = family.sealed else {
        return Ok(RenewalOutcome::Unknown);
    };
    let record = see(db, family.record, renewal.at)?;
    Ok(RenewalOutcome::Again { record, sealed, position: changes::position(db)? })
}

fn theft(db: &Connection, family: Family, renewal: &Renewal) -> Result<RenewalOutcome> {
    let ended = sessions::end_and_log(db, family.record.clone(), renewal.at, EndReason::Theft)?;
    let record = SessionRecord { ended: Some((renewal.at, EndReason::Theft)), ..family.record };
    Ok(RenewalOutcome::Theft { record, ended })
}

fn see(db: &Connection, record: SessionRecord, at: Timestamp) -> Result<SessionRecord> {
    sessions::touch(db, &[(record.id, at)])?;
    Ok(SessionRecord { last_seen: record.last_seen.max(at), ..record })
}

fn standing(db: &Connection, family: &Family, presented: &TokenHash) -> Result<Standing> {
    if *presented == family.refresh {
        return Ok(Standing::Current);
    }
    if family.predecessor.is_some_and(|predecessor| *presented == predecessor) {
        return Ok(Standing::Predecessor);
    }
    let past = db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM past_tokens WHERE session = ?1 AND hash = ?2)")?
        .query_row(params![family.number, presented.bytes()], |row| row.get(0))?;
    Ok(if past { Standing::Past } else { Standing::Unknown })
}

fn load(db: &Connection, id: &SessionId) -> Result<Option<Family>> {
    db.prepare_cached(&format!(
        "SELECT {}, number, refresh, predecessor, sealed, confirmed_at, coalesce((SELECT disabled FROM people \
         WHERE people.realm = sessions.realm AND people.id = sessions.user_id), 0) AS disabled FROM sessions WHERE id = ?1",
        sessions::RECORD
    ))?
    .query_row([id.bytes()], family)
    .optional()
}

fn family(row: &Row<'_>) -> Result<Family> {
    Ok(Family {
        number: row.get("number")?,
        record: sessions::record(row)?,
        refresh: hash(row, "refresh")?,
        predecessor: maybe_hash(row, "predecessor")?,
        sealed: row.get("sealed")?,
        confirmed: maybe_timestamp(row, "confirmed_at")?,
        disabled: row.get("disabled")?,
    })
}
