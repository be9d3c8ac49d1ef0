use std::io::{self, BufRead as _, IsTerminal as _};

use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Common, Trouble, all, print, quoted};

/// `munjigi users …`
///
/// People are written as `60241234` (of the primary realm), `realm:id` or `id@realm`.
#[derive(Subcommand)]
pub(crate) enum Users {
    /// List people; with TEXT those whose id, name or e-mail holds it
    List {
        text: Option<String>,
        /// Only those whose account waits for approval
        #[arg(long)]
        awaiting: bool,
        /// At most so many are fetched
        #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
        limit: usize,
        #[command(flatten)]
        common: Common,
    },
    /// Show a person with their sessions
    Show {
        user: String,
        #[command(flatten)]
        common: Common,
    },
    /// Enter somebody before their first login; where passwords are kept here, make their account
    ///
    /// An account of Munjigi's own gets a one-time link, printed this once, with which its owner sets a password within a
    /// day; with --password you choose it.
    Add {
        user: String,
        /// member or admin
        #[arg(long)]
        role: Option<String>,
        /// A group; may be given several times
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        email: Option<String>,
        /// Ask for the password here (a line of standard input when that is no terminal)
        #[arg(long)]
        password: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Let somebody in who made an account and waits for approval
    Approve {
        user: String,
        #[command(flatten)]
        common: Common,
    },
    /// Keep a person out: ends their sessions and refuses their logins
    Disable {
        user: String,
        #[command(flatten)]
        common: Common,
    },
    /// Let a disabled person in again
    Enable {
        user: String,
        #[command(flatten)]
        common: Common,
    },
    /// Remove a person's data and sessions; whoever can still log in elsewhere may come back as new
    Remove {
        user: String,
        /// The id may not come back; only a keyed hash of it is kept
        #[arg(long)]
        keep_blocked: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Say what a person is to the gateway: member or admin
    Role {
        user: String,
        role: String,
        #[command(flatten)]
        common: Common,
    },
    /// Set a person's groups, or add to them and take away from them
    Groups {
        user: String,
        #[arg(required_unless_present_any = ["add", "remove", "none"], conflicts_with_all = ["add", "remove", "none"])]
        groups: Vec<String>,
        /// One more group; may be given several times
        #[arg(long, value_name = "GROUP")]
        add: Vec<String>,
        /// One group less; may be given several times
        #[arg(long, value_name = "GROUP")]
        remove: Vec<String>,
        /// No groups
        #[arg(long, conflicts_with_all = ["add", "remove"])]
        none: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Let an id come back that was removed with --keep-blocked
    Unblock {
        user: String,
        #[command(flatten)]
        common: Common,
    },
    /// Make a one-time link for a forgotten password, good for a day (accounts of Munjigi's own)
    Reset {
        user: String,
        #[command(flatten)]
        common: Common,
    },
}

/// Runs `munjigi users …`.
pub(in crate::cli) fn users(command: &Users) -> Result<(), Trouble> {
    match command {
        Users::List { text, awaiting, limit, common } => {
            let search = text.iter().map(|text| format!("search={}", quoted(text)));
            let search = search.chain(awaiting.then(|| "awaiting=true".to_owned()));
            let listed = all(&common.desk()?, PLACE, search.collect(), "users", *limit)?;
            let words = listed.in_words(print::users);
            common.show(listed.into_json("users"), words);
            Ok(())
        }
        Users::Show { user, common } => {
            let answer = common.desk()?.ask(&Method::GET, &place(user), None)?;
            let words = print::user(&answer);
            common.show(answer, words);
            Ok(())
        }
        Users::Add { user, role, groups, name, email, password, common } => {
            let mut wanted = json!({ "user": user, "groups": groups });
            for (key, value) in [("role", role), ("name", name), ("email", email)] {
                if let Some(value) = value {
                    wanted[key] = value.as_str().into();
                }
            }
            if *password {
                wanted["password"] = new_password()?.as_str().into();
            }
            let answer = common.desk()?.ask(&Method::POST, PLACE, Some(&wanted))?;
            let link = if answer["link"].is_string() { format!("\n\n{}", print::link(&answer)) } else { String::new() };
            let table = print::users(std::slice::from_ref(&answer));
            let words = format!("{} is entered\n{table}{link}", print::text(&answer["user"]));
            common.show(answer, words);
            Ok(())
        }
        Users::Disable { user, common } => change(common, user, &json!({ "disabled": true })),
        Users::Enable { user, common } => change(common, user, &json!({ "disabled": false })),
        Users::Role { user, role, common } => change(common, user, &json!({ "role": role })),
        Users::Groups { user, add, remove, common, .. } if !add.is_empty() || !remove.is_empty() => {
            change(common, user, &json!({ "add_groups": add, "remove_groups": remove }))
        }
        Users::Groups { user, groups, common, .. } => change(common, user, &json!({ "groups": groups })),
        Users::Approve { user, common } => {
            let answer = common.desk()?.ask(&Method::POST, &format!("{}/approve", place(user)), None)?;
            let words = if answer["changed"].as_bool().unwrap_or(false) { "is approved" } else { "was approved already" };
            let words = format!("{} {words}", print::text(&answer["user"]));
            common.show(answer, words);
            Ok(())
        }
        Users::Unblock { user, common } => {
            let answer = common.desk()?.ask(&Method::POST, &format!("{}/unblock", place(user)), None)?;
            let words = format!("{} may come back", print::text(&answer["user"]));
            common.show(answer, words);
            Ok(())
        }
        Users::Remove { user, keep_blocked, common } => {
            let place = format!("{}?keep_blocked={keep_blocked}", place(user));
            let answer = common.desk()?.ask(&Method::DELETE, &place, None)?;
            let blocked = if *keep_blocked { " and kept blocked" } else { "" };
            let words = format!("{} is removed{blocked}: {}", print::text(&answer["user"]), print::ended(&answer));
            common.show(answer, words);
            Ok(())
        }
        Users::Reset { user, common } => {
            let answer = common.desk()?.ask(&Method::POST, &format!("{}/reset", place(user)), None)?;
            let words = print::link(&answer);
            common.show(answer, words);
            Ok(())
        }
    }
}

/// A password chosen at the terminal, typed twice and not shown; else a line of standard input.
fn new_password() -> Result<Zeroizing<String>, Trouble> {
    let unread = |error: io::Error| Trouble::Usage(format!("the password cannot be read: {error}"));
    if !io::stdin().is_terminal() {
        let mut line = Zeroizing::new(String::new());
        io::stdin().lock().read_line(&mut line).map_err(unread)?;
        let length = line.trim_end_matches(['\r', '\n']).len();
        line.truncate(length);
        return Ok(line);
    }
    let typed = Zeroizing::new(rpassword::prompt_password("password (not shown): ").map_err(unread)?);
    let again = Zeroizing::new(rpassword::prompt_password("the same again: ").map_err(unread)?);
    if typed == again { Ok(typed) } else { Err(Trouble::Usage("the two passwords are not the same".to_owned())) }
}

const PLACE: &str = "/.auth/api/users";

fn place(user: &str) -> String {
    format!("{PLACE}/{}", quoted(user))
}

fn change(common: &Common, user: &str, wanted: &Value) -> Result<(), Trouble> {
    let answer = common.desk()?.ask(&Method::PATCH, &place(user), Some(wanted))?;
    let changed = answer["changed"].as_bool().unwrap_or(false);
    let ended = answer["sessions_ended"].as_u64().is_some_and(|ended| ended > 0);
    let first = match (changed, ended) {
        (false, _) => format!("{} was so already", print::text(&answer["user"])),
        (true, false) => format!("{} is changed", print::text(&answer["user"])),
        (true, true) => format!("{} is changed: {}", print::text(&answer["user"]), print::ended(&answer)),
    };
    let words = format!("{first}\n{}", print::users(std::slice::from_ref(&answer)));
    common.show(answer, words);
    Ok(())
}
