//! Who checks a password. A provider is asked about one canonical id and says right, wrong, or that it cannot say.
//!
//! It must never log in anybody by itself, never keep a password, and never take an answer it does not understand for a yes.

use std::future::Future;
use std::pin::Pin;

use secrecy::SecretString;

use crate::identity::{IdRule, ProviderName, Realm, UserId};

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
}

/// Why a provider could not say. Never a login. The text is for the operator's log and never shown to the person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderFault {
    /// No answer can be had: DNS, connection refused, TLS. The password was not sent.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// It took longer than allowed. The password may have been sent.
    #[error("did not answer within {0:?}")]
    TimedOut(std::time::Duration),
    /// It answered with something that is no verdict: another status, a redirect, a page, a damaged or oversized body.
    #[error("answered in a way that is not understood: {0}")]
    NotUnderstood(String),
    /// Too many logins are waiting for it, or it is resting after failures.
    #[error("is overloaded: {0}")]
    Overloaded(String),
}

/// A provider's answer on its way.
pub type Checking<'a> = Pin<Box<dyn Future<Output = Result<Verdict, ProviderFault>> + Send + 'a>>;

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
}
