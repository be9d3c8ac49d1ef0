use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Why the operator's log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TracingError {
    /// The level is none.
    #[error("{0:?} is not a log level; write error, warn, info, debug or trace, or a filter such as \"info,munjigi::upstream=debug\"")]
    Level(String),
    /// Somebody has set up tracing in this process before.
    #[error("the operator's log was set up twice")]
    Twice,
}

/// Sends the operator's log (starts, reloads, faults, audit events) to standard error.
///
/// `level` is one of `error`, `warn`, `info`, `debug`, `trace`, or a filter by module. Libraries are kept at `warn` unless
/// the filter names them: at their finer levels some of them write down what they send.
///
/// # Errors
/// When the level is none, or a log was set up before.
pub fn init_tracing(level: &str, json: bool) -> Result<(), TracingError> {
    let filter = filter(level)?;
    let builder = tracing_subscriber::fmt().with_writer(io::stderr).with_env_filter(filter);
    let done = if json { builder.json().flatten_event(true).finish().try_init() } else { builder.with_ansi(false).finish().try_init() };
    done.map_err(|_| TracingError::Twice)
}

fn filter(level: &str) -> Result<EnvFilter, TracingError> {
    let wrong = || TracingError::Level(level.to_owned());
    let plain = matches!(level, "error" | "warn" | "info" | "debug" | "trace");
    if plain {
        let libraries = if level == "error" { "error" } else { "warn" };
        return EnvFilter::try_new(format!("{libraries},munjigi={level},audit=info")).map_err(|_| wrong());
    }
    if level.trim().is_empty() || !level.contains(['=', ',']) {
        return Err(wrong());
    }
    EnvFilter::try_new(level).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::super::audit::{AuditEvent, AuditKind, audit_log};
    use super::*;
    use crate::base::{ClientAddr, Timestamp};
    use crate::identity::UserId;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn levels_are_read_and_nonsense_is_refused() {
        for level in ["error", "warn", "info", "debug", "trace", "info,munjigi::upstream=debug"] {
            assert!(filter(level).is_ok(), "{level}");
        }
        for level in ["", " ", "loud", "5", "munjigi=loud"] {
            assert!(filter(level).is_err(), "{level}");
        }
    }

    #[test]
    fn debug_does_not_open_the_mouths_of_libraries() {
        assert!(filter("trace").unwrap().to_string().split(',').any(|part| part == "warn"));
    }

    #[test]
    fn an_audit_event_is_one_line_whatever_its_texts_hold() {
        let event = AuditEvent {
            at: Timestamp::from_millis(5),
            kind: AuditKind::LoginRefused,
            user: Some(UserId::parse("mju:60201234").unwrap()),
            session: None,
            address: Some(ClientAddr::new("192.0.2.1".parse().unwrap())),
            request: Some("r1".into()),
            detail: "mju\n2026 INFO audit: kind=\"login_accepted\"\x1b[31m".into(),
        };
        for json in [false, true] {
            let kept = Kept::default();
            let writer = kept.clone();
            let builder = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false);
            let logged = || audit_log(&event);
            if json {
                tracing::subscriber::with_default(builder.json().flatten_event(true).finish(), logged);
            } else {
                tracing::subscriber::with_default(builder.finish(), logged);
            }
            let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
            assert_eq!(text.matches('\n').count(), 1, "{text}");
            assert!(text.contains("login_refused") && text.contains("mju:60201234") && text.contains("192.0.2.1"), "{text}");
            assert!(!text.contains('\x1b'), "{text}");
        }
    }
}
