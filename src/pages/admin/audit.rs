use askama::Template;

use super::{Console, Frame, Here, Paging, around};
use crate::base::{ClientAddr, Timestamp};
use crate::observe::AuditKind;
use crate::pages::shell::{Shell, document};
use crate::pages::texts::Texts;
use crate::pages::time::{self, Shown};
use crate::pages::{Lang, Pages};

/// The audit trail, one page of it, newest first. Its filter sends `person`, `kind`, `from` and `to` with GET.
#[derive(Clone, Copy, Debug)]
pub struct AuditPage<'a> {
    /// Where we are.
    pub console: Console<'a>,
    /// What is looked for.
    pub filter: AuditFilter<'a>,
    /// The events found, at most [`AuditPage::MOST_ROWS`].
    pub rows: &'a [AuditRow<'a>],
    /// Where the list goes on: `before` are newer events, `after` older ones.
    pub paging: Paging<'a>,
}

impl AuditPage<'_> {
    /// Rows on one page: as many as keep it small.
    pub const MOST_ROWS: usize = super::MOST_ROWS;
}

/// Which events are looked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditFilter<'a> {
    /// The id as typed.
    pub person: &'a str,
    /// One kind; `None`: all.
    pub kind: Option<AuditKind>,
    /// First day, as `YYYY-MM-DD`, or nothing.
    pub from: &'a str,
    /// Last day, as `YYYY-MM-DD`, or nothing.
    pub to: &'a str,
}

/// One event.
#[derive(Clone, Copy, Debug)]
pub struct AuditRow<'a> {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: AuditKind,
    /// To whom, when known.
    pub person: Option<&'a str>,
    /// The events of that person alone.
    pub href: Option<&'a str>,
    /// From where, if over the network.
    pub address: Option<ClientAddr>,
    /// The id of the request in the access log.
    pub request_id: Option<&'a str>,
    /// One short phrase more.
    pub detail: &'a str,
}

struct RowShown<'a> {
    row: &'a AuditRow<'a>,
    at: Shown,
    kind: &'static str,
    address: String,
    alarming: bool,
}

struct KindShown {
    word: &'static str,
    text: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Document<'a> {
    s: Shell<'a>,
    t: &'static Texts,
    c: Frame<'a>,
    p: &'a AuditPage<'a>,
    kinds: Vec<KindShown>,
    rows: Vec<RowShown<'a>>,
    paging: Paging<'a>,
}

pub(in crate::pages) fn render(pages: &Pages, lang: Lang, page: &AuditPage<'_>) -> String {
    let t = Texts::of(lang);
    let rows = page.rows.iter().take(AuditPage::MOST_ROWS).map(|row| RowShown {
        row,
        at: time::instant(&pages.zone, row.at),
        kind: kind_text(row.kind, t),
        address: row.address.map_or_else(String::new, |address| address.to_string()),
        alarming: is_alarming(row.kind),
    });
    let kind = |kind: AuditKind| KindShown { word: kind.as_str(), text: kind_text(kind, t), chosen: page.filter.kind == Some(kind) };
    let filter = &page.filter;
    let keep = [
        ("person", Some(filter.person)),
        ("kind", filter.kind.map(AuditKind::as_str)),
        ("from", Some(filter.from)),
        ("to", Some(filter.to)),
    ];
    let (s, c) = around(pages, lang, &page.console, (Here::Audit, t.admin.audit), &keep);
    document(&Document {
        s,
        t,
        c,
        p: page,
        kinds: AuditKind::ALL.into_iter().map(kind).collect(),
        rows: rows.collect(),
        paging: page.paging,
    })
}

const fn kind_text(kind: AuditKind, t: &'static Texts) -> &'static str {
    let k = &t.admin.kinds;
    match kind {
        AuditKind::LoginAccepted => k.login_accepted,
        AuditKind::LoginRefused => k.login_refused,
        AuditKind::LoginThrottled => k.login_throttled,
        AuditKind::ProviderFailed => k.provider_failed,
        AuditKind::SessionEnded => k.session_ended,
        AuditKind::TokenReused => k.token_reused,
        AuditKind::PersonLoggedOut => k.person_logged_out,
        AuditKind::EverybodyLoggedOut => k.everybody_logged_out,
        AuditKind::PersonAdded => k.person_added,
        AuditKind::PersonChanged => k.person_changed,
        AuditKind::PersonRemoved => k.person_removed,
        AuditKind::PasswordChanged => k.password_changed,
        AuditKind::Reloaded => k.reloaded,
    }
}

/// What an administrator should not read over.
const fn is_alarming(kind: AuditKind) -> bool {
    match kind {
        AuditKind::LoginThrottled | AuditKind::ProviderFailed | AuditKind::TokenReused | AuditKind::EverybodyLoggedOut => true,
        AuditKind::LoginAccepted
        | AuditKind::LoginRefused
        | AuditKind::SessionEnded
        | AuditKind::PersonLoggedOut
        | AuditKind::PersonAdded
        | AuditKind::PersonChanged
        | AuditKind::PersonRemoved
        | AuditKind::PasswordChanged
        | AuditKind::Reloaded => false,
    }
}
