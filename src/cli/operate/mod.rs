//! Commands for a running gateway: who is logged in, who may, what happened. They go through the operator's socket in the
//! state directory, which the configuration names, and so need no password: the file's owner is the operator.

mod ask;
mod print;
mod trail;
mod users;

use std::path::Path;

use clap::{Args, Subcommand};
use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::ConfigFile;
use crate::app;
pub(super) use ask::{Desk, Trouble};
pub(super) use trail::{Trail, audit};
pub(super) use users::{Users, users};

/// What every command for a running gateway takes.
#[derive(Args)]
pub(super) struct Common {
    #[command(flatten)]
    file: ConfigFile,
    /// Print JSON, for programs: times are seconds since 1970
    #[arg(long)]
    json: bool,
}

/// `munjigi sessions …`
#[derive(Subcommand)]
pub(super) enum Sessions {
    /// List the live sessions, those last used first
    List {
        /// Only those of this person
        #[arg(long, value_name = "USER")]
        user: Option<String>,
        /// At most so many are fetched
        #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
        limit: usize,
        #[command(flatten)]
        common: Common,
    },
    /// End a session, or with --user all sessions of a person; takes effect within a second, open streams included
    End {
        /// The session's id
        #[arg(required_unless_present = "user", allow_hyphen_values = true)]
        id: Option<String>,
        /// End every session of this person
        #[arg(long, value_name = "USER", conflicts_with = "id")]
        user: Option<String>,
        #[command(flatten)]
        common: Common,
    },
}

/// What a command has to show: as JSON, or in words.
struct Shown {
    json: bool,
    answer: Value,
    words: String,
}

impl Shown {
    fn print(self) {
        if self.json {
            super::say(&format!("{:#}", self.answer));
        } else {
            super::say(&self.words);
        }
    }
}

impl Common {
    fn desk(&self) -> Result<Desk, Trouble> {
        desk(&self.file.config)
    }

    fn show(&self, answer: Value, words: String) {
        Shown { json: self.json, answer, words }.print();
    }
}

/// The operator's socket of a configuration's gateway.
pub(super) fn desk(config: &Path) -> Result<Desk, Trouble> {
    app::reachable_at(config).map(|(socket, _)| Desk::socket(socket)).map_err(Trouble::Configuration)
}

/// Runs `munjigi sessions …`.
pub(super) fn sessions(command: &Sessions) -> Result<(), Trouble> {
    match command {
        Sessions::List { user, limit, common } => {
            let of_one = user.iter().map(|user| format!("user={}", quoted(user)));
            let mut listed = all(&common.desk()?, "/.auth/api/sessions", of_one.collect(), "sessions", *limit)?;
            listed.entries.sort_by_key(|session| std::cmp::Reverse(session["last_seen"].as_u64()));
            let words = listed.in_words(print::sessions);
            common.show(listed.into_json("sessions"), words);
        }
        Sessions::End { id: Some(id), common, .. } => {
            let answer = common.desk()?.ask(&Method::DELETE, &format!("/.auth/api/sessions/{}", quoted(id)), None)?;
            let words = format!("session {id} of {} has ended", print::text(&answer["user"]));
            common.show(answer, words);
        }
        Sessions::End { id: None, user, common } => {
            let who = quoted(user.as_deref().unwrap_or_default());
            let answer = common.desk()?.ask(&Method::DELETE, &format!("/.auth/api/users/{who}/sessions"), None)?;
            let words = format!("{}: {}", print::text(&answer["user"]), print::ended(&answer));
            common.show(answer, words);
        }
    }
    Ok(())
}

/// Runs `munjigi logout-everybody`.
pub(super) fn logout_everybody(common: &Common) -> Result<(), Trouble> {
    let answer = common.desk()?.ask(&Method::POST, "/.auth/api/logout-everybody", None)?;
    let words = format!("everybody has to log in again: {}", print::ended(&answer));
    common.show(answer, words);
    Ok(())
}

/// Runs `munjigi health`: whether the gateway is ready. Asks the admin listener if there is one, else the operator's socket.
pub(super) fn health(config: &Path) -> Result<(), Trouble> {
    let (socket, admin) = app::reachable_at(config).map_err(Trouble::Configuration)?;
    // A port that the system chose is known to nobody but the gateway.
    let chosen = |address: &crate::server::PlainAddress| !matches!(address, crate::server::PlainAddress::Tcp(at) if at.port() == 0);
    let desk = admin.filter(chosen).map_or_else(|| Desk::socket(socket), Desk::at);
    let (status, answer) = desk.look(&Method::GET, "/ready", None)?;
    if status.is_success() {
        super::say("ready");
        return Ok(());
    }
    let reasons: Vec<String> = answer["reasons"].as_array().into_iter().flatten().map(print::text).collect();
    let msg = if reasons.is_empty() { format!("not ready ({status})") } else { format!("not ready: {}", reasons.join("; ")) };
    Err(Trouble::No { status: StatusCode::SERVICE_UNAVAILABLE, msg })
}

/// What was listed, page by page.
struct Listed {
    entries: Vec<Value>,
    /// Where the rest begins, when not all was fetched.
    next: Value,
}

impl Listed {
    fn in_words(&self, table: impl Fn(&[Value]) -> String) -> String {
        let more = if self.next.is_null() { "" } else { "\n… there are more; --limit fetches them" };
        format!("{}{more}", table(&self.entries))
    }

    fn into_json(self, name: &str) -> Value {
        serde_json::json!({ name: self.entries, "next": self.next })
    }
}

/// Fetches a list, at most `limit` entries.
fn all(desk: &Desk, place: &str, mut query: Vec<String>, name: &str, limit: usize) -> Result<Listed, Trouble> {
    let mut listed = Listed { entries: Vec::new(), next: Value::Null };
    let asked = query.len();
    loop {
        query.push(format!("limit={}", limit.saturating_sub(listed.entries.len()).clamp(1, 1000)));
        let mut page = desk.ask(&Method::GET, &format!("{place}?{}", query.join("&")), None)?;
        if let Some(entries) = page[name].as_array_mut() {
            listed.entries.append(entries);
        }
        listed.next = page["next"].take();
        if listed.next.is_null() || listed.entries.len() >= limit {
            return Ok(listed);
        }
        query.truncate(asked);
        let after = if listed.next.is_number() { "before" } else { "after" };
        query.push(format!("{after}={}", quoted(&print::text(&listed.next))));
    }
}

/// A text as one segment of a path, or a value of a query.
fn quoted(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
