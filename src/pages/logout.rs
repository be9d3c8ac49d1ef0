use askama::Template;

use super::shell::{Shell, document};
use super::texts::Texts;
use super::{Lang, Pages};

/// "Do you want to log out?": what a logout link from elsewhere leads to, so that a stranger's page logs nobody out.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogoutPage<'a> {
    /// Where the button posts to.
    pub action: &'a str,
    /// Where "log out everywhere" posts to; `None` leaves that button out.
    pub everywhere: Option<&'a str>,
    /// Where "stay logged in" leads.
    pub stay: &'a str,
    /// Who is logged in, if anybody.
    pub subject: Option<&'a str>,
    /// Where to go afterwards; already checked. Posted as `next`.
    pub next: Option<&'a str>,
}

/// Logged out.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoggedOutPage<'a> {
    /// Where to log in again.
    pub login: &'a str,
    /// All sessions ended, not just the one here.
    pub everywhere: bool,
}

#[derive(Template)]
#[template(path = "logout.html")]
struct Question<'a> {
    s: Shell<'a>,
    t: &'static Texts,
    p: &'a LogoutPage<'a>,
}

#[derive(Template)]
#[template(path = "logged_out.html")]
struct Done<'a> {
    s: Shell<'a>,
    t: &'static Texts,
    p: &'a LoggedOutPage<'a>,
}

pub(super) fn render_question(pages: &Pages, lang: Lang, page: &LogoutPage<'_>) -> String {
    let t = Texts::of(lang);
    let shell = Shell::new(pages, lang, t.logout.title).switching(&[("next", page.next)]);
    document(&Question { s: shell, t, p: page })
}

pub(super) fn render_done(pages: &Pages, lang: Lang, page: &LoggedOutPage<'_>) -> String {
    let t = Texts::of(lang);
    document(&Done { s: Shell::new(pages, lang, t.logout.done_title), t, p: page })
}
