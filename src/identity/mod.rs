//! Who somebody is. A person is a realm and a canonical id; what a header cannot carry cannot be built here.
//!
//! This module must never decide what somebody may do, nor where names come from.

mod names;
mod person;
mod realm;

pub use names::{DisplayName, Email, Group, NameError, ProviderName};
#[cfg(test)]
pub use person::Somebody;
pub use person::{Identity, Labels, Profile, Role};
pub use realm::{IdError, IdRule, Realm, RealmError, Subjects, UserId};
