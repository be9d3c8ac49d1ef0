//! The `bandi-sso` provider and the chain against the stand-in: every outcome, every change of the pages.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::base::{Clock, ManualClock, SystemClock, Timestamp};
use crate::cli::demo::{Delivery, Fault, Generation, PageFault, StandIn, StandInOptions, Standing};
use crate::identity::{ProviderName, UserId};
use crate::provider::{
    BandiSso, BandiSsoSettings, BreakerSettings, BreakerState, Chain, Finding, HttpForm, HttpFormSettings, Login, Provider, ProviderFault,
    Verdict,
};

const WRONG: &str = "아이디 또는 비밀번호가 일치하지 않습니다.";
const RIGHT: Result<Verdict, ProviderFault> = Ok(Verdict::Right { notice: None });

async fn stand_in() -> StandIn {
    StandIn::start(StandInOptions { tls: true, ..StandInOptions::default() }).await.unwrap()
}

fn settings(sso: &StandIn) -> BandiSsoSettings {
    let mut settings = BandiSsoSettings::mju(ProviderName::new("mju-sso").unwrap());
    settings.auth_url = sso.auth_url().parse().unwrap();
    settings.reach.extra_ca = sso.ca_pem().map(|pem| pem.as_bytes().to_vec());
    settings.reach.total_timeout = Duration::from_secs(20);
    settings
}

fn provider(sso: &StandIn) -> BandiSso {
    BandiSso::new(settings(sso), Arc::new(SystemClock::new())).unwrap()
}

fn login(id: &str, password: &str) -> Login {
    Login { user: UserId::parse(&format!("mju:{}", id.to_ascii_lowercase())).unwrap(), password: password.into() }
}

fn right() -> Login {
    login("rightId", "rightPasswd")
}

/// Waits until the session opened by a login was ended again, which happens behind it.
async fn logged_out(sso: &StandIn, id: &str) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    for _ in 0..2000 {
        if sso.sessions_of(id) == 0 {
            return;
        }
        ticks.tick().await;
    }
    panic!("the session of {id} is still open");
}

#[tokio::test]
async fn everybody_gets_the_answer_that_is_due() {
    let plain = StandIn::start(StandInOptions::default()).await.unwrap();
    for sso in [stand_in().await, plain] {
        everybody_asks(&sso).await;
    }
}

async fn everybody_asks(sso: &StandIn) {
    let provider = provider(sso);
    for account in StandIn::accounts() {
        let verdict = provider.check(login(account.id, account.password)).await.unwrap();
        match account.standing {
            Standing::Good => assert_eq!(verdict, Verdict::Right { notice: None }),
            Standing::PasswordDue => assert!(matches!(verdict, Verdict::Right { notice: Some(text) } if text.contains("비밀번호를 변경"))),
            Standing::Locked => assert!(matches!(verdict, Verdict::Wrong { message: Some(text) } if text.contains("잠긴"))),
            Standing::SecondFactor => assert!(matches!(verdict, Verdict::NotYet { message: Some(text) } if text.contains("추가 인증"))),
        }
        let wrong = provider.check(login(account.id, "wrong 비번")).await.unwrap();
        assert_eq!(wrong, Verdict::Wrong { message: Some(WRONG.into()) });
        logged_out(sso, account.id).await;
    }
}

#[tokio::test]
async fn every_way_to_the_service_is_followed_just_far_enough() {
    let sso = stand_in().await;
    let provider = provider(&sso);
    for delivery in [Delivery::Status, Delivery::Form, Delivery::Script, Delivery::LongWay] {
        sso.deliver(delivery);
        assert_eq!(provider.check(right()).await, RIGHT, "{delivery:?}");
        logged_out(&sso, "rightId").await;
    }
    // The service at msi.mju.ac.kr was never visited: that name leads nowhere here.
    assert_eq!(sso.sessions_ended_by_another(), 0);
}

