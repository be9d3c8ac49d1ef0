use std::fmt;
use std::sync::Arc;

use super::{DisplayName, Email, Group, ProviderName, UserId};
use crate::base::SessionId;

/// What a person is to the gateway itself. Applications' own roles are groups.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub enum Role {
    /// Uses the applications.
    #[default]
    Member,
    /// May also look after people and sessions.
    Admin,
}

impl Role {
    /// The word used in files, on the command line and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }

    /// Reads that word.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "member" => Some(Self::Member),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of a person beyond the id. It is looked up at each request, so that a change acts at once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Profile {
    /// What the person is to the gateway.
    pub role: Role,
    /// Groups, sorted, each once.
    pub groups: Vec<Group>,
    /// What the person is called, when known.
    pub name: Option<DisplayName>,
    /// Where the person gets mail, when known.
    pub email: Option<Email>,
}

/// Who is asking: made by the gateway's admission and by nothing else on the road.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The person.
    pub user: UserId,
    /// How the person stands in `sub` and in headers.
    pub subject: Arc<str>,
    /// Who checked the password.
    pub provider: ProviderName,
    /// The login this request belongs to.
    pub session: SessionId,
    /// What is known of the person.
    pub profile: Arc<Profile>,
}
