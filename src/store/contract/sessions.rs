use super::*;
use crate::store::{Change, PersonState, SessionQuery};

pub(in crate::store) async fn a_login_begins_a_session_and_the_person(store: Arc<dyn Store>) {
    let first = opening("mju:60241234", at(0));
    let login = log_in(&store, &first).await;
    assert!(login.first && login.ended.is_empty() && login.last_end.is_none());
    let record = store.session(first.id).await.unwrap().unwrap();
    assert_eq!((record.user, record.created, record.generation, record.ended), (first.user.clone(), at(0), 0, None));

    let second = opening("mju:60241234", at(60));
    assert!(!log_in(&store, &second).await.first);
    let listed: Vec<_> = store.sessions_of(first.user.clone(), at(60)).await.unwrap().iter().map(|record| record.id).collect();
    assert_eq!(listed, [second.id, first.id]);
    let person = store.person(first.user).await.unwrap().unwrap();
    assert_eq!((person.created, person.last_login, person.state), (at(0), Some(at(60)), PersonState::default()));
    assert_eq!(store.session(SessionId::random()).await.unwrap(), None);
}

pub(in crate::store) async fn the_presented_session_is_replaced(store: Arc<dyn Store>) {
    let old = opening("mju:a", at(0));
    log_in(&store, &old).await;
    // Another person's too: it is the same browser (GHSA-f24x-5g9q-753f: a login ends the session presented with it).
    let new = Opening { replaces: Some(old.id), ..opening("mju:b", at(1)) };
    let login = log_in(&store, &new).await;
    assert_eq!(login.ended, [Change::SessionEnded { session: old.id, user: old.user.clone(), reason: EndReason::Replaced }]);
    assert_eq!(store.session(old.id).await.unwrap().unwrap().ended, Some((at(1), EndReason::Replaced)));
    assert_eq!(store.changes_after(Position(0)).await.unwrap().last().unwrap().position, login.position);
    // One that ended already, or never was, is no matter.
    for replaces in [old.id, SessionId::random()] {
        let again = Opening { replaces: Some(replaces), ..opening("mju:b", at(2)) };
        assert!(log_in(&store, &again).await.ended.is_empty());
    }
}

pub(in crate::store) async fn the_oldest_sessions_over_the_limit_end(store: Arc<dyn Store>) {
    let mut ids = Vec::new();
    for n in 0..4 {
        let opening = opening("mju:a", at(n));
        log_in(&store, &opening).await;
        ids.push(opening.id);
    }
    let other = opening("local:a", at(4));
    log_in(&store, &other).await;
    let last = Opening { sessions_per_user: Some(2), ..opening("mju:a", at(5)) };
    let login = log_in(&store, &last).await;
    assert_eq!(login.ended.len(), 3);
    let live: Vec<_> = store.sessions_of(last.user.clone(), at(5)).await.unwrap().iter().map(|record| record.id).collect();
    assert_eq!(live, [last.id, ids[3]]);
    for id in &ids[..3] {
        assert_eq!(store.session(*id).await.unwrap().unwrap().ended, Some((at(5), EndReason::TooMany)));
    }
    assert_eq!(store.session(other.id).await.unwrap().unwrap().ended, None, "the same id in another realm is another person");
}

pub(in crate::store) async fn a_disabled_person_gets_no_session(store: Arc<dyn Store>) {
    let disabled = PersonState { disabled: true, ..PersonState::default() };
    store.append(vec![Change::PersonChanged { user: user("mju:a"), state: disabled.clone() }], at(0)).await.unwrap();
    let opening = opening("mju:a", at(1));
    assert!(matches!(store.open_session(opening.clone()).await.unwrap(), Opened::Disabled));
    assert_eq!(store.session(opening.id).await.unwrap(), None);
    let person = store.person(opening.user).await.unwrap().unwrap();
    assert_eq!((person.last_login, person.state), (None, disabled));
}

pub(in crate::store) async fn the_last_end_is_told_once(store: Arc<dyn Store>) {
    let end = |session: SessionId, reason| vec![Change::SessionEnded { session, user: user("mju:a"), reason }];
    let (one, two, three) = (opening("mju:a", at(0)), opening("mju:a", at(1)), opening("mju:a", at(2)));
    for opening in [&one, &two, &three] {
        log_in(&store, opening).await;
    }
    store.append(end(one.id, EndReason::Theft), at(10)).await.unwrap();
    store.append(end(two.id, EndReason::Administrator), at(11)).await.unwrap();
    // What the person did is no news.
    store.append(end(three.id, EndReason::LoggedOut), at(12)).await.unwrap();
    assert_eq!(log_in(&store, &opening("mju:b", at(13))).await.last_end, None);
    assert_eq!(log_in(&store, &opening("mju:a", at(14))).await.last_end, Some(EndReason::Administrator));
    assert_eq!(log_in(&store, &opening("mju:a", at(15))).await.last_end, None);
}

