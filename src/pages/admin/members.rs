use askama::Template;

use super::{Console, Frame, Here, Paging, around, grouped};
use crate::base::Timestamp;
use crate::identity::Role;
use crate::pages::shell::{Shell, document};
use crate::pages::texts::Texts;
use crate::pages::time::{self, Shown};
use crate::pages::{Lang, Pages};

/// The list of members, one page of it. Its search sends `q` with GET to the page's own address.
#[derive(Clone, Copy, Debug)]
pub struct MembersPage<'a> {
    /// Where we are.
    pub console: Console<'a>,
    /// What was searched for.
    pub query: &'a str,
    /// Whether only those are shown who wait for approval.
    pub only_awaiting: bool,
    /// How many wait for approval.
    pub awaiting: u64,
    /// Somebody was just removed.
    pub removed: bool,
    /// The members found, at most [`MembersPage::MOST_ROWS`].
    pub rows: &'a [MemberRow<'a>],
    /// How many there are in all, when it is known without counting.
    pub total: Option<u64>,
    /// Where the list goes on.
    pub paging: Paging<'a>,
}

impl MembersPage<'_> {
    /// Rows on one page: as many as keep it small.
    pub const MOST_ROWS: usize = super::MOST_ROWS;
}

/// One member in the list.
#[derive(Clone, Copy, Debug)]
pub struct MemberRow<'a> {
    /// The member's own page.
    pub href: &'a str,
    /// The id as in `sub`.
    pub subject: &'a str,
    /// What the member is called.
    pub name: Option<&'a str>,
    /// What the member may do here.
    pub role: Role,
    /// Groups, separated by commas.
    pub groups: &'a str,
    /// Whether the account can be used.
    pub state: MemberState,
    /// The last login, if there was one.
    pub last_login: Option<Timestamp>,
}

/// Whether an account can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MemberState {
    /// It can.
    #[default]
    Active,
    /// Not before an administrator has approved it.
    AwaitingApproval,
    /// Not any more.
    Disabled,
}

impl MemberState {
    pub(super) const fn text(self, t: &'static Texts) -> &'static str {
        match self {
            Self::Active => t.admin.active,
            Self::AwaitingApproval => t.admin.awaiting_approval,
            Self::Disabled => t.admin.disabled,
        }
    }

    /// The style's word for it.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Active => "fine",
            Self::AwaitingApproval => "badge wait",
            Self::Disabled => "badge off",
        }
    }
}

struct RowShown<'a> {
    row: &'a MemberRow<'a>,
    role: &'static str,
    last_login: Option<Shown>,
}

#[derive(Template)]
#[template(path = "members.html")]
struct Document<'a> {
    s: Shell<'a>,
    t: &'static Texts,
    c: Frame<'a>,
    p: &'a MembersPage<'a>,
    found: Option<String>,
    awaiting: Option<String>,
    rows: Vec<RowShown<'a>>,
    paging: Paging<'a>,
}

pub(in crate::pages) fn render(pages: &Pages, lang: Lang, page: &MembersPage<'_>) -> String {
    let t = Texts::of(lang);
    let row = |row| RowShown { row, role: t.role(row.role), last_login: row.last_login.map(|at| time::minute(lang, &pages.zone, at)) };
    let keep = [("q", Some(page.query)), ("awaiting", page.only_awaiting.then_some("1"))];
    let (s, c) = around(pages, lang, &page.console, (Here::Members, t.admin.members), &keep);
    document(&Document {
        s,
        t,
        c,
        p: page,
        found: page.total.map(|total| (t.admin.found)(&grouped(total))),
        awaiting: (page.awaiting > 0).then(|| (t.admin.awaiting_some)(&grouped(page.awaiting))),
        rows: page.rows.iter().take(MembersPage::MOST_ROWS).map(row).collect(),
        paging: page.paging,
    })
}
