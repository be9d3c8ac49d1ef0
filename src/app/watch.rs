use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use crate::tls;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(2);

/// Looks for changed certificate files, when that is switched on. It polls: what writes certificates may be a container's
/// mount or a network file system, where notices of changes get lost.
pub(super) struct Watch {
    files: Vec<PathBuf>,
    taken: Vec<Stamp>,
    seen: Vec<Stamp>,
}

/// What changes with a file: time, size, inode. `None`: it is not there.
type Stamp = Option<(SystemTime, u64, u64)>;

impl Watch {
    /// Over the files of these settings, which are about to be read: what is written from now on counts as a change.
    pub(super) fn new(settings: &tls::Settings) -> Self {
        let pairs = settings.certificates.iter().filter(|_| settings.watch);
        let files: Vec<PathBuf> = pairs.flat_map(|pair| [pair.cert.clone(), pair.key.clone()]).collect();
        Self { taken: stamps(&files), files, seen: Vec::new() }
    }

    /// Waits until files have changed and then stayed as they are for one look: a certificate and its key are two files,
    /// and whoever writes them needs a moment. Each change is told once, whether it can be taken up or not.
    pub(super) async fn changed(&mut self) {
        if self.files.is_empty() {
            return std::future::pending().await;
        }
        loop {
            let now = stamps(&self.files);
            if self.taken != now && self.seen == now {
                self.taken = now;
                return;
            }
            self.seen = now;
            sleep(EVERY).await;
        }
    }
}

/// Runs on the process's own thread, where a slow disk keeps nobody waiting.
fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    let stamp = |file: &PathBuf| {
        let meta = fs::metadata(file).ok()?;
        Some((meta.modified().ok()?, meta.len(), meta.ino()))
    };
    files.iter().map(stamp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::CertificateFiles;

    #[tokio::test(start_paused = true)]
    async fn a_change_is_told_once_and_only_when_it_rests() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert"), folder.path().join("key"));
        fs::write(&cert, "1").unwrap();
        let settings =
            |watch| tls::Settings { certificates: vec![CertificateFiles { cert: cert.clone(), key: key.clone() }], generate: false, watch };
        let mut watch = Watch::new(&settings(true));
        let quiet = async |watch: &mut Watch| tokio::time::timeout(10 * EVERY, watch.changed()).await.is_err();
        assert!(quiet(&mut watch).await);
        fs::write(&key, "now it is there").unwrap();
        assert!(!quiet(&mut watch).await);
        assert!(quiet(&mut watch).await);
        fs::write(&cert, "longer").unwrap();
        assert!(!quiet(&mut watch).await);
        assert!(quiet(&mut Watch::new(&settings(false))).await);
    }
}
