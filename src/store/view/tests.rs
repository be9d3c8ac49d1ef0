use super::*;
use crate::identity::{Group, Role};

fn user(text: &str) -> UserId {
    UserId::parse(text).unwrap()
}

fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn entry(position: u64, change: Change) -> LoggedChange {
    LoggedChange { position: Position(position), at: at(position), change }
}

fn session_ended(session: SessionId, reason: EndReason) -> Change {
    Change::SessionEnded { session, user: user("mju:a"), reason }
}

/// Whether a token of `who`, issued at `position`, in a session and with an id of its own, stands.
fn check(view: &View, who: &str, position: u64) -> Result<Arc<Profile>, EndReason> {
    view.check(&user(who), &SessionId::random(), &TokenId::random(), Position(position))
}

fn staff(disabled: bool) -> PersonState {
    let profile = Profile { role: Role::Admin, groups: vec![Group::new("staff").unwrap()], ..Profile::default() };
    PersonState { disabled, profile: Arc::new(profile) }
}

fn changed(who: &str, state: PersonState) -> Change {
    Change::PersonChanged { user: user(who), state }
}

#[test]
fn who_is_not_spoken_of_stands_with_the_default_profile() {
    assert_eq!(check(&View::new(), "mju:a", 0), Ok(Arc::default()));
}

#[test]
fn an_ended_session_or_token_is_over_whatever_its_position() {
    let view = View::new();
    let (session, token) = (SessionId::random(), TokenId::random());
    let stands = |position| view.check(&user("mju:a"), &session, &token, Position(position)).map(|_| ());
    view.apply(&entry(5, Change::TokenEnded { token, reason: EndReason::Elsewhere }));
    assert_eq!(stands(9), Err(EndReason::Elsewhere));
    view.apply(&entry(6, session_ended(session, EndReason::Theft)));
    view.apply(&entry(7, session_ended(session, EndReason::LoggedOut)));
    assert_eq!(stands(9), Err(EndReason::Theft), "the first reason is told");
    assert!(check(&view, "mju:a", 0).is_ok(), "other sessions of the person stand");
}

#[test]
fn a_persons_end_reaches_what_was_issued_before_it() {
    let view = View::new();
    view.apply(&entry(5, Change::PersonEnded { user: user("mju:a"), reason: EndReason::PasswordChanged }));
    assert_eq!(check(&view, "mju:a", 4), Err(EndReason::PasswordChanged));
    assert!(check(&view, "mju:a", 5).is_ok());
    assert!(check(&view, "local:a", 4).is_ok());
    // An older entry that comes late takes nothing back.
    view.apply(&entry(3, Change::PersonEnded { user: user("mju:a"), reason: EndReason::Elsewhere }));
    assert_eq!(check(&view, "mju:a", 4), Err(EndReason::PasswordChanged));
}

#[test]
fn everybodys_end_reaches_everybody() {
    let view = View::new();
    view.apply(&entry(5, Change::EverybodyEnded { reason: EndReason::Administrator }));
    view.apply(&entry(3, Change::EverybodyEnded { reason: EndReason::Administrator }));
    assert_eq!(check(&view, "mju:a", 4), Err(EndReason::Administrator));
    assert!(check(&view, "mju:a", 5).is_ok());
    view.prune(at(1_000_000));
    assert_eq!(check(&view, "mju:a", 4), Err(EndReason::Administrator), "one number is never forgotten");
}

#[test]
fn a_change_that_is_not_durable_yet_ends_all_that_could_be_out() {
    let view = View::new();
    view.reached(Position(10));
    // The store has answered a login with a later position than the view has read up to.
    view.saw(Position(12));
    view.apply_now(&Change::PersonEnded { user: user("mju:a"), reason: EndReason::Elsewhere }, at(1));
    assert_eq!(check(&view, "mju:a", 12), Err(EndReason::Elsewhere));
    assert!(check(&view, "mju:a", 13).is_ok());
    assert_eq!(view.position(), Position(10));
}

#[test]
fn what_gives_rights_waits_until_it_is_durable_and_what_takes_them_does_not() {
    let view = View::new();
    view.apply_now(&changed("mju:a", staff(false)), at(1));
    assert_eq!(check(&view, "mju:a", 0), Ok(Arc::default()));
    view.apply_now(&changed("mju:a", staff(true)), at(1));
    assert_eq!(check(&view, "mju:a", 99), Err(EndReason::Disabled));
    view.apply(&entry(5, changed("mju:a", staff(false))));
    assert_eq!(check(&view, "mju:a", 0), Ok(staff(false).profile));
}

