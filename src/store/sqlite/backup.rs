use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use tokio::sync::oneshot;

use super::Settings;
use super::columns::translate;
use super::open::Held;
use crate::store::{Pending, StoreError};

/// Copies on a thread and a connection of its own: one reading of the whole database, beside which writes go on.
pub(super) fn start(settings: Settings, to: PathBuf) -> Pending<()> {
    let (answer, wait) = oneshot::channel();
    let copy = move || drop(answer.send(copy(&settings, &to)));
    let started = std::thread::Builder::new().name("store-backup".to_owned()).spawn(copy);
    Box::pin(async move {
        started.map_err(|error| StoreError::Failed(error.to_string()))?;
        wait.await.unwrap_or_else(|_| Err(StoreError::Failed("the copy was not finished".to_owned())))
    })
}

fn copy(settings: &Settings, to: &Path) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| {
        if matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) {
            return StoreError::Full;
        }
        StoreError::Failed(format!("the copy {} cannot be written: {error}", to.display()))
    };
    let target = to.to_str().ok_or_else(|| StoreError::Failed("the name of the copy is not UTF-8".to_owned()))?;
    // Made here for its permissions, and so that nothing is ever written over.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(failed)?;
    let copied = vacuum(settings, target).and_then(|()| {
        file.sync_all().map_err(failed)?;
        let parent = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        File::open(parent).and_then(|dir| dir.sync_all()).map_err(failed)
    });
    if copied.is_err() {
        // Half a copy would be taken for a whole one.
        drop(std::fs::remove_file(to));
    }
    copied
}

fn vacuum(settings: &Settings, target: &str) -> Result<(), StoreError> {
    let mut held = Held::open(&settings.path, settings.busy_timeout)?;
    held.ready()?.execute("VACUUM INTO ?1", [target]).map_err(|error| translate(&error))?;
    Ok(())
}
