//! Settings of modules that are being written elsewhere, field for field as those modules have them. When both are in one
//! tree this file goes away and its names are imported from their modules.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use ipnet::IpNet;
use reqwest::Url;

use crate::identity::{IdRule, ProviderName, Realm};

/// `crate::server::Settings`: what the operator wants of the sockets.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where TLS is served.
    pub listen: Vec<SocketAddr>,
    /// Where plain HTTP is answered with a redirect to https.
    pub redirect_http: Option<SocketAddr>,
    /// Folder whose files are served below `/.well-known/acme-challenge/` on the plain listener.
    pub acme_webroot: Option<PathBuf>,
    /// Threads on the data path; `None`: one per core.
    pub workers: Option<usize>,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long the head of a request may take, and how long a kept connection may stand unused.
    pub header_timeout: Duration,
    /// How long requests in flight may take to finish when stopping.
    pub drain_timeout: Duration,
    /// Largest head of a request in bytes.
    pub max_head: usize,
    /// Most header lines of a request.
    pub max_headers: usize,
    /// Connections in all.
    pub max_connections: usize,
    /// Connections from one address (IPv6: one /64). `None`: no limit of its own.
    pub max_connections_per_address: Option<usize>,
    /// Requests under way at a time on one HTTP/2 connection.
    pub max_streams: u32,
}

/// `crate::server::PlainAddress`: a place without TLS, for this machine only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PlainAddress {
    /// A TCP port; loopback only.
    Tcp(SocketAddr),
    /// A socket file.
    Unix(PathBuf),
}

/// `crate::observe::LogFormat`: how an access-log line looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogFormat {
    /// nginx's `combined`.
    #[default]
    Combined,
    /// One JSON object per line.
    Json,
}

/// `crate::store::sqlite::Settings`, of which only the path is the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteSettings {
    /// The database file.
    pub path: PathBuf,
}

impl SqliteSettings {
    /// The defaults for a file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

/// `crate::throttle::Settings`: how guessing is slowed down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThrottleSettings {
    /// Wrong attempts on one account that are free of waiting.
    pub account_burst: u32,
    /// After those, one attempt on the account per this span.
    pub account_every: Duration,
    /// For so long, at most, can strangers who guess keep an account's owner from trying.
    pub account_longest: Duration,
    /// Wrong attempts from one address (IPv6: one /64) that are free of waiting.
    pub address_burst: u32,
    /// After those, one attempt from the address per this span.
    pub address_every: Duration,
    /// Attempts from one address that may be under way at once before they count.
    pub address_in_flight: u32,
    /// Networks behind each of whose addresses stand many people.
    pub shared_addresses: Vec<IpNet>,
    /// How many times the budget of an ordinary address each of those has.
    pub shared_factor: u32,
    /// How many accounts, and as many addresses, are remembered.
    pub capacity: u64,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self {
            account_burst: 10,
            account_every: Duration::from_secs(30),
            account_longest: Duration::from_secs(300),
            address_burst: 50,
            address_every: Duration::from_secs(3),
            address_in_flight: 2048,
            shared_addresses: Vec::new(),
            shared_factor: 10,
            capacity: 100_000,
        }
    }
}

/// `crate::provider::HttpFormSettings`: a provider that is asked with one HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpFormSettings {
    /// Its name in the configuration.
    pub name: ProviderName,
    /// Whose ids it knows.
    pub realm: Realm,
    /// How they look.
    pub id_rule: IdRule,
    /// Usually `POST`.
    pub method: Method,
    /// What is asked.
    pub url: Url,
    /// The name under which the id is sent.
    pub id_field: String,
    /// The name under which the password is sent.
    pub password_field: String,
    /// Where both are put.
    pub placement: Placement,
    /// Further names and values, put in the same place.
    pub extra: Vec<(String, String)>,
    /// Which answers are a yes.
    pub answer: AnswerRule,
    /// How it is reached.
    pub reach: ReachSettings,
}

impl HttpFormSettings {
    /// The preset `mju`: Myongji University's `userCheck.do`.
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "constants, and a test builds them")]
    pub fn mju(name: ProviderName) -> Self {
        Self {
            name,
            realm: Realm::new("mju").expect("a good name"),
            id_rule: IdRule::default(),
            method: Method::POST,
            url: Url::parse("https://sso1.mju.ac.kr/mju/userCheck.do").expect("a good URL"),
            id_field: "id".into(),
            password_field: "passwrd".into(),
            placement: Placement::Form,
            extra: Vec::new(),
            answer: AnswerRule {
                code_field: "error".into(),
                success: vec!["0000".into()],
                notice: vec!["VL-3130".into()],
                message_field: Some("error_message".into()),
            },
            reach: ReachSettings::default(),
        }
    }
}

