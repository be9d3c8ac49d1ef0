//! The pages people see: complete HTML documents in Korean and English, made from plain values.
//!
//! A page works without a script, under a policy that allows nothing but its own style sheet, at 360 pixels, from the
//! keyboard and read aloud. This module knows no request, no session and no store. It must never decide anything, never
//! be given a secret, and never write a text from outside without askama's escaping (security lesson 52).

mod accent;
mod account;
mod admin;
mod brand;
mod lang;
mod login;
mod logout;
mod me;
mod message;
mod reasons;
mod refusal;
mod shell;
mod style;
mod texts;
mod time;

#[cfg(test)]
mod tests;

pub use accent::{Accent, AccentError};
pub use account::{AccountCommand, AccountPage, Confirm, ConfirmPage, ExtraField, PasswordPage, Problem, SessionRow, SignUpPage};
pub use admin::{
    AuditFilter, AuditPage, AuditRow, Console, Hour, MemberCommand, MemberNotice, MemberPage, MemberProblem, MemberRow, MemberState,
    MembersPage, OverviewPage, Paging, RouteFigures,
};
pub use brand::{AccountName, Brand, Logo, LogoError, LogoFormat};
pub use lang::Lang;
pub use login::{LoginPage, ProviderChoice};
pub use logout::{LoggedOutPage, LogoutPage};
pub use me::MePage;
pub use message::{Action, Label, Message, MessagePage};
pub use reasons::{LoginError, WhyHere};
pub use refusal::{RefusalKind, RefusalPage};
pub use time::Wait;

use jiff::tz::TimeZone;

use crate::base::Timestamp;
use crate::identity::DisplayName;
use style::Style;

/// What the operator wants of the pages.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose pages these are.
    pub brand: Brand,
    /// Where the people are: times are written as they read them there.
    pub time_zone: TimeZone,
}

impl From<Brand> for Settings {
    /// The brand, with times as in Seoul (UTC+9, which has no summer time).
    fn from(brand: Brand) -> Self {
        Self { brand, time_zone: TimeZone::fixed(jiff::tz::offset(9)) }
    }
}

/// All pages of one gateway. Made once for a configuration; every method makes one whole document.
///
/// To be sent with each of them: `Content-Type: text/html; charset=utf-8`, [`Pages::content_security_policy`],
/// [`Pages::REFERRER_POLICY`], `Cache-Control: no-store`, `X-Content-Type-Options: nosniff`, `Content-Language`
/// ([`Lang::as_str`]) and, where the language was chosen by it, `Vary: Accept-Language`.
#[derive(Debug)]
pub struct Pages {
    brand: Brand,
    zone: TimeZone,
    style: Style,
}

impl Pages {
    /// `Referrer-Policy` of every page. Not `no-referrer`: that makes browsers send `Origin: null` with a form post of
    /// our own (Fetch, "serializing a request origin"), and the cross-site check could no longer tell it from a stranger's.
    pub const REFERRER_POLICY: &'static str = "same-origin";

    /// The pages of this operator.
    pub fn new(settings: impl Into<Settings>) -> Self {
        let Settings { brand, time_zone } = settings.into();
        let style = Style::new(brand.accent);
        Self { brand, zone: time_zone, style }
    }

    /// `Content-Security-Policy` of every page. Nothing is allowed but the style sheets inside the documents, known by
    /// their hashes, images of our own, and forms posted to where the page came from; nobody may frame a page
    /// (security lesson 43). `form-action` also binds redirects that answer a form: they may not leave the origin.
    pub fn content_security_policy(&self) -> &str {
        self.style.policy()
    }

    /// The same for a page whose form leads to another host of ours in the end: `form-action` binds the redirects behind a
    /// form, too. The origin has to be one that was checked.
    pub fn policy_leading_to(&self, origin: &str) -> String {
        self.style.policy().replace("form-action 'self'", &format!("form-action 'self' {origin}"))
    }

    /// What people call an account system, and what its ids are.
    pub fn account_system<'a>(&'a self, provider: &'a str) -> (&'a str, Option<&'a str>) {
        let named = self.brand.accounts.iter().find(|account| &*account.provider == provider);
        named.map_or((provider, None), |named| (named.label.as_str(), named.hint.as_ref().map(DisplayName::as_str)))
    }

    /// A day as people write it (`YYYY-MM-DD`): its first moment, and that of the day after.
    pub fn day(&self, text: &str) -> Option<(Timestamp, Timestamp)> {
        time::day(&self.zone, text)
    }

    /// The login page.
    pub fn login(&self, lang: Lang, page: &LoginPage<'_>) -> String {
        login::render(self, lang, page)
    }

    /// "Do you want to log out?", for a logout link that came from elsewhere.
    pub fn logout(&self, lang: Lang, page: &LogoutPage<'_>) -> String {
        logout::render_question(self, lang, page)
    }

    /// What is shown after logging out.
    pub fn logged_out(&self, lang: Lang, page: &LoggedOutPage<'_>) -> String {
        logout::render_done(self, lang, page)
    }

    /// Who is logged in here, and until when.
    pub fn me(&self, lang: Lang, page: &MePage<'_>) -> String {
        me::render(self, lang, page)
    }

    /// The result of something a person did, with the ways on.
    pub fn message(&self, lang: Lang, page: &MessagePage<'_>) -> String {
        message::render(self, lang, page)
    }

    /// A refusal: what happened, what to do, and the id that stands in the log.
    pub fn refusal(&self, lang: Lang, page: &RefusalPage<'_>) -> String {
        refusal::render(self, lang, page)
    }

    /// The page to make an account of one's own.
    pub fn sign_up(&self, lang: Lang, page: &SignUpPage<'_>) -> String {
        account::render_sign_up(self, lang, page)
    }

    /// The page to set a new password.
    pub fn password(&self, lang: Lang, page: &PasswordPage<'_>) -> String {
        account::render_password(self, lang, page)
    }

    /// "Please enter your password again."
    pub fn confirm(&self, lang: Lang, page: &ConfirmPage<'_>) -> String {
        account::render_confirm(self, lang, page)
    }

    /// One's own account and sessions.
    pub fn account(&self, lang: Lang, page: &AccountPage<'_>) -> String {
        account::render(self, lang, page)
    }

    /// Administration: what goes on.
    pub fn overview(&self, lang: Lang, page: &OverviewPage<'_>) -> String {
        admin::render_overview(self, lang, page)
    }

    /// Administration: the list of members.
    pub fn members(&self, lang: Lang, page: &MembersPage<'_>) -> String {
        admin::render_members(self, lang, page)
    }

    /// Administration: one member.
    pub fn member(&self, lang: Lang, page: &MemberPage<'_>) -> String {
        admin::render_member(self, lang, page)
    }

    /// Administration: the audit trail.
    pub fn audit(&self, lang: Lang, page: &AuditPage<'_>) -> String {
        admin::render_audit(self, lang, page)
    }
}
