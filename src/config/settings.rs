//! Settings of modules that have no type of their own for them yet, and of the file as a whole.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use secrecy::SecretString;

use crate::identity::{IdRule, ProviderName, Realm};
use crate::routing::HostName;

/// Where something without TLS listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListenAddress {
    /// A loopback address with a port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// One provider, with everything its kind needs.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Its name in the configuration.
    pub name: ProviderName,
    /// Whose ids it knows. Several providers may share a realm, and then share its rule.
    pub realm: Realm,
    /// How ids of the realm look.
    pub id_rule: IdRule,
    /// How it is asked.
    pub kind: ProviderKind,
}

/// How a provider is asked.
#[derive(Clone, Debug)]
pub enum ProviderKind {
    /// One HTTP request with id and password, answered with JSON.
    HttpForm(Box<HttpFormSettings>),
    /// The login page of `BandiSSO`, filled in as a browser would.
    BandiSso(Box<BandiSsoSettings>),
    /// Accounts of our own, in the store.
    Local,
}

/// A provider that is asked with one HTTP request.
#[derive(Clone, Debug)]
pub struct HttpFormSettings {
    /// GET only where the fields do not go into a body.
    pub method: Method,
    /// An absolute `https` URL; `http` only on loopback.
    pub url: String,
    /// Where the fields go.
    pub placement: Placement,
    /// The field that carries the canonical id.
    pub id_field: String,
    /// The field that carries the password.
    pub password_field: String,
    /// Fields that are always the same; some services want a client's name or key.
    pub extra_fields: Vec<(String, SecretString)>,
    /// The member of the answer that says how it went. It has to be a string.
    pub code_field: String,
    /// Its values when the password is right.
    pub success: Vec<String>,
    /// Its values when the password is right and the person should be told something.
    pub notice: Vec<String>,
    /// The member of the answer with words for the person.
    pub message_field: Option<String>,
    /// How the connection is made and kept.
    pub contact: ContactSettings,
}

/// Where the fields of a request go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Placement {
    /// `application/x-www-form-urlencoded` in the body.
    #[default]
    Form,
    /// A JSON object in the body.
    Json,
    /// Header fields.
    Headers,
}

/// A provider whose login page is filled in.
#[derive(Clone, Debug)]
pub struct BandiSsoSettings {
    /// The login page, without its query.
    pub url: String,
    /// The registered service on whose behalf the page is asked for.
    pub client_id: String,
    /// Where that service takes its answer; never fetched.
    pub redirect_uri: String,
    /// Hosts whose redirects are followed.
    pub allowed_hosts: Vec<HostName>,
    /// How the connection is made and kept.
    pub contact: ContactSettings,
}

/// How another machine is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactSettings {
    /// How long a connection may take to be made, TLS included.
    pub connect_timeout: Duration,
    /// How long the whole may take.
    pub timeout: Duration,
    /// Trust these certificate authorities (PEM) besides the system's: for servers that forget an intermediate.
    pub ca: Option<PathBuf>,
}

/// What remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreSettings {
    /// A SQLite file.
    Sqlite {
        /// The file; its directory is the state directory.
        path: PathBuf,
    },
}

/// What is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// The form of the access log.
    pub access: AccessLog,
    /// Where the access log goes; `None`: standard output.
    pub access_path: Option<PathBuf>,
    /// The least serious messages that are written to standard error.
    pub level: tracing::Level,
}

/// The form of the access log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AccessLog {
    /// The `combined` format of Apache and nginx.
    #[default]
    Combined,
    /// One JSON object per line.
    Json,
    /// None.
    Off,
}
