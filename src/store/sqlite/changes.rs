use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Params, Result, Row, named_params, params};

use super::columns::{self, integer, millis, reason, session_id, span, text, timestamp, token_id, unreadable};
use super::{accounts, audit, people, sessions};
use crate::base::{Position, Timestamp};
use crate::identity::UserId;
use crate::store::{Change, EndReason, LoggedChange, PersonState, ViewStart};

/// How many entries are read at a time.
const PAGE: usize = 2000;
/// A clock this far behind the log is a clock set right after having been wrong, and is believed.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Where the log stands; zero when nothing was ever appended.
pub(super) fn position(db: &Connection) -> Result<Position> {
    let position =
        db.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'changes'")?.query_row([], |row| columns::position(row, "seq"));
    Ok(position.optional()?.unwrap_or_default())
}

/// Appends and does in the tables what each change says.
pub(super) fn append(db: &Connection, changes: &[Change], at: Timestamp) -> Result<Position> {
    for change in changes {
        enact(db, change, at)?;
        log(db, change.clone(), at)?;
    }
    position(db)
}

fn enact(db: &Connection, change: &Change, at: Timestamp) -> Result<()> {
    match change {
        Change::SessionEnded { session, user: _, reason } => sessions::end(db, session, at, *reason),
        // Access tokens have no row.
        Change::TokenEnded { token: _, reason: _ } => Ok(()),
        Change::PersonEnded { user, reason } => sessions::end_person(db, user, at, *reason),
        Change::EverybodyEnded { reason } => sessions::end_everybody(db, at, *reason),
        Change::PersonChanged { user, state } => people::set_state(db, user, state, at),
        Change::PersonRemoved { user } => {
            // The audit first: it finds the person's rows through the sessions too.
            audit::forget(db, user)?;
            sessions::remove_of(db, user)?;
            accounts::forget_reset(db, user)?;
            people::remove(db, user)?;
            let whose = params![user.realm().as_str(), user.id()];
            db.execute("DELETE FROM changes WHERE kind = 'person_changed' AND realm = ?1 AND user_id = ?2", whose)?;
            Ok(())
        }
    }
}

/// Appends one entry.
pub(super) fn log(db: &Connection, change: Change, at: Timestamp) -> Result<LoggedChange> {
    // Never below the time in milliseconds: after an older copy was put back, positions go on above all that tokens carry.
    let next = Position(position(db)?.0.saturating_add(1).max(at.millis()));
    let at = not_before_the_last(db, at)?;
    let columns = Columns::of(&change);
    let state = columns.state.map(people::StateColumns::of);
    db.prepare_cached(
        "INSERT INTO changes (position, at, kind, session, token, realm, user_id, reason, role, groups, name, email, disabled) \
         VALUES (:position, :at, :kind, :session, :token, :realm, :user, :reason, :role, :groups, :name, :email, :disabled)",
    )?
    .execute(named_params! {
        ":position": integer(next.0),
        ":at": millis(at),
        ":kind": columns.kind,
        ":session": columns.session,
        ":token": columns.token,
        ":realm": columns.user.map(|user| user.realm().as_str()),
        ":user": columns.user.map(UserId::id),
        ":reason": columns.reason.map(EndReason::as_str),
        ":role": state.as_ref().map(|state| state.role),
        ":groups": state.as_ref().map(|state| state.groups.as_str()),
        ":name": state.as_ref().and_then(|state| state.name),
        ":email": state.as_ref().and_then(|state| state.email),
        ":disabled": state.as_ref().map(|state| state.disabled),
    })?;
    Ok(LoggedChange { position: next, at, change })
}

/// An entry stamped by a clock that is behind would be forgotten too soon.
fn not_before_the_last(db: &Connection, at: Timestamp) -> Result<Timestamp> {
    let last = db
        .prepare_cached("SELECT at FROM changes ORDER BY position DESC LIMIT 1")?
        .query_row([], |row| timestamp(row, "at"))
        .optional()?
        .unwrap_or_default();
    Ok(if last.since(at) <= DAY { at.max(last) } else { at })
}

pub(super) fn after(db: &Connection, after: Position) -> Result<Vec<LoggedChange>> {
    list(db, "SELECT * FROM changes WHERE position > ?1 ORDER BY position LIMIT ?2", params![integer(after.0), integer(PAGE as u64)])
}

