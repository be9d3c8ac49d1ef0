//! What every store has to do, whatever its engine. An engine's tests call [`hold_to_contract`] with a function that
//! makes an empty store.

pub(in crate::store) mod accounts;
pub(in crate::store) mod changes;
pub(in crate::store) mod people;
pub(in crate::store) mod rotation;
pub(in crate::store) mod sessions;

use std::sync::Arc;
use std::time::Duration;

use super::{EndReason, Keep, Opened, Opening, Presented, Renewal, RenewalOutcome, Rotate, Store, TokenHash};
use crate::base::{ClientAddr, Position, SessionId, Timestamp, TokenId};
use crate::identity::{ProviderName, UserId};

/// One test for each rule of the contract. `$factory` gives a store and whatever must outlive it.
macro_rules! hold_to_contract {
    ($factory:path) => {
        hold_to_contract! { @each $factory;
            sessions::a_login_begins_a_session_and_the_person,
            sessions::the_presented_session_is_replaced,
            sessions::the_oldest_sessions_over_the_limit_end,
            sessions::a_disabled_person_gets_no_session,
            sessions::the_last_end_is_told_once,
            sessions::live_sessions_are_listed_in_pages,
            sessions::a_touch_moves_last_seen_forward_only,
            sessions::what_is_long_over_is_pruned,
            sessions::all_of_a_session_survives_its_storage,
            rotation::a_kept_token_stays_good,
            rotation::a_lost_answer_can_be_fetched_an_hour_later,
            rotation::a_hundred_parallel_rotations_give_one_successor,
            rotation::a_predecessor_is_good_for_the_grace_after_its_successors_use,
            rotation::a_predecessor_after_the_grace_is_theft,
            rotation::each_rotation_waits_for_its_own_first_use,
            rotation::an_access_token_confirms_its_generation_only,
            rotation::a_token_older_than_the_predecessor_is_theft_even_within_the_grace,
            rotation::an_unknown_token_is_refused_and_harms_nobody,
            rotation::ended_expired_and_disabled_are_told_apart,
            rotation::the_idle_limit_counts_from_the_last_use,
            rotation::an_access_token_renews_without_moving_the_refresh_token,
            changes::positions_rise_and_entries_come_back_as_they_were,
            changes::an_ended_session_ends_in_the_tables_too,
            changes::a_persons_end_ends_all_of_theirs_and_nobody_elses,
            changes::everybodys_end_ends_all,
            changes::a_view_starts_from_what_tokens_may_be_older_than,
            changes::old_changes_are_pruned_and_positions_go_on,
            changes::a_clock_set_back_makes_no_entry_older,
            changes::the_longest_token_life_is_remembered,
            people::a_changed_person_is_kept_and_found,
            people::people_are_paged_and_searched,
            people::who_waits_for_approval_is_found,
            people::hours_are_counted,
            people::a_blocked_id_does_not_come_back,
            people::a_removed_person_leaves_nothing_personal,
            people::what_a_removed_administrator_did_was_done_by_nobody,
            people::the_audit_trail_is_filtered_and_paged,
            people::old_audit_events_are_pruned_and_numbers_go_on,
            accounts::accounts_are_made_all_or_none,
            accounts::what_was_given_before_the_account_stays,
            accounts::a_password_is_changed_only_from_what_it_was,
            accounts::a_reset_is_good_once_and_for_a_time,
        }
    };
    (@each $factory:path; $($module:ident::$rule:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $rule() {
                let (store, _place) = $factory();
                $crate::store::contract::$module::$rule(store).await;
            }
        )*
    };
}

pub(in crate::store) use hold_to_contract;

pub(in crate::store) const GRACE: Duration = Duration::from_secs(10);
pub(in crate::store) const IDLE: Duration = Duration::from_secs(12 * 3600);
pub(in crate::store) const LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// No change and no audit event is too old.
pub(in crate::store) const EVERYTHING: Keep = Keep { changes_since: Timestamp::from_secs(0), audit_since: Timestamp::from_secs(0) };

/// A moment `secs` after the one all rules begin at.
pub(in crate::store) fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000 + secs)
}

pub(in crate::store) fn user(text: &str) -> UserId {
    UserId::parse(text).unwrap()
}

pub(in crate::store) fn fresh_hash() -> TokenHash {
    TokenHash::of(&TokenId::random())
}

/// A login of `who` at `when`, to be changed at will.
pub(in crate::store) fn opening(who: &str, when: Timestamp) -> Opening {
    Opening {
        id: SessionId::random(),
        user: user(who),
        provider: ProviderName::new("mju").unwrap(),
        refresh: fresh_hash(),
        at: when,
        address: ClientAddr::new("192.0.2.7".parse().unwrap()),
        user_agent: "a browser".to_owned(),
        absolute_end: when.plus(LIFE),
        idle: IDLE,
        persistent: true,
        rotate: false,
        replaces: None,
        sessions_per_user: None,
    }
}

/// Logs in and tells what came of it.
pub(in crate::store) async fn log_in(store: &Arc<dyn Store>, opening: &Opening) -> Login {
    match store.open_session(opening.clone()).await.unwrap() {
        Opened::Begun { position, ended, first, last_end } => {
            let ended = ended.iter().map(|entry| entry.change.clone()).collect();
            Login { position, ended, first, last_end }
        }
        refused @ (Opened::Disabled | Opened::Blocked) => panic!("{:?}: {refused:?}", opening.user),
    }
}

pub(in crate::store) struct Login {
    pub(in crate::store) position: Position,
    pub(in crate::store) ended: Vec<super::Change>,
    pub(in crate::store) first: bool,
    pub(in crate::store) last_end: Option<EndReason>,
}

/// Presents `token` without rotation.
pub(in crate::store) async fn keep(store: &Arc<dyn Store>, session: SessionId, token: TokenHash, when: Timestamp) -> RenewalOutcome {
    let renewal = Renewal { session, presented: Presented::Refresh(token), at: when, rotate: None, grace: GRACE };
    store.renew(renewal).await.unwrap()
}

/// Presents `token` and rotates it to `successor`, sealed as `sealed`.
pub(in crate::store) fn rotation(session: SessionId, token: TokenHash, successor: TokenHash, sealed: &str, when: Timestamp) -> Renewal {
    let rotate = Some(Rotate { successor, sealed: sealed.as_bytes().to_vec() });
    Renewal { session, presented: Presented::Refresh(token), at: when, rotate, grace: GRACE }
}

/// Rotates `token` as the client that holds it would, and gives the successor.
pub(in crate::store) async fn rotate(store: &Arc<dyn Store>, session: SessionId, token: TokenHash, when: Timestamp) -> TokenHash {
    let successor = fresh_hash();
    let outcome = store.renew(rotation(session, token, successor, "pair", when)).await.unwrap();
    assert!(matches!(outcome, RenewalOutcome::Rotated { .. }), "{outcome:?}");
    successor
}
