use super::*;
use crate::identity::{DisplayName, Email, Group, Profile, Role};
use crate::observe::{AuditEvent, AuditKind};
use crate::store::{
    Account, AccountStatus, AuditEntry, AuditQuery, Change, Fields, NewAccount, PeopleCount, PeoplePage, PeopleQuery, PersonState,
};

pub(in crate::store) fn state(role: &str, groups: &[&str], name: Option<&str>, email: Option<&str>, disabled: bool) -> PersonState {
    let profile = Profile {
        role: Role::parse(role).unwrap(),
        groups: groups.iter().map(|group| Group::new(group).unwrap()).collect(),
        name: name.map(|name| DisplayName::new(name).unwrap()),
        email: email.map(|email| Email::new(email).unwrap()),
    };
    PersonState { disabled, profile: Arc::new(profile) }
}

async fn change(store: &Arc<dyn Store>, who: &str, state: PersonState) {
    store.append(vec![Change::PersonChanged { user: user(who), state }], at(0)).await.unwrap();
}

fn event(kind: AuditKind, who: Option<&str>, session: Option<SessionId>, when: Timestamp) -> AuditEvent {
    AuditEvent {
        at: when,
        kind,
        user: who.map(user),
        session,
        address: Some(ClientAddr::new("192.0.2.7".parse().unwrap())),
        request: Some("r-1".to_owned()),
        detail: "mju".to_owned(),
    }
}

const ALL: AuditQuery = AuditQuery { user: None, kind: None, since: None, until: None, before: None, limit: 100 };

pub(in crate::store) async fn a_changed_person_is_kept_and_found(store: Arc<dyn Store>) {
    let wanted = state("admin", &["staff", "교직원"], Some("홍길동"), Some("h@mju.ac.kr"), false);
    change(&store, "mju:a", wanted.clone()).await;
    let person = store.person(user("mju:a")).await.unwrap().unwrap();
    assert_eq!((person.created, person.last_login, &person.state), (at(0), None, &wanted));
    // Entered before the first login, which is still the first.
    assert!(log_in(&store, &opening("mju:a", at(5))).await.first);
    let person = store.person(user("mju:a")).await.unwrap().unwrap();
    assert_eq!((person.created, person.last_login, &person.state), (at(0), Some(at(5)), &wanted));
    change(&store, "mju:a", PersonState::default()).await;
    assert_eq!(store.person(user("mju:a")).await.unwrap().unwrap().state, PersonState::default());
    assert_eq!(store.person(user("local:a")).await.unwrap(), None);
}

pub(in crate::store) async fn people_are_paged_and_searched(store: Arc<dyn Store>) {
    for n in 0..25 {
        log_in(&store, &opening(&format!("mju:{n:03}"), at(n))).await;
    }
    change(&store, "local:kim_1", state("member", &[], Some("김100%"), Some("Kim@Example.kr"), false)).await;
    let page = async |page| -> Vec<UserId> {
        let people = store.people(PeopleQuery { search: None, awaiting: false, page, limit: 10 }).await.unwrap();
        assert!(people.len() <= 10);
        people.into_iter().map(|person| person.user).collect()
    };
    let mut found = page(PeoplePage::First).await;
    loop {
        let next = page(PeoplePage::After(found.last().unwrap().clone())).await;
        if next.is_empty() {
            break;
        }
        found.extend(next);
    }
    assert_eq!((found.len(), found[0].to_string()), (26, "local:kim_1".to_owned()));
    assert!(found.is_sorted());
    // The same backwards, each page in the same order.
    assert_eq!(page(PeoplePage::Last).await, found[16..]);
    assert_eq!(page(PeoplePage::Before(found[16].clone())).await, found[6..16]);
    assert_eq!(page(PeoplePage::Before(found[6].clone())).await, found[..6]);
    assert_eq!(store.count_people().await.unwrap(), PeopleCount { everybody: 26, awaiting: 0 });
    for (search, count) in
        [("02", 6), ("kim", 1), ("KIM@EXAMPLE", 1), ("김", 1), ("100%", 1), ("%", 1), ("_", 1), ("\\", 0), ("x' OR '1", 0)]
    {
        let query = PeopleQuery { search: Some(search.to_owned()), awaiting: false, page: PeoplePage::First, limit: 100 };
        assert_eq!(store.people(query).await.unwrap().len(), count, "{search:?}");
    }
}