#[tokio::test]
async fn a_change_of_the_page_is_named_and_never_a_login() {
    let sso = stand_in().await;
    for fault in [
        PageFault::MissingKey,
        PageFault::MissingToken,
        PageFault::MissingForm,
        PageFault::BrokenKey,
        PageFault::RenamedField,
        PageFault::CodeForNothing,
        PageFault::WrongState,
        PageFault::NoCode,
        PageFault::ErrorCode,
        PageFault::Endless,
        PageFault::Foreign,
        PageFault::Mute,
        PageFault::AlwaysExpired,
    ] {
        sso.change_pages(Some(fault));
        let told = provider(&sso).check(right()).await;
        let (changed, needle) = match fault {
            PageFault::MissingKey => (true, "input#public-key"),
            PageFault::MissingToken => (true, "input#c_r_t"),
            PageFault::MissingForm => (true, "form#signin-form"),
            PageFault::BrokenKey => (true, "RSA key"),
            PageFault::CodeForNothing => (true, "before it was given a password"),
            PageFault::Endless => (true, "without end"),
            PageFault::Foreign => (true, "https://sso.example"),
            PageFault::Mute => (true, "without a form"),
            PageFault::WrongState => (false, "our state"),
            PageFault::NoCode => (false, "without a code"),
            PageFault::ErrorCode => (false, "access_denied"),
            // Refusals in words: the same for everybody, which is what the alarm is for.
            PageFault::RenamedField | PageFault::AlwaysExpired => {
                assert!(matches!(told, Ok(Verdict::Wrong { message: Some(_) })), "{fault:?}: {told:?}");
                continue;
            }
            PageFault::SmallKey | PageFault::AddedField | PageFault::SaysAndGoesBack => unreachable!("no faults, or tested below"),
        };
        let told = told.expect_err(&format!("{fault:?}"));
        assert_eq!(matches!(told, ProviderFault::Changed(_)), changed, "{fault:?}: {told}");
        assert_eq!(matches!(told, ProviderFault::NotUnderstood(_)), !changed, "{fault:?}: {told}");
        assert!(told.to_string().contains(needle), "{fault:?}: {told}");
    }
}

#[tokio::test]
async fn what_is_only_different_still_works() {
    let sso = stand_in().await;
    for fault in [PageFault::SmallKey, PageFault::AddedField] {
        sso.change_pages(Some(fault));
        assert_eq!(provider(&sso).check(right()).await, RIGHT, "{fault:?}");
        let wrong = provider(&sso).check(login("rightId", "x")).await;
        assert_eq!(wrong, Ok(Verdict::Wrong { message: Some(WRONG.into()) }), "{fault:?}");
    }
    sso.change_pages(Some(PageFault::SaysAndGoesBack));
    assert_eq!(provider(&sso).check(right()).await, RIGHT);
    assert_eq!(provider(&sso).check(login("rightId", "x")).await, Ok(Verdict::Wrong { message: Some(WRONG.into()) }));
    sso.change_pages(None);
    // The page too may come in EUC-KR, and so may the refusal.
    sso.fail_page(Some(Fault::EucKr));
    sso.fail(Generation::Second, Some(Fault::EucKr));
    assert_eq!(provider(&sso).check(right()).await, RIGHT);
    assert_eq!(provider(&sso).check(login("rightId", "x")).await, Ok(Verdict::Wrong { message: Some(WRONG.into()) }));
}

#[tokio::test]
async fn no_fault_of_the_sso_is_ever_a_login_on_the_page_or_behind_it() {
    let sso = stand_in().await;
    // A body that says where to go on, so that spoiling it matters.
    sso.deliver(Delivery::Form);
    let about_json =
        |fault: &Fault| matches!(fault, Fault::Number | Fault::ArrayField | Fault::Array | Fault::MissingCode | Fault::DuplicateCode);
    for fault in Fault::ALL.into_iter().filter(|fault| !about_json(fault)) {
        for on_page in [true, false] {
            sso.fail_page(on_page.then_some(fault));
            sso.fail(Generation::Second, (!on_page).then_some(fault));
            let mut settings = settings(&sso);
            if matches!(fault, Fault::Silent | Fault::Drip) {
                settings.reach.total_timeout = Duration::from_millis(500);
            }
            let provider = BandiSso::new(settings, Arc::new(SystemClock::new())).unwrap();
            let told = provider.check(right()).await.expect_err(&format!("{fault:?}, on the page: {on_page}"));
            let fits = match fault {
                Fault::Silent | Fault::Drip => matches!(told, ProviderFault::TimedOut(_)),
                // A page without what is needed before the password, or without a meaning after it.
                Fault::Redirect | Fault::Html | Fault::NotFound | Fault::Gone | Fault::Empty => matches!(told, ProviderFault::Changed(_)),
                Fault::Forbidden => matches!(told, ProviderFault::Refused(_)),
                Fault::HalfBody | Fault::TenMegabytes | Fault::GzipBomb | Fault::ServerError | Fault::Unavailable | Fault::Close => {
                    matches!(told, ProviderFault::NotUnderstood(_))
                }

                Fault::Slow(_)
                | Fault::EucKr
                | Fault::Number
                | Fault::ArrayField
                | Fault::Array
                | Fault::MissingCode
                | Fault::DuplicateCode => false,
            };
            assert!(fits, "{fault:?}, on the page: {on_page}: {told:?}");
            assert!(!told.to_string().contains("rightPasswd"), "{told}");
        }
    }
}

