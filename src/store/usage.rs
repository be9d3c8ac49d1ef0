use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::shards::Shards;
use crate::base::{SessionId, Timestamp, TokenId};

/// A session seen again sooner than this is not noted again: most requests then only read.
const NOTED: Duration = Duration::from_secs(15);

/// What requests leave behind for the store: when sessions were last seen, and which fresh tokens have been used.
/// Noted in memory on the road, written by the follower.
pub(super) struct Usage {
    seen: Shards<SessionId, Timestamp>,
    /// Access tokens that a rotation gave out and nobody has used yet.
    fresh: Shards<TokenId, Fresh>,
    used: Mutex<Vec<Used>>,
}

struct Fresh {
    session: SessionId,
    generation: u32,
    /// When it was given out: only for pruning.
    at: Timestamp,
}

/// A token of `generation` has been used: its predecessor can go.
#[derive(Clone, Copy)]
pub(super) struct Used {
    pub(super) session: SessionId,
    pub(super) generation: u32,
    pub(super) at: Timestamp,
}

impl Usage {
    pub(super) fn new() -> Self {
        Self { seen: Shards::new(), fresh: Shards::new(), used: Mutex::default() }
    }

    pub(super) fn given(&self, token: TokenId, session: SessionId, generation: u32, at: Timestamp) {
        self.fresh.write(&token, |fresh| fresh.insert(token, Fresh { session, generation, at }));
    }

    pub(super) fn request(&self, session: &SessionId, token: &TokenId, at: Timestamp) {
        if self.seen.get(session, |last| *last).is_none_or(|last| at.since(last) >= NOTED) {
            self.seen.write(session, |seen| seen.insert(*session, at));
        }
        if self.fresh.get(token, |_| ()).is_some()
            && let Some(Fresh { session, generation, at: _ }) = self.fresh.write(token, |fresh| fresh.remove(token))
        {
            self.used().push(Used { session, generation, at });
        }
    }

    /// When one session was seen since the last flush, and forgets it.
    pub(super) fn take_seen(&self, session: &SessionId) -> Option<Timestamp> {
        self.seen.get(session, |_| ())?;
        self.seen.write(session, |seen| seen.remove(session))
    }

    pub(super) fn take_all_seen(&self) -> Vec<(SessionId, Timestamp)> {
        self.seen.take()
    }

    pub(super) fn take_used(&self) -> Vec<Used> {
        std::mem::take(&mut *self.used())
    }

    /// They could not be written: the next flush tries again.
    pub(super) fn put_back(&self, used: impl IntoIterator<Item = Used>) {
        self.used().extend(used);
    }

    pub(super) fn prune(&self, before: Timestamp) {
        self.fresh.retain(|_, fresh| fresh.at >= before);
    }

    fn used(&self) -> std::sync::MutexGuard<'_, Vec<Used>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_use_of_a_fresh_token_is_told_once() {
        let usage = Usage::new();
        let (token, session) = (TokenId::random(), SessionId::random());
        usage.given(token, session, 3, Timestamp::from_secs(1));
        usage.request(&session, &TokenId::random(), Timestamp::from_secs(2));
        assert!(usage.take_used().is_empty());
        usage.request(&session, &token, Timestamp::from_secs(3));
        usage.request(&session, &token, Timestamp::from_secs(4));
        let used = usage.take_used();
        assert_eq!((used.len(), used[0].generation, used[0].at), (1, 3, Timestamp::from_secs(3)));
    }

    #[test]
    fn a_session_is_noted_seldom() {
        let usage = Usage::new();
        let (token, session) = (TokenId::random(), SessionId::random());
        for second in [100, 114, 116, 120] {
            usage.request(&session, &token, Timestamp::from_secs(second));
        }
        assert_eq!(usage.take_all_seen(), [(session, Timestamp::from_secs(116))]);
        assert_eq!(usage.take_seen(&session), None);
    }
}
