//! Settings that choose between modules' own ones, and those that have no module yet.

use std::path::PathBuf;

use crate::identity::{DisplayName, IdRule, ProviderName, Realm};
use crate::observe::LogFormat;
use crate::pages::Logo;
use crate::provider::{BandiSsoSettings, HttpFormSettings, LocalSettings};
use crate::store::sqlite::Settings as SqliteSettings;

/// One provider, with everything its kind needs.
#[derive(Clone, Debug)]
pub enum ProviderSettings {
    /// One HTTP request with id and password, answered with JSON.
    HttpForm(Box<HttpFormSettings>),
    /// The login page of `BandiSSO`, filled in as a browser would.
    BandiSso(Box<BandiSsoSettings>),
    /// Accounts of our own, in the store.
    Local(Box<LocalSettings>),
}

/// Whether providers of one realm stand in for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Chaining {
    /// They do: the next is asked while the one before cannot be.
    #[default]
    OnUnavailable,
    /// They do not: each is offered by itself.
    Off,
}

impl ProviderSettings {
    /// Its name in the configuration.
    pub fn name(&self) -> &ProviderName {
        match self {
            Self::HttpForm(settings) => &settings.name,
            Self::BandiSso(settings) => &settings.name,
            Self::Local(settings) => &settings.name,
        }
    }

    /// Whose ids it knows.
    pub fn realm(&self) -> &Realm {
        match self {
            Self::HttpForm(settings) => &settings.realm,
            Self::BandiSso(settings) => &settings.realm,
            Self::Local(settings) => &settings.realm,
        }
    }

    /// How ids of its realm look.
    pub fn id_rule(&self) -> &IdRule {
        match self {
            Self::HttpForm(settings) => &settings.id_rule,
            Self::BandiSso(settings) => &settings.id_rule,
            Self::Local(settings) => &settings.id_rule,
        }
    }
}

/// What remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreSettings {
    /// A SQLite file; its directory is the state directory.
    Sqlite(SqliteSettings),
}

/// What is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// The form of the access log; `None`: there is none.
    pub access: Option<LogFormat>,
    /// Where the access log goes; `None`: standard output.
    pub access_path: Option<PathBuf>,
    /// What goes to the operator's log on standard error: `error`, `warn`, `info`, `debug` or `trace`, or a filter by module.
    pub level: String,
}

/// What pages show of the house they belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSettings {
    /// What people call this place.
    pub name: DisplayName,
    /// A picture above the heading.
    pub logo: Option<Logo>,
    /// The colour of buttons and links, as `#rrggbb`.
    pub accent: Option<String>,
    /// Whom to ask, as one line of text.
    pub contact: Option<DisplayName>,
    /// What people call the account systems.
    pub accounts: Vec<AccountLabel>,
}

/// What people call an account system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLabel {
    /// The provider's name.
    pub provider: String,
    /// What stands on the pages.
    pub label: DisplayName,
    /// What its ids are.
    pub hint: Option<DisplayName>,
}