/// `crate::provider::Placement`: where id and password are put in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Placement {
    /// In the body, as a browser's form.
    #[default]
    Form,
    /// In the query of the URL, where logs of other machines may show them.
    Query,
    /// In the body, as a JSON object.
    Json,
    /// In headers.
    Headers,
}

/// `crate::provider::AnswerRule`: which answers are a yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRule {
    /// The field that holds the code.
    pub code_field: String,
    /// The codes that mean: the password is right.
    pub success: Vec<String>,
    /// The codes that mean: the password is right, and the person should be told something.
    pub notice: Vec<String>,
    /// The field that holds words for the person, if there is one.
    pub message_field: Option<String>,
}

/// `crate::provider::ReachSettings`: how an SSO is reached, and how far it is put up with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachSettings {
    /// Longest time for DNS, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Longest time for one login as a whole, all its requests together.
    pub total_timeout: Duration,
    /// Most bytes of one answer that are read.
    pub max_body: usize,
    /// Certificates in PEM that are trusted besides the system's.
    pub extra_ca: Option<Vec<u8>>,
    /// What we call ourselves.
    pub user_agent: String,
    /// So many logins at a time; the others queue.
    pub max_concurrency: usize,
    /// For so long, at most.
    pub queue_wait: Duration,
    /// When it is left alone.
    pub breaker: BreakerSettings,
    /// Lets `http://` be used towards other machines: every password can then be read on the way.
    pub dangerous_plain_http: bool,
}

impl Default for ReachSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(10),
            max_body: 64 * 1024,
            extra_ca: None,
            user_agent: concat!("munjigi/", env!("CARGO_PKG_VERSION")).into(),
            max_concurrency: 64,
            queue_wait: Duration::from_secs(10),
            breaker: BreakerSettings::default(),
            dangerous_plain_http: false,
        }
    }
}

/// `crate::provider::BreakerSettings`: when a provider is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many failures in a row open it. Zero never does.
    pub failures: u32,
    /// For so long nobody is sent to the provider; then one login tries.
    pub pause: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(30) }
    }
}

/// `crate::provider::BandiSsoSettings`: a provider whose login page is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BandiSsoSettings {
    /// Its name in the configuration.
    pub name: ProviderName,
    /// Whose ids it knows.
    pub realm: Realm,
    /// How they look.
    pub id_rule: IdRule,
    /// The sign-in address as a service gives it to browsers, with `client_id`, `response_type=code` and `redirect_uri`.
    pub auth_url: Url,
    /// Hosts (`host` or `host:port`) that may be asked besides that of `auth_url`.
    pub allowed_hosts: Vec<String>,
    /// What the parts of the page are called.
    pub parts: PageParts,
    /// The path of the page that asks for a new password, which is passed by.
    pub notice_path: Option<String>,
    /// The path that ends a session at the SSO, if there is one.
    pub logout_path: Option<String>,
    /// Most pages and redirects after the password was sent.
    pub max_steps: usize,
    /// How long a login waits for another one of the same person with the same password.
    pub person_wait: Duration,
    /// How it is reached.
    pub reach: ReachSettings,
}

impl BandiSsoSettings {
    /// The preset `mju`: the login of Myongji University since 2025-11-27, by the way of its service MSI.
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "constants, and a test builds them")]
    pub fn mju(name: ProviderName) -> Self {
        let auth_url = "https://sso.mju.ac.kr/sso/auth?client_id=msi&response_type=code&tkn_type=normal\
                        &redirect_uri=https%3A%2F%2Fmsi.mju.ac.kr%2Findex_Myiweb.jsp";
        Self {
            name,
            realm: Realm::new("mju").expect("a good name"),
            id_rule: IdRule::default(),
            auth_url: Url::parse(auth_url).expect("a good URL"),
            allowed_hosts: Vec::new(),
            parts: PageParts::default(),
            notice_path: Some("/sso/change/pw".into()),
            logout_path: Some("/sso/logout".into()),
            max_steps: 10,
            person_wait: Duration::from_secs(10),
            reach: ReachSettings { total_timeout: Duration::from_secs(20), max_body: 1024 * 1024, ..ReachSettings::default() },
        }
    }
}

/// `crate::provider::PageParts`: the ids of the parts of the sign-in page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageParts {
    /// The input with the RSA key.
    pub key: String,
    /// The input with the one-time token; also the name under which it is sent.
    pub token: String,
    /// The form.
    pub form: String,
    /// The form that asks for a second factor.
    pub second_factor: String,
}

impl Default for PageParts {
    fn default() -> Self {
        Self { key: "public-key".into(), token: "c_r_t".into(), form: "signin-form".into(), second_factor: "two-factor-form".into() }
    }
}
