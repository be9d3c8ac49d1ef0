use super::PersonState;
use crate::base::Timestamp;
use crate::identity::UserId;
use crate::observe::{AuditEvent, AuditKind};

/// A person as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub user: UserId,
    /// When they were first heard of.
    pub created: Timestamp,
    /// When they last logged in; `None` for somebody entered beforehand.
    pub last_login: Option<Timestamp>,
    /// What holds of them now.
    pub state: PersonState,
}

/// Which people are wanted.
#[derive(Clone, Debug)]
pub struct PeopleQuery {
    /// Only those whose id, name or e-mail holds this text, in either case. Nothing in it is a wildcard.
    pub search: Option<String>,
    /// Begin behind this one: the last of the page before.
    pub after: Option<UserId>,
    /// At most this many.
    pub limit: u32,
}

/// Which audit events are wanted. Everything that is said must hold.
#[derive(Clone, Debug)]
pub struct AuditQuery {
    /// Only those about this person.
    pub user: Option<UserId>,
    /// Only those of this kind.
    pub kind: Option<AuditKind>,
    /// Only those from this moment on.
    pub since: Option<Timestamp>,
    /// Only those before this moment.
    pub until: Option<Timestamp>,
    /// Go on behind this number: that of the last entry of the page before.
    pub before: Option<u64>,
    /// At most this many.
    pub limit: u32,
}

/// An audit event with its place in the table.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// Rises from event to event.
    pub number: u64,
    /// What happened.
    pub event: AuditEvent,
}
