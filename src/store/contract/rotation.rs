use super::*;
use crate::store::{Change, PersonState};

async fn begun(store: &Arc<dyn Store>) -> Opening {
    let opening = opening("mju:60241234", at(0));
    log_in(store, &opening).await;
    opening
}

/// The sealed pair that `token` is answered with again.
async fn again(store: &Arc<dyn Store>, session: SessionId, token: TokenHash, when: Timestamp) -> Option<String> {
    match store.renew(rotation(session, token, fresh_hash(), "not this one", when)).await.unwrap() {
        RenewalOutcome::Again { sealed, .. } => Some(String::from_utf8(sealed).unwrap()),
        RenewalOutcome::Kept { .. }
        | RenewalOutcome::Rotated { .. }
        | RenewalOutcome::Theft { .. }
        | RenewalOutcome::Ended(_)
        | RenewalOutcome::Expired
        | RenewalOutcome::Disabled
        | RenewalOutcome::Unknown => None,
    }
}

async fn assert_stolen(store: &Arc<dyn Store>, session: SessionId, outcome: RenewalOutcome, when: Timestamp) {
    let RenewalOutcome::Theft { record, ended } = outcome else { panic!("no theft but {outcome:?}") };
    assert_eq!(record.ended, Some((when, EndReason::Theft)));
    assert_eq!(ended.change, Change::SessionEnded { session, user: record.user.clone(), reason: EndReason::Theft });
    assert_eq!(store.session(session).await.unwrap(), Some(record));
    assert_eq!(store.changes_after(Position(0)).await.unwrap().last(), Some(&ended));
}

pub(in crate::store) async fn a_kept_token_stays_good(store: Arc<dyn Store>) {
    let session = begun(&store).await;
    for moment in [10, 1000, 40_000] {
        let RenewalOutcome::Kept { record, .. } = keep(&store, session.id, session.refresh, at(moment)).await else { panic!("not kept") };
        assert_eq!((record.generation, record.last_seen), (0, at(moment)));
        assert_eq!(store.session(session.id).await.unwrap(), Some(record));
    }
}

pub(in crate::store) async fn a_lost_answer_can_be_fetched_an_hour_later(store: Arc<dyn Store>) {
    let session = begun(&store).await;
    let successor = fresh_hash();
    let outcome = store.renew(rotation(session.id, session.refresh, successor, "the pair", at(10))).await.unwrap();
    let RenewalOutcome::Rotated { record, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!((record.generation, record.last_seen), (1, at(10)));
    assert_eq!(again(&store, session.id, session.refresh, at(3610)).await.as_deref(), Some("the pair"));
    // Whether this time a rotation was asked for or not.
    assert!(matches!(keep(&store, session.id, session.refresh, at(3620)).await, RenewalOutcome::Again { .. }));
    assert!(matches!(keep(&store, session.id, successor, at(3630)).await, RenewalOutcome::Kept { .. }));
    assert_eq!(store.session(session.id).await.unwrap().unwrap().generation, 1);
}

pub(in crate::store) async fn a_hundred_parallel_rotations_give_one_successor(store: Arc<dyn Store>) {
    let session = begun(&store).await;
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let store = Arc::clone(&store);
            let renewal = rotation(session.id, session.refresh, fresh_hash(), &format!("pair {n}"), at(10));
            tokio::spawn(async move { (n, store.renew(renewal).await.unwrap()) })
        })
        .collect();
    let (mut rotated, mut pairs) = (Vec::new(), Vec::new());
    for task in tasks {
        match task.await.unwrap() {
            (n, RenewalOutcome::Rotated { record, .. }) => {
                assert_eq!(record.generation, 1);
                rotated.push(n);
                pairs.push(format!("pair {n}"));
            }
            (_, RenewalOutcome::Again { sealed, .. }) => pairs.push(String::from_utf8(sealed).unwrap()),
            (n, other) => panic!("the {n}th got {other:?}"),
        }
    }
    assert_eq!((rotated.len(), pairs.len()), (1, 100));
    assert!(pairs.iter().all(|pair| *pair == format!("pair {}", rotated[0])), "{pairs:?}");
}

