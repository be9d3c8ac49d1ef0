use super::form::{Field, FormDocument, Problem, new_password};
use crate::pages::shell::{Shell, document};
use crate::pages::texts::{Texts, Titled};
use crate::pages::{Lang, Pages};

/// The page to set a new password. Its form posts `new_password` and `new_password_again`, and `password` unless a
/// one-time link led here.
#[derive(Clone, Copy, Debug, Default)]
pub struct PasswordPage<'a> {
    /// Where the form goes.
    pub action: &'a str,
    /// Whose password.
    pub subject: &'a str,
    /// The secret of the one-time link by which the person came, who does not know the present password.
    pub link: Option<&'a str>,
    /// Least characters of a password.
    pub least: usize,
    /// What is wrong with what was typed.
    pub problems: &'a [Problem<'a>],
    /// Where one goes instead.
    pub back: &'a str,
}

/// "Please enter your password again": before anything that changes an account. Its form posts `password` and what is hidden.
#[derive(Clone, Copy, Debug)]
pub struct ConfirmPage<'a> {
    /// What it is asked for.
    pub purpose: Confirm<'a>,
    /// Where the form goes.
    pub action: &'a str,
    /// Names and values the form sends along: the change that waits.
    pub hidden: &'a [(&'a str, &'a str)],
    /// Whose password.
    pub subject: &'a str,
    /// What is wrong with what was typed.
    pub problems: &'a [Problem<'a>],
    /// Where one goes instead.
    pub back: &'a str,
}

/// What a password is asked for once more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Confirm<'a> {
    /// A page that wants a fresh login.
    Fresh,
    /// End one session.
    EndSession,
    /// End all sessions but this one.
    EndOthers,
    /// Leave: account and data are removed.
    Withdraw,
    /// An administrator changes this person's account or sessions.
    ChangeMember(&'a str),
    /// An administrator removes this person.
    RemoveMember(&'a str),
}

impl<'a> Confirm<'a> {
    const fn titled(self, t: &'static Texts) -> &'static Titled {
        match self {
            Self::Fresh => &t.account.confirm.fresh,
            Self::EndSession => &t.account.confirm.end_session,
            Self::EndOthers => &t.account.confirm.end_others,
            Self::Withdraw => &t.account.confirm.withdraw,
            Self::ChangeMember(_) => &t.account.confirm.change_member,
            Self::RemoveMember(_) => &t.account.confirm.remove_member,
        }
    }

    /// Whether it cannot be undone.
    const fn is_final(self) -> bool {
        match self {
            Self::Withdraw | Self::RemoveMember(_) => true,
            Self::Fresh | Self::EndSession | Self::EndOthers | Self::ChangeMember(_) => false,
        }
    }

    /// Whom it is about, when that is somebody else.
    const fn whom(self) -> Option<&'a str> {
        match self {
            Self::ChangeMember(whom) | Self::RemoveMember(whom) => Some(whom),
            Self::Fresh | Self::EndSession | Self::EndOthers | Self::Withdraw => None,
        }
    }
}

pub(in crate::pages) fn render_password(pages: &Pages, lang: Lang, page: &PasswordPage<'_>) -> String {
    let t = Texts::of(lang);
    let mut fields = Vec::with_capacity(3);
    if page.link.is_none() {
        fields.push(Field::password("password", t.account.present_password, "current-password"));
    }
    fields.extend(new_password(t, page.least));
    let hidden: Vec<(&str, &str)> = page.link.map(|secret| ("token", secret)).into_iter().collect();
    let form = FormDocument {
        s: Shell::new(pages, lang, t.account.change_password).switching(&[("token", page.link)]),
        t,
        title: t.account.change_password,
        lead: if page.link.is_some() { t.account.change_by_link.into() } else { t.account.change_lead.into() },
        // Nobody is logged in who comes by a link.
        subject: Some((if page.link.is_some() { t.login.id } else { t.logout.signed_in_as }, page.subject)),
        action: page.action,
        hidden: &hidden,
        fields,
        submit: t.account.change_password,
        dangerous: false,
        aside: Some(("", t.label.back, page.back)),
    };
    document(&form.with_problems(page.problems))
}

pub(in crate::pages) fn render_confirm(pages: &Pages, lang: Lang, page: &ConfirmPage<'_>) -> String {
    let t = Texts::of(lang);
    let titled = page.purpose.titled(t);
    let form = FormDocument {
        s: Shell::new(pages, lang, titled.title),
        t,
        title: titled.title,
        lead: format!(
            "{}{} {}",
            page.purpose.whom().map_or_else(String::new, |whom| format!("{whom}: ")),
            titled.told.what,
            titled.told.todo
        ),
        subject: Some((t.logout.signed_in_as, page.subject)),
        action: page.action,
        hidden: page.hidden,
        fields: vec![Field::password("password", t.login.password, "current-password")],
        submit: titled.title,
        dangerous: page.purpose.is_final(),
        aside: Some(("", t.label.back, page.back)),
    };
    document(&form.with_problems(page.problems))
}
