//! Settings that choose between modules' own ones, and those that have no module yet.

use std::path::PathBuf;
use std::time::Duration;

use super::standin::{BandiSsoSettings, HttpFormSettings, LogFormat, SqliteSettings};
use crate::identity::{DisplayName, IdRule, ProviderName, Realm};
use crate::routing::HostName;

/// Whether `/login`, `/refresh` and `/logout` at the root are the gateway's, beside their places below `/.auth/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasSettings {
    /// For hosts that are not named.
    pub default: bool,
    /// For these hosts.
    pub hosts: Vec<(HostName, bool)>,
}

impl AliasSettings {
    /// The paths of the aliases.
    pub const PATHS: [&'static str; 3] = ["/login", "/refresh", "/logout"];

    /// Whether the aliases are served on a host.
    pub fn active(&self, host: Option<&HostName>) -> bool {
        self.hosts.iter().find(|(named, _)| Some(named) == host).map_or(self.default, |(_, on)| *on)
    }
}

/// How long sessions last and how they are renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// Unused for longer than this, a session is over. By default a session may be unused as long as it lasts.
    pub idle: Duration,
    /// The same for a login that did not ask to be remembered.
    pub idle_forgotten: Duration,
    /// The end that nothing slides past, counted from the login.
    pub absolute: Duration,
    /// How many live sessions one person may have; the oldest ends. `None`: any number.
    pub per_user: Option<u32>,
    /// An access cookie whose life ends within this span is replaced on the way through.
    pub renew_window: Duration,
    /// When a refresh gives a new refresh token.
    pub rotation: Rotation,
    /// How long a replaced refresh token stays good after its successor was used.
    pub grace: Duration,
}

/// When a refresh gives a new refresh token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Rotation {
    /// When the token came in a cookie. By header it is kept, as clients of flask-jwt-extended expect.
    #[default]
    Cookies,
    /// Always.
    Always,
    /// Never.
    Off,
}

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

/// Accounts of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSettings {
    /// Its name in the configuration.
    pub name: ProviderName,
    /// Whose ids these are; never a realm that another kind of provider has.
    pub realm: Realm,
    /// How they look.
    pub id_rule: IdRule,
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
    /// The colour of buttons and links, as `#rrggbb`.
    pub accent: Option<String>,
    /// Whom to ask, as one line of text.
    pub contact: Option<DisplayName>,
}
