use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params, params, params_from_iter};

use super::columns::{self, maybe_timestamp, millis, text, timestamp};
use crate::base::Timestamp;
use crate::identity::{DisplayName, Email, Group, Profile, Role, UserId};
use crate::store::{AccountStatus, PeoplePage, PeopleQuery, Person, PersonState};

/// A person's state as columns.
pub(super) struct StateColumns<'a> {
    pub(super) role: &'static str,
    pub(super) groups: String,
    pub(super) name: Option<&'a str>,
    pub(super) email: Option<&'a str>,
    pub(super) disabled: bool,
}

impl<'a> StateColumns<'a> {
    pub(super) fn of(state: &'a PersonState) -> Self {
        let Profile { role, groups, name, email } = &*state.profile;
        Self {
            role: role.as_str(),
            groups: groups.iter().map(Group::as_str).collect::<Vec<_>>().join(","),
            name: name.as_ref().map(DisplayName::as_str),
            email: email.as_ref().map(Email::as_str),
            disabled: state.disabled,
        }
    }
}

/// Reads the columns of a state. A word that is no role or no name any more counts for nothing: it gives no rights, and
/// one row that a later release finds odd must not keep the gateway from starting.
pub(super) fn state(row: &Row<'_>) -> Result<PersonState> {
    let maybe = |column: &'static str| row.get::<_, Option<String>>(column);
    let mut groups: Vec<Group> = text(row, "groups")?.split(',').filter_map(|group| Group::new(group).ok()).collect();
    groups.sort();
    groups.dedup();
    let profile = Profile {
        role: Role::parse(&text(row, "role")?).unwrap_or_default(),
        groups,
        name: maybe("name")?.and_then(|name| DisplayName::new(&name).ok()),
        email: maybe("email")?.and_then(|email| Email::new(&email).ok()),
    };
    Ok(PersonState { disabled: row.get("disabled")?, profile: Arc::new(profile) })
}

/// Adds the person or notes the login. Whether it is the first one ever; `None` for a disabled person, who stays as is.
pub(super) fn log_in(db: &Connection, user: &UserId, at: Timestamp) -> Result<Option<bool>> {
    let known = db
        .prepare_cached("SELECT last_login IS NULL, disabled FROM people WHERE realm = ?1 AND id = ?2")?
        .query_row(params![user.realm().as_str(), user.id()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (first, disabled) = known.unwrap_or((true, false));
    if disabled {
        return Ok(None);
    }
    db.prepare_cached(
        "INSERT INTO people (realm, id, created, last_login) VALUES (?1, ?2, ?3, ?3) \
         ON CONFLICT (realm, id) DO UPDATE SET last_login = excluded.last_login",
    )?
    .execute(params![user.realm().as_str(), user.id(), millis(at)])?;
    Ok(Some(first))
}

pub(super) fn set_state(db: &Connection, user: &UserId, state: &PersonState, at: Timestamp) -> Result<()> {
    let columns = StateColumns::of(state);
    db.prepare_cached(
        "INSERT INTO people (realm, id, created, role, groups, name, email, disabled) \
         VALUES (:realm, :id, :at, :role, :groups, :name, :email, :disabled) \
         ON CONFLICT (realm, id) DO UPDATE SET role = excluded.role, groups = excluded.groups, name = excluded.name, \
         email = excluded.email, disabled = excluded.disabled",
    )?
    .execute(named_params! {
        ":realm": user.realm().as_str(),
        ":id": user.id(),
        ":at": millis(at),
        ":role": columns.role,
        ":groups": columns.groups,
        ":name": columns.name,
        ":email": columns.email,
        ":disabled": columns.disabled,
    })?;
    Ok(())
}

pub(super) fn remove(db: &Connection, user: &UserId) -> Result<()> {
    db.execute("DELETE FROM people WHERE realm = ?1 AND id = ?2", params![user.realm().as_str(), user.id()])?;
    Ok(())
}

/// Everybody whose standing is not the default one.
pub(super) fn special(db: &Connection) -> Result<Vec<(UserId, PersonState)>> {
    db.prepare_cached(
        "SELECT realm, id, role, groups, name, email, disabled FROM people \
         WHERE disabled OR role <> 'member' OR groups <> '' OR name IS NOT NULL OR email IS NOT NULL",
    )?
    .query_map([], |row| Ok((columns::user(row, "realm", "id")?, state(row)?)))?
    .collect()
}

pub(super) fn one(db: &Connection, user: &UserId) -> Result<Option<Person>> {
    db.prepare_cached("SELECT * FROM people WHERE realm = ?1 AND id = ?2")?
        .query_row(params![user.realm().as_str(), user.id()], person)
        .optional()
}

/// In the order of realm and id, whichever way the page was reached.
pub(super) fn page(db: &Connection, query: &PeopleQuery) -> Result<Vec<Person>> {
    let (sql, values) = paging(query);
    let mut people: Vec<Person> = db.prepare_cached(&sql)?.query_map(params_from_iter(values), person)?.collect::<Result<_>>()?;
    if matches!(query.page, PeoplePage::Before(_) | PeoplePage::Last) {
        people.reverse();
    }
    Ok(people)
}

/// The statement of a page: it begins at its place in an index, so no page costs more than another one.
pub(super) fn paging(query: &PeopleQuery) -> (String, Vec<Value>) {
    let mut sql = "SELECT * FROM people WHERE true".to_owned();
    let mut values = Vec::new();
    let beside = match &query.page {
        PeoplePage::First | PeoplePage::Last => None,
        PeoplePage::After(user) => Some((">", user)),
        PeoplePage::Before(user) => Some(("<", user)),
    };
    if let Some((than, user)) = beside {
        // A row value, which the index over both columns is searched with.
        sql.push_str(" AND (realm, id) ");
        sql.push_str(than);
        sql.push_str(" (?, ?)");
        values.extend([Value::from(user.realm().as_str().to_owned()), Value::from(user.id().to_owned())]);
    }
    if query.awaiting {
        sql.push_str(" AND status = 'awaiting'");
    }
    if let Some(search) = &query.search {
        sql.push_str(" AND (id LIKE ? ESCAPE '\\' OR name LIKE ? ESCAPE '\\' OR email LIKE ? ESCAPE '\\')");
        let pattern = Value::from(containing(search.trim()));
        values.extend([pattern.clone(), pattern.clone(), pattern]);
    }
    sql.push_str(match query.page {
        PeoplePage::First | PeoplePage::After(_) => " ORDER BY realm, id LIMIT ?",
        PeoplePage::Before(_) | PeoplePage::Last => " ORDER BY realm DESC, id DESC LIMIT ?",
    });
    values.push(Value::from(query.limit));
    (sql, values)
}

/// A pattern for whatever holds `text`, in which nothing is a wildcard.
fn containing(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

fn account(row: &Row<'_>) -> Result<Option<AccountStatus>> {
    let has_password = row.get_ref("password")? != rusqlite::types::ValueRef::Null;
    if has_password { text(row, "status").map(|word| Some(AccountStatus::parse(&word))) } else { Ok(None) }
}

fn person(row: &Row<'_>) -> Result<Person> {
    Ok(Person {
        user: columns::user(row, "realm", "id")?,
        created: timestamp(row, "created")?,
        last_login: maybe_timestamp(row, "last_login")?,
        state: state(row)?,
        account: account(row)?,
    })
}
