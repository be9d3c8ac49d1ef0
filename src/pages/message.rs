use askama::Template;

use super::shell::{Shell, document};
use super::texts::{Texts, Told};
use super::{Lang, Pages, WhyHere};

/// The result of something a person did.
#[derive(Clone, Copy, Debug)]
pub struct MessagePage<'a> {
    /// What happened.
    pub message: Message<'a>,
    /// The ways on; the first is the one most people want.
    pub actions: &'a [Action<'a>],
}

/// What a message page can say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message<'a> {
    /// Logged in, and the account system has something to tell in its own words (a password change that is due).
    LoggedInWithNotice(&'a str),
    /// Logged in, after the last session ended in a way the person has not heard of.
    LoggedInAfter(WhyHere),
    /// Logged in from a second tab: the form waits in the first one.
    LoggedInForOtherTab,
    /// An account was made and can be used.
    SignedUp,
    /// An account was made and waits for an administrator.
    SignedUpAwaitingApproval,
    /// The password was changed; other sessions ended.
    PasswordChanged,
    /// A new password was set by a one-time link; all sessions ended.
    PasswordReset,
    /// Nobody makes an account for themselves here.
    SignUpClosed,
    /// One other session was ended.
    SessionEnded,
    /// All other sessions were ended.
    OtherSessionsEnded,
    /// The person's account and data are gone.
    Withdrawn,
    /// A one-time link was used before, or is too old.
    LinkUsedUp,
    /// Words of the operator's or the application's own, in the person's language.
    Words {
        /// The heading.
        title: &'a str,
        /// What happened and what to do next.
        text: &'a str,
    },
}

/// A way on from a message page.
#[derive(Clone, Copy, Debug)]
pub struct Action<'a> {
    /// What it is called.
    pub label: Label,
    /// Where it leads.
    pub href: &'a str,
}

/// What a way on is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Label {
    /// Go on to where one wanted to go.
    Continue,
    /// The login page.
    LogIn,
    /// The login page, to use another account.
    LogInAsOther,
    /// The login page in another tab.
    LogInInNewTab,
    /// The start of the site.
    Home,
    /// The same address once more.
    Retry,
    /// One's own account.
    Account,
}

impl Label {
    pub(super) const fn text(self, t: &'static Texts) -> &'static str {
        match self {
            Self::Continue => t.label.go_on,
            Self::LogIn => t.label.log_in,
            Self::LogInAsOther => t.label.log_in_as_other,
            Self::LogInInNewTab => t.label.log_in_in_new_tab,
            Self::Home => t.label.home,
            Self::Retry => t.label.retry,
            Self::Account => t.label.account,
        }
    }
}

impl Action<'_> {
    pub(super) const fn text(&self, t: &'static Texts) -> &'static str {
        self.label.text(t)
    }

    pub(super) fn new_tab(&self) -> bool {
        self.label == Label::LogInInNewTab
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct Document<'a> {
    s: Shell<'a>,
    t: &'static Texts,
    title: &'a str,
    words: Option<&'a str>,
    told: Option<&'static Told>,
    actions: &'a [Action<'a>],
}

pub(super) fn render(pages: &Pages, lang: Lang, page: &MessagePage<'_>) -> String {
    let t = Texts::of(lang);
    let said = match page.message {
        Message::LoggedInWithNotice(_) => &t.message.notice,
        Message::LoggedInAfter(_) => &t.message.after,
        Message::LoggedInForOtherTab => &t.message.other_tab,
        Message::SignedUp => &t.message.signed_up,
        Message::SignedUpAwaitingApproval => &t.message.awaiting_approval,
        Message::PasswordChanged => &t.message.password_changed,
        Message::PasswordReset => &t.message.password_reset,
        Message::SignUpClosed => &t.message.sign_up_closed,
        Message::SessionEnded => &t.message.session_ended,
        Message::OtherSessionsEnded => &t.message.others_ended,
        Message::Withdrawn => &t.message.withdrawn,
        Message::LinkUsedUp => &t.message.link_used_up,
        Message::Words { title, text } => {
            let s = Shell::new(pages, lang, title);
            return document(&Document { s, t, title, words: Some(text), told: None, actions: page.actions });
        }
    };
    let words = match page.message {
        Message::LoggedInWithNotice(words) => Some(words),
        Message::LoggedInAfter(why) => Some(why.told(t).what),
        Message::LoggedInForOtherTab
        | Message::SignedUp
        | Message::SignedUpAwaitingApproval
        | Message::PasswordChanged
        | Message::PasswordReset
        | Message::SignUpClosed
        | Message::SessionEnded
        | Message::OtherSessionsEnded
        | Message::Withdrawn
        | Message::LinkUsedUp
        | Message::Words { .. } => None,
    };
    let s = Shell::new(pages, lang, said.title);
    document(&Document { s, t, title: said.title, words, told: Some(&said.told), actions: page.actions })
}
