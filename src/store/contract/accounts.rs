use secrecy::{ExposeSecret as _, SecretString};

use super::people::state;
use super::*;
use crate::store::{Account, AccountStatus, Change, Fields, NewAccount};

fn account(who: &str, password: &str, status: AccountStatus) -> NewAccount {
    let state = state("member", &["staff"], Some("김하나"), None, false);
    NewAccount { user: user(who), state, account: Account { status, password: SecretString::from(password), fields: asked() } }
}

fn asked() -> Fields {
    Fields::from([("department".to_owned(), "컴퓨터공학과, \"B\"".to_owned())])
}

async fn password(store: &Arc<dyn Store>, who: &str) -> Option<String> {
    store.account(user(who)).await.unwrap().map(|account| account.password.expose_secret().to_owned())
}

pub(in crate::store) async fn accounts_are_made_all_or_none(store: Arc<dyn Store>) {
    let one = account("local:kim", "h1", AccountStatus::Awaiting);
    assert_eq!(store.add_accounts(vec![one.clone()], at(0)).await.unwrap(), []);
    let found = store.account(user("local:kim")).await.unwrap().unwrap();
    assert_eq!((found.status, found.password.expose_secret(), found.fields), (AccountStatus::Awaiting, "h1", asked()));
    assert_eq!(store.person(user("local:kim")).await.unwrap().unwrap().state, one.state);
    // The change log tells those who run.
    let last = store.changes_after(Position::default()).await.unwrap().pop().unwrap().change;
    assert_eq!(last, Change::PersonChanged { user: user("local:kim"), state: one.state });

    let both = vec![account("local:lee", "h2", AccountStatus::Active), account("local:kim", "h3", AccountStatus::Active)];
    assert_eq!(store.add_accounts(both, at(1)).await.unwrap(), [user("local:kim")]);
    assert_eq!((password(&store, "local:kim").await.as_deref(), password(&store, "local:lee").await), (Some("h1"), None));
    // The same id in another realm is another person, and one without a password has no account.
    log_in(&store, &opening("mju:kim", at(2))).await;
    assert_eq!(password(&store, "mju:kim").await, None);

    assert!(store.set_status(user("local:kim"), AccountStatus::Active).await.unwrap());
    assert!(!store.set_status(user("mju:kim"), AccountStatus::Active).await.unwrap());
    assert_eq!(store.account(user("local:kim")).await.unwrap().unwrap().status, AccountStatus::Active);
    let page = store.accounts(user("local:kim").realm().clone(), String::new(), 10).await.unwrap();
    assert_eq!(page.iter().map(|new| new.user.clone()).collect::<Vec<_>>(), [user("local:kim")]);
}

pub(in crate::store) async fn what_was_given_before_the_account_stays(store: Arc<dyn Store>) {
    let given = state("admin", &["교직원"], None, None, false);
    store.append(vec![Change::PersonChanged { user: user("local:kim"), state: given.clone() }], at(0)).await.unwrap();
    assert_eq!(store.add_accounts(vec![account("local:kim", "h1", AccountStatus::Active)], at(1)).await.unwrap(), []);
    assert_eq!(store.person(user("local:kim")).await.unwrap().unwrap().state, given);
}

pub(in crate::store) async fn a_password_is_changed_only_from_what_it_was(store: Arc<dyn Store>) {
    store.add_accounts(vec![account("local:kim", "h1", AccountStatus::Active)], at(0)).await.unwrap();
    let set = |was: &str, becomes: &str| store.set_password(user("local:kim"), was.into(), becomes.into());
    assert!(set("h1", "h2").await.unwrap());
    assert!(!set("h1", "h3").await.unwrap(), "a re-hash that comes late undoes nothing");
    assert_eq!(password(&store, "local:kim").await.as_deref(), Some("h2"));
}

pub(in crate::store) async fn a_reset_is_good_once_and_for_a_time(store: Arc<dyn Store>) {
    store.add_accounts(vec![account("local:kim", "h1", AccountStatus::Active)], at(0)).await.unwrap();
    let (old, new) = (fresh_hash(), fresh_hash());
    assert!(!store.put_reset(user("local:nobody"), old, at(100)).await.unwrap());
    assert!(store.put_reset(user("local:kim"), old, at(100)).await.unwrap());
    assert!(store.put_reset(user("local:kim"), new, at(100)).await.unwrap());
    assert_eq!(store.reset_of(old, at(1)).await.unwrap(), None, "a new link ends the one before");
    assert_eq!(store.reset_of(new, at(100)).await.unwrap(), None);
    assert_eq!(store.use_reset(new, "late".into(), at(100)).await.unwrap(), None);
    assert_eq!(store.reset_of(new, at(99)).await.unwrap(), Some(user("local:kim")));
    assert_eq!(store.use_reset(new, "h2".into(), at(99)).await.unwrap(), Some(user("local:kim")));
    assert_eq!(store.use_reset(new, "h3".into(), at(99)).await.unwrap(), None);
    assert_eq!(password(&store, "local:kim").await.as_deref(), Some("h2"));
    // Whoever is removed leaves no account and no link.
    store.put_reset(user("local:kim"), old, at(200)).await.unwrap();
    store.append(vec![Change::PersonRemoved { user: user("local:kim") }], at(101)).await.unwrap();
    assert_eq!(password(&store, "local:kim").await, None);
    assert_eq!(store.reset_of(old, at(102)).await.unwrap(), None);
}
