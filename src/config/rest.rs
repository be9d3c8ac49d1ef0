//! The small sections: `[store]`, `[throttle]` and `[log]`.

use std::time::Duration;

use tracing::Level;

use super::parse;
use super::reader::Section;
use super::settings::{AccessLog, LogSettings, StoreSettings};
use crate::base::Fault;
use crate::throttle;

/// Where the store is unless said.
const DEFAULT_STORE: &str = "state/munjigi.db";

/// Reads `[store]`.
pub(super) fn store(root: &Section<'_>) -> StoreSettings {
    let section = root.section("store", "[store]");
    // SQLite is the only kind so far; the key is there so that a file need not change when there are more.
    let _ = section.word("kind", &[("sqlite", ())]);
    let path = section.path("path").map_or_else(|| section.reader.resolve(DEFAULT_STORE), |at| at.value);
    StoreSettings::Sqlite { path }
}

/// Reads `[throttle]`.
pub(super) fn throttle(root: &Section<'_>) -> throttle::Settings {
    let section = root.section("throttle", "[throttle]");
    let default = throttle::Settings::default();
    let burst = |key, default| section.number(key, 1, 1_000_000).and_then(|at| u32::try_from(at.value).ok()).unwrap_or(default);
    let every = |key, default| section.duration(key, Duration::from_millis(1), Duration::from_secs(3600)).map_or(default, |at| at.value);
    throttle::Settings {
        account_burst: burst("account_burst", default.account_burst),
        account_every: every("account_every", default.account_every),
        address_burst: burst("address_burst", default.address_burst),
        account_longest: every("account_longest", default.account_longest),
        address_every: every("address_every", default.address_every),
        address_in_flight: burst("address_in_flight", default.address_in_flight),
        shared_addresses: section.list("shared_addresses", parse::network).unwrap_or_default().into_iter().map(|at| at.value).collect(),
        shared_factor: burst("shared_factor", default.shared_factor),
        capacity: default.capacity,
    }
}

/// Reads `[log]`.
pub(super) fn log(root: &Section<'_>) -> LogSettings {
    let section = root.section("log", "[log]");
    let forms = [("combined", AccessLog::Combined), ("json", AccessLog::Json), ("off", AccessLog::Off)];
    let access = section.word("access", &forms).map(|at| at.value).unwrap_or_default();
    let access_path = section.path("access_path");
    if let Some(path) = access_path.as_ref().filter(|_| access == AccessLog::Off) {
        section.reader.warn(Fault::new("the access log is off, so this has no effect").at(path.span.clone()));
    }
    let levels = [("error", Level::ERROR), ("warn", Level::WARN), ("info", Level::INFO), ("debug", Level::DEBUG), ("trace", Level::TRACE)];
    let level = section.word("level", &levels).map_or(Level::INFO, |at| at.value);
    LogSettings { access, access_path: access_path.map(|at| at.value), level }
}
