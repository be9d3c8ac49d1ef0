//! One of each page, with texts as they are in real life or with whatever a test puts in their place.

use std::time::Duration;

use super::people;
use crate::base::Timestamp;
use crate::identity::{DisplayName, Email, Group, Profile, Role, Somebody};
use crate::pages::{
    Accent, Action, Brand, Label, Lang, LoggedOutPage, LoginError, LoginPage, LogoutPage, MePage, Message, MessagePage, Pages,
    ProviderChoice, RefusalKind, RefusalPage, Wait, WhyHere,
};

/// Gives the text to show for the one a page would have.
pub(super) type Say<'a> = &'a dyn Fn(&'static str) -> &'static str;

/// A page by name.
pub(super) type Named = (String, String);

pub(super) fn now() -> Timestamp {
    Timestamp::from_secs(1_795_278_765)
}

pub(super) fn pages(say: Say<'_>) -> Pages {
    let mut brand = Brand::new(DisplayName::new(say("명지대학교 성적 조회")).unwrap());
    brand.contact = Some(say("정보통신지원팀 02-300-1234").into());
    Pages::new(brand)
}

pub(super) fn all(pages: &Pages, lang: Lang, say: Say<'_>) -> Vec<Named> {
    let mut made = logins(pages, lang, say);
    made.extend(results(pages, lang, say));
    made.extend(refusals(pages, lang, say));
    made.push(("me".into(), me(pages, lang, say)));
    made.extend(people::all(pages, lang, say));
    made
}

fn logins(pages: &Pages, lang: Lang, say: Say<'_>) -> Vec<Named> {
    let one = [ProviderChoice {
        name: say("mju"),
        label: say("명지대학교 통합로그인"),
        hint: Some(say("학번 또는 교직원 번호")),
        answering: true,
    }];
    let two = [
        one[0],
        ProviderChoice {
            name: say("local"), label: say("외부인 계정"), hint: Some(say("가입할 때 정한 아이디")), answering: true
        },
        ProviderChoice { name: say("down"), label: say("다른 대학 계정"), hint: None, answering: false },
    ];
    let down = [ProviderChoice { answering: false, ..one[0] }];
    let base = LoginPage {
        action: say("/login"),
        next: Some(say("/grades?year=2026&term=2")),
        providers: &one,
        remember: Some(false),
        ..LoginPage::default()
    };
    let mut made: Vec<Named> = vec![
        ("login".into(), pages.login(lang, &base)),
        ("login-no-provider".into(), pages.login(lang, &LoginPage { providers: &[], next: None, ..base })),
        (
            "login-several".into(),
            pages.login(lang, &LoginPage { providers: &two, provider: Some(say("local")), sign_up: Some(say("/.auth/signup")), ..base }),
        ),
        ("login-down".into(), pages.login(lang, &LoginPage { providers: &down, ..base })),
        ("login-other".into(), pages.login(lang, &LoginPage { signed_in_as: Some(say("60241234")), ..base })),
        ("login-notice".into(), pages.login(lang, &LoginPage { notice: Some(say("비밀번호를 바꾼 지 90일이 지났습니다.")), ..base })),
    ];
    for why in WhyHere::ALL {
        made.push((format!("login-why-{}", why.as_str()), pages.login(lang, &LoginPage { why: Some(why), ..base })));
    }
    let wait = Wait::new(now(), Duration::from_secs(30));
    let errors = [
        ("missing", LoginError::Missing),
        ("refused", LoginError::Refused(None)),
        ("refused-words", LoginError::Refused(Some(say("비밀번호 5회 오류로 계정이 잠겼습니다. 포털에서 해제해 주세요.")))),
        ("wrong", LoginError::Wrong),
        ("throttled", LoginError::Throttled(wait)),
        ("disabled", LoginError::Disabled),
        ("awaiting", LoginError::AwaitingApproval),
        ("unreachable", LoginError::Unreachable),
        ("timed-out", LoginError::TimedOut),
        ("not-understood", LoginError::NotUnderstood),
        ("overloaded", LoginError::Overloaded),
        ("cross-site", LoginError::CrossSite),
        ("unavailable", LoginError::Unavailable),
    ];
    for (name, error) in errors {
        let page =
            LoginPage { error: Some(error), id: say("60241234"), remember: Some(true), request_id: Some(say("9f2c41d07ab35e68")), ..base };
        made.push((format!("login-error-{name}"), pages.login(lang, &page)));
    }
    made
}

fn results(pages: &Pages, lang: Lang, say: Say<'_>) -> Vec<Named> {
    let logout = LogoutPage {
        action: say("/logout"),
        everywhere: Some(say("/.auth/logout/all")),
        stay: say("/"),
        subject: Some(say("60241234")),
        next: Some(say("/bye")),
    };
    let mut made: Vec<Named> = vec![
        ("logout".into(), pages.logout(lang, &logout)),
        ("logout-bare".into(), pages.logout(lang, &LogoutPage { everywhere: None, subject: None, next: None, ..logout })),
        ("logged-out".into(), pages.logged_out(lang, &LoggedOutPage { login: say("/login"), everywhere: false })),
        ("logged-out-everywhere".into(), pages.logged_out(lang, &LoggedOutPage { login: say("/login"), everywhere: true })),
    ];
    let labels = [Label::Continue, Label::LogIn, Label::LogInAsOther, Label::LogInInNewTab, Label::Home, Label::Retry, Label::Account];
    let actions = labels.map(|label| Action { label, href: say("/next?a=1&b=2") });
    let messages = [
        ("notice", Message::LoggedInWithNotice(say("비밀번호를 바꾼 지 90일이 지났습니다. 포털에서 바꿔 주세요.")), &actions[..1]),
        ("after", Message::LoggedInAfter(WhyHere::Theft), &actions[..1]),
        ("other-tab", Message::LoggedInForOtherTab, &[]),
        ("signed-up", Message::SignedUp, &actions[1..2]),
        ("awaiting", Message::SignedUpAwaitingApproval, &actions[4..5]),
        ("password-changed", Message::PasswordChanged, &actions[6..]),
        ("session-ended", Message::SessionEnded, &actions[6..]),
        ("others-ended", Message::OtherSessionsEnded, &actions[6..]),
        ("withdrawn", Message::Withdrawn, &actions[4..5]),
        ("link-used-up", Message::LinkUsedUp, &[]),
        ("words", Message::Words { title: say("점검 안내"), text: say("일요일 2시부터 4시까지 점검합니다.") }, &actions[..]),
    ];
    for (name, message, actions) in messages {
        made.push((format!("message-{name}"), pages.message(lang, &MessagePage { message, actions })));
    }
    made
}

/// Every kind of refusal, and for those that may say more, both ways.
pub(super) fn kinds(say: Say<'_>) -> Vec<RefusalKind<'static>> {
    let wait = Wait::new(now(), Duration::from_secs(90));
    let login = say("/login?next=%2Fgrades");
    vec![
        RefusalKind::BadRequest,
        RefusalKind::RedirectLoop { login },
        RefusalKind::FormNotSent { login },
        RefusalKind::NotAllowed { subject: say("60241234"), login },
        RefusalKind::CrossSite,
        RefusalKind::NotEncrypted,
        RefusalKind::NotFound,
        RefusalKind::MethodNotAllowed,
        RefusalKind::TooSlow,
        RefusalKind::BodyTooLarge { limit: Some(10 << 20) },
        RefusalKind::BodyTooLarge { limit: None },
        RefusalKind::AddressTooLong,
        RefusalKind::Misdirected,
        RefusalKind::TooMany { wait },
        RefusalKind::HeadersTooLarge,
        RefusalKind::Internal,
        RefusalKind::NotSupported,
        RefusalKind::UpstreamFailed,
        RefusalKind::Unavailable { wait: Some(wait) },
        RefusalKind::Unavailable { wait: None },
        RefusalKind::UpstreamTimedOut,
    ]
}

fn refusals(pages: &Pages, lang: Lang, say: Say<'_>) -> Vec<Named> {
    let refusal = |(index, kind): (usize, RefusalKind<'static>)| {
        let page = RefusalPage { kind, request_id: say("9f2c41d07ab35e68"), retry: Some(say("/grades?year=2026")), home: Some(say("/")) };
        (format!("refusal-{}-{index:02}", kind.status().as_u16()), pages.refusal(lang, &page))
    };
    kinds(say).into_iter().enumerate().map(refusal).collect()
}

pub(super) fn somebody(say: Say<'_>) -> Somebody {
    let profile = Profile {
        role: Role::Member,
        groups: vec![Group::new(say("students")).unwrap(), Group::new(say("cs")).unwrap()],
        name: Some(DisplayName::new(say("김명지")).unwrap()),
        email: Some(Email::new(say("kim@mju.ac.kr")).unwrap()),
    };
    Somebody::named(say("60241234"), profile)
}

fn me(pages: &Pages, lang: Lang, say: Say<'_>) -> String {
    let somebody = somebody(say);
    let page = MePage {
        identity: somebody.identity(),
        provider: say("명지대학교 통합로그인"),
        now: now(),
        token_ends: now().plus(Duration::from_secs(860)),
        session_ends: now().plus(Duration::from_secs(2_592_000)),
        logout: say("/logout"),
        account: Some(say("/.auth/account")),
        home: Some(say("/")),
    };
    pages.me(lang, &page)
}

/// The same texts in a place with a logo and a bright colour.
pub(super) fn bright(say: Say<'_>) -> Pages {
    let mut brand = Brand::new(DisplayName::new(say("Open Lab")).unwrap());
    brand.accent = Accent::new("#ffd400").unwrap();
    let logo = b"<svg xmlns='http://www.w3.org/2000/svg' width='120' height='40'><rect width='120' height='40' rx='8' fill='#246'/><circle cx='20' cy='20' r='10' fill='#fd0'/></svg>";
    brand.logo = Some(crate::pages::Logo::file(crate::pages::LogoFormat::Svg, logo).unwrap());
    Pages::new(brand)
}
