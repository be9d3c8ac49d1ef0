use super::people::state;
use super::*;
use crate::store::{Change, Keep, LoggedChange};

fn session_ended(opening: &Opening, reason: EndReason) -> Change {
    Change::SessionEnded { session: opening.id, user: opening.user.clone(), reason }
}

async fn ended(store: &Arc<dyn Store>, opening: &Opening) -> Option<EndReason> {
    store.session(opening.id).await.unwrap().unwrap().ended.map(|(_, reason)| reason)
}

pub(in crate::store) async fn positions_rise_and_entries_come_back_as_they_were(store: Arc<dyn Store>) {
    let start = store.load_view(at(0)).await.unwrap();
    assert!(start.position == Position(0) && start.changes.is_empty() && start.people.is_empty());
    let changes = vec![
        session_ended(&opening("mju:a", at(0)), EndReason::LoggedOut),
        Change::TokenEnded { token: TokenId::random(), reason: EndReason::Elsewhere },
        Change::PersonEnded { user: user("mju:a"), reason: EndReason::PasswordChanged },
        Change::EverybodyEnded { reason: EndReason::Administrator },
        Change::PersonChanged {
            user: user("local:b"),
            state: state("admin", &["staff", "교직원"], Some("홍길동"), Some("h@mju.ac.kr"), true),
        },
        Change::PersonChanged { user: user("local:b"), state: state("member", &[], None, None, false) },
        Change::PersonRemoved { user: user("local:c") },
    ];
    let last = store.append(changes.clone(), at(1)).await.unwrap();
    let entries = store.changes_after(Position(0)).await.unwrap();
    assert!(entries.iter().map(|entry| &entry.change).eq(&changes), "{entries:?}");
    assert!(entries.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert_eq!((entries.last().unwrap().position, entries[0].at), (last, at(1)));
    assert_eq!(store.changes_after(entries[4].position).await.unwrap(), entries[5..]);
    assert!(store.changes_after(last).await.unwrap().is_empty());
    assert!(store.append(vec![changes[0].clone()], at(1)).await.unwrap() > last);
}

pub(in crate::store) async fn an_ended_session_ends_in_the_tables_too(store: Arc<dyn Store>) {
    let opening = opening("mju:a", at(0));
    log_in(&store, &opening).await;
    store.append(vec![session_ended(&opening, EndReason::LoggedOut)], at(1)).await.unwrap();
    store.append(vec![session_ended(&opening, EndReason::Administrator)], at(2)).await.unwrap();
    assert_eq!(ended(&store, &opening).await, Some(EndReason::LoggedOut), "the first reason is the true one");
    assert!(store.sessions_of(opening.user.clone(), at(2)).await.unwrap().is_empty());
    assert!(matches!(keep(&store, opening.id, opening.refresh, at(3)).await, RenewalOutcome::Ended(EndReason::LoggedOut)));
}

pub(in crate::store) async fn a_persons_end_ends_all_of_theirs_and_nobody_elses(store: Arc<dyn Store>) {
    let (one, two, other, namesake) =
        (opening("mju:a", at(0)), opening("mju:a", at(0)), opening("mju:b", at(0)), opening("local:a", at(0)));
    for opening in [&one, &two, &other, &namesake] {
        log_in(&store, opening).await;
    }
    let position = store.append(vec![Change::PersonEnded { user: user("mju:a"), reason: EndReason::Elsewhere }], at(1)).await.unwrap();
    for (opening, reason) in [(&one, Some(EndReason::Elsewhere)), (&two, Some(EndReason::Elsewhere)), (&other, None), (&namesake, None)] {
        assert_eq!(ended(&store, opening).await, reason);
    }
    // A login afterwards stands: its tokens carry a position that the end does not reach.
    let later = opening("mju:a", at(2));
    assert!(log_in(&store, &later).await.position >= position);
    assert_eq!(ended(&store, &later).await, None);
}

pub(in crate::store) async fn everybodys_end_ends_all(store: Arc<dyn Store>) {
    let openings: Vec<_> = (0..20).map(|n| opening(&format!("mju:{n}"), at(0))).collect();
    for opening in &openings {
        log_in(&store, opening).await;
    }
    store.append(vec![Change::EverybodyEnded { reason: EndReason::Administrator }], at(1)).await.unwrap();
    for opening in &openings {
        assert_eq!(ended(&store, opening).await, Some(EndReason::Administrator));
    }
}

pub(in crate::store) async fn a_view_starts_from_what_tokens_may_be_older_than(store: Arc<dyn Store>) {
    let known = state("member", &["staff"], None, None, false);
    let old = session_ended(&opening("mju:a", at(0)), EndReason::LoggedOut);
    let new = session_ended(&opening("mju:b", at(0)), EndReason::LoggedOut);
    store.append(vec![old, Change::PersonChanged { user: user("mju:a"), state: known.clone() }], at(0)).await.unwrap();
    let position = store.append(vec![new.clone()], at(1000)).await.unwrap();
    log_in(&store, &opening("mju:ordinary", at(1000))).await;
    let start = store.load_view(at(500)).await.unwrap();
    assert_eq!(start.changes, [LoggedChange { position, at: at(1000), change: new }]);
    assert_eq!((start.position, start.people), (position, vec![(user("mju:a"), known)]));
}

pub(in crate::store) async fn old_changes_are_pruned_and_positions_go_on(store: Arc<dyn Store>) {
    let everybody = || vec![Change::EverybodyEnded { reason: EndReason::Administrator }];
    let first = store.append(everybody(), at(0)).await.unwrap();
    let many = (0..2500).map(|_| Change::TokenEnded { token: TokenId::random(), reason: EndReason::LoggedOut }).collect();
    let second = store.append(many, at(0)).await.unwrap();
    store.prune(at(10), Keep { changes_since: at(0), ..EVERYTHING }).await.unwrap();
    assert!(!store.changes_after(first).await.unwrap().is_empty(), "what is not older stays");
    store.prune(at(10), Keep { changes_since: at(1), ..EVERYTHING }).await.unwrap();
    assert!(store.changes_after(Position(0)).await.unwrap().is_empty());
    // An empty log still knows where it stands: a token issued now must not look older than what was pruned.
    assert_eq!(store.load_view(at(0)).await.unwrap().position, second);
    assert!(store.append(everybody(), at(0)).await.unwrap() > second);
}

pub(in crate::store) async fn a_clock_set_back_makes_no_entry_older(store: Arc<dyn Store>) {
    let everybody = || vec![Change::EverybodyEnded { reason: EndReason::Administrator }];
    let first = store.append(everybody(), at(7200)).await.unwrap();
    let second = store.append(everybody(), at(3600)).await.unwrap();
    assert!(second > first);
    // Both are kept as long as the tokens that were out when the clock was right.
    assert_eq!(store.load_view(at(7000)).await.unwrap().changes.len(), 2);
}

pub(in crate::store) async fn the_longest_token_life_is_remembered(store: Arc<dyn Store>) {
    let (short, long) = (Duration::from_secs(900), Duration::from_secs(7 * 24 * 3600));
    assert_eq!(store.token_life(short, at(0)).await, Ok(short));
    assert_eq!(store.token_life(long, at(100)).await, Ok(long));
    // A week's tokens are out: their ends are kept for a week after the life was shortened.
    assert_eq!(store.token_life(short, at(1000)).await, Ok(long));
    assert_eq!(store.token_life(short, at(1000).plus(long)).await, Ok(long));
    assert_eq!(store.token_life(short, at(1001).plus(long)).await, Ok(short));
    assert_eq!(store.token_life(short, at(1002).plus(long)).await, Ok(short));
}
