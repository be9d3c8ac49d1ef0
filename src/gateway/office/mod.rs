//! What administrators do to people and sessions, whichever way they come in: a program over the admin listener, an
//! operator's command, or the pages.
//!
//! Who may is decided by the entrances, before. Nothing here may change anything without writing down who did it.

mod people;
mod sessions;
mod whom;

use crate::base::{ClientAddr, SessionId};
use crate::gateway::Gateway;
use crate::identity::UserId;
use crate::observe::{AuditEvent, AuditKind, audit_log};
use crate::provider::AccountFault;
use crate::store::StoreError;

pub(super) use people::Wanted;

/// Who does something: for the audit trail.
pub(super) struct Actor {
    /// A person in `realm:id`, or the user of this machine at the operator's socket.
    pub(super) name: String,
    /// The person, when it is one.
    pub(super) user: Option<UserId>,
    pub(super) address: Option<ClientAddr>,
    pub(super) request: Option<String>,
}

/// Why something was not done. The texts are for operators.
#[derive(Debug, thiserror::Error)]
pub(super) enum OfficeFault {
    #[error("{0}")]
    Wrong(String),
    #[error("{0} is not known here: nobody of that id has logged in yet; `munjigi users add {0}` enters them beforehand")]
    Nobody(UserId),
    #[error("{0} is known already")]
    Known(UserId),
    #[error("{id} may be any of {}; write which", .candidates.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Ambiguous { id: String, candidates: Vec<UserId> },
    #[error("{0} is not a live session; `munjigi sessions list` shows those that are")]
    NoSession(SessionId),
    #[error("{0} has no account of Munjigi's own: the password is kept, and reset, where they log in")]
    NoAccount(UserId),
    #[error("{0} was removed and is kept blocked; `munjigi users unblock {0}` lets the id come back")]
    Blocked(UserId),
    #[error("{0} is not blocked")]
    NotBlocked(UserId),
    #[error("{0} is an administrator by the configuration; take the id out of `admins` in [auth]")]
    Configured(UserId),
    #[error("{0} is whoever asks: ask another administrator, or use the command line")]
    Oneself(UserId),
    #[error("{0}; nothing was confirmed, try again")]
    Store(#[from] StoreError),
}

impl From<AccountFault> for OfficeFault {
    fn from(fault: AccountFault) -> Self {
        match fault {
            AccountFault::Store(error) => Self::Store(error),
            AccountFault::Taken
            | AccountFault::Closed
            | AccountFault::Password(_)
            | AccountFault::Wrong
            | AccountFault::Link
            | AccountFault::Hashing => Self::Wrong(fault.to_string()),
        }
    }
}

impl Gateway {
    /// Writes down who did something, before it is answered.
    async fn note(&self, actor: &Actor, kind: AuditKind, user: Option<UserId>, session: Option<SessionId>, what: &str) {
        let detail = if what.is_empty() { format!("by {}", actor.name) } else { format!("{what}, by {}", actor.name) };
        let at = self.shared.clock.now();
        let event = AuditEvent { at, kind, user, session, address: actor.address, request: actor.request.clone(), detail };
        audit_log(&event);
        if let Err(error) = self.shared.store.audit(vec![event]).await {
            tracing::error!(%error, "an audit event could not be stored; it stands in this log");
        }
    }
}

impl Actor {
    /// What an administrator cannot do to themselves by accident: afterwards nobody might be left to undo it.
    fn must_not_be(&self, user: &UserId) -> Result<(), OfficeFault> {
        if self.user.as_ref() == Some(user) { Err(OfficeFault::Oneself(user.clone())) } else { Ok(()) }
    }
}
