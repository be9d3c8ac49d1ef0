//! The pages people see: complete HTML documents in Korean and English, made from plain values.
//!
//! A page works without a script, under a policy that allows nothing but its own style sheet, at 360 pixels, from the
//! keyboard and read aloud. This module knows no request, no session and no store. It must never decide anything, never
//! be given a secret, and never write a text from outside without askama's escaping (security lesson 52).

mod accent;
mod brand;
mod lang;
mod login;
mod logout;
mod me;
mod message;
mod refusal;
mod shell;
mod style;
mod texts;
mod time;

#[cfg(test)]
mod tests;

pub use accent::{Accent, AccentError};
pub use brand::{Brand, Logo, LogoError, LogoFormat};
pub use lang::Lang;
pub use login::{LoginError, LoginPage, ProviderChoice, WhyHere};
pub use logout::{LoggedOutPage, LogoutPage};
pub use me::MePage;
pub use message::{Action, Label, Message, MessagePage};
pub use refusal::{RefusalKind, RefusalPage};
pub use time::Wait;

use jiff::tz::TimeZone;

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
}
