use askama::Template;

use super::shell::{Shell, document};
use super::texts::Texts;
use super::time::{self, Shown};
use super::{Lang, Pages};
use crate::base::Timestamp;
use crate::identity::{DisplayName, Email, Group, Identity, Role};

/// Who is logged in here, and until when.
#[derive(Clone, Copy, Debug)]
pub struct MePage<'a> {
    /// The person.
    pub identity: Identity<'a>,
    /// What people call the account system that checked the password.
    pub provider: &'a str,
    /// The present moment.
    pub now: Timestamp,
    /// When the access token ends. A session renews it by itself.
    pub token_ends: Timestamp,
    /// When the session ends whatever is done.
    pub session_ends: Timestamp,
    /// Where the logout button posts to.
    pub logout: &'a str,
    /// Where the account page is, if there is one.
    pub account: Option<&'a str>,
    /// The way into the application.
    pub home: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "me.html")]
struct Document<'a> {
    s: Shell<'a>,
    t: &'static Texts,
    p: &'a MePage<'a>,
    name: Option<&'a str>,
    email: Option<&'a str>,
    groups: String,
    role: &'static str,
    token_ends: Shown,
    token_left: String,
    session_ends: Shown,
    session_left: String,
}

pub(super) fn render(pages: &Pages, lang: Lang, page: &MePage<'_>) -> String {
    let t = Texts::of(lang);
    let profile = &page.identity.profile;
    let left = |until: Timestamp| (t.time.left)(&time::span(lang, until.since(page.now)));
    document(&Document {
        s: Shell::new(pages, lang, t.me.title).switching(&[]),
        t,
        p: page,
        name: profile.name.as_ref().map(DisplayName::as_str),
        email: profile.email.as_ref().map(Email::as_str),
        groups: profile.groups.iter().map(Group::as_str).collect::<Vec<_>>().join(", "),
        role: t.role(profile.role),
        token_ends: time::minute(lang, &pages.zone, page.token_ends),
        token_left: left(page.token_ends),
        session_ends: time::minute(lang, &pages.zone, page.session_ends),
        session_left: left(page.session_ends),
    })
}

impl Texts {
    /// What people call a role.
    pub(super) const fn role(&self, role: Role) -> &'static str {
        match role {
            Role::Member => self.me.member,
            Role::Admin => self.me.admin,
        }
    }
}
