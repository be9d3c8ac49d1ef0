use super::*;
use crate::base::ManualClock;
use crate::store::Sqlite;
use crate::store::sqlite::Settings;

const GOOD: &str = "바다로 가는 기차 열두시";

fn local(registration: Registration) -> (Local, Arc<ManualClock>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(Settings::new(dir.path().join("store.db"))).unwrap());
    let clock = Arc::new(ManualClock::default());
    let settings = LocalSettings {
        name: ProviderName::new("guests").unwrap(),
        realm: Realm::new("guests").unwrap(),
        id_rule: IdRule::default(),
        registration,
        shortest_password: 8,
        fields: Vec::new(),
    };
    (Local::new(settings, store, clock.clone()), clock, dir)
}

fn user(id: &str) -> UserId {
    UserId::parse(&format!("guests:{id}")).unwrap()
}

async fn log_in(local: &Local, id: &str, password: &str) -> Verdict {
    local.check(Login { user: user(id), password: password.into() }).await.unwrap()
}

const RIGHT: Verdict = Verdict::Right { notice: None };
const WRONG: Verdict = Verdict::Wrong { message: None };

#[tokio::test]
async fn who_signs_up_can_log_in_and_nobody_takes_the_id_again() {
    let (local, _clock, _dir) = local(Registration::Open);
    assert_eq!(local.sign_up(user("kim"), Profile::default(), Fields::new(), GOOD.into()).await, Ok(AccountStatus::Active));
    assert_eq!(log_in(&local, "kim", GOOD).await, RIGHT);
    assert_eq!(log_in(&local, "kim", "another").await, WRONG);
    assert_eq!(log_in(&local, "lee", GOOD).await, WRONG);
    assert_eq!(local.sign_up(user("kim"), Profile::default(), Fields::new(), "another long one 7".into()).await, Err(AccountFault::Taken));
    // A role given beforehand is nobody's to take by signing up.
    let given = crate::store::Change::PersonChanged { user: user("root"), state: PersonState::default() };
    local.store.append(vec![given], local.clock.now()).await.unwrap();
    assert_eq!(local.sign_up(user("root"), Profile::default(), Fields::new(), GOOD.into()).await, Err(AccountFault::Taken));
    let common = local.sign_up(user("park"), Profile::default(), Fields::new(), "password1".into()).await;
    assert_eq!(common, Err(AccountFault::Password(PasswordFault::Common)));
    assert_eq!(log_in(&local, "park", "password1").await, WRONG);
}

#[tokio::test]
async fn an_account_waits_for_approval_and_only_its_owner_hears_so() {
    let (local, _clock, _dir) = local(Registration::Approval);
    assert_eq!(local.sign_up(user("kim"), Profile::default(), Fields::new(), GOOD.into()).await, Ok(AccountStatus::Awaiting));
    assert!(matches!(log_in(&local, "kim", GOOD).await, Verdict::NotYet { message: Some(_) }));
    assert_eq!(log_in(&local, "kim", "another").await, WRONG);
    local.store.set_status(user("kim"), AccountStatus::Active).await.unwrap();
    assert_eq!(log_in(&local, "kim", GOOD).await, RIGHT);
}

#[tokio::test]
async fn a_closed_door_makes_no_account() {
    let (local, _clock, _dir) = local(Registration::Closed);
    assert_eq!(local.sign_up(user("kim"), Profile::default(), Fields::new(), GOOD.into()).await, Err(AccountFault::Closed));
}

#[tokio::test]
async fn an_imported_hash_is_made_anew_at_the_next_login() {
    let (local, _clock, _dir) = local(Registration::Closed);
    let old = Account { status: AccountStatus::Active, password: bcrypt::hash("old one", 4).unwrap().into(), fields: Fields::new() };
    let new = NewAccount { user: user("kim"), state: PersonState::default(), account: old };
    local.store.add_accounts(vec![new], local.clock.now()).await.unwrap();
    let stored = || async { local.store.account(user("kim")).await.unwrap().unwrap().password.expose_secret().to_owned() };
    assert_eq!(log_in(&local, "kim", "wrong").await, WRONG);
    assert!(stored().await.starts_with("$2b$"));
    assert_eq!(log_in(&local, "kim", "old one").await, RIGHT);
    let anew = stored().await;
    assert!(anew.starts_with("$argon2id$"), "{anew}");
    assert_eq!(log_in(&local, "kim", "old one").await, RIGHT);
    assert_eq!(stored().await, anew, "once");
}

#[tokio::test]
async fn a_password_is_changed_with_the_old_one() {
    let (local, _clock, _dir) = local(Registration::Open);
    local.sign_up(user("kim"), Profile::default(), Fields::new(), GOOD.into()).await.unwrap();
    let change = |old: &str, new: &str| local.change_password(user("kim"), old.into(), new.into());
    assert_eq!(change("wrong", "another long one 7").await, Err(AccountFault::Wrong));
    assert_eq!(change(GOOD, "short").await, Err(AccountFault::Password(PasswordFault::TooShort { least: 8 })));
    assert_eq!(change(GOOD, "another long one 7").await, Ok(()));
    assert_eq!((log_in(&local, "kim", GOOD).await, log_in(&local, "kim", "another long one 7").await), (WRONG, RIGHT));
}

#[tokio::test]
async fn a_link_sets_a_password_once_and_within_a_day() {
    let (local, clock, _dir) = local(Registration::Open);
    local.sign_up(user("kim"), Profile::default(), Fields::new(), GOOD.into()).await.unwrap();
    assert_eq!(local.make_reset(user("nobody")).await.unwrap(), None);
    let secret = local.make_reset(user("kim")).await.unwrap().unwrap();
    assert_eq!(local.use_reset(&TokenId::random(), "another long one 7".into()).await, Err(AccountFault::Link));
    assert!(matches!(local.use_reset(&secret, "short".into()).await, Err(AccountFault::Password(_))));
    assert_eq!(local.use_reset(&secret, "another long one 7".into()).await, Ok(user("kim")));
    assert_eq!(local.use_reset(&secret, "one more long one 8".into()).await, Err(AccountFault::Link));
    assert_eq!(log_in(&local, "kim", "another long one 7").await, RIGHT);
    let secret = local.make_reset(user("kim")).await.unwrap().unwrap();
    clock.advance(RESET);
    assert_eq!(local.use_reset(&secret, "one more long one 8".into()).await, Err(AccountFault::Link));
}
