//! Ids of removed people that may not come back. Only a keyed hash of each is kept, and the key lies in a file of its own
//! beside the database: ids are short, so whoever holds a copy of the database alone could try all of them out otherwise.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use rusqlite::{Connection, OptionalExtension as _, Result, params};

use super::columns::millis;
use super::open::OpenError;
use crate::base::{Timestamp, random_bytes};
use crate::identity::UserId;

/// What ids are hashed with.
#[derive(Clone)]
pub(super) struct BlockKey(hmac::Key);

const LENGTH: usize = 32;

impl BlockKey {
    /// Reads the key beside a database, or makes it. Not silently once there are blocked ids: under another key nobody
    /// would know them again.
    pub(super) fn beside(database: &Path, db: &Connection) -> Result<Self, OpenError> {
        let path = key_file(database);
        let failed = |reason: String| OpenError::Failed { path: database.to_owned(), reason };
        let bytes = read_or_make(&path).map_err(|error| failed(format!("its key file {}: {error}", path.display())))?;
        let key = Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes));
        if key.belongs_to(db).map_err(|error| failed(error.to_string()))? {
            return Ok(key);
        }
        Err(OpenError::OtherKey { path: database.to_owned(), key: path })
    }

    /// Whether the ids blocked so far were hashed with this key. Before the first one any key will do.
    fn belongs_to(&self, db: &Connection) -> Result<bool> {
        let tag = hmac::sign(&self.0, b"munjigi: which key this is");
        let known: Option<Vec<u8>> = db.query_row("SELECT value FROM meta WHERE key = 'block_key'", [], |row| row.get(0)).optional()?;
        if known.as_deref() == Some(tag.as_ref()) {
            return Ok(true);
        }
        let none: bool = db.query_row("SELECT NOT EXISTS (SELECT 1 FROM blocked)", [], |row| row.get(0))?;
        if none {
            db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('block_key', ?1)", [tag.as_ref()])?;
        }
        Ok(none)
    }

    fn hash(&self, user: &UserId) -> hmac::Tag {
        // Neither half holds a colon.
        hmac::sign(&self.0, user.to_string().as_bytes())
    }

    pub(super) fn block(&self, db: &Connection, user: &UserId, at: Timestamp) -> Result<()> {
        db.prepare_cached("INSERT OR IGNORE INTO blocked (hash, at) VALUES (?1, ?2)")?
            .execute(params![self.hash(user).as_ref(), millis(at)])?;
        Ok(())
    }

    /// Whether it was blocked.
    pub(super) fn unblock(&self, db: &Connection, user: &UserId) -> Result<bool> {
        Ok(db.prepare_cached("DELETE FROM blocked WHERE hash = ?1")?.execute([self.hash(user).as_ref()])? > 0)
    }

    pub(super) fn is_blocked(&self, db: &Connection, user: &UserId) -> Result<bool> {
        db.prepare_cached("SELECT EXISTS (SELECT 1 FROM blocked WHERE hash = ?1)")?.query_row([self.hash(user).as_ref()], |row| row.get(0))
    }
}

/// `munjigi.db` has `munjigi.db.key`.
fn key_file(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".key");
    name.into()
}

/// Two processes may come at once: a whole file is put in place under its name, and whoever comes second takes that one.
fn read_or_make(path: &Path) -> io::Result<[u8; LENGTH]> {
    if let Some(key) = read(path)? {
        return Ok(key);
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(&random_bytes::<LENGTH>())?;
    file.sync_all()?;
    let placed = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match placed {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => read(path)?.ok_or_else(|| io::ErrorKind::NotFound.into()),
    }
}

#[expect(clippy::disallowed_methods, reason = "read once, when the store is opened")]
fn read(path: &Path) -> io::Result<Option<[u8; LENGTH]>> {
    match fs::read(path) {
        Ok(bytes) => bytes.try_into().map(Some).map_err(|_| io::Error::other("it does not hold 32 bytes; put the right one back")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
