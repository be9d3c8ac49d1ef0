//! Samples of the pages about people: sign-up, account, administration.

use std::time::Duration;

use super::samples::{Named, Say, now, somebody};
use crate::base::{ClientAddr, SessionId, Timestamp};
use crate::identity::Role;
use crate::observe::AuditKind;
use crate::pages::{
    AccountPage, AuditFilter, AuditPage, AuditRow, Confirm, ConfirmPage, Console, ExtraField, Hour, Lang, MemberNotice, MemberPage,
    MemberProblem, MemberRow, MemberState, MembersPage, OverviewPage, Pages, Paging, PasswordPage, Problem, RouteFigures, SessionRow,
    SignUpPage,
};

fn ago(secs: u64) -> Timestamp {
    now().minus(Duration::from_secs(secs))
}

fn address(text: &str) -> ClientAddr {
    ClientAddr::new(text.parse().unwrap())
}

pub(super) fn all(pages: &Pages, lang: Lang, say: Say<'_>) -> Vec<Named> {
    let mut made = forms(pages, lang, say);
    made.extend(accounts(pages, lang, say));
    made.extend(members(pages, lang, say));
    made.extend(member(pages, lang, say));
    made.extend(audits(pages, lang, say));
    made.extend(overviews(pages, lang, say));
    made
}

fn forms(pages: &Pages, lang: Lang, say: Say<'_>) -> Vec<Named> {
    let extra = [
        ExtraField { name: say("department"), label: say("학과"), value: say(""), required: true },
        ExtraField { name: say("phone"), label: say("전화번호"), value: say(""), required: false },
    ];
    let empty = SignUpPage {
        action: say("/.auth/signup"),
        login: say("/login"),
        next: (None, None),
        least: 8,
        id_extra: "._-",
        id_longest: 32,
        ..SignUpPage::default()
    };
    let every = [
        Problem::IdMissing,
        Problem::IdImpossible,
        Problem::IdTaken,
        Problem::NameImpossible,
        Problem::EmailImpossible,
        Problem::FieldMissing(say("department")),
        Problem::PasswordTooShort(8),
        Problem::PasswordTooLong(256),
        Problem::PasswordCommon,
        Problem::PasswordsDiffer,
    ];
    let filled =
        SignUpPage { id: say("kim"), name: say("김명지"), email: say("kim@"), extra: &extra, approval: true, problems: &every, ..empty };
    let some = SignUpPage { problems: &every[6..7], ..filled };
    let password = PasswordPage {
        action: say("/.auth/password"),
        subject: say("kim"),
        least: 8,
        back: say("/.auth/account"),
        ..PasswordPage::default()
    };
    let wrong = [Problem::PasswordWrong, Problem::PasswordsDiffer];
    let mut made: Vec<Named> = vec![
        ("sign-up".into(), pages.sign_up(lang, &SignUpPage { extra: &extra, ..empty })),
        ("sign-up-problems".into(), pages.sign_up(lang, &filled)),
        ("sign-up-problem".into(), pages.sign_up(lang, &some)),
        ("password".into(), pages.password(lang, &password)),
        ("password-by-link".into(), pages.password(lang, &PasswordPage { link: Some("6f2c1b7e-3c5d-4f0e-9a1b-2c3d4e5f6071"), ..password })),
        ("password-problems".into(), pages.password(lang, &PasswordPage { problems: &wrong, ..password })),
    ];
    let purposes = [
        Confirm::Fresh,
        Confirm::EndSession,
        Confirm::EndOthers,
        Confirm::Withdraw,
        Confirm::ChangeMember(say("kim")),
        Confirm::RemoveMember(say("kim")),
    ];
    for purpose in purposes {
        let hidden = [(say("do"), say("withdraw")), (say("session"), say("BwcHBwcHBwcHBwcHBwcHBw"))];
        let page = ConfirmPage {
            purpose,
            action: say("/.auth/account"),
            hidden: &hidden,
            subject: say("60241234"),
            problems: if purpose == Confirm::EndOthers { &wrong[..1] } else { &[] },
            back: say("/.auth/account"),
        };
        made.push((format!("confirm-{purpose:?}"), pages.confirm(lang, &page)));
    }
    made
}

