//! The small sections: `[store]`, `[throttle]` and `[log]`.

use std::time::Duration;

use super::parse;
use super::section::Section;
use super::settings::{LogSettings, StoreSettings};
use crate::base::Fault;
use crate::observe::LogFormat;
use crate::store::Retention;
use crate::store::sqlite::Settings as SqliteSettings;
use crate::throttle::Settings as ThrottleSettings;

/// Where the store is unless said.
const DEFAULT_STORE: &str = "state/munjigi.db";
/// A hundred years: as good as for ever.
const LONGEST_KEPT: Duration = Duration::from_secs(36_500 * 86_400);

/// Reads `[store]`.
pub(super) fn store(root: &Section<'_>) -> (StoreSettings, Retention) {
    let section = root.section("store", "[store]");
    // SQLite is the only kind so far; the key is there so that a file need not change when there are more.
    let _ = section.word("kind", &[("sqlite", ())]);
    let path = section.path("path").map_or_else(|| section.reader.resolve(DEFAULT_STORE), |at| at.value);
    let default = Retention::default();
    let audit = section.duration("keep_audit", Duration::from_secs(86_400), LONGEST_KEPT).map_or(default.audit, |at| at.value);
    (StoreSettings::Sqlite(SqliteSettings::new(path)), Retention { audit })
}

/// Reads `[throttle]`.
pub(super) fn throttle(root: &Section<'_>) -> ThrottleSettings {
    let section = root.section("throttle", "[throttle]");
    let default = ThrottleSettings::default();
    let count = |key, default| section.number(key, 1, 1_000_000).and_then(|at| u32::try_from(at.value).ok()).unwrap_or(default);
    let span = |key, default| section.duration(key, Duration::from_millis(1), Duration::from_secs(86_400)).map_or(default, |at| at.value);
    let shared = section.list("shared_addresses", parse::network).map(|list| list.into_iter().map(|at| at.value).collect());
    ThrottleSettings {
        account_burst: count("account_burst", default.account_burst),
        account_every: span("account_every", default.account_every),
        account_longest: span("account_longest", default.account_longest),
        address_burst: count("address_burst", default.address_burst),
        address_every: span("address_every", default.address_every),
        address_in_flight: count("address_in_flight", default.address_in_flight),
        shared_addresses: shared.unwrap_or(default.shared_addresses),
        shared_factor: count("shared_factor", default.shared_factor),
        capacity: section.number("capacity", 1000, 100_000_000).map_or(default.capacity, |at| at.value),
    }
}

/// Reads `[log]`.
pub(super) fn log(root: &Section<'_>) -> LogSettings {
    let section = root.section("log", "[log]");
    let forms = [("combined", Some(LogFormat::Combined)), ("json", Some(LogFormat::Json)), ("off", None)];
    let access = section.word("access", &forms).map_or(Some(LogFormat::Combined), |at| at.value);
    let access_path = section.path("access_path");
    if let Some(path) = access_path.as_ref().filter(|_| access.is_none()) {
        section.reader.warn(Fault::new("the access log is off, so this has no effect").at(path.span.clone()));
    }
    let level = section.read("level", level).map_or_else(|| "info".to_owned(), |at| at.value);
    LogSettings { access, access_path: access_path.map(|at| at.value), level }
}

/// One of the levels, or a filter by module such as `info,munjigi::upstream=debug`.
fn level(text: &str) -> Result<String, Fault> {
    let words = ["error", "warn", "info", "debug", "trace"].map(|word| (word, word));
    if !text.contains(['=', ',']) {
        return parse::word(text, &words).map(str::to_owned);
    }
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(Fault::new(format!("{text:?} is no filter: {error}")).help("write as in \"info,munjigi::upstream=debug\"")),
    }
}