pub(in crate::store) async fn a_removed_person_leaves_nothing_personal(store: Arc<dyn Store>) {
    let opening = opening("mju:a", at(0));
    log_in(&store, &opening).await;
    log_in(&store, &super::opening("mju:b", at(0))).await;
    change(&store, "mju:a", state("member", &["staff"], Some("홍길동"), None, false)).await;
    let events = vec![
        event(AuditKind::LoginAccepted, Some("mju:a"), Some(opening.id), at(1)),
        event(AuditKind::SessionEnded, None, Some(opening.id), at(2)),
        event(AuditKind::LoginAccepted, Some("mju:b"), None, at(3)),
    ];
    store.audit(events).await.unwrap();
    store.append(vec![Change::PersonRemoved { user: user("mju:a") }], at(4)).await.unwrap();

    assert_eq!(store.person(user("mju:a")).await.unwrap(), None);
    assert_eq!(store.session(opening.id).await.unwrap(), None);
    assert!(matches!(keep(&store, opening.id, opening.refresh, at(5)).await, RenewalOutcome::Unknown));
    let entries = store.audit_trail(ALL).await.unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[0].event.user, Some(user("mju:b")));
    for AuditEntry { number: _, event } in &entries[1..] {
        assert!(event.session.is_none() && event.address.is_none() && event.request.is_none(), "{event:?}");
    }
    let nobody = entries[1].event.user.clone().unwrap();
    assert!(nobody.to_string().starts_with("mju:removed#"), "{nobody}");
    assert_eq!(entries[2].event.user.as_ref(), Some(&nobody), "what happened to one person stays what happened to one");
    assert_eq!(store.audit_trail(AuditQuery { user: Some(nobody), ..ALL }).await.unwrap().len(), 2);
    let log = store.changes_after(Position(0)).await.unwrap();
    assert_eq!(log.last().unwrap().change, Change::PersonRemoved { user: user("mju:a") });
    assert!(!log.iter().any(|entry| matches!(entry.change, Change::PersonChanged { .. })), "the name stands in no older entry");
    assert!(log_in(&store, &super::opening("mju:a", at(9))).await.first, "who comes again is a new person");
}

pub(in crate::store) async fn what_a_removed_administrator_did_was_done_by_nobody(store: Arc<dyn Store>) {
    let by = |who: &str, what: &str| AuditEvent {
        detail: format!("{what}by mju:{who}"),
        ..event(AuditKind::PersonChanged, Some("mju:b"), None, at(1))
    };
    store.audit(vec![by("a", "role admin, "), by("aa", ""), by("a", "")]).await.unwrap();
    let theft =
        AuditEvent { detail: "session begun from 192.0.2.9".to_owned(), ..event(AuditKind::TokenReused, Some("mju:a"), None, at(2)) };
    store.audit(vec![theft]).await.unwrap();
    store.append(vec![Change::PersonRemoved { user: user("mju:a") }], at(4)).await.unwrap();
    let entries = store.audit_trail(ALL).await.unwrap();
    let nobody = entries[0].event.user.clone().unwrap();
    assert_eq!(entries[0].event.detail, "", "where the session was begun is gone");
    let told: Vec<(&str, bool)> = entries[1..].iter().map(|entry| (&*entry.event.detail, entry.event.address.is_some())).collect();
    let by_nobody = format!("by {nobody}");
    assert_eq!(told, [(&*by_nobody, false), ("by mju:aa", true), (&*format!("role admin, {by_nobody}"), false)]);
    assert!(entries[1..].iter().all(|entry| entry.event.user == Some(user("mju:b"))), "to whom it was done stays");
}