fn sessions(say: Say<'_>) -> [SessionRow<'static>; 3] {
    let row = |id, user_agent, from: &str, created, seen| SessionRow {
        id: SessionId::from_bytes([id; 16]),
        user_agent: say(user_agent),
        address: address(from),
        created: ago(created),
        last_seen: ago(seen),
    };
    [
        row(
            5,
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1",
            "2001:db8:1234:5678:9abc:def0:1234:5678",
            900_000,
            7_200,
        ),
        row(7, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/150.0 Safari/537.36 Whale/4.30", "203.0.113.77", 3_600, 10),
        row(9, "grade-sync/1.2 (nightly job of the department office)", "10.20.30.40", 80_000, 60_000),
    ]
}

fn accounts(pages: &Pages, lang: Lang, say: Say<'_>) -> Vec<Named> {
    let (who, sessions) = (somebody(say), sessions(say));
    let fields = [(say("학과"), say("컴퓨터공학과"))];
    let page = AccountPage {
        identity: who.identity(),
        provider: say("외부인 계정"),
        fields: &fields,
        now: now(),
        token_ends: now().plus(Duration::from_secs(860)),
        session_ends: now().plus(Duration::from_secs(2_592_000)),
        sessions: &sessions,
        action: say("/.auth/account"),
        logout: say("/logout"),
        everywhere: Some(say("/.auth/logout/all")),
        password: Some(say("/.auth/password")),
        withdrawal: true,
        home: Some(say("/")),
    };
    let bare = AccountPage { sessions: &sessions[1..2], password: None, withdrawal: false, home: None, ..page };
    vec![("account".into(), pages.account(lang, &page)), ("account-bare".into(), pages.account(lang, &bare))]
}

fn console(say: Say<'_>) -> Console<'static> {
    Console {
        subject: say("60241234"),
        overview: say("/.auth/admin/"),
        members: say("/.auth/admin/members"),
        audit: say("/.auth/admin/audit"),
        logout: say("/logout"),
    }
}

fn members(pages: &Pages, lang: Lang, say: Say<'_>) -> Vec<Named> {
    let row = |index: usize| MemberRow {
        href: say("/.auth/admin/members/mju:60241234"),
        subject: say("60241234"),
        name: (index % 5 != 3).then(|| say("김명지")),
        role: if index == 1 { Role::Admin } else { Role::Member },
        groups: say("students, computer-science"),
        state: [MemberState::Active, MemberState::Active, MemberState::AwaitingApproval, MemberState::Disabled][index % 4],
        last_login: (index % 4 != 2).then(|| ago(index as u64 * 50_000)),
    };
    let rows: Vec<MemberRow<'_>> = (0..MembersPage::MOST_ROWS).map(row).collect();
    let paging = Paging {
        first: Some(say("?q=kim")),
        before: Some(say("?q=kim&before=60241234")),
        after: Some(say("?q=kim&after=60245678")),
        last: Some(say("?q=kim&last=1")),
    };
    let page = MembersPage {
        console: console(say),
        query: say("김"),
        only_awaiting: false,
        awaiting: 12,
        removed: true,
        rows: &rows,
        total: Some(50_000),
        paging,
    };
    let none = MembersPage { query: "", only_awaiting: true, rows: &[], total: None, paging: Paging::default(), ..page };
    vec![("members".into(), pages.members(lang, &page)), ("members-none".into(), pages.members(lang, &none))]
}

fn member(pages: &Pages, lang: Lang, say: Say<'_>) -> Vec<Named> {
    let sessions = sessions(say);
    let page = MemberPage {
        console: console(say),
        action: say("/.auth/admin/members/local:kim"),
        id: say("local:kim"),
        subject: say("kim@local"),
        name: Some(say("김명지")),
        email: Some(say("kim@mju.ac.kr")),
        realm: say("local"),
        role: Role::Member,
        fixed_role: false,
        oneself: false,
        groups: say("students, computer-science"),
        state: MemberState::Active,
        created: ago(9_000_000),
        last_login: Some(ago(3_600)),
        sessions: &sessions,
        local: true,
        audit: say("/.auth/admin/audit?person=kim"),
        notice: None,
    };
    let link = MemberNotice::ResetLink(say("https://gate.example.ac.kr/.auth/reset/Zk1vQ0xhY2hlLXNvbWUtcmFuZG9tLWJ5dGVz"));
    vec![
        ("member".into(), pages.member(lang, &page)),
        (
            "member-saved".into(),
            pages.member(
                lang,
                &MemberPage { notice: Some(MemberNotice::Saved), role: Role::Admin, oneself: true, fixed_role: true, ..page },
            ),
        ),
        ("member-refused".into(), pages.member(lang, &MemberPage { notice: Some(MemberNotice::Refused(MemberProblem::Oneself)), ..page })),
        ("member-link".into(), pages.member(lang, &MemberPage { notice: Some(link), state: MemberState::Disabled, ..page })),
        (
            "member-new".into(),
            pages.member(
                lang,
                &MemberPage {
                    name: None,
                    email: None,
                    last_login: None,
                    sessions: &[],
                    local: false,
                    state: MemberState::AwaitingApproval,
                    ..page
                },
            ),
        ),
    ]
}

fn audits(pages: &Pages, lang: Lang, say: Say<'_>) -> Vec<Named> {
    let row = |index: usize| AuditRow {
        at: ago(index as u64 * 700),
        kind: AuditKind::ALL[index % AuditKind::ALL.len()],
        person: (index % 6 != 5).then(|| say("60241234")),
        href: (index % 6 != 5).then(|| say("?person=mju%3A60241234")),
        address: (index % 7 != 6).then(|| address("2001:db8:1234:5678:9abc:def0:1234:5678")),
        request_id: (index % 7 != 6).then(|| say("9f2c41d07ab35e68")),
        detail: say("provider mju: error code VL-1001"),
    };
    let rows: Vec<AuditRow<'_>> = (0..AuditPage::MOST_ROWS).map(row).collect();
    let filter =
        AuditFilter { person: say("60241234"), kind: Some(AuditKind::LoginRefused), from: say("2026-11-01"), to: say("2026-11-21") };
    let paging = Paging { first: Some(say("?")), after: Some(say("?before=1234")), ..Paging::default() };
    let page = AuditPage { console: console(say), filter, rows: &rows, paging };
    let none = AuditPage { filter: AuditFilter::default(), rows: &[], paging: Paging::default(), ..page };
    vec![("audit".into(), pages.audit(lang, &page)), ("audit-none".into(), pages.audit(lang, &none))]
}

fn overviews(pages: &Pages, lang: Lang, say: Say<'_>) -> Vec<Named> {
    let hour = |index: usize| Hour {
        start: ago((23 - index as u64) * 3_600),
        logins: [3, 1, 0, 0, 2, 5, 40, 180, 420, 390, 260, 300][index % 12],
        refusals: [0, 0, 1, 0, 0, 1, 6, 22, 41, 30, 12, 9][index % 12],
        sessions: 1_200 + [0, 30, 80, 200, 400, 700, 1_100, 1_500, 1_700, 1_650, 1_500, 1_300][index / 2],
        latency_median: (index % 12 != 3).then_some(120 + index as u64 * 7 % 90),
        latency_slow: (index % 12 != 3).then_some(400 + index as u64 * 131 % 700),
    };
    let hours: Vec<Hour> = (0..24).map(hour).collect();
    let route = |index: u64| RouteFigures {
        route: if index == 5 { say("") } else { say("grades.example.ac.kr/staff") },
        fine: 90_000 / (index + 1),
        redirected: 4_000,
        refused: 900 * index,
        failed: 31 * index,
    };
    let routes: Vec<RouteFigures<'_>> = (0..OverviewPage::MOST_ROUTES as u64).map(route).collect();
    let page = OverviewPage { console: console(say), live_sessions: 2_481, hours: &hours, routes: &routes };
    let none = OverviewPage { live_sessions: 0, hours: &[], routes: &[], ..page };
    vec![("overview".into(), pages.overview(lang, &page)), ("overview-none".into(), pages.overview(lang, &none))]
}