pub(super) fn load(db: &Connection, since: Timestamp) -> Result<ViewStart> {
    // All of it is read once, from one end to the other: pages that are kept would be of no use.
    db.execute_batch("PRAGMA cache_size = -128")?;
    let start = ViewStart {
        position: position(db)?,
        changes: list(db, "SELECT * FROM changes WHERE at >= ?1 ORDER BY position", [millis(since)])?,
        people: people::special(db)?,
    };
    // SQLite's own default, in KiB.
    db.execute_batch("PRAGMA cache_size = -2000; PRAGMA shrink_memory")?;
    Ok(start)
}

/// Remembers the longest life that tokens still out were given. When it is made shorter, those with the longer one are
/// out for at most that long, and until then changes are kept for them.
pub(super) fn token_life(db: &Connection, life: Duration, now: Timestamp) -> Result<Duration> {
    let known = Duration::from_millis(meta(db, "token_life")?.unwrap_or_default());
    let shortened = meta(db, "token_life_until")?.map(Timestamp::from_millis);
    if life >= known || shortened.is_some_and(|until| until < now) {
        set_meta(db, "token_life", Some(span(life)))?;
        set_meta(db, "token_life_until", None)?;
        return Ok(life);
    }
    if shortened.is_none() {
        set_meta(db, "token_life_until", Some(millis(now.plus(known))))?;
    }
    Ok(known)
}

fn meta(db: &Connection, key: &str) -> Result<Option<u64>> {
    db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| columns::number(row, "value")).optional()
}

fn set_meta(db: &Connection, key: &str, value: Option<i64>) -> Result<()> {
    match value {
        Some(value) => db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", params![key, value]),
        None => db.execute("DELETE FROM meta WHERE key = ?1", [key]),
    }
    .map(|_| ())
}

fn list(db: &Connection, sql: &str, params: impl Params) -> Result<Vec<LoggedChange>> {
    db.prepare_cached(sql)?.query_map(params, entry)?.collect()
}

/// A change as a row.
#[derive(Default)]
struct Columns<'a> {
    kind: &'static str,
    session: Option<&'a [u8; 16]>,
    token: Option<&'a [u8; 16]>,
    user: Option<&'a UserId>,
    reason: Option<EndReason>,
    state: Option<&'a PersonState>,
}

impl<'a> Columns<'a> {
    fn of(change: &'a Change) -> Self {
        match change {
            Change::SessionEnded { session, user, reason } => {
                Self { kind: "session_ended", session: Some(session.bytes()), user: Some(user), reason: Some(*reason), ..Self::default() }
            }
            Change::TokenEnded { token, reason } => {
                Self { kind: "token_ended", token: Some(token.bytes()), reason: Some(*reason), ..Self::default() }
            }
            Change::PersonEnded { user, reason } => {
                Self { kind: "person_ended", user: Some(user), reason: Some(*reason), ..Self::default() }
            }
            Change::EverybodyEnded { reason } => Self { kind: "everybody_ended", reason: Some(*reason), ..Self::default() },
            Change::PersonChanged { user, state } => {
                Self { kind: "person_changed", user: Some(user), state: Some(state), ..Self::default() }
            }
            Change::PersonRemoved { user } => Self { kind: "person_removed", user: Some(user), ..Self::default() },
        }
    }
}

fn entry(row: &Row<'_>) -> Result<LoggedChange> {
    let user = || columns::user(row, "realm", "user_id");
    let change = match text(row, "kind")?.as_str() {
        "session_ended" => Change::SessionEnded { session: session_id(row, "session")?, user: user()?, reason: reason(row, "reason")? },
        "token_ended" => Change::TokenEnded { token: token_id(row, "token")?, reason: reason(row, "reason")? },
        "person_ended" => Change::PersonEnded { user: user()?, reason: reason(row, "reason")? },
        "everybody_ended" => Change::EverybodyEnded { reason: reason(row, "reason")? },
        "person_changed" => Change::PersonChanged { user: user()?, state: people::state(row)? },
        "person_removed" => Change::PersonRemoved { user: user()? },
        _ => return Err(unreadable("kind")),
    };
    Ok(LoggedChange { position: columns::position(row, "position")?, at: timestamp(row, "at")?, change })
}
