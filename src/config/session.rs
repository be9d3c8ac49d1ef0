use std::time::Duration;

use super::parse;
use super::section::Section;
use super::value::At;
use crate::base::Fault;
use crate::gateway::{Rotation, SessionSettings};

/// Shortest and longest spans of a session.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);
/// How long a session that goes with the browser may be unused, unless said.
const FORGOTTEN: Duration = Duration::from_secs(12 * 3600);
/// How long streams go on past their session's own end, unless said: for somebody who is about to log in again.
const STREAM_GRACE: Duration = Duration::from_secs(60);

/// Reads `[session]`, and `rotation` of `[auth]`. A life that could not be read is `None` and compared with nothing.
pub(super) fn read(
    root: &Section<'_>,
    auth: &Section<'_>,
    access_ttl: Option<&At<Duration>>,
    refresh_ttl: Option<&At<Duration>>,
) -> SessionSettings {
    let section = root.section("session", "[session]");
    let access = access_ttl.map(|at| at.value);
    let absolute = section.duration("absolute", SHORTEST, LONGEST);
    if let (Some(absolute), Some(access)) = (&absolute, access)
        && absolute.value < access
    {
        let message = format!("a session would end before its first access token, which lives {}", parse::show(access));
        section.reader.mismatch(Fault::new(message).at(absolute.span.clone()).help("make `absolute` longer, or `access_ttl` shorter"));
    }
    let whole = absolute.map_or(refresh_ttl.map_or(LONGEST, |at| at.value), |at| at.value);
    let idle = section.duration("idle", SHORTEST, LONGEST);
    let idle_forgotten = section.duration("idle_forgotten", SHORTEST, LONGEST);
    for (key, idle) in [("idle", &idle), ("idle_forgotten", &idle_forgotten)] {
        let Some(idle) = idle else { continue };
        if let Some(access) = access.filter(|access| idle.value < *access) {
            let message =
                format!("unused for so long, a session is over while its access token is good, which lives {}", parse::show(access));
            let help = format!("make `{key}` longer, or `access_ttl` shorter");
            section.reader.mismatch(Fault::new(message).at(idle.span.clone()).help(help));
        }
        if idle.value > whole {
            let message = format!("`{key}` is longer than a session lasts at all, which is {}", parse::show(whole));
            section.reader.warn(Fault::new(message).at(idle.span.clone()).help("it has no effect"));
        }
    }
    let rotations = [("cookies", Rotation::Cookies), ("always", Rotation::Always), ("off", Rotation::Off)];
    SessionSettings {
        idle: idle.map_or(whole, |at| at.value),
        idle_forgotten: idle_forgotten.map_or(FORGOTTEN.max(access.unwrap_or_default()).min(whole), |at| at.value),
        absolute: whole,
        per_user: section.number("per_user", 1, u64::from(u32::MAX)).and_then(|at| u32::try_from(at.value).ok()),
        renew_window: renew_window(&section, access),
        rotation: auth.word("rotation", &rotations).map(|at| at.value).unwrap_or_default(),
        grace: section.duration("grace", Duration::ZERO, Duration::from_secs(600)).map_or(Duration::from_secs(10), |at| at.value),
        stream_grace: section.duration("stream_grace", Duration::ZERO, Duration::from_secs(86_400)).map_or(STREAM_GRACE, |at| at.value),
    }
}

/// The last third of an access token's life, unless said. As long as the life or longer, every request would renew.
fn renew_window(section: &Section<'_>, access: Option<Duration>) -> Duration {
    let window = section.duration("renew_window", Duration::ZERO, LONGEST);
    if let (Some(window), Some(access)) = (&window, access)
        && window.value >= access
    {
        let message =
            format!("`renew_window` is as long as an access token lives ({}), so every request would renew it", parse::show(access));
        section
            .reader
            .mismatch(Fault::new(message).at(window.span.clone()).help("make it shorter than `access_ttl`; the default is a third of it"));
    }
    window.map_or_else(|| access.unwrap_or(Duration::from_secs(900)) / 3, |at| at.value)
}