#[tokio::test]
async fn the_address_is_the_proof_and_the_body_beside_it_is_not_read() {
    let sso = stand_in().await;
    for fault in [Fault::HalfBody, Fault::TenMegabytes, Fault::Drip] {
        sso.fail(Generation::Second, Some(fault));
        assert_eq!(provider(&sso).check(right()).await, RIGHT, "{fault:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_by_the_sso() {
    let sso = stand_in().await;
    let clock = ManualClock::at(Timestamp::from_secs(1_600_000_000));
    let provider = BandiSso::new(settings(&sso), Arc::new(clock)).unwrap();
    let told = provider.check(right()).await;
    assert!(matches!(&told, Ok(Verdict::Wrong { message: Some(text) }) if text.contains("시간")), "{told:?}");
}

#[tokio::test]
async fn one_login_of_one_person_at_a_time_and_strangers_beside_it() {
    let sso = stand_in().await;
    sso.fail(Generation::Second, Some(Fault::Slow(Duration::from_millis(100))));
    let provider = Arc::new(provider(&sso));
    let mut logins = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let provider = provider.clone();
        logins.spawn(async move { provider.check(right()).await });
    }
    let answers = logins.join_all().await;
    assert!(answers.iter().all(|answer| *answer == RIGHT), "{answers:?}");
    assert_eq!((sso.most_at_once(), sso.sessions_ended_by_another()), (1, 0), "one after the other, each logged out before the next");

    // Guesses that are never answered do not hold the owner up.
    sso.fail(Generation::Second, Some(Fault::Silent));
    let mut guesses = tokio::task::JoinSet::new();
    for n in 0..5 {
        let provider = provider.clone();
        guesses.spawn(async move { provider.check(login("rightId", &format!("guess {n}"))).await });
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    while sso.asked(Generation::Second) < 3 + 5 {
        ticks.tick().await;
    }
    sso.fail(Generation::Second, None);
    assert_eq!(provider.check(right()).await, RIGHT);
    assert!(guesses.try_join_next().is_none(), "they are all still waiting");
}

#[tokio::test]
async fn a_login_here_ends_the_session_elsewhere_and_leaves_none_behind() {
    let sso = stand_in().await;
    let mut without_logout = settings(&sso);
    without_logout.logout_path = None;
    let elsewhere = BandiSso::new(without_logout, Arc::new(SystemClock::new())).unwrap();
    assert_eq!(elsewhere.check(right()).await, RIGHT);
    assert_eq!(sso.sessions_of("rightId"), 1);
    assert_eq!(provider(&sso).check(right()).await, RIGHT);
    logged_out(&sso, "rightId").await;
    assert_eq!(sso.sessions_ended_by_another(), 1, "this is what cannot be helped");
}

#[tokio::test]
async fn the_trace_tells_the_way_and_no_secret() {
    let sso = stand_in().await;
    let provider = provider(&sso);
    for (account, password, expected) in [
        ("rightId", "rightPasswd", Finding::Code),
        ("rightId", "hunter2hunter2", Finding::SignInAgain),
        ("noticeId", "noticePasswd", Finding::NewPasswordDue),
        ("staffId", "staffPasswd", Finding::SecondFactor),
    ] {
        let mut steps = Vec::new();
        provider.trace(login(account, password), &mut |step| steps.push(step)).await.unwrap();
        let told = steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(steps.iter().any(|step| step.what == expected), "{told}");
        assert!(told.contains("RSA key of 2048 bits") && told.contains("JSESSIONID"), "{told}");
        assert_eq!(told.contains("ended again -> 302"), expected != Finding::SignInAgain, "{told}");
        let lines: Vec<_> = told.lines().collect();
        let secrets = lines.iter().filter(|line| line.contains(password) || line.contains("jsessionid=") || line.contains("code=0"));
        assert_eq!(secrets.count(), 0, "{told}");
        for part in told.split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c)) {
            assert!(part.len() < 32, "{part:?} could be a token, in {told}");
        }
    }
    sso.change_pages(Some(PageFault::MissingToken));
    let mut steps = Vec::new();
    assert!(provider.trace(right(), &mut |step| steps.push(step)).await.is_err());
    assert!(steps.iter().any(|step| step.what == Finding::Missing(vec!["input#c_r_t".into()])), "{steps:?}");
}

