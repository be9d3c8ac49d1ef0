use rusqlite::Connection;

use super::*;
use crate::base::{ManualClock, TokenId};
use crate::identity::{Role, UserId};
use crate::store::contract::{GRACE, IDLE, at, fresh_hash, log_in, opening, rotation, user};
use crate::store::sqlite::{Settings, Sqlite};
use crate::store::{EndReason, PersonState, Presented};

const LIFE: Duration = Duration::from_secs(900);

struct Gateway {
    log: Arc<ChangeLog>,
    clock: Arc<ManualClock>,
    place: tempfile::TempDir,
}

impl Gateway {
    async fn start() -> Self {
        let place = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(at(0)));
        let log = Self::open(&place, &clock).await;
        Self { log, clock, place }
    }

    async fn open(place: &tempfile::TempDir, clock: &Arc<ManualClock>) -> Arc<ChangeLog> {
        let settings = Settings { busy_timeout: Duration::ZERO, ..Settings::new(place.path().join("munjigi.db")) };
        let store = Arc::new(Sqlite::open(settings).unwrap());
        ChangeLog::start(store, Arc::<ManualClock>::clone(clock), LIFE).await.unwrap()
    }

    /// Another process writes and does not finish.
    fn lock(&self) -> Connection {
        let other = Connection::open(self.place.path().join("munjigi.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        other
    }

    async fn log_in(&self, who: &str) -> (Opening, Position) {
        let opening = opening(who, self.clock.now());
        match self.log.open_session(opening.clone()).await.unwrap() {
            Opened::Begun { position, .. } => (opening, position),
            refused @ (Opened::Disabled | Opened::Blocked) => panic!("{who}: {refused:?}"),
        }
    }

    fn check(&self, (opening, issued_at): &(Opening, Position)) -> Result<Role, EndReason> {
        check(&self.log, opening, *issued_at)
    }
}

fn check(log: &ChangeLog, opening: &Opening, issued_at: Position) -> Result<Role, EndReason> {
    log.view().check(&opening.user, &opening.id, &TokenId::random(), issued_at).map(|profile| profile.role)
}

fn session_ended(opening: &Opening, reason: EndReason) -> Change {
    Change::SessionEnded { session: opening.id, user: opening.user.clone(), reason }
}

fn person_ended(who: &UserId) -> Change {
    Change::PersonEnded { user: who.clone(), reason: EndReason::Elsewhere }
}

#[tokio::test]
async fn an_end_acts_at_once_and_is_durable_when_it_is_answered() {
    let gateway = Gateway::start().await;
    let login = gateway.log_in("mju:a").await;
    let answer = gateway.log.end(vec![session_ended(&login.0, EndReason::LoggedOut)]);
    assert_eq!(gateway.check(&login), Err(EndReason::LoggedOut), "before anything was awaited");
    let position = answer.await.unwrap();
    assert_eq!(gateway.log.view().position(), position);
    // Another process, or this one after a crash, finds it so.
    let after = Gateway::open(&gateway.place, &gateway.clock).await;
    assert_eq!(check(&after, &login.0, login.1), Err(EndReason::LoggedOut));
    assert_eq!(after.view().position(), position);
}

#[tokio::test]
async fn an_end_that_the_store_refuses_goes_on_acting_and_is_written_later() {
    let gateway = Gateway::start().await;
    let login = gateway.log_in("mju:a").await;
    let lock = gateway.lock();
    let refused = gateway.log.end(vec![session_ended(&login.0, EndReason::LoggedOut)]).await;
    assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    assert_eq!((gateway.check(&login), gateway.log.waiting()), (Err(EndReason::LoggedOut), 1));
    drop(lock);
    gateway.log.flush().await.unwrap();
    assert_eq!(gateway.log.waiting(), 0);
    assert!(gateway.log.store().session(login.0.id).await.unwrap().unwrap().ended.is_some());
}

#[tokio::test]
async fn whoever_logs_in_after_a_refused_end_stays_in() {
    let gateway = Gateway::start().await;
    let before = gateway.log_in("mju:a").await;
    let lock = gateway.lock();
    assert!(gateway.log.end(vec![person_ended(&user("mju:a"))]).await.is_err());
    assert!(gateway.log.open_session(opening("mju:a", at(0))).await.is_err());
    drop(lock);
    let after = gateway.log_in("mju:a").await;
    assert_eq!((gateway.check(&before), gateway.check(&after)), (Err(EndReason::Elsewhere), Ok(Role::Member)));
    gateway.log.flush().await.unwrap();
    assert_eq!(gateway.check(&after), Ok(Role::Member));
    assert_eq!(gateway.log.store().session(after.0.id).await.unwrap().unwrap().ended, None);
}

#[tokio::test]
async fn rights_that_the_store_refused_are_not_given_later() {
    let gateway = Gateway::start().await;
    let login = gateway.log_in("mju:a").await;
    let admin = crate::store::contract::people::state("admin", &[], None, None, false);
    let change = vec![Change::PersonChanged { user: user("mju:a"), state: admin }];
    let lock = gateway.lock();
    assert!(gateway.log.end(change.clone()).await.is_err());
    drop(lock);
    gateway.log.flush().await.unwrap();
    assert_eq!(gateway.check(&login), Ok(Role::Member));
    gateway.log.end(change).await.unwrap();
    assert_eq!(gateway.check(&login), Ok(Role::Admin));
}

#[tokio::test]
async fn a_disabled_person_is_out_at_once_and_back_when_enabled() {
    let gateway = Gateway::start().await;
    let login = gateway.log_in("mju:a").await;
    let set = |disabled| Change::PersonChanged { user: user("mju:a"), state: PersonState { disabled, ..PersonState::default() } };
    let lock = gateway.lock();
    assert!(gateway.log.end(vec![set(true)]).await.is_err());
    assert_eq!(gateway.check(&login), Err(EndReason::Disabled));
    drop(lock);
    // What waits is written first, so that the later word counts.
    gateway.log.end(vec![set(false)]).await.unwrap();
    assert_eq!(gateway.check(&login), Ok(Role::Member));
    assert!(!gateway.log.store().person(user("mju:a")).await.unwrap().unwrap().state.disabled);
}

#[tokio::test]
async fn theft_and_replacement_act_in_the_view_with_the_answer() {
    let gateway = Gateway::start().await;
    let first = gateway.log_in("mju:a").await;
    let replacing = Opening { replaces: Some(first.0.id), ..opening("mju:a", at(1)) };
    let opened = gateway.log.open_session(replacing.clone()).await.unwrap();
    assert!(matches!(opened, Opened::Begun { .. }));
    assert_eq!(gateway.check(&first), Err(EndReason::Replaced));

    let successor = fresh_hash();
    let turn = |token, next, when| gateway.log.renew(rotation(replacing.id, token, next, "pair", when));
    assert!(matches!(turn(replacing.refresh, successor, at(2)).await, Ok(RenewalOutcome::Rotated { .. })));
    assert!(matches!(turn(successor, fresh_hash(), at(3)).await, Ok(RenewalOutcome::Rotated { .. })));
    let theft = turn(replacing.refresh, fresh_hash(), at(4)).await;
    let Ok(RenewalOutcome::Theft { ended, .. }) = theft else { panic!("{theft:?}") };
    assert_eq!(check(&gateway.log, &replacing, ended.position), Err(EndReason::Theft));
}

#[tokio::test]
async fn what_a_caller_began_is_finished_without_it() {
    let gateway = Gateway::start().await;
    let login = gateway.log_in("mju:a").await;
    drop(gateway.log.end(vec![session_ended(&login.0, EndReason::LoggedOut)]));
    let durable = async { while gateway.log.store().session(login.0.id).await.unwrap().unwrap().ended.is_none() {} };
    tokio::time::timeout(Duration::from_secs(10), durable).await.unwrap();
}

#[tokio::test]
async fn requests_count_as_activity_before_they_are_written() {
    let gateway = Gateway::start().await;
    let (opening, _) = gateway.log_in("mju:a").await;
    let last = at(0).plus(IDLE);
    gateway.log.used(&opening.id, last);
    let late = last.plus(IDLE);
    let renewal = Renewal { session: opening.id, presented: Presented::Refresh(opening.refresh), at: late, rotate: None, grace: GRACE };
    assert!(matches!(gateway.log.renew(renewal).await, Ok(RenewalOutcome::Kept { .. })));
    gateway.log.used(&opening.id, late.plus(IDLE));
    gateway.log.flush().await.unwrap();
    assert_eq!(gateway.log.store().session(opening.id).await.unwrap().unwrap().last_seen, late.plus(IDLE));
}

#[tokio::test]
async fn a_shortened_token_life_forgets_nothing_that_old_tokens_need() {
    let gateway = Gateway::start().await;
    let week = Duration::from_secs(7 * 24 * 3600);
    gateway.log.token_life(week).await.unwrap();
    let login = gateway.log_in("mju:a").await;
    gateway.log.end(vec![session_ended(&login.0, EndReason::LoggedOut)]).await.unwrap();
    gateway.clock.advance(Duration::from_secs(6 * 24 * 3600));
    // The restart says fifteen minutes; the token was given a week.
    let after = Gateway::open(&gateway.place, &gateway.clock).await;
    assert_eq!(check(&after, &login.0, login.1), Err(EndReason::LoggedOut));
}

#[tokio::test]
async fn a_copy_put_back_gives_no_position_twice() {
    let gateway = Gateway::start().await;
    let copy = gateway.place.path().join("copy.db");
    gateway.log.store().backup(copy.clone()).await.unwrap();
    gateway.clock.advance(Duration::from_secs(60));
    let everybody = || vec![Change::EverybodyEnded { reason: EndReason::Administrator }];
    gateway.log.end(everybody()).await.unwrap();
    let lost = gateway.log_in("mju:a").await;
    gateway.clock.advance(Duration::from_secs(60));

    let store = Arc::new(Sqlite::open(Settings::new(copy)).unwrap());
    let restored = ChangeLog::start(store, Arc::<ManualClock>::clone(&gateway.clock), LIFE).await.unwrap();
    assert!(restored.view().position() < lost.1);
    restored.end(everybody()).await.unwrap();
    assert_eq!(check(&restored, &lost.0, lost.1), Err(EndReason::Administrator));
    assert!(log_in(restored.store(), &opening("mju:a", at(200))).await.position > lost.1);
}
