use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The state directory is ours as long as this lives. Two gateways that know nothing of each other must not share one;
/// the kernel gives the lock back when the process ends, however it ends.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

/// Why the state directory cannot be ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("the state directory {} is in use by {}; stop that one, or name another directory", dir.display(), owner(*pid))]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// Which process, when it says so.
        pid: Option<u32>,
    },
    /// The directory or its lock file cannot be made or opened.
    #[error("the state directory {} cannot be used: {reason}", dir.display())]
    Unusable {
        /// The directory.
        dir: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
}

fn owner(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

impl StateLock {
    /// Takes `dir`, which is made (for its owner alone) when it is missing.
    ///
    /// # Errors
    /// When another process has it, or it cannot be used.
    pub fn acquire(dir: &Path) -> Result<Self, LockError> {
        let unusable = |reason| LockError::Unusable { dir: dir.to_owned(), reason };
        make_directory(dir).map_err(unusable)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(dir.join("munjigi.lock")).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::InUse { dir: dir.to_owned(), pid: written_pid(&mut file) }),
            Err(TryLockError::Error(reason)) => return Err(unusable(reason)),
        }
        // Only for the sentence that a second process says: what counts is the lock.
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(unusable)?;
        Ok(Self { _file: file })
    }
}

fn written_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Makes a directory that only its owner can look into; one that is there stays as it is.
pub(super) fn make_directory(dir: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_directory_has_one_owner_and_the_second_is_told_which() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("state");
        let first = StateLock::acquire(&dir).unwrap();
        assert_eq!(dir.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let refusal = StateLock::acquire(&dir).unwrap_err().to_string();
        assert!(refusal.contains(&format!("in use by process {}", std::process::id())), "{refusal}");
        drop(first);
        StateLock::acquire(&dir).unwrap();
    }

    #[test]
    fn a_place_that_cannot_be_a_directory_is_named() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        File::create(&file).unwrap();
        let refusal = StateLock::acquire(&file.join("state")).unwrap_err().to_string();
        assert!(refusal.contains("cannot be used"), "{refusal}");
    }
}
