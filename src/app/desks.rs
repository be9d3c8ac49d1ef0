//! Where the process takes orders: the admin listener, if there is one, and the operator's socket beside the state.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Failure, build};
use crate::config::{Config, StoreSettings};
use crate::gateway::{Admin, Entrance};
use crate::server::{BindError, Environment, Plain, PlainAddress, PlainListener, Settings, serve_plain};
use crate::web::Peer;

/// How long answers under way have at the end.
const LAST: Duration = Duration::from_millis(500);

/// The socket's file in the state directory.
const FILE: &str = "munjigi.sock";

/// Where operators' commands find the gateway of a configuration.
pub(super) fn operators_socket(config: &Config) -> PathBuf {
    let StoreSettings::Sqlite(store) = &config.store;
    build::folder(&store.path).join(FILE)
}

/// Sockets that orders will come through.
pub(super) struct Sockets {
    admin: Option<PlainListener>,
    operators: Option<(PlainListener, PathBuf, u32)>,
}

/// Binds both. The state directory is locked already, so a socket file there is nobody else's.
pub(super) fn bind(config: &Config) -> Result<Sockets, Failure> {
    let admin = config.admin.as_ref().map(|place| PlainListener::bind(place, 0o660)).transpose()?;
    let path = operators_socket(config);
    match private(&path) {
        Ok((listener, owner)) => Ok(Sockets { admin, operators: Some((listener, path, owner)) }),
        // A path longer than sockets may have is no reason to serve nobody.
        Err(error) => {
            tracing::warn!("operators' commands will not find this gateway: {error}");
            Ok(Sockets { admin, operators: None })
        }
    }
}

/// A socket for its owner alone.
fn private(path: &Path) -> Result<(PlainListener, u32), BindError> {
    let listener = PlainListener::bind(&PlainAddress::Unix(path.to_owned()), 0o600)?;
    let file = fs::symlink_metadata(path).map_err(|source| BindError::Failed { address: path.display().to_string(), source })?;
    Ok((listener, file.uid()))
}

/// Both at work. They take orders until the very end of the process.
pub(super) struct Desks {
    admin: Option<Plain>,
    operators: Option<(Plain, PathBuf)>,
}

impl Desks {
    /// Serves them, on the runtime this is called on.
    pub(super) fn open(sockets: Sockets, settings: &Settings, environment: &Environment, admin: &Arc<Admin>) -> Result<Self, Failure> {
        let serve = |listener, entrance| {
            let admin = Arc::clone(admin);
            let handler = move |request, peer: Arc<Peer>| {
                let admin = Arc::clone(&admin);
                async move { admin.handle(request, &peer, entrance).await }
            };
            serve_plain(listener, settings, environment, handler)
                .map_err(|source| Failure::System { what: "cannot serve the administration", source })
        };
        let listener = sockets.admin.map(|listener| serve(listener, Entrance::Listener)).transpose()?;
        let operators = sockets.operators.map(|(listener, path, owner)| Ok((serve(listener, Entrance::Socket { owner })?, path)));
        Ok(Self { admin: listener, operators: operators.transpose().map_err(|failure: Failure| failure)? })
    }

    /// Says where they are.
    pub(super) fn tell(&self) {
        if let Some(address) = self.admin.as_ref().and_then(Plain::address) {
            tracing::info!("administration, metrics and health on http://{address}");
        }
        if let Some((_, path)) = &self.operators {
            tracing::info!("operators' commands through {}", path.display());
        }
    }

    /// The end.
    pub(super) async fn close(self) {
        for plain in self.admin.into_iter().chain(self.operators.map(|(plain, _)| plain)) {
            plain.stop(LAST).await;
        }
    }
}
