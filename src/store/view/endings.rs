use tokio::sync::broadcast;

use crate::base::{Position, SessionId, TokenId};
use crate::identity::UserId;
use crate::store::EndReason;

/// How many endings a subscriber may fall behind before it has to look at everything again.
const BACKLOG: usize = 1024;

/// Something ended that a live stream may belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// One session.
    Session {
        /// Which.
        session: SessionId,
        /// Why.
        reason: EndReason,
    },
    /// One token.
    Token {
        /// Its `jti`.
        token: TokenId,
        /// Why.
        reason: EndReason,
    },
    /// All that was issued to one person before a position.
    Person {
        /// Who.
        user: UserId,
        /// Tokens that carry a smaller position are over.
        before: Position,
        /// Why.
        reason: EndReason,
    },
    /// All that was issued to anybody before a position.
    Everybody {
        /// Tokens that carry a smaller position are over.
        before: Position,
        /// Why.
        reason: EndReason,
    },
}

/// What a subscriber hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// This ended.
    Ended(Ending),
    /// Too much ended at once and some of it was not heard: every live stream has to be checked again.
    Missed,
}

/// The endings from the moment of the subscription on.
pub struct Endings(broadcast::Receiver<Ending>);

impl Endings {
    /// The next one; `None` when the view is gone. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Notice> {
        match self.0.recv().await {
            Ok(ending) => Some(Notice::Ended(ending)),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Notice::Missed),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// The speaking side.
pub(super) struct Announcer(broadcast::Sender<Ending>);

impl Announcer {
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }

    pub(super) fn subscribe(&self) -> Endings {
        Endings(self.0.subscribe())
    }

    /// Never waits. That nobody listens is no fault.
    pub(super) fn announce(&self, ending: Ending) {
        let _ = self.0.send(ending);
    }
}
