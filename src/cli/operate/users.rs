use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};

use super::{Common, Trouble, all, print, quoted};

/// `munjigi users …`
///
/// People are written as `60241234` (of the primary realm), `realm:id` or `id@realm`.
#[derive(Subcommand)]
pub(crate) enum Users {
    /// List people; with TEXT those whose id, name or e-mail holds it
    List {
        text: Option<String>,
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
    /// Enter somebody before their first login
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
    /// Make a link for a forgotten password (local accounts)
    Reset {
        user: String,
        #[command(flatten)]
        common: Common,
    },
}

/// Runs `munjigi users …`.
pub(in crate::cli) fn users(command: &Users) -> Result<(), Trouble> {
    match command {
        Users::List { text, limit, common } => {
            let search = text.iter().map(|text| format!("search={}", quoted(text)));
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
        Users::Add { user, role, groups, name, email, common } => {
            let mut wanted = json!({ "user": user, "groups": groups });
            for (key, value) in [("role", role), ("name", name), ("email", email)] {
                if let Some(value) = value {
                    wanted[key] = value.as_str().into();
                }
            }
            let answer = common.desk()?.ask(&Method::POST, PLACE, Some(&wanted))?;
            let words = format!("{} is entered\n{}", print::text(&answer["user"]), print::users(std::slice::from_ref(&answer)));
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
        Users::Remove { user, common } => {
            let answer = common.desk()?.ask(&Method::DELETE, &place(user), None)?;
            let words = format!("{} is removed: {}", print::text(&answer["user"]), print::ended(&answer));
            common.show(answer, words);
            Ok(())
        }
        Users::Reset { user, common: _ } => Err(Trouble::Usage(format!(
            "{user}: passwords are reset where they are kept; accounts of Munjigi's own, whose passwords could be reset here, are not \
             in this version"
        ))),
    }
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
