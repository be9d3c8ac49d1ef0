//! Opening the file: its directory, its permissions, what it is, its schema, the settings of a connection.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error, ErrorCode, FileControl, OpenFlags};

use super::{columns, schema};
use crate::store::StoreError;
use crate::store::lock::make_directory;

/// Why the database cannot be opened. Each is a sentence for an operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The directory it should lie in is not there and cannot be made.
    #[error("the directory of the database {} cannot be made: {reason}", path.display())]
    Directory {
        /// The database.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file is missing and may not be made here: it was there when the gateway started.
    #[error("the database {} is gone; put it back or restart the gateway to begin a new one", path.display())]
    Gone {
        /// The database.
        path: PathBuf,
    },
    /// The file or its directory cannot be written.
    #[error("the database {} cannot be written; make the file and its directory writable for the gateway's user", path.display())]
    NotWritable {
        /// The database.
        path: PathBuf,
    },
    /// The file is something else, or damaged from its first page on.
    #[error("the file {} is not a database; name another one or restore a backup", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A database, but another program's.
    #[error("the database {} belongs to another program; name another file", path.display())]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// A newer release has been here.
    #[error(
        "the database {} has schema {found}, and this release knows schemas up to {known}; start the newer release or restore a backup",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// Ids are blocked by hashes that the key beside it did not make.
    #[error(
        "{} is not the key that the blocked ids in {} were hashed with; put back the one that belongs to this database, or nobody \
         would know those ids again",
        key.display(),
        path.display()
    )]
    OtherKey {
        /// The database.
        path: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// Another process holds it for longer than we wait.
    #[error("the database {} is locked by another process; stop that one and start again", path.display())]
    Locked {
        /// The database.
        path: PathBuf,
    },
    /// Anything else.
    #[error("the database {} cannot be opened: {reason}", path.display())]
    Failed {
        /// The database.
        path: PathBuf,
        /// What the system or the engine says.
        reason: String,
    },
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        let reason = error.to_string();
        match error {
            OpenError::NotWritable { .. } => Self::ReadOnly,
            OpenError::Locked { .. } => Self::Busy(reason),
            OpenError::NotADatabase { .. } | OpenError::Foreign { .. } => Self::Damaged(reason),
            OpenError::Directory { .. }
            | OpenError::Gone { .. }
            | OpenError::Newer { .. }
            | OpenError::OtherKey { .. }
            | OpenError::Failed { .. } => Self::Failed(reason),
        }
    }
}

/// A connection that is opened again when its file was moved or it was seen to fail, so that the store recovers from a
/// full disk, a read-only spell or a restored file without a restart.
pub(super) struct Held {
    path: PathBuf,
    busy_timeout: Duration,
    connection: Option<Connection>,
}

impl Held {
    /// Opens the database, making the file, its directory and its tables when they are missing.
    pub(super) fn create(path: &Path, busy_timeout: Duration) -> Result<Self, OpenError> {
        make_file(path)?;
        Self::open(path, busy_timeout)
    }

    /// Opens the database that must be there.
    pub(super) fn open(path: &Path, busy_timeout: Duration) -> Result<Self, OpenError> {
        let connection = Some(connect(path, busy_timeout)?);
        Ok(Self { path: path.to_owned(), busy_timeout, connection })
    }

    /// The connection, opened again if need be.
    pub(super) fn ready(&mut self) -> Result<&mut Connection, OpenError> {
        // A file that was deleted or replaced takes writes that no restart would find again.
        if self.connection.as_ref().is_none_or(has_moved) {
            self.connection = None;
            self.connection = Some(connect(&self.path, self.busy_timeout)?);
        }
        self.connection.as_mut().ok_or_else(|| OpenError::Gone { path: self.path.clone() })
    }

    /// After an error that may lie in the connection itself, the next use opens a new one.
    pub(super) fn doubt(&mut self, error: &StoreError) {
        match error {
            StoreError::ReadOnly | StoreError::Damaged(_) | StoreError::Failed(_) => self.connection = None,
            StoreError::Busy(_) | StoreError::Full => {}
        }
    }
}

fn has_moved(connection: &Connection) -> bool {
    let mut moved = 0;
    // Should the engine not be able to tell, the connection is taken for good.
    connection.file_control(None::<&str>, FileControl::HasMoved(&mut moved)).is_ok() && moved != 0
}

fn make_file(path: &Path) -> Result<(), OpenError> {
    let parent = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    make_directory(parent).map_err(|reason| OpenError::Directory { path: path.to_owned(), reason: reason.to_string() })?;
    // Made here and not by the engine, for the permissions; its companions take over those of the file. A file that is
    // there must not be opened here: closing it would drop the locks that other connections of this process hold.
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made.and_then(|file| file.sync_all()).and_then(|()| File::open(parent)?.sync_all()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(OpenError::NotWritable { path: path.to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::ReadOnlyFilesystem => Err(OpenError::NotWritable { path: path.to_owned() }),
        Err(reason) => Err(OpenError::Failed { path: path.to_owned(), reason: reason.to_string() }),
    }
}

fn connect(path: &Path, busy_timeout: Duration) -> Result<Connection, OpenError> {
    if !path.exists() {
        return Err(OpenError::Gone { path: path.to_owned() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| explain(path, &error))?;
    // The engine quietly falls back to reading when it may not write.
    if connection.is_readonly(rusqlite::MAIN_DB).map_err(|error| explain(path, &error))? {
        return Err(OpenError::NotWritable { path: path.to_owned() });
    }
    connection.busy_timeout(busy_timeout).map_err(|error| explain(path, &error))?;
    schema::examine(&connection, schema::MIGRATIONS).map_err(|error| misfit(path, &error))?;
    prepare(&connection).map_err(|error| explain(path, &error))?;
    schema::migrate(&mut connection, schema::MIGRATIONS).map_err(|error| misfit(path, &error))?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    // A commit that was answered survives a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    // The writer checkpoints between batches, when nobody waits; this is for the case that it never gets to it.
    connection.pragma_update(None, "wal_autocheckpoint", 10_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    // What is removed is overwritten: a person's data, a sealed token.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    Ok(())
}

fn misfit(path: &Path, error: &schema::MigrationError) -> OpenError {
    let owned = path.to_owned();
    match error {
        schema::MigrationError::Foreign => OpenError::Foreign { path: owned },
        schema::MigrationError::Newer { found, known } => OpenError::Newer { path: owned, found: *found, known: *known },
        schema::MigrationError::Engine(error) => explain(path, error),
    }
}

fn explain(path: &Path, error: &Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::NotADatabase { path },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => OpenError::NotWritable { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { path },
        Some(_) | None => OpenError::Failed { path, reason: columns::translate(error).to_string() },
    }
}
