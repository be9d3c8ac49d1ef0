//! What the gateway answers, for people.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::cli::table::Table;

/// Longest description of a device in a table.
const DEVICE: usize = 48;

pub(super) fn sessions(sessions: &[Value]) -> String {
    if sessions.is_empty() {
        return "nobody is logged in".to_owned();
    }
    let mut table = Table::new(&["SESSION", "USER", "PROVIDER", "LOGGED IN", "LAST SEEN", "ENDS", "ADDRESS", "DEVICE"]);
    for session in sessions {
        let device = text(&session["user_agent"]);
        table.row([
            text(&session["id"]),
            text(&session["user"]),
            text(&session["provider"]),
            moment(&session["created"]),
            moment(&session["last_seen"]),
            moment(&session["ends"]),
            text(&session["address"]),
            if device.chars().count() > DEVICE { device.chars().take(DEVICE - 1).chain(['…']).collect() } else { device },
        ]);
    }
    format!("{table}\n{}", count(sessions.len(), "session"))
}

pub(super) fn users(users: &[Value]) -> String {
    if users.is_empty() {
        return "nobody is found".to_owned();
    }
    let mut table = Table::new(&["USER", "NAME", "ROLE", "GROUPS", "STATE", "LAST LOGIN"]);
    for user in users {
        table.row([
            text(&user["user"]),
            text(&user["name"]),
            text(&user["role"]),
            list(&user["groups"]),
            state(user).to_owned(),
            moment(&user["last_login"]),
        ]);
    }
    format!("{table}\n{}", count(users.len(), "user"))
}

pub(super) fn user(user: &Value) -> String {
    let mut table = Table::new(&["USER", ""]);
    let line = |name: &str, value: String| [name.to_owned(), value];
    table.row(line("  in headers", text(&user["subject"])));
    table.row(line("  name", text(&user["name"])));
    table.row(line("  e-mail", text(&user["email"])));
    table.row(line("  role", text(&user["role"])));
    table.row(line("  groups", list(&user["groups"])));
    table.row(line("  state", state(user).to_owned()));
    table.row(line("  known since", moment(&user["created"])));
    table.row(line("  last login", moment(&user["last_login"])));
    let lines = table.to_string();
    let lines = lines.split_once('\n').map_or("", |(_, lines)| lines);
    let live = user["sessions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let live = if live.is_empty() { "no live session".to_owned() } else { sessions(live) };
    format!("{}\n{lines}\n\n{live}", text(&user["user"]))
}

pub(super) fn events(events: &[Value]) -> String {
    if events.is_empty() {
        return "nothing is written down about that".to_owned();
    }
    let mut table = Table::new(&["TIME", "KIND", "USER", "ADDRESS", "SESSION", "DETAIL"]);
    for event in events {
        table.row([
            moment(&event["at"]),
            text(&event["kind"]),
            text(&event["user"]),
            text(&event["address"]),
            text(&event["session"]),
            text(&event["detail"]),
        ]);
    }
    table.to_string()
}

/// A one-time link, and what it is good for.
pub(super) fn link(answer: &Value) -> String {
    format!(
        "{}\nwhoever opens this link sets the password of {}; it is good once and for a day, and not shown again",
        text(&answer["link"]),
        text(&answer["user"])
    )
}

/// How many sessions went.
pub(super) fn ended(answer: &Value) -> String {
    let number = answer["sessions_ended"].as_u64().unwrap_or(0);
    format!("{} ended", count(usize::try_from(number).unwrap_or(usize::MAX), "session"))
}

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn list(value: &Value) -> String {
    let words: Vec<String> = value.as_array().into_iter().flatten().map(text).collect();
    if words.is_empty() { "-".to_owned() } else { words.join(" ") }
}

fn state(user: &Value) -> &'static str {
    if user["disabled"].as_bool().unwrap_or(false) {
        "disabled"
    } else if user["account"] == "awaiting" {
        "awaiting approval"
    } else {
        "active"
    }
}

/// Seconds since 1970 as the clock on this machine's wall shows them.
fn moment(seconds: &Value) -> String {
    let Some(at) = seconds.as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok()) else { return "-".to_owned() };
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
