use super::shards::Shards;
use crate::base::{SessionId, Timestamp};

/// What requests leave behind for the store: when sessions were last seen. Noted in memory on the road, written by the
/// follower.
pub(super) struct Usage {
    seen: Shards<SessionId, Timestamp>,
}

impl Usage {
    pub(super) fn new() -> Self {
        Self { seen: Shards::new() }
    }

    pub(super) fn request(&self, session: &SessionId, at: Timestamp) {
        self.seen.write(session, |seen| {
            let last = seen.entry(*session).or_default();
            *last = at.max(*last);
        });
    }

    /// When one session was seen since the last flush.
    pub(super) fn seen(&self, session: &SessionId) -> Option<Timestamp> {
        self.seen.get(session, |last| *last)
    }

    /// The same, and forgets it.
    pub(super) fn take_seen(&self, session: &SessionId) -> Option<Timestamp> {
        self.seen.get(session, |_| ())?;
        self.seen.write(session, |seen| seen.remove(session))
    }

    pub(super) fn take_all_seen(&self) -> Vec<(SessionId, Timestamp)> {
        self.seen.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_moment_counts_until_it_is_taken() {
        let usage = Usage::new();
        let session = SessionId::random();
        for second in [100, 116, 114] {
            usage.request(&session, Timestamp::from_secs(second));
        }
        assert_eq!(usage.seen(&session), Some(Timestamp::from_secs(116)));
        assert_eq!(usage.take_all_seen(), [(session, Timestamp::from_secs(116))]);
        assert_eq!((usage.seen(&session), usage.take_seen(&session)), (None, None));
    }
}
