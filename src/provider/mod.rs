//! Who checks a password. A provider is asked about one canonical id and says right, wrong, or that it cannot say.
//!
//! It must never log in anybody by itself, never keep a password, and never take an answer it does not understand for a yes.

mod bandi;
mod breaker;
mod chain;
mod encode;
mod form;
mod lane;
mod local;
mod reach;
mod refusals;
mod text;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::identity::{IdRule, ProviderName, Realm, UserId};

pub use bandi::{BandiSso, BandiSsoSettings, Finding, Means, PageParts, Step};
pub use breaker::{Breaker, BreakerSettings, BreakerState, Pass, Resting};
pub use chain::Chain;
pub use form::{AnswerRule, HttpForm, HttpFormSettings, Placement};
pub use local::hash::{HashFault, check_imported};
pub use local::{AccountFault, FieldSettings, Local, LocalSettings, PasswordFault, Registration};
pub use reach::{ReachSettings, SetupFault};

/// A login attempt on its way to a provider.
#[derive(Debug)]
pub struct Login {
    /// Who, in canonical form: only this form is asked about.
    pub user: UserId,
    /// The password as typed. Wiped when this is dropped.
    pub password: SecretString,
}

/// What a provider answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right.
    Right {
        /// Something the person should be told (a password change that is due), in the provider's own words.
        notice: Option<String>,
    },
    /// Not this id with this password.
    Wrong {
        /// The provider's own words for the person: plain text, capped, control characters removed; not yet escaped.
        message: Option<String>,
    },
    /// The provider wants something of the person first (a new password, a second factor) and will not say yes before
    /// it has it. No login, and no guess either.
    NotYet {
        /// The provider's own words for the person, as in [`Verdict::Wrong`].
        message: Option<String>,
    },
}

/// Why a provider could not say. Never a login. The text is for the operator's log and never shown to the person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderFault {
    /// No connection can be had: DNS, connection refused, TLS. The password was not sent.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// It answers, but is not the login it was: gone (404, 410), moved (a redirect), a page where an answer was
    /// expected, or a sign-in page without the parts we know. No retry helps; somebody must look.
    #[error("is not what it was: {0}")]
    Changed(String),
    /// It does not want to talk to this gateway: 401, 403, 429. The password may have been sent.
    #[error("refuses this gateway: {0}")]
    Refused(String),
    /// It took longer than allowed. The password may have been sent.
    #[error("did not answer within {0:?}")]
    TimedOut(Duration),
    /// It answered with something that is no verdict: a damaged or oversized body, a server error. The password may have
    /// been sent.
    #[error("answered in a way that is not understood: {0}")]
    NotUnderstood(String),
    /// Too many logins are waiting for it. It was not asked.
    #[error("is overloaded: {0}")]
    Overloaded(String),
    /// It failed several times in a row and is left alone for a while. It was not asked.
    #[error("rests after failures; it is asked again in {retry_after:?}")]
    Resting {
        /// When it will be asked again.
        retry_after: Duration,
    },
}

impl ProviderFault {
    /// Whether the provider was asked and failed. Our own queue being full says nothing about it.
    pub const fn counts_against_the_provider(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Changed(_) | Self::Refused(_) | Self::TimedOut(_) | Self::NotUnderstood(_) => true,
            Self::Overloaded(_) | Self::Resting { .. } => false,
        }
    }
}

/// A provider's answer on its way.
pub type Checking<'a> = Pin<Box<dyn Future<Output = Result<Verdict, ProviderFault>> + Send + 'a>>;

/// The same with the name of who gave it: in a chain, not always the first.
pub type Answering<'a> = Pin<Box<dyn Future<Output = (&'a ProviderName, Result<Verdict, ProviderFault>)> + Send + 'a>>;

/// Somebody who can check passwords.
pub trait Provider: Send + Sync + 'static {
    /// Its name in the configuration.
    fn name(&self) -> &ProviderName;

    /// Whose ids it knows.
    fn realm(&self) -> &Realm;

    /// How ids of its realm look.
    fn id_rule(&self) -> &IdRule;

    /// Asks. May be dropped at any time; then nothing is known.
    fn check(&self, login: Login) -> Checking<'_>;

    /// Asks, and says who answered, or who failed last: what stands in `idp` and in the audit trail.
    fn ask(&self, login: Login) -> Answering<'_> {
        Box::pin(async move { (self.name(), self.check(login).await) })
    }

    /// How it has been doing, for pages, metrics and the chain. `None` for one that cannot fail (local accounts).
    fn breaker(&self) -> Option<&Breaker> {
        None
    }

    /// The accounts it keeps, if they are our own.
    fn accounts(&self) -> Option<&Local> {
        None
    }

    /// Those it asks in its own stead, if it is a chain. A login may name any of them and gets the chain: else each link
    /// would be one more place to guess at.
    fn links(&self) -> &[Arc<dyn Provider>] {
        &[]
    }

    /// Whether a login that names `name` means this one.
    fn is_called(&self, name: &str) -> bool {
        self.name().as_str() == name || self.links().iter().any(|link| link.name().as_str() == name)
    }

    /// Whether it is worth trying as far as is known: a chain while one of its links is.
    fn is_answering(&self) -> bool {
        if let Some(breaker) = self.breaker() {
            return !matches!(breaker.state(), BreakerState::Open { .. });
        }
        self.links().is_empty() || self.links().iter().any(|link| link.is_answering())
    }
}