pub(in crate::store) async fn a_predecessor_is_good_for_the_grace_after_its_successors_use(store: Arc<dyn Store>) {
    let session = begun(&store).await;
    let successor = rotate(&store, session.id, session.refresh, at(10)).await;
    assert!(matches!(keep(&store, session.id, successor, at(100)).await, RenewalOutcome::Kept { .. }));
    assert_eq!(again(&store, session.id, session.refresh, at(110)).await.as_deref(), Some("pair"));
    // A second use of the successor does not begin the grace anew.
    assert!(matches!(keep(&store, session.id, successor, at(109)).await, RenewalOutcome::Kept { .. }));
    let late = keep(&store, session.id, session.refresh, at(111)).await;
    assert_stolen(&store, session.id, late, at(111)).await;
}

pub(in crate::store) async fn a_predecessor_after_the_grace_is_theft(store: Arc<dyn Store>) {
    let session = begun(&store).await;
    let successor = rotate(&store, session.id, session.refresh, at(10)).await;
    assert!(matches!(keep(&store, session.id, successor, at(20)).await, RenewalOutcome::Kept { .. }));
    let outcome = keep(&store, session.id, session.refresh, at(31)).await;
    assert_stolen(&store, session.id, outcome, at(31)).await;
    // The family is dead for both of its holders, and the person is told.
    assert!(matches!(keep(&store, session.id, successor, at(32)).await, RenewalOutcome::Ended(EndReason::Theft)));
    assert!(matches!(keep(&store, session.id, session.refresh, at(32)).await, RenewalOutcome::Ended(EndReason::Theft)));
    assert_eq!(log_in(&store, &opening("mju:60241234", at(40))).await.last_end, Some(EndReason::Theft));
}

pub(in crate::store) async fn each_rotation_waits_for_its_own_first_use(store: Arc<dyn Store>) {
    let session = begun(&store).await;
    let second = rotate(&store, session.id, session.refresh, at(10)).await;
    assert!(matches!(keep(&store, session.id, second, at(20)).await, RenewalOutcome::Kept { .. }));
    rotate(&store, session.id, second, at(1000)).await;
    assert_eq!(again(&store, session.id, second, at(5000)).await.as_deref(), Some("pair"), "that answer may be lost too");
}

pub(in crate::store) async fn an_access_token_confirms_its_generation_only(store: Arc<dyn Store>) {
    let session = begun(&store).await;
    // There is nothing to confirm before the first rotation.
    store.confirm(session.id, 0, at(5)).await.unwrap();
    rotate(&store, session.id, session.refresh, at(10)).await;
    store.confirm(session.id, 0, at(20)).await.unwrap();
    assert!(again(&store, session.id, session.refresh, at(1000)).await.is_some(), "the old generation's use confirms nothing");
    store.confirm(session.id, 1, at(1001)).await.unwrap();
    store.confirm(session.id, 1, at(2000)).await.unwrap();
    assert!(again(&store, session.id, session.refresh, at(1011)).await.is_some());
    let outcome = keep(&store, session.id, session.refresh, at(1012)).await;
    assert_stolen(&store, session.id, outcome, at(1012)).await;
}

// django-oauth-toolkit #1617: R1 after R3 exists ends the family even inside the grace.
pub(in crate::store) async fn a_token_older_than_the_predecessor_is_theft_even_within_the_grace(store: Arc<dyn Store>) {
    let session = begun(&store).await;
    let second = rotate(&store, session.id, session.refresh, at(10)).await;
    let third = rotate(&store, session.id, second, at(11)).await;
    assert_eq!(again(&store, session.id, second, at(12)).await.as_deref(), Some("pair"));
    let outcome = keep(&store, session.id, session.refresh, at(12)).await;
    assert_stolen(&store, session.id, outcome, at(12)).await;
    assert!(matches!(keep(&store, session.id, third, at(13)).await, RenewalOutcome::Ended(EndReason::Theft)));
}

