use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

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
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// The person.
    pub user: &'a UserId,
    /// How the person stands in `sub` and in headers.
    pub subject: &'a Arc<str>,
    /// Who checked the password.
    pub provider: &'a ProviderName,
    /// The login this request belongs to.
    pub session: SessionId,
    /// What of this is told to applications, as headers hold it.
    pub labels: &'a Labels,
    /// What is known of the person.
    pub profile: &'a Arc<Profile>,
}

/// What stays the same for as long as a token, as headers hold it: written once, and not for each request. `None` is what a
/// header cannot hold.
#[derive(Clone, Debug)]
pub struct Labels {
    /// The person, as in `sub`.
    pub subject: Option<HeaderValue>,
    /// Who checked the password.
    pub provider: Option<HeaderValue>,
    /// The login.
    pub session: Option<HeaderValue>,
}

impl Labels {
    /// Writes them.
    pub fn new(subject: &str, provider: &ProviderName, session: SessionId) -> Self {
        let value = |text: &str| HeaderValue::from_str(text).ok();
        Self { subject: value(subject), provider: value(provider.as_str()), session: value(&session.to_string()) }
    }
}

/// Somebody for tests, who owns what an [`Identity`] borrows.
#[cfg(test)]
pub struct Somebody {
    user: UserId,
    subject: Arc<str>,
    provider: ProviderName,
    labels: Labels,
    profile: Arc<Profile>,
}

#[cfg(test)]
impl Somebody {
    /// Their session.
    pub const SESSION: SessionId = SessionId::from_bytes([7; 16]);

    /// `mju:60241234` with this profile.
    pub fn with(profile: Profile) -> Self {
        Self::named("60241234", profile)
    }

    /// The same with another text for what stands in `sub`.
    ///
    /// # Panics
    /// Never: the names are good.
    pub fn named(subject: &str, profile: Profile) -> Self {
        let provider = ProviderName::new("mju").unwrap();
        Self {
            user: UserId::parse("mju:60241234").unwrap(),
            subject: subject.into(),
            labels: Labels::new(subject, &provider, Self::SESSION),
            provider,
            profile: Arc::new(profile),
        }
    }

    /// As the road sees them.
    pub fn identity(&self) -> Identity<'_> {
        let Self { user, subject, provider, labels, profile } = self;
        Identity { user, subject, provider, session: Self::SESSION, labels, profile }
    }
}
