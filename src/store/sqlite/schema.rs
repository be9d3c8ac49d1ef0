//! The schema and its versions. A migration only adds: during an upgrade the release before works on beside this one.

use rusqlite::{Connection, Error, TransactionBehavior};

/// Step `n` brings a database from version `n` to `n + 1`.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("1.sql"), include_str!("2.sql"), include_str!("3.sql"), include_str!("4.sql")];

/// "Munj": tells our databases from other programs' (`PRAGMA application_id`).
const APPLICATION: i32 = 0x4d75_6e6a;

#[derive(Debug)]
pub(super) enum MigrationError {
    Foreign,
    Newer { found: u32, known: u32 },
    Engine(Error),
}

impl From<Error> for MigrationError {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

/// The version of the schema there is. Reads only, so that nothing is written to a file that is not ours.
pub(super) fn examine(connection: &Connection, migrations: &[&str]) -> Result<u32, MigrationError> {
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if !ours(connection)? {
        return Err(MigrationError::Foreign);
    }
    if found > known { Err(MigrationError::Newer { found, known }) } else { Ok(found) }
}

/// Brings the database to the newest version, in one transaction that only one process can be in.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), MigrationError> {
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    let missing = |found: u32| migrations.get(usize::try_from(found).unwrap_or(usize::MAX)..).unwrap_or_default();
    if missing(examine(connection, migrations)?).is_empty() {
        return Ok(());
    }
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again: another process may have done it since.
    for sql in missing(examine(&step, migrations)?) {
        step.execute_batch(sql)?;
    }
    step.pragma_update(None, "application_id", APPLICATION)?;
    step.pragma_update(None, "user_version", known)?;
    step.commit()?;
    Ok(())
}

/// An empty database is anybody's, and so ours.
fn ours(connection: &Connection) -> rusqlite::Result<bool> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let empty = || connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0));
    if application == 0 { empty() } else { Ok(application == APPLICATION) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(connection: &Connection) -> u32 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    fn tables(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_empty_database_is_brought_to_the_newest_version() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, MIGRATIONS).unwrap();
        assert_eq!(version(&connection), u32::try_from(MIGRATIONS.len()).unwrap());
        migrate(&mut connection, MIGRATIONS).unwrap();
    }

    #[test]
    fn only_the_missing_steps_are_taken_and_a_failing_step_leaves_everything() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &["CREATE TABLE one (x)"]).unwrap();
        let broken = migrate(&mut connection, &["CREATE TABLE one (x)", "CREATE TABLE two (x)", "CREATE RUBBISH"]);
        assert!(matches!(broken, Err(MigrationError::Engine(_))));
        assert_eq!((version(&connection), tables(&connection)), (1, 1));
        migrate(&mut connection, &["CREATE TABLE one (x)", "CREATE TABLE two (x)"]).unwrap();
        assert_eq!((version(&connection), tables(&connection)), (2, 2));
    }

    #[test]
    fn what_is_newer_or_not_ours_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &["CREATE TABLE one (x)", "CREATE TABLE two (x)"]).unwrap();
        let newer = migrate(&mut connection, &["CREATE TABLE one (x)"]);
        assert!(matches!(newer, Err(MigrationError::Newer { found: 2, known: 1 })));

        let mut foreign = Connection::open_in_memory().unwrap();
        foreign.execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert!(matches!(migrate(&mut foreign, MIGRATIONS), Err(MigrationError::Foreign)));
        assert_eq!(tables(&foreign), 1);
    }
}