pub(in crate::store) async fn an_unknown_token_is_refused_and_harms_nobody(store: Arc<dyn Store>) {
    let session = begun(&store).await;
    assert!(matches!(keep(&store, SessionId::random(), session.refresh, at(5)).await, RenewalOutcome::Unknown));
    assert!(matches!(keep(&store, session.id, fresh_hash(), at(5)).await, RenewalOutcome::Unknown));
    let other = store.renew(rotation(session.id, fresh_hash(), fresh_hash(), "x", at(5))).await.unwrap();
    assert!(matches!(other, RenewalOutcome::Unknown));
    let record = store.session(session.id).await.unwrap().unwrap();
    assert_eq!((record.last_seen, record.generation, record.ended), (at(0), 0, None));
}

pub(in crate::store) async fn ended_expired_and_disabled_are_told_apart(store: Arc<dyn Store>) {
    let session = begun(&store).await;
    let end = at(0).plus(LIFE);
    for moment in [end.minus(Duration::from_secs(1)), end] {
        store.touch(vec![(session.id, moment)]).await.unwrap();
    }
    assert!(matches!(keep(&store, session.id, session.refresh, end.minus(Duration::from_millis(1))).await, RenewalOutcome::Kept { .. }));
    assert!(matches!(keep(&store, session.id, session.refresh, end).await, RenewalOutcome::Expired), "nothing slides past the end");

    let other = opening("mju:b", at(0));
    log_in(&store, &other).await;
    let disabled = PersonState { disabled: true, ..PersonState::default() };
    store.append(vec![Change::PersonChanged { user: other.user.clone(), state: disabled }], at(1)).await.unwrap();
    assert!(matches!(keep(&store, other.id, other.refresh, at(2)).await, RenewalOutcome::Disabled));
    store.append(vec![Change::PersonEnded { user: other.user.clone(), reason: EndReason::Disabled }], at(3)).await.unwrap();
    assert!(matches!(keep(&store, other.id, other.refresh, at(4)).await, RenewalOutcome::Ended(EndReason::Disabled)));
}

pub(in crate::store) async fn the_idle_limit_counts_from_the_last_use(store: Arc<dyn Store>) {
    let session = begun(&store).await;
    let mut now = at(0);
    for _ in 0..3 {
        now = now.plus(IDLE);
        assert!(matches!(keep(&store, session.id, session.refresh, now).await, RenewalOutcome::Kept { .. }));
    }
    now = now.plus(IDLE);
    store.touch(vec![(session.id, now)]).await.unwrap();
    now = now.plus(IDLE).plus(Duration::from_millis(1));
    assert!(matches!(keep(&store, session.id, session.refresh, now).await, RenewalOutcome::Expired));
}

pub(in crate::store) async fn an_access_token_renews_without_moving_the_refresh_token(store: Arc<dyn Store>) {
    let session = begun(&store).await;
    rotate(&store, session.id, session.refresh, at(10)).await;
    let by_access = |when| Renewal { session: session.id, presented: Presented::Access, at: when, rotate: None, grace: GRACE };
    let outcome = store.renew(by_access(at(20))).await.unwrap();
    let RenewalOutcome::Kept { record, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!((record.generation, record.last_seen), (1, at(20)));
    // It may have been the old pair's: that confirms nothing.
    assert!(again(&store, session.id, session.refresh, at(1000)).await.is_some());
    let everybody = Change::EverybodyEnded { reason: EndReason::Administrator };
    store.append(vec![everybody], at(1001)).await.unwrap();
    assert!(matches!(store.renew(by_access(at(1002))).await.unwrap(), RenewalOutcome::Ended(EndReason::Administrator)));
}
