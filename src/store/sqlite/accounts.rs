use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};
use secrecy::{ExposeSecret as _, SecretString};

use super::blocked::BlockKey;
use super::columns::{self, millis, text};
use super::{changes, people};
use crate::base::Timestamp;
use crate::identity::{Realm, UserId};
use crate::store::{Account, AccountStatus, Change, NewAccount, TokenHash};

pub(super) fn one(db: &Connection, user: &UserId) -> Result<Option<Account>> {
    db.prepare_cached("SELECT status, password, fields FROM people WHERE realm = ?1 AND id = ?2 AND password IS NOT NULL")?
        .query_row(params![user.realm().as_str(), user.id()], account)
        .optional()
}

fn account(row: &Row<'_>) -> Result<Account> {
    let fields: Option<String> = row.get("fields")?;
    let fields = fields.map(|json| serde_json::from_str(&json).map_err(|_| columns::unreadable("fields"))).transpose()?;
    Ok(Account {
        status: AccountStatus::parse(&text(row, "status")?),
        password: SecretString::from(text(row, "password")?),
        fields: fields.unwrap_or_default(),
    })
}

/// Makes all of them, or none: then those that are there already. A person who is known without an account (a role given
/// beforehand) keeps what was given.
pub(super) fn add(db: &Connection, accounts: &[NewAccount], block: &BlockKey, at: Timestamp) -> Result<Vec<UserId>> {
    let mut taken = Vec::new();
    for new in accounts {
        if one(db, &new.user)?.is_some() || block.is_blocked(db, &new.user)? {
            taken.push(new.user.clone());
        }
    }
    if !taken.is_empty() {
        return Ok(taken);
    }
    for NewAccount { user, state, account } in accounts {
        let state = people::one(db, user)?.map_or_else(|| state.clone(), |known| known.state);
        people::set_state(db, user, &state, at)?;
        changes::log(db, Change::PersonChanged { user: user.clone(), state }, at)?;
        db.prepare_cached("UPDATE people SET status = ?3, password = ?4, fields = ?5 WHERE realm = ?1 AND id = ?2")?.execute(params![
            user.realm().as_str(),
            user.id(),
            account.status.as_str(),
            account.password.expose_secret(),
            serde_json::to_string(&account.fields).ok().filter(|_| !account.fields.is_empty())
        ])?;
    }
    Ok(Vec::new())
}

pub(super) fn set_password(db: &Connection, user: &UserId, was: &SecretString, becomes: &SecretString) -> Result<bool> {
    let changed = db.prepare_cached("UPDATE people SET password = ?4 WHERE realm = ?1 AND id = ?2 AND password = ?3")?.execute(params![
        user.realm().as_str(),
        user.id(),
        was.expose_secret(),
        becomes.expose_secret()
    ])?;
    if changed > 0 {
        forget_reset(db, user)?;
    }
    Ok(changed > 0)
}

pub(super) fn set_status(db: &Connection, user: &UserId, status: AccountStatus) -> Result<bool> {
    let changed = db
        .prepare_cached("UPDATE people SET status = ?3 WHERE realm = ?1 AND id = ?2 AND password IS NOT NULL")?
        .execute(params![user.realm().as_str(), user.id(), status.as_str()])?;
    Ok(changed > 0)
}

pub(super) fn put_reset(db: &Connection, user: &UserId, reset: &TokenHash, until: Timestamp) -> Result<bool> {
    if one(db, user)?.is_none() {
        return Ok(false);
    }
    db.execute(
        "INSERT INTO resets (hash, realm, id, good_until) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (realm, id) DO UPDATE SET hash = excluded.hash, good_until = excluded.good_until",
        params![reset.bytes(), user.realm().as_str(), user.id(), millis(until)],
    )?;
    Ok(true)
}

pub(super) fn reset_of(db: &Connection, reset: &TokenHash, now: Timestamp) -> Result<Option<UserId>> {
    db.prepare_cached("SELECT realm, id FROM resets WHERE hash = ?1 AND good_until > ?2")?
        .query_row(params![reset.bytes(), millis(now)], |row| columns::user(row, "realm", "id"))
        .optional()
}

/// Takes the link and sets the password, in one: who comes second finds no link.
pub(super) fn use_reset(db: &Connection, reset: &TokenHash, password: &SecretString, now: Timestamp) -> Result<Option<UserId>> {
    let Some(user) = reset_of(db, reset, now)? else { return Ok(None) };
    forget_reset(db, &user)?;
    let changed = db.execute(
        "UPDATE people SET password = ?3 WHERE realm = ?1 AND id = ?2 AND password IS NOT NULL",
        params![user.realm().as_str(), user.id(), password.expose_secret()],
    )?;
    Ok((changed > 0).then_some(user))
}

/// Whoever is removed, or has a new password, leaves no link behind.
pub(super) fn forget_reset(db: &Connection, user: &UserId) -> Result<()> {
    db.execute("DELETE FROM resets WHERE realm = ?1 AND id = ?2", params![user.realm().as_str(), user.id()])?;
    Ok(())
}

pub(super) fn page(db: &Connection, realm: &Realm, after: &str, limit: u32) -> Result<Vec<NewAccount>> {
    db.prepare_cached("SELECT * FROM people WHERE realm = ?1 AND id > ?2 AND password IS NOT NULL ORDER BY id LIMIT ?3")?
        .query_map(params![realm.as_str(), after, limit], |row| {
            Ok(NewAccount { user: columns::user(row, "realm", "id")?, state: people::state(row)?, account: account(row)? })
        })?
        .collect()
}
