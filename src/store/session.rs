use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest;

use super::EndReason;
use crate::base::{ClientAddr, Position, SessionId, Timestamp, TokenId};
use crate::identity::{ProviderName, UserId};

/// What is stored of a refresh token: the SHA-256 of its `jti`. Whoever reads the file can present nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token's id.
    pub fn of(token: &TokenId) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, token.bytes()).as_ref());
        Self(hash)
    }

    /// Its bytes, as stored.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From stored bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// A login that is about to become a session.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The new session.
    pub id: SessionId,
    /// Who logged in.
    pub user: UserId,
    /// Who checked the password.
    pub provider: ProviderName,
    /// The first refresh token.
    pub refresh: TokenHash,
    /// When.
    pub at: Timestamp,
    /// From where.
    pub address: ClientAddr,
    /// The browser's or program's own description, cut to 200 bytes, control characters replaced.
    pub user_agent: String,
    /// The end that nothing slides past.
    pub absolute_end: Timestamp,
    /// Unused for longer than this, the session is over.
    pub idle: Duration,
    /// Whether cookies of this session outlive the browser ("remember me").
    pub persistent: bool,
    /// Whether the client asked that every refresh rotates, whatever the gateway's setting.
    pub rotate: bool,
    /// The session the client presented with the login: ended as replaced, if it is this person's or anybody's.
    pub replaces: Option<SessionId>,
    /// How many live sessions one person may have; the oldest end. `None`: any number.
    pub sessions_per_user: Option<u32>,
}

/// What [`super::Store::open_session`] answers.
#[derive(Clone, Debug)]
pub enum Opened {
    /// The session is there.
    Begun {
        /// The change log's position after the transaction: the new tokens carry it.
        position: Position,
        /// Sessions that ended with it (replaced or too many), for the view and the streams.
        ended: Vec<super::LoggedChange>,
        /// The first login of this person ever.
        first: bool,
        /// Why the person's last session before this one ended, when the person has not been told yet.
        last_end: Option<EndReason>,
    },
    /// The account is disabled: nothing was written.
    Disabled,
    /// The id belonged to somebody who was removed and may not come back: no session began.
    Blocked,
}

/// A session as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// Who checked the password.
    pub provider: ProviderName,
    /// When it began: the password was right then.
    pub created: Timestamp,
    /// When it was last used, as far as written.
    pub last_seen: Timestamp,
    /// Where it began.
    pub address: ClientAddr,
    /// What it was begun with.
    pub user_agent: String,
    /// How often its refresh token has rotated.
    pub generation: u32,
    /// The end that nothing slides past.
    pub absolute_end: Timestamp,
    /// Unused for longer than this, it is over.
    pub idle: Duration,
    /// Whether its cookies outlive the browser.
    pub persistent: bool,
    /// Whether every refresh rotates.
    pub rotate: bool,
    /// When and why it ended, if it did.
    pub ended: Option<(Timestamp, EndReason)>,
}

impl SessionRecord {
    /// When it is over if nobody ends it and nobody uses it.
    pub fn own_end(&self) -> Timestamp {
        self.absolute_end.min(self.last_seen.plus(self.idle))
    }
}

/// Which live sessions are wanted.
#[derive(Clone, Debug)]
pub struct SessionQuery {
    /// Begin behind this one: the last of the page before.
    pub after: Option<SessionId>,
    /// At most this many.
    pub limit: u32,
}

/// A session is used to get new tokens.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// Which.
    pub session: SessionId,
    /// What was presented for it.
    pub presented: Presented,
    /// When.
    pub at: Timestamp,
    /// Rotate the refresh token, if one was presented.
    pub rotate: Option<Rotate>,
    /// How long a predecessor stays good after its successor was used.
    pub grace: Duration,
}

/// What a client showed to renew its session.
#[derive(Clone, Copy, Debug)]
pub enum Presented {
    /// A refresh token whose signature and times are good.
    Refresh(TokenHash),
    /// An access token, good or just expired, with nothing else needed (the caller has decided that this is enough).
    Access,
}

/// The successor a rotation puts in place.
#[derive(Clone, Debug)]
pub struct Rotate {
    /// The new refresh token.
    pub successor: TokenHash,
    /// The new pair, sealed under a key made from the presented token, for the case that the answer is lost.
    pub sealed: Vec<u8>,
}

/// What [`super::Store::renew`] answers.
#[derive(Clone, Debug)]
pub enum RenewalOutcome {
    /// The session lives and its refresh token stays as it is.
    Kept {
        /// The session after the use.
        record: SessionRecord,
        /// The change log's position.
        position: Position,
    },
    /// The session lives; the successor is in place.
    Rotated {
        /// The session after the rotation.
        record: SessionRecord,
        /// The change log's position.
        position: Position,
    },
    /// A predecessor that is still good was presented again: here is what it was given the first time.
    Again {
        /// The session as it stands.
        record: SessionRecord,
        /// What [`Rotate::sealed`] was at the rotation.
        sealed: Vec<u8>,
        /// The change log's position, for a new access token when the sealed one is past its end.
        position: Position,
    },
    /// A predecessor came back after its successor was used and the grace ran out, or a token older than the predecessor
    /// came back at all: the session has been ended as stolen.
    Theft {
        /// The session, ended.
        record: SessionRecord,
        /// The entry of its end, for the view.
        ended: super::LoggedChange,
    },
    /// The session was ended earlier.
    Ended(EndReason),
    /// The session's idle limit or absolute end has passed.
    Expired,
    /// The person is disabled.
    Disabled,
    /// There is no such session, or the token was never its refresh token.
    Unknown,
}
