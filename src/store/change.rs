use std::sync::Arc;

use crate::base::{Position, SessionId, Timestamp, TokenId};
use crate::identity::{Profile, UserId};

/// One entry of the change log: everything that can make a check answer differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// One session ended.
    SessionEnded {
        /// Which.
        session: SessionId,
        /// Whose.
        user: UserId,
        /// Why.
        reason: EndReason,
    },
    /// One token ended before its time.
    TokenEnded {
        /// Its `jti`.
        token: TokenId,
        /// Why.
        reason: EndReason,
    },
    /// Every session and token of one person issued before this entry ended.
    PersonEnded {
        /// Who.
        user: UserId,
        /// Why.
        reason: EndReason,
    },
    /// Every session and token issued before this entry ended.
    EverybodyEnded {
        /// Why.
        reason: EndReason,
    },
    /// What is known of a person changed. Disabling does not end sessions by itself: append a `PersonEnded` with it.
    PersonChanged {
        /// Who.
        user: UserId,
        /// What holds from now on.
        state: PersonState,
    },
    /// The person's data is gone, and their sessions with it.
    PersonRemoved {
        /// Who.
        user: UserId,
    },
}

impl Change {
    /// Whether it takes something away, and so acts in memory before it is durable. What gives something waits.
    pub(super) fn acts_at_once(&self) -> bool {
        match self {
            Self::SessionEnded { .. }
            | Self::TokenEnded { .. }
            | Self::PersonEnded { .. }
            | Self::EverybodyEnded { .. }
            | Self::PersonRemoved { .. } => true,
            Self::PersonChanged { user: _, state } => state.disabled,
        }
    }
}

/// A change with its place and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedChange {
    /// Its place; rises by at least one from entry to entry.
    pub position: Position,
    /// When it was appended. Only for pruning.
    pub at: Timestamp,
    /// What changed.
    pub change: Change,
}

/// What the view knows of a person.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PersonState {
    /// May not log in, nor use anything.
    pub disabled: bool,
    /// Role, groups, name, e-mail.
    pub profile: Arc<Profile>,
}

/// Why a session or token ended before its time. Told to the person at the next login.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EndReason {
    /// Its owner logged out.
    LoggedOut,
    /// Its owner ended it from another device.
    Elsewhere,
    /// A new login on the same device took its place.
    Replaced,
    /// The person had more sessions than allowed; the oldest went.
    TooMany,
    /// A refresh token came back after its successor was used.
    Theft,
    /// An administrator ended it.
    Administrator,
    /// The account was disabled.
    Disabled,
    /// The account was removed.
    Removed,
    /// The password changed; other sessions ended.
    PasswordChanged,
}

impl EndReason {
    /// Every reason, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::LoggedOut,
        Self::Elsewhere,
        Self::Replaced,
        Self::TooMany,
        Self::Theft,
        Self::Administrator,
        Self::Disabled,
        Self::Removed,
        Self::PasswordChanged,
    ];

    /// The stable word of the store, logs and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged_out",
            Self::Elsewhere => "elsewhere",
            Self::Replaced => "replaced",
            Self::TooMany => "too_many",
            Self::Theft => "theft",
            Self::Administrator => "administrator",
            Self::Disabled => "disabled",
            Self::Removed => "removed",
            Self::PasswordChanged => "password_changed",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}