fn local(who: &str, status: AccountStatus) -> NewAccount {
    NewAccount {
        user: user(who),
        state: PersonState::default(),
        account: Account { status, password: "a hash".into(), fields: Fields::default() },
    }
}

pub(in crate::store) async fn who_waits_for_approval_is_found(store: Arc<dyn Store>) {
    log_in(&store, &opening("mju:a", at(0))).await;
    let accounts = vec![local("local:b", AccountStatus::Awaiting), local("local:c", AccountStatus::Active)];
    assert_eq!(store.add_accounts(accounts, at(1)).await.unwrap(), []);
    let waiting = PeopleQuery { search: None, awaiting: true, page: PeoplePage::First, limit: 10 };
    let found = store.people(waiting.clone()).await.unwrap();
    assert_eq!((found.len(), &found[0].user, found[0].account), (1, &user("local:b"), Some(AccountStatus::Awaiting)));
    assert_eq!(store.count_people().await.unwrap(), PeopleCount { everybody: 3, awaiting: 1 });
    assert!(store.set_status(user("local:b"), AccountStatus::Active).await.unwrap());
    assert_eq!(store.people(waiting).await.unwrap(), []);
    assert_eq!(store.person(user("local:c")).await.unwrap().unwrap().account, Some(AccountStatus::Active));
    assert_eq!(store.person(user("mju:a")).await.unwrap().unwrap().account, None);
}

pub(in crate::store) async fn a_blocked_id_does_not_come_back(store: Arc<dyn Store>) {
    log_in(&store, &opening("mju:a", at(0))).await;
    store.block(user("mju:a"), at(1)).await.unwrap();
    store.block(user("mju:a"), at(1)).await.unwrap();
    store.append(vec![Change::PersonRemoved { user: user("mju:a") }], at(1)).await.unwrap();
    assert!(store.is_blocked(user("mju:a")).await.unwrap());
    assert!(!store.is_blocked(user("local:a")).await.unwrap(), "a namesake of another realm is somebody else");
    assert!(matches!(store.open_session(opening("mju:a", at(2))).await.unwrap(), Opened::Blocked));
    let accounts = vec![local("mju:a", AccountStatus::Active), local("mju:b", AccountStatus::Active)];
    assert_eq!(store.add_accounts(accounts, at(3)).await.unwrap(), [user("mju:a")]);
    assert_eq!(store.person(user("mju:a")).await.unwrap(), None);
    assert_eq!(store.person(user("mju:b")).await.unwrap(), None);
    assert!(store.unblock(user("mju:a")).await.unwrap());
    assert!(!store.unblock(user("mju:a")).await.unwrap());
    assert!(log_in(&store, &opening("mju:a", at(4))).await.first);
}

pub(in crate::store) async fn hours_are_counted(store: Arc<dyn Store>) {
    const HOUR: u64 = 3600;
    let login = |when| event(AuditKind::LoginAccepted, Some("mju:a"), None, when);
    let events = vec![
        login(at(0)),
        login(at(HOUR)),
        login(at(2 * HOUR - 1)),
        event(AuditKind::LoginRefused, Some("mju:a"), None, at(HOUR)),
        event(AuditKind::LoginThrottled, None, None, at(HOUR + 1)),
        event(AuditKind::SessionEnded, None, None, at(HOUR + 1)),
        login(at(4 * HOUR)),
    ];
    store.audit(events).await.unwrap();
    let day = opening("mju:a", at(10));
    log_in(&store, &day).await;
    let ended = opening("mju:a", at(HOUR + 10));
    log_in(&store, &ended).await;
    let change = Change::SessionEnded { session: ended.id, user: user("mju:a"), reason: EndReason::LoggedOut };
    store.append(vec![change], at(2 * HOUR + 5)).await.unwrap();
    log_in(&store, &Opening { idle: Duration::from_secs(60), ..opening("mju:a", at(HOUR)) }).await;
    let told: Vec<_> = store.figures(at(0), 4).await.unwrap().iter().map(|hour| (hour.logins, hour.refusals, hour.sessions)).collect();
    assert_eq!(told, [(1, 0, 1), (2, 2, 2), (0, 0, 1), (0, 0, 1)]);
    assert_eq!(store.figures(at(0), 0).await.unwrap(), []);
}

