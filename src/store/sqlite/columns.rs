//! Values to columns and back, and the engine's errors to the store's.

use std::time::Duration;

use rusqlite::types::{FromSql, Type};
use rusqlite::{Error, ErrorCode, Result, Row};

use crate::base::{ClientAddr, Position, SessionId, Timestamp, TokenId};
use crate::identity::{Realm, UserId};
use crate::store::{EndReason, StoreError, TokenHash};

/// A column holds something that this program never wrote.
#[derive(Debug, thiserror::Error)]
#[error("the column {0} holds what was never written there")]
struct Unreadable(&'static str);

pub(super) fn unreadable(column: &'static str) -> Error {
    Error::FromSqlConversionFailure(0, Type::Null, Box::new(Unreadable(column)))
}

/// SQLite's integers are signed. The end of time is then the end of those.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn millis(at: Timestamp) -> i64 {
    integer(at.millis())
}

pub(super) fn span(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn number(row: &Row<'_>, column: &'static str) -> Result<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| unreadable(column))
}

pub(super) fn timestamp(row: &Row<'_>, column: &'static str) -> Result<Timestamp> {
    number(row, column).map(Timestamp::from_millis)
}

pub(super) fn maybe_timestamp(row: &Row<'_>, column: &'static str) -> Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?.map(|_| timestamp(row, column)).transpose()
}

pub(super) fn position(row: &Row<'_>, column: &'static str) -> Result<Position> {
    number(row, column).map(Position)
}

pub(super) fn session_id(row: &Row<'_>, column: &'static str) -> Result<SessionId> {
    bytes(row, column).map(SessionId::from_bytes)
}

pub(super) fn token_id(row: &Row<'_>, column: &'static str) -> Result<TokenId> {
    bytes(row, column).map(TokenId::from_bytes)
}

pub(super) fn hash(row: &Row<'_>, column: &'static str) -> Result<TokenHash> {
    bytes(row, column).map(TokenHash::from_bytes)
}

pub(super) fn maybe_hash(row: &Row<'_>, column: &'static str) -> Result<Option<TokenHash>> {
    row.get::<_, Option<Vec<u8>>>(column)?.map(|_| hash(row, column)).transpose()
}

pub(super) fn address(row: &Row<'_>, column: &'static str) -> Result<ClientAddr> {
    text(row, column)?.parse().map(ClientAddr::new).map_err(|_| unreadable(column))
}

pub(super) fn reason(row: &Row<'_>, column: &'static str) -> Result<EndReason> {
    EndReason::parse(&text(row, column)?).ok_or_else(|| unreadable(column))
}

pub(super) fn user(row: &Row<'_>, realm: &'static str, id: &'static str) -> Result<UserId> {
    let in_realm = Realm::new(&text(row, realm)?).map_err(|_| unreadable(realm))?;
    UserId::from_canonical(in_realm, &text(row, id)?).map_err(|_| unreadable(id))
}

pub(super) fn text(row: &Row<'_>, column: &'static str) -> Result<String> {
    row.get(column)
}

fn bytes<const N: usize>(row: &Row<'_>, column: &'static str) -> Result<[u8; N]>
where
    [u8; N]: FromSql,
{
    row.get(column)
}

/// What the engine says, in the store's words.
pub(super) fn translate(error: &Error) -> StoreError {
    if matches!(error, Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) | Error::IntegralValueOutOfRange(..)) {
        return StoreError::Damaged(error.to_string());
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            StoreError::Busy("another process holds the database".to_owned())
        }
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged(error.to_string()),
        Some(_) | None => StoreError::Failed(error.to_string()),
    }
}
