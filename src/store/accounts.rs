use std::collections::BTreeMap;

use secrecy::SecretString;

use super::PersonState;
use crate::identity::UserId;

/// What an operator asks of people besides name and address: the answers by the names of the fields.
pub type Fields = BTreeMap<String, String>;

/// What is stored of a local account besides what holds of every person.
#[derive(Clone, Debug)]
pub struct Account {
    /// Whether it can be used yet.
    pub status: AccountStatus,
    /// The password's hash, as written by whoever made it. A person without one has no local account.
    pub password: SecretString,
    /// What else they were asked when it was made.
    pub fields: Fields,
}

/// Whether a local account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AccountStatus {
    /// It can.
    #[default]
    Active,
    /// Not before an administrator has approved it.
    Awaiting,
}

impl AccountStatus {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Awaiting => "awaiting",
        }
    }

    /// Reads the stable word. Anything else is no leave to log in.
    pub fn parse(word: &str) -> Self {
        if word == Self::Active.as_str() { Self::Active } else { Self::Awaiting }
    }
}

/// A local account that is to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Whose.
    pub user: UserId,
    /// What holds of the person from then on.
    pub state: PersonState,
    /// The account itself.
    pub account: Account,
}