pub(in crate::store) async fn the_audit_trail_is_filtered_and_paged(store: Arc<dyn Store>) {
    let mut events: Vec<_> = (0..10).map(|n| event(AuditKind::LoginRefused, Some("mju:a"), None, at(n))).collect();
    events.push(event(AuditKind::LoginAccepted, Some("mju:a"), None, at(20)));
    events.push(event(AuditKind::LoginAccepted, Some("local:a"), None, at(21)));
    events.push(AuditEvent { address: None, request: None, ..event(AuditKind::Reloaded, None, None, at(22)) });
    store.audit(events).await.unwrap();
    let count = async |query: AuditQuery| store.audit_trail(query).await.unwrap().len();
    assert_eq!(count(ALL).await, 13);
    assert_eq!(count(AuditQuery { user: Some(user("mju:a")), ..ALL }).await, 11);
    assert_eq!(count(AuditQuery { kind: Some(AuditKind::LoginAccepted), ..ALL }).await, 2);
    assert_eq!(count(AuditQuery { since: Some(at(5)), until: Some(at(21)), ..ALL }).await, 6);
    assert_eq!(count(AuditQuery { user: Some(user("mju:a")), kind: Some(AuditKind::LoginAccepted), since: Some(at(21)), ..ALL }).await, 0);
    let first = store.audit_trail(AuditQuery { limit: 5, ..ALL }).await.unwrap();
    let second = store.audit_trail(AuditQuery { limit: 5, before: Some(first[4].number), ..ALL }).await.unwrap();
    let moments: Vec<_> = first.iter().chain(&second).map(|entry| entry.event.at).collect();
    assert_eq!(moments, [22, 21, 20, 9, 8, 7, 6, 5, 4, 3].map(at));
    let AuditEvent { kind, user, session, address, request, detail, .. } = &first[0].event;
    assert_eq!((*kind, detail.as_str()), (AuditKind::Reloaded, "mju"));
    assert!(user.is_none() && session.is_none() && address.is_none() && request.is_none());
}

pub(in crate::store) async fn old_audit_events_are_pruned_and_numbers_go_on(store: Arc<dyn Store>) {
    // More than one slice, and one that a clock behind the others wrote later.
    let mut events: Vec<_> = (0..2500).map(|n| event(AuditKind::LoginRefused, Some("mju:a"), None, at(n))).collect();
    events.push(event(AuditKind::LoginAccepted, Some("mju:a"), None, at(7)));
    store.audit(events).await.unwrap();
    let newest = store.audit_trail(AuditQuery { limit: 1, ..ALL }).await.unwrap()[0].number;
    store.prune(at(5000), EVERYTHING).await.unwrap();
    assert_eq!(store.audit_trail(AuditQuery { limit: 3000, ..ALL }).await.unwrap().len(), 2501);
    store.prune(at(5000), Keep { audit_since: at(2490), ..EVERYTHING }).await.unwrap();
    let moments = store.audit_trail(AuditQuery { limit: 3000, ..ALL }).await.unwrap().into_iter().map(|entry| entry.event.at);
    assert!(moments.eq((2490..2500).rev().map(at)));
    // Whoever reads page by page must not meet a number twice.
    store.prune(at(5000), Keep { audit_since: at(5000), ..EVERYTHING }).await.unwrap();
    store.audit(vec![event(AuditKind::LoginRefused, None, None, at(5000))]).await.unwrap();
    assert!(store.audit_trail(ALL).await.unwrap()[0].number > newest);
}
