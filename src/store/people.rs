use super::{AccountStatus, PersonState};
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
    /// Whether their local account can be used; `None` when they have none.
    pub account: Option<AccountStatus>,
}

/// Which people are wanted.
#[derive(Clone, Debug)]
pub struct PeopleQuery {
    /// Only those whose id, name or e-mail holds this text, in either case. Nothing in it is a wildcard.
    pub search: Option<String>,
    /// Only those whose account waits for approval.
    pub awaiting: bool,
    /// Where the page is.
    pub page: PeoplePage,
    /// At most this many.
    pub limit: u32,
}

/// Where a page of people is: beside a person, not behind a number of them, so that the last page costs what the first does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeoplePage {
    /// The first one.
    First,
    /// Behind this person, the last of the page before.
    After(UserId),
    /// Before this person, the first of the page after.
    Before(UserId),
    /// The last one.
    Last,
}

/// How many people there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeopleCount {
    /// All of them.
    pub everybody: u64,
    /// Those whose account waits for approval.
    pub awaiting: u64,
}

/// What happened in one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Logins accepted.
    pub logins: u64,
    /// Logins refused or throttled.
    pub refusals: u64,
    /// Sessions alive at its end.
    pub sessions: u64,
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
