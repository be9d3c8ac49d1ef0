use super::texts::{Texts, Told};
use super::{Lang, Pages, Wait, time};

/// Why somebody meets the login page who was logged in before.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WhyHere {
    /// The token shown is no token of ours.
    Invalid,
    /// The session of the token is not known here.
    NoSession,
    /// Session and tokens reached their end.
    Expired,
    /// Its owner ended it from another device.
    Elsewhere,
    /// An administrator ended it.
    Administrator,
    /// A used-up token came back, so the session was ended as stolen.
    Theft,
    /// The person had more sessions than allowed; this one was the oldest.
    TooMany,
    /// The password changed, and other sessions ended with it.
    PasswordChanged,
    /// The account was disabled.
    Disabled,
}

impl WhyHere {
    /// Every reason, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::Invalid,
        Self::NoSession,
        Self::Expired,
        Self::Elsewhere,
        Self::Administrator,
        Self::Theft,
        Self::TooMany,
        Self::PasswordChanged,
        Self::Disabled,
    ];

    /// The query parameter that carries it to the login page.
    pub const PARAMETER: &'static str = "why";

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NoSession => "no_session",
            Self::Expired => "expired",
            Self::Elsewhere => "elsewhere",
            Self::Administrator => "administrator",
            Self::Theft => "theft",
            Self::TooMany => "too_many",
            Self::PasswordChanged => "password_changed",
            Self::Disabled => "disabled",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.as_str() == word)
    }

    pub(super) fn told(self, t: &'static Texts) -> &'static Told {
        match self {
            Self::Invalid => &t.why.invalid,
            Self::NoSession => &t.why.no_session,
            Self::Expired => &t.why.expired,
            Self::Elsewhere => &t.why.elsewhere,
            Self::Administrator => &t.why.administrator,
            Self::Theft => &t.why.theft,
            Self::TooMany => &t.why.too_many,
            Self::PasswordChanged => &t.why.password_changed,
            Self::Disabled => &t.why.disabled,
        }
    }
}

/// Why a login did not work, as the person is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoginError<'a> {
    /// Id or password is missing.
    Missing,
    /// The account system said no, with or without words of its own (plain text, already capped).
    Refused(Option<&'a str>),
    /// Id or password is wrong: one answer for both.
    Wrong,
    /// Refused before anybody was asked.
    Throttled(Wait),
    /// The right password of an account that is disabled.
    Disabled,
    /// The right password of an account that nobody has approved yet.
    AwaitingApproval,
    /// The account system cannot be reached.
    Unreachable,
    /// It did not answer in time.
    TimedOut,
    /// It answered with something that is no answer.
    NotUnderstood,
    /// Too many are waiting for it.
    Overloaded,
    /// The form came from another site's page.
    CrossSite,
    /// We ourselves cannot begin a session now.
    Unavailable,
}

impl<'a> LoginError<'a> {
    /// What happened, as one text: for the JSON answer to the same login.
    pub fn message(&self, lang: Lang) -> &'a str {
        match self {
            Self::Refused(Some(words)) => words,
            Self::Refused(None)
            | Self::Missing
            | Self::Wrong
            | Self::Throttled(_)
            | Self::Disabled
            | Self::AwaitingApproval
            | Self::Unreachable
            | Self::TimedOut
            | Self::NotUnderstood
            | Self::Overloaded
            | Self::CrossSite
            | Self::Unavailable => self.told(Texts::of(lang)).what,
        }
    }

    pub(super) fn told(&self, t: &'static Texts) -> &'static Told {
        match self {
            Self::Missing => &t.login_error.missing,
            Self::Refused(_) => &t.login_error.refused,
            Self::Wrong => &t.login_error.wrong,
            Self::Throttled(_) => &t.login_error.throttled,
            Self::Disabled => &t.login_error.disabled,
            Self::AwaitingApproval => &t.login_error.awaiting_approval,
            Self::Unreachable => &t.login_error.unreachable,
            Self::TimedOut => &t.login_error.timed_out,
            Self::NotUnderstood => &t.login_error.not_understood,
            Self::Overloaded => &t.login_error.overloaded,
            Self::CrossSite => &t.login_error.cross_site,
            Self::Unavailable => &t.login_error.unavailable,
        }
    }

    /// Whether something else than what was typed is at fault, so that the log may be asked about it.
    pub(super) const fn is_ours(&self) -> bool {
        match self {
            Self::Missing | Self::Refused(_) | Self::Wrong | Self::Throttled(_) | Self::Disabled | Self::AwaitingApproval => false,
            Self::Unreachable | Self::TimedOut | Self::NotUnderstood | Self::Overloaded | Self::CrossSite | Self::Unavailable => true,
        }
    }

    pub(super) fn wait(&self, lang: Lang, pages: &Pages) -> Option<String> {
        match self {
            Self::Throttled(wait) => Some(time::again_at(lang, &pages.zone, *wait)),
            Self::Missing
            | Self::Refused(_)
            | Self::Wrong
            | Self::Disabled
            | Self::AwaitingApproval
            | Self::Unreachable
            | Self::TimedOut
            | Self::NotUnderstood
            | Self::Overloaded
            | Self::CrossSite
            | Self::Unavailable => None,
        }
    }
}
