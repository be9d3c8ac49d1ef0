//! The administration: overview, members, the audit trail. Served on the portal or the admin listener only.

mod audit;
mod member;
mod members;
mod overview;
mod plot;

use crate::pages::shell::Shell;
use crate::pages::texts::Texts;
use crate::pages::{Lang, Pages};

pub use audit::{AuditFilter, AuditPage, AuditRow};
pub use member::{MemberCommand, MemberNotice, MemberPage, MemberProblem};
pub use members::{MemberRow, MemberState, MembersPage};
pub use overview::{Hour, OverviewPage, RouteFigures};

pub(super) use audit::render as render_audit;
pub(super) use member::render as render_member;
pub(super) use members::render as render_members;
pub(super) use overview::render as render_overview;

/// Where the parts of the administration are, and who is there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Console<'a> {
    /// The administrator.
    pub subject: &'a str,
    /// The overview.
    pub overview: &'a str,
    /// The list of members.
    pub members: &'a str,
    /// The audit trail.
    pub audit: &'a str,
    /// Where the logout button posts to.
    pub logout: &'a str,
}

/// A part of the administration in the navigation.
struct Part<'a> {
    href: &'a str,
    label: &'static str,
    here: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Here {
    Overview,
    Members,
    Audit,
}

/// What stands around a page of the administration. The template reads it as `c`.
struct Frame<'a> {
    subject: &'a str,
    logout: &'a str,
    parts: [Part<'a>; 3],
}

impl<'a> Frame<'a> {
    fn new(console: &Console<'a>, t: &'static Texts, here: Here) -> Self {
        let part = |href, label, part| Part { href, label, here: part == here };
        Self {
            subject: console.subject,
            logout: console.logout,
            parts: [
                part(console.overview, t.admin.overview, Here::Overview),
                part(console.members, t.admin.members, Here::Members),
                part(console.audit, t.admin.audit, Here::Audit),
            ],
        }
    }
}

/// A number as people read it: in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let (head, tail) = digits.split_at(first);
    let groups = tail.as_bytes().chunks(3).filter_map(|group| std::str::from_utf8(group).ok());
    Some(head).filter(|head| !head.is_empty()).into_iter().chain(groups).collect::<Vec<_>>().join(",")
}

/// What stands around every page of the administration: the shell and the frame. An empty value is not kept by the switch of
/// the language.
fn around<'a>(
    pages: &'a Pages,
    lang: Lang,
    console: &Console<'a>,
    (here, title): (Here, &str),
    keep: &[(&str, Option<&str>)],
) -> (Shell<'a>, Frame<'a>) {
    let keep: Vec<_> = keep.iter().map(|(name, value)| (*name, value.filter(|value| !value.is_empty()))).collect();
    (Shell::new(pages, lang, title).switching(&keep).wide(pages), Frame::new(console, Texts::of(lang), here))
}

/// Rows on one page of a list: as many as keep it small.
const MOST_ROWS: usize = 20;

/// Where one list goes on, and where it came from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paging<'a> {
    /// The first page; `None` on it.
    pub first: Option<&'a str>,
    /// The page before; `None` on the first.
    pub before: Option<&'a str>,
    /// The page after; `None` on the last.
    pub after: Option<&'a str>,
    /// The last page; `None` on it, and where nobody goes so far.
    pub last: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn numbers_stand_in_groups_of_three() {
        let written = [0, 7, 999, 1_000, 50_000, 123_456, u64::MAX].map(grouped);
        assert_eq!(written, ["0", "7", "999", "1,000", "50,000", "123,456", "18,446,744,073,709,551,615"]);
    }
}
