use askama::Template;
use jiff::tz::TimeZone;

use super::device::device;
use crate::base::{ClientAddr, SessionId, Timestamp};
use crate::identity::{DisplayName, Email, Identity};
use crate::pages::shell::{Shell, document};
use crate::pages::texts::Texts;
use crate::pages::time::{self, Shown};
use crate::pages::{Lang, Pages};

/// One's own account. Its forms post `do` ([`AccountCommand`]), and `session` where one session is meant.
#[derive(Clone, Copy, Debug)]
pub struct AccountPage<'a> {
    /// The person, in the session of this request.
    pub identity: Identity<'a>,
    /// What people call the account system.
    pub provider: &'a str,
    /// What else the person was asked, and answered.
    pub fields: &'a [(&'a str, &'a str)],
    /// The present moment.
    pub now: Timestamp,
    /// When the access token ends.
    pub token_ends: Timestamp,
    /// When the session ends whatever is done.
    pub session_ends: Timestamp,
    /// The person's live sessions, this one among them.
    pub sessions: &'a [SessionRow<'a>],
    /// Where the forms go. They change nothing yet: the answer asks for the password ([`super::ConfirmPage`]).
    pub action: &'a str,
    /// Where the logout button posts to.
    pub logout: &'a str,
    /// Where "log out on all devices" posts to; `None` leaves that button out.
    pub everywhere: Option<&'a str>,
    /// Where the password is changed, for accounts whose password is kept here.
    pub password: Option<&'a str>,
    /// Whether a person may leave.
    pub withdrawal: bool,
    /// The way into the application.
    pub home: Option<&'a str>,
}

/// One login on one device.
#[derive(Clone, Copy, Debug)]
pub struct SessionRow<'a> {
    /// Which.
    pub id: SessionId,
    /// What the device calls itself (`User-Agent`).
    pub user_agent: &'a str,
    /// Where it began.
    pub address: ClientAddr,
    /// When it began.
    pub created: Timestamp,
    /// When it was last used, as far as known.
    pub last_seen: Timestamp,
}

/// What a button on the account page asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccountCommand {
    /// End the session named in `session`.
    EndSession,
    /// End all sessions but this one.
    EndOthers,
    /// Remove the account and its data.
    Withdraw,
}

impl AccountCommand {
    /// What stands in `do`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EndSession => "end-session",
            Self::EndOthers => "end-others",
            Self::Withdraw => "withdraw",
        }
    }

    /// Reads it.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::EndSession, Self::EndOthers, Self::Withdraw].into_iter().find(|command| command.as_str() == word)
    }
}

/// A session as pages list it.
pub(in crate::pages) struct SessionShown {
    pub(in crate::pages) id: String,
    pub(in crate::pages) here: bool,
    pub(in crate::pages) device: String,
    pub(in crate::pages) address: String,
    pub(in crate::pages) created: Shown,
    pub(in crate::pages) last_seen: Shown,
}

impl SessionShown {
    pub(in crate::pages) fn new(lang: Lang, zone: &TimeZone, row: &SessionRow<'_>, here: bool) -> Self {
        Self {
            id: row.id.to_string(),
            here,
            device: device(row.user_agent),
            address: row.address.to_string(),
            created: time::minute(lang, zone, row.created),
            last_seen: time::minute(lang, zone, row.last_seen),
        }
    }
}

#[derive(Template)]
#[template(path = "account.html")]
struct Document<'a> {
    s: Shell<'a>,
    t: &'static Texts,
    p: &'a AccountPage<'a>,
    name: Option<&'a str>,
    email: Option<&'a str>,
    token_ends: Shown,
    token_left: String,
    session_ends: Shown,
    session_left: String,
    sessions: Vec<SessionShown>,
}

pub(in crate::pages) fn render(pages: &Pages, lang: Lang, page: &AccountPage<'_>) -> String {
    let t = Texts::of(lang);
    let zone = &pages.zone;
    let left = |until: Timestamp| (t.time.left)(&time::span(lang, until.since(page.now)));
    let here = page.identity.session;
    let mut sessions: Vec<SessionShown> = page.sessions.iter().map(|row| SessionShown::new(lang, zone, row, row.id == here)).collect();
    sessions.sort_by_key(|session| !session.here);
    document(&Document {
        s: Shell::new(pages, lang, t.account.title).switching(&[]),
        t,
        p: page,
        name: page.identity.profile.name.as_ref().map(DisplayName::as_str),
        email: page.identity.profile.email.as_ref().map(Email::as_str),
        token_ends: time::minute(lang, zone, page.token_ends),
        token_left: left(page.token_ends),
        session_ends: time::minute(lang, zone, page.session_ends),
        session_left: left(page.session_ends),
        sessions,
    })
}
