use askama::Template;

use super::members::MemberState;
use super::{Console, Frame, Here, around};
use crate::base::Timestamp;
use crate::identity::Role;
use crate::pages::account::{SessionRow, SessionShown};
use crate::pages::shell::{Shell, document};
use crate::pages::texts::Texts;
use crate::pages::time::{self, Shown};
use crate::pages::{Lang, Pages};

/// One member. Its forms post `do` ([`MemberCommand`]) with what belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct MemberPage<'a> {
    /// Where we are.
    pub console: Console<'a>,
    /// Where the forms go. They change nothing yet: the answer asks for the password ([`crate::pages::ConfirmPage`]).
    pub action: &'a str,
    /// Realm and id.
    pub id: &'a str,
    /// The id as in `sub`.
    pub subject: &'a str,
    /// What the member is called.
    pub name: Option<&'a str>,
    /// Where the member gets mail.
    pub email: Option<&'a str>,
    /// The realm of the id.
    pub realm: &'a str,
    /// What the member may do here.
    pub role: Role,
    /// The configuration makes the member an administrator: nobody can change that here.
    pub fixed_role: bool,
    /// The member is the administrator who looks.
    pub oneself: bool,
    /// Groups, separated by commas.
    pub groups: &'a str,
    /// Whether the account can be used.
    pub state: MemberState,
    /// When the account was made.
    pub created: Timestamp,
    /// The last login, if there was one.
    pub last_login: Option<Timestamp>,
    /// The member's live sessions.
    pub sessions: &'a [SessionRow<'a>],
    /// Whether the password is kept here, so that it can be reset.
    pub local: bool,
    /// The member's events in the audit trail.
    pub audit: &'a str,
    /// What was just done.
    pub notice: Option<MemberNotice<'a>>,
}

/// What was just done to a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberNotice<'a> {
    /// It was saved, and acts from now on.
    Saved,
    /// A one-time link to set a new password. It is shown this once.
    ResetLink(&'a str),
    /// It was not done.
    Refused(MemberProblem),
}

/// Why something was not done to a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberProblem {
    /// What stands in the field is no list of groups.
    Groups,
    /// Administrators cannot disable, demote or remove themselves.
    Oneself,
    /// The session had ended already.
    SessionGone,
    /// It is not possible with this account.
    NotPossible,
}

impl MemberProblem {
    const fn text(self, t: &'static Texts) -> &'static str {
        match self {
            Self::Groups => t.admin.member.groups_wrong,
            Self::Oneself => t.admin.member.oneself,
            Self::SessionGone => t.admin.member.session_gone,
            Self::NotPossible => t.admin.member.not_possible,
        }
    }
}

/// What a button on a member's page asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberCommand {
    /// Set `role` and `groups`.
    Save,
    /// Let the member in after signing up.
    Approve,
    /// Disable the account and end its sessions.
    Disable,
    /// Enable it again.
    Enable,
    /// Make a one-time link to set a new password.
    Reset,
    /// End the session named in `session`.
    EndSession,
    /// End all sessions.
    EndSessions,
    /// Remove account and data; with `keep_blocked=on` the id stays unusable.
    Remove,
}

impl MemberCommand {
    /// Every command, in the order of their declaration.
    pub const ALL: [Self; 8] =
        [Self::Save, Self::Approve, Self::Disable, Self::Enable, Self::Reset, Self::EndSession, Self::EndSessions, Self::Remove];

    /// What stands in `do`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Save => "save",
            Self::Approve => "approve",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Reset => "reset",
            Self::EndSession => "end-session",
            Self::EndSessions => "end-sessions",
            Self::Remove => "remove",
        }
    }

    /// Reads it.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.as_str() == word)
    }
}

#[derive(Template)]
#[template(path = "member.html")]
struct Document<'a> {
    s: Shell<'a>,
    t: &'static Texts,
    c: Frame<'a>,
    p: &'a MemberPage<'a>,
    title: &'a str,
    created: Shown,
    last_login: Option<Shown>,
    sessions: Vec<SessionShown>,
}

pub(in crate::pages) fn render(pages: &Pages, lang: Lang, page: &MemberPage<'_>) -> String {
    let t = Texts::of(lang);
    let title = page.name.unwrap_or(page.subject);
    let (s, c) = around(pages, lang, &page.console, (Here::Members, title), &[("id", Some(page.id))]);
    document(&Document {
        s,
        t,
        c,
        p: page,
        title,
        created: time::minute(lang, &pages.zone, page.created),
        last_login: page.last_login.map(|at| time::minute(lang, &pages.zone, at)),
        sessions: page.sessions.iter().map(|row| SessionShown::new(lang, &pages.zone, row, false)).collect(),
    })
}