/// Both providers on one stand-in, the old one first.
fn chain(sso: &StandIn) -> (Arc<HttpForm>, Chain) {
    let mut first = HttpFormSettings::mju(ProviderName::new("mju").unwrap());
    first.url = sso.user_check_url().parse().unwrap();
    first.reach.extra_ca = sso.ca_pem().map(|pem| pem.as_bytes().to_vec());
    first.reach.breaker = BreakerSettings { failures: 3, pause: Duration::from_secs(3600) };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let first = Arc::new(HttpForm::new(first, clock).unwrap());
    let chain = Chain::new(vec![first.clone(), Arc::new(provider(sso))]).unwrap();
    (first, chain)
}

async fn who(chain: &Chain, login: Login) -> (String, Result<Verdict, ProviderFault>) {
    let (name, answer) = chain.ask(login).await;
    (name.to_string(), answer)
}

#[tokio::test]
async fn the_day_the_old_login_closes_the_new_one_takes_over() {
    let sso = stand_in().await;
    for fault in [Fault::NotFound, Fault::Gone, Fault::Redirect, Fault::Html] {
        let (_, chain) = chain(&sso);
        sso.fail(Generation::First, None);
        assert_eq!(who(&chain, right()).await, ("mju".into(), RIGHT));
        sso.fail(Generation::First, Some(fault));
        for _ in 0..5 {
            assert_eq!(who(&chain, right()).await, ("mju-sso".into(), RIGHT), "{fault:?}");
        }
        let wrong = who(&chain, login("rightId", "x")).await;
        assert_eq!(wrong, ("mju-sso".into(), Ok(Verdict::Wrong { message: Some(WRONG.into()) })));
    }
}

#[tokio::test]
async fn a_wrong_password_at_the_first_is_final() {
    let sso = stand_in().await;
    let (_, chain) = chain(&sso);
    for _ in 0..5 {
        assert_eq!(who(&chain, login("rightId", "x")).await.0, "mju");
    }
    assert_eq!(sso.asked(Generation::Second), 0);
}

#[tokio::test]
async fn what_is_ambiguous_moves_on_when_it_happens_to_everybody() {
    let sso = stand_in().await;
    let (first, chain) = chain(&sso);
    sso.fail(Generation::First, Some(Fault::ServerError));
    for _ in 0..2 {
        assert!(matches!(who(&chain, right()).await, (name, Err(ProviderFault::NotUnderstood(_))) if name == "mju"));
    }
    // The third in a row opens the breaker, and from then on the first is not even asked.
    assert_eq!(who(&chain, right()).await, ("mju-sso".into(), RIGHT));
    assert!(matches!(first.breaker().unwrap().state(), BreakerState::Open { .. }));
    let asked = sso.asked(Generation::First);
    assert_eq!(who(&chain, right()).await, ("mju-sso".into(), RIGHT));
    assert_eq!(sso.asked(Generation::First), asked);
}

#[tokio::test]
async fn no_password_is_in_the_log_at_any_level() {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let sso = stand_in().await;
    let (_, chain) = chain(&sso);
    for fault in [None, Some(Fault::ServerError), Some(Fault::Close), Some(Fault::NotFound)] {
        sso.fail(Generation::First, fault);
        sso.fail(Generation::Second, fault);
        for _ in 0..6 {
            let _ = chain.ask(right()).await;
        }
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("is left alone for a while"), "{log}");
    assert!(!log.contains("rightPasswd"), "{log}");
}
