//! What the pages say. One struct of fields, filled once for each language: a text that is missing does not compile.
//!
//! Each text says what happened and what to do next. Where the systems this project grew from had a text of their own
//! for the same thing, the Korean one begins with it, so that people and their notes recognise it.

mod account;
mod admin;
mod en;
mod ko;

use super::Lang;
use account::AccountTexts;
use admin::AdminTexts;

/// All texts of one language.
pub(super) struct Texts {
    pub(super) shell: ShellTexts,
    pub(super) label: Labels,
    pub(super) login: LoginTexts,
    pub(super) why: Whys,
    pub(super) login_error: LoginErrors,
    pub(super) logout: LogoutTexts,
    pub(super) me: MeTexts,
    pub(super) message: Messages,
    pub(super) refusal: Refusals,
    pub(super) time: Times,
    pub(super) account: AccountTexts,
    pub(super) admin: AdminTexts,
}

impl Texts {
    pub(super) const fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::Ko => &ko::TEXTS,
            Lang::En => &en::TEXTS,
        }
    }
}

/// What happened, and what to do about it.
pub(super) struct Told {
    pub(super) what: &'static str,
    pub(super) todo: &'static str,
}

/// The same under a heading.
pub(super) struct Titled {
    pub(super) title: &'static str,
    pub(super) told: Told,
}

/// A refusal: heading, what happened, and what to do, as one sentence or as steps.
pub(super) struct Refused {
    pub(super) title: &'static str,
    pub(super) what: &'static str,
    pub(super) todo: &'static str,
    pub(super) steps: &'static [&'static str],
}

pub(super) struct ShellTexts {
    /// The other language's own name for itself.
    pub(super) other_language: &'static str,
    pub(super) contact: &'static str,
    pub(super) request: &'static str,
    pub(super) request_hint: &'static str,
}

pub(super) struct Labels {
    pub(super) go_on: &'static str,
    pub(super) log_in: &'static str,
    pub(super) log_in_as_other: &'static str,
    pub(super) log_in_in_new_tab: &'static str,
    pub(super) log_out: &'static str,
    pub(super) home: &'static str,
    pub(super) retry: &'static str,
    pub(super) account: &'static str,
    pub(super) back: &'static str,
}

pub(super) struct LoginTexts {
    pub(super) title: &'static str,
    pub(super) title_failed: &'static str,
    pub(super) lead: &'static str,
    pub(super) notice: &'static str,
    pub(super) account_system: &'static str,
    pub(super) choose_system: &'static str,
    pub(super) not_answering: &'static str,
    pub(super) not_answering_hint: &'static str,
    pub(super) id: &'static str,
    pub(super) password: &'static str,
    pub(super) remember: &'static str,
    pub(super) remember_hint: &'static str,
    pub(super) submit: &'static str,
    pub(super) no_account: &'static str,
    pub(super) sign_up: &'static str,
    pub(super) signed_in_as: fn(&str) -> String,
}

pub(super) struct Whys {
    pub(super) invalid: Told,
    pub(super) no_session: Told,
    pub(super) expired: Told,
    pub(super) elsewhere: Told,
    pub(super) administrator: Told,
    pub(super) theft: Told,
    pub(super) too_many: Told,
    pub(super) password_changed: Told,
    pub(super) disabled: Told,
}

pub(super) struct LoginErrors {
    pub(super) missing: Told,
    pub(super) refused: Told,
    /// What to do when the account system had words of its own.
    pub(super) refused_todo: &'static str,
    pub(super) wrong: Told,
    pub(super) throttled: Told,
    pub(super) disabled: Told,
    pub(super) awaiting_approval: Told,
    pub(super) unreachable: Told,
    pub(super) timed_out: Told,
    pub(super) not_understood: Told,
    pub(super) overloaded: Told,
    pub(super) cross_site: Told,
    pub(super) unavailable: Told,
}

pub(super) struct LogoutTexts {
    pub(super) title: &'static str,
    pub(super) question: &'static str,
    pub(super) signed_in_as: &'static str,
    pub(super) here: &'static str,
    pub(super) here_only: &'static str,
    pub(super) everywhere: &'static str,
    pub(super) stay: &'static str,
    pub(super) done_title: &'static str,
    pub(super) done: &'static str,
    pub(super) done_everywhere: &'static str,
    pub(super) shared_computer: &'static str,
}

pub(super) struct MeTexts {
    pub(super) title: &'static str,
    pub(super) lead: &'static str,
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) email: &'static str,
    pub(super) groups: &'static str,
    pub(super) role: &'static str,
    pub(super) member: &'static str,
    pub(super) admin: &'static str,
    pub(super) provider: &'static str,
    pub(super) token_ends: &'static str,
    pub(super) token_hint: &'static str,
    pub(super) session_ends: &'static str,
}

pub(super) struct Messages {
    pub(super) notice: Titled,
    pub(super) after: Titled,
    pub(super) other_tab: Titled,
    pub(super) signed_up: Titled,
    pub(super) awaiting_approval: Titled,
    pub(super) password_changed: Titled,
    pub(super) password_reset: Titled,
    pub(super) sign_up_closed: Titled,
    pub(super) session_ended: Titled,
    pub(super) others_ended: Titled,
    pub(super) withdrawn: Titled,
    pub(super) link_used_up: Titled,
}

pub(super) struct Refusals {
    pub(super) bad_request: Refused,
    pub(super) redirect_loop: Refused,
    pub(super) form_not_sent: Refused,
    pub(super) not_allowed: Refused,
    pub(super) cross_site: Refused,
    pub(super) not_encrypted: Refused,
    pub(super) not_found: Refused,
    pub(super) method_not_allowed: Refused,
    pub(super) too_slow: Refused,
    pub(super) body_too_large: Refused,
    pub(super) address_too_long: Refused,
    pub(super) misdirected: Refused,
    pub(super) too_many: Refused,
    pub(super) headers_too_large: Refused,
    pub(super) internal: Refused,
    pub(super) not_supported: Refused,
    pub(super) upstream_failed: Refused,
    pub(super) unavailable: Refused,
    pub(super) upstream_timed_out: Refused,
    pub(super) signed_in_as: fn(&str) -> String,
    pub(super) limit: fn(&str) -> String,
}

pub(super) struct Times {
    /// From a span and a time of day.
    pub(super) again_at: fn(&str, &str) -> String,
    /// From a span that is left.
    pub(super) left: fn(&str) -> String,
}
