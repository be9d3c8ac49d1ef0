//! The `http-form` provider against the stand-in: every person, every fault.

use std::time::Duration;

use reqwest::Url;

use super::*;
use crate::base::SystemClock;
use crate::identity::{ProviderName, UserId};
use crate::provider::{HttpForm, HttpFormSettings, Login, Provider as _, ProviderFault, Verdict};

fn provider(sso: &StandIn) -> HttpForm {
    let mut settings = HttpFormSettings::mju(ProviderName::new("mju").unwrap());
    settings.url = Url::parse(&sso.user_check_url()).unwrap();
    settings.reach.extra_ca = sso.ca_pem().map(|pem| pem.as_bytes().to_vec());
    settings.reach.total_timeout = Duration::from_secs(20);
    HttpForm::new(settings, Arc::new(SystemClock::new())).unwrap()
}

fn login(id: &str, password: &str) -> Login {
    let user = UserId::parse(&format!("mju:{}", id.to_ascii_lowercase())).unwrap();
    Login { user, password: password.into() }
}

async fn stand_in(tls: bool) -> StandIn {
    StandIn::start(StandInOptions { tls, ..StandInOptions::default() }).await.unwrap()
}

#[tokio::test]
async fn everybody_gets_the_answer_that_is_due() {
    for tls in [false, true] {
        let sso = stand_in(tls).await;
        let provider = provider(&sso);
        for account in StandIn::accounts() {
            let verdict = provider.check(login(account.id, account.password)).await.unwrap();
            match account.standing {
                Standing::Good | Standing::SecondFactor => assert_eq!(verdict, Verdict::Right { notice: None }),
                Standing::PasswordDue => assert!(matches!(verdict, Verdict::Right { notice: Some(text) } if text.contains("변경"))),
                Standing::Locked => assert!(matches!(verdict, Verdict::Wrong { message: Some(text) } if text.contains("잠긴"))),
            }
            let wrong = provider.check(login(account.id, "wrongPasswd")).await.unwrap();
            assert_eq!(wrong, Verdict::Wrong { message: Some("아이디 또는 비밀번호가 일치하지 않습니다.".into()) });
        }
        assert_eq!(sso.asked(Generation::First), 2 * StandIn::accounts().len());
    }
}

#[tokio::test]
async fn no_fault_of_the_sso_is_ever_a_login() {
    let sso = stand_in(false).await;
    for fault in Fault::ALL {
        sso.fail(Generation::First, Some(fault));
        let mut settings = HttpFormSettings::mju(ProviderName::new("mju").unwrap());
        settings.url = Url::parse(&sso.user_check_url()).unwrap();
        if matches!(fault, Fault::Silent | Fault::Drip) {
            settings.reach.total_timeout = Duration::from_millis(300);
        }
        let provider = HttpForm::new(settings, Arc::new(SystemClock::new())).unwrap();
        let told = provider.check(login("rightId", "rightPasswd")).await.expect_err(&format!("{fault:?}"));
        let fits = match fault {
            Fault::Silent | Fault::Drip => matches!(told, ProviderFault::TimedOut(_)),
            Fault::Redirect | Fault::Html | Fault::NotFound | Fault::Gone => matches!(told, ProviderFault::Changed(_)),
            Fault::Forbidden => matches!(told, ProviderFault::Refused(_)),
            Fault::Empty
            | Fault::HalfBody
            | Fault::TenMegabytes
            | Fault::GzipBomb
            | Fault::ServerError
            | Fault::Unavailable
            | Fault::Close
            | Fault::Number
            | Fault::ArrayField
            | Fault::Array
            | Fault::MissingCode
            | Fault::DuplicateCode => matches!(told, ProviderFault::NotUnderstood(_)),
            Fault::Slow(_) | Fault::EucKr => false,
        };
        assert!(fits, "{fault:?}: {told:?}");
        assert!(!told.to_string().contains("rightPasswd"), "{told}");
    }
}

#[tokio::test]
async fn slowness_within_bounds_and_euc_kr_are_no_faults() {
    let sso = stand_in(false).await;
    for fault in [Fault::EucKr, Fault::Slow(Duration::from_millis(50))] {
        sso.fail(Generation::First, Some(fault));
        let provider = provider(&sso);
        assert_eq!(provider.check(login("rightId", "rightPasswd")).await, Ok(Verdict::Right { notice: None }));
        let wrong = provider.check(login("rightId", "x")).await;
        assert_eq!(wrong, Ok(Verdict::Wrong { message: Some("아이디 또는 비밀번호가 일치하지 않습니다.".into()) }));
    }
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_unreachable_and_says_what_to_do() {
    let (sso, other) = (stand_in(true).await, stand_in(true).await);
    let mut settings = HttpFormSettings::mju(ProviderName::new("mju").unwrap());
    settings.url = Url::parse(&sso.user_check_url()).unwrap();
    settings.reach.extra_ca = other.ca_pem().map(|pem| pem.as_bytes().to_vec());
    let provider = HttpForm::new(settings, Arc::new(SystemClock::new())).unwrap();
    let told = provider.check(login("rightId", "rightPasswd")).await.unwrap_err();
    assert!(matches!(&told, ProviderFault::Unreachable(why) if why.contains("TLS") && why.contains("extra CA")), "{told}");
    assert_eq!(sso.asked(Generation::First), 0);
}

#[tokio::test]
async fn the_gzip_bomb_is_one() {
    let sso = stand_in(false).await;
    sso.fail(Generation::First, Some(Fault::GzipBomb));
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let mut reply = client.post(sso.user_check_url()).body("id=rightId&passwrd=rightPasswd").send().await.unwrap();
    let mut length = 0;
    while let Ok(Some(chunk)) = reply.chunk().await {
        length += chunk.len();
    }
    assert!(length > 20_000_000, "a client that unpacks it gets {length} bytes");
}

#[tokio::test]
async fn so_many_at_once_and_no_more() {
    let sso = stand_in(false).await;
    sso.fail(Generation::First, Some(Fault::Slow(Duration::from_millis(20))));
    let mut settings = HttpFormSettings::mju(ProviderName::new("mju").unwrap());
    settings.url = Url::parse(&sso.user_check_url()).unwrap();
    settings.reach.max_concurrency = 3;
    let provider = Arc::new(HttpForm::new(settings, Arc::new(SystemClock::new())).unwrap());
    let mut logins = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let provider = provider.clone();
        logins.spawn(async move { provider.check(login("rightId", "rightPasswd")).await });
    }
    let answers = logins.join_all().await;
    assert!(answers.iter().all(|answer| *answer == Ok(Verdict::Right { notice: None })), "{answers:?}");
    assert_eq!(sso.most_at_once(), 3);
}