#[test]
fn an_older_state_does_not_overwrite_a_newer_one() {
    let view = View::new();
    view.apply(&entry(5, changed("mju:a", staff(true))));
    view.apply(&entry(4, changed("mju:a", staff(false))));
    assert_eq!(check(&view, "mju:a", 9), Err(EndReason::Disabled));
    view.apply(&entry(6, Change::PersonRemoved { user: user("mju:a") }));
    assert_eq!(check(&view, "mju:a", 5), Err(EndReason::Removed));
    assert_eq!(check(&view, "mju:a", 6), Ok(Arc::default()), "who comes again is a new person");
}

#[test]
fn ends_are_forgotten_when_no_token_can_be_older_and_people_are_not() {
    let view = View::new();
    let session = SessionId::random();
    view.apply(&entry(5, session_ended(session, EndReason::LoggedOut)));
    view.apply(&entry(6, Change::TokenEnded { token: TokenId::random(), reason: EndReason::LoggedOut }));
    view.apply(&entry(7, Change::PersonEnded { user: user("mju:a"), reason: EndReason::LoggedOut }));
    view.apply(&entry(8, changed("mju:a", staff(false))));
    view.apply(&entry(9, Change::PersonEnded { user: user("mju:b"), reason: EndReason::LoggedOut }));
    view.prune(at(5));
    assert_eq!(view.sizes(), ViewSizes { sessions: 1, tokens: 1, people: 2 });
    view.prune(at(10));
    assert_eq!(view.sizes(), ViewSizes { sessions: 0, tokens: 0, people: 1 });
    assert_eq!(check(&view, "mju:a", 0), Ok(staff(false).profile));
}

#[test]
fn a_reload_brings_what_was_missed_and_keeps_what_acts() {
    let session = SessionId::random();
    let view = View::load(ViewStart { position: Position(5), changes: Vec::new(), people: vec![(user("mju:a"), staff(true))] });
    assert_eq!(check(&view, "mju:a", 9), Err(EndReason::Disabled));
    view.apply_now(&session_ended(session, EndReason::LoggedOut), at(1));
    let ended = entry(7, Change::PersonEnded { user: user("mju:c"), reason: EndReason::Elsewhere });
    view.reload(ViewStart { position: Position(8), changes: vec![ended], people: vec![(user("mju:b"), staff(false))] });
    assert_eq!(check(&view, "mju:a", 9), Ok(Arc::default()), "enabled again, unheard");
    assert_eq!(check(&view, "mju:b", 9), Ok(staff(false).profile));
    assert_eq!(check(&view, "mju:c", 6), Err(EndReason::Elsewhere));
    assert!(view.check(&user("mju:a"), &session, &TokenId::random(), Position(9)).is_err());
    assert_eq!(view.position(), Position(8));
}

#[tokio::test]
async fn endings_are_heard_once_each() {
    let view = View::new();
    let mut endings = view.watch();
    let (session, token) = (SessionId::random(), TokenId::random());
    view.apply_now(&session_ended(session, EndReason::LoggedOut), at(1));
    view.apply(&entry(1, session_ended(session, EndReason::LoggedOut)));
    view.apply(&entry(2, Change::TokenEnded { token, reason: EndReason::Elsewhere }));
    view.apply(&entry(3, changed("mju:a", staff(true))));
    view.apply(&entry(4, Change::EverybodyEnded { reason: EndReason::Administrator }));
    for wanted in [
        Ending::Session { session, reason: EndReason::LoggedOut },
        Ending::Token { token, reason: EndReason::Elsewhere },
        Ending::Person { user: user("mju:a"), before: Position(u64::MAX), reason: EndReason::Disabled },
        Ending::Everybody { before: Position(4), reason: EndReason::Administrator },
    ] {
        assert_eq!(endings.next().await, Some(Notice::Ended(wanted)));
    }
    drop(view);
    assert_eq!(endings.next().await, None);
}

#[tokio::test]
async fn who_falls_behind_notices() {
    let view = View::new();
    let mut endings = view.watch();
    for n in 0..5000 {
        view.apply(&entry(n, session_ended(SessionId::random(), EndReason::LoggedOut)));
    }
    assert_eq!(endings.next().await, Some(Notice::Missed));
    assert!(matches!(endings.next().await, Some(Notice::Ended(Ending::Session { .. }))));
}

#[test]
fn a_hundred_thousand_ends_are_each_found_and_pruned() {
    let view = View::new();
    let sessions: Vec<SessionId> = (0..100_000).map(|_| SessionId::random()).collect();
    for (n, session) in (0..).zip(&sessions) {
        view.apply(&entry(n, session_ended(*session, EndReason::LoggedOut)));
    }
    assert_eq!(view.sizes().sessions, 100_000);
    let token = TokenId::random();
    assert!(sessions.iter().all(|session| view.check(&user("mju:a"), session, &token, Position(0)).is_err()));
    assert!(check(&view, "mju:a", 0).is_ok());
    view.prune(at(50_000));
    assert_eq!(view.sizes().sessions, 50_000);
}
