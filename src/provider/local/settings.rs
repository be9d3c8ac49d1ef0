use crate::identity::{IdRule, ProviderName, Realm};

/// What the operator wants of accounts of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSettings {
    /// Its name in the configuration.
    pub name: ProviderName,
    /// Whose ids these are; never a realm that another kind of provider has.
    pub realm: Realm,
    /// How they look.
    pub id_rule: IdRule,
    /// Who may make an account.
    pub registration: Registration,
    /// Least characters of a new password.
    pub shortest_password: usize,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Registration {
    /// Everybody, for themselves.
    Open,
    /// Everybody, and an administrator has to approve it.
    Approval,
    /// Nobody but an administrator.
    #[default]
    Closed,
}