pub(in crate::store) async fn live_sessions_are_listed_in_pages(store: Arc<dyn Store>) {
    let mut wanted = Vec::new();
    for n in 0..5 {
        let opening = opening(&format!("mju:{n}"), at(0));
        log_in(&store, &opening).await;
        wanted.push(opening.id);
    }
    let ended = wanted.pop().unwrap();
    store.append(vec![Change::SessionEnded { session: ended, user: user("mju:4"), reason: EndReason::LoggedOut }], at(1)).await.unwrap();
    wanted.sort();
    let mut found = Vec::new();
    loop {
        let page = store.sessions(SessionQuery { after: found.last().copied(), limit: 3 }, at(2)).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        found.extend(page.iter().map(|record| record.id));
    }
    assert_eq!(found, wanted);
    let idle_since = at(0).plus(IDLE).plus(Duration::from_millis(1));
    assert_eq!(store.live_sessions(at(2)).await.unwrap(), found.len() as u64);
    assert!(store.sessions(SessionQuery { after: None, limit: 10 }, idle_since).await.unwrap().is_empty());
    assert_eq!(store.live_sessions(idle_since).await.unwrap(), 0);
}

pub(in crate::store) async fn a_touch_moves_last_seen_forward_only(store: Arc<dyn Store>) {
    let opening = opening("mju:a", at(100));
    log_in(&store, &opening).await;
    for (moment, wanted) in [(50, 100), (200, 200), (150, 200)] {
        store.touch(vec![(opening.id, at(moment)), (SessionId::random(), at(moment))]).await.unwrap();
        assert_eq!(store.session(opening.id).await.unwrap().unwrap().last_seen, at(wanted));
    }
}

pub(in crate::store) async fn what_is_long_over_is_pruned(store: Arc<dyn Store>) {
    let weeks = |n: u64| at(n * 7 * 24 * 3600 + 1);
    let patient = Duration::from_secs(100 * 24 * 3600);
    let live = Opening { idle: patient, ..opening("mju:a", at(0)) };
    let idle = opening("mju:a", at(0));
    let done = Opening { idle: patient, ..opening("mju:a", at(0)) };
    let untold = Opening { idle: patient, ..opening("mju:a", at(0)) };
    let short = Opening { idle: patient, absolute_end: at(60), ..opening("mju:a", at(0)) };
    for opening in [&live, &idle, &done, &untold, &short] {
        log_in(&store, opening).await;
    }
    let end = |opening: &Opening, reason| Change::SessionEnded { session: opening.id, user: opening.user.clone(), reason };
    store.append(vec![end(&done, EndReason::LoggedOut), end(&untold, EndReason::Theft)], at(1)).await.unwrap();

    // For some days a session can still say why it is over.
    store.prune(weeks(0), EVERYTHING).await.unwrap();
    assert!(store.session(done.id).await.unwrap().is_some() && store.session(idle.id).await.unwrap().is_some());
    store.prune(weeks(2), EVERYTHING).await.unwrap();
    for (opening, kept) in [(&live, true), (&idle, false), (&done, false), (&untold, true), (&short, false)] {
        assert_eq!(store.session(opening.id).await.unwrap().is_some(), kept);
    }
    // Not told until its natural end: nobody came.
    store.prune(weeks(6), EVERYTHING).await.unwrap();
    assert_eq!(store.session(untold.id).await.unwrap(), None);
}

pub(in crate::store) async fn all_of_a_session_survives_its_storage(store: Arc<dyn Store>) {
    let odd = Opening {
        address: ClientAddr::new("2001:db8::1".parse().unwrap()),
        user_agent: "가나다 'quoted' \"\\ %_".to_owned(),
        persistent: false,
        rotate: true,
        idle: Duration::from_millis(1_234_567),
        absolute_end: Timestamp::from_millis(u64::MAX),
        ..opening("mju:kim.1_2-3", at(0))
    };
    log_in(&store, &odd).await;
    let record = store.session(odd.id).await.unwrap().unwrap();
    assert_eq!((record.user, record.provider, record.address), (odd.user, odd.provider, odd.address));
    assert_eq!((record.user_agent, record.persistent, record.rotate, record.idle), (odd.user_agent, false, true, odd.idle));
    assert!(record.absolute_end > at(u32::MAX.into()), "the end of time is far away: {:?}", record.absolute_end);
}
