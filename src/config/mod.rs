//! The file: TOML to domain types, with every fault of the file found in one run.
//!
//! One [`Config::load`] serves `check`, start and reload, so that they cannot differ. Parsing recovers from faults of syntax; a
//! reader that knows where each value stands hands every key to the translator of its section, and reports the keys that nobody
//! took. This module must never write a file, show a line that holds a secret, or let a configuration pass that another part of
//! the gateway would have to doubt.

mod access;
mod assertion;
mod auth;
mod bandi_sso;
mod cookies;
mod expand;
mod groups;
mod headers;
mod http_form;
mod issuer;
mod keys;
mod library;
mod listeners;
mod pages;
mod parse;
mod provider;
mod reach;
mod reader;
mod report;
mod rest;
mod route_tokens;
mod routes;
mod secret;
mod section;
mod server;
mod session;
mod settings;
mod syntax;
mod target;
mod tls;
mod upstream;
mod url;
mod value;
mod veil;
mod weak;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs};

use http::{HeaderName, HeaderValue};
use toml::de::DeTable;
use zeroize::Zeroizing;

pub use report::{Level, Rejected, Report};
pub use settings::{AccountLabel, Chaining, LogSettings, PageSettings, ProviderSettings, StoreSettings};

use crate::base::{Fault, TrustedProxies};
use crate::gateway::{AliasSettings, FileGroups, LibrarySettings, Others, SessionSettings};
use crate::routing::{HostName, RouteSettings};
use crate::server::{PlainAddress, Settings as ServerSettings};
use crate::store::Retention;
use crate::throttle::Settings as ThrottleSettings;
use crate::web::{CookieSettings, CsrfSettings, IdentityHeaderSettings, IdentityHeaders};
use reader::{Entry, Found, Reader};
use section::Section;

/// How environment variables are looked up.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Largest configuration file in bytes: far more than anybody writes.
const LARGEST: u64 = 1 << 20;

/// One configuration: everything the operator wants, in the words of the modules that do it.
#[derive(Clone, Debug)]
pub struct Config {
    /// The sockets that speak TLS, the redirecting one, and their deadlines.
    pub server: ServerSettings,
    /// Where metrics, health and administration are served.
    pub admin: Option<PlainAddress>,
    /// How long `/ready` says no before a stopping gateway takes no more connections.
    pub drain_delay: Duration,
    /// Whose `X-Forwarded-*` is believed.
    pub trusted_proxies: TrustedProxies,
    /// Largest request body in bytes where a route says nothing.
    pub max_body: u64,
    /// How long a request body may stand still.
    pub body_timeout: Duration,
    /// Bytes of a request body for each second over all where a route says nothing; 0: none.
    pub body_min_rate: u64,
    /// How much of a body that nobody wants is read, so that its sender sees the answer.
    pub drain_body: u64,
    /// Longest request target in bytes.
    pub max_target: usize,
    /// Where `/login`, `/refresh` and `/logout` are ours.
    pub aliases: AliasSettings,
    /// The host of the login, the account and the administration.
    pub portal: Option<HostName>,
    /// The certificates.
    pub tls: crate::tls::Settings,
    /// How long browsers shall remember to use https; never said with a self-made certificate. `None`: not said at all.
    pub hsts: Option<Duration>,
    /// Tokens and their keys.
    pub tokens: crate::token::Settings,
    /// Whose tokens are taken beside ours.
    pub others: Others,
    /// The signed word for applications about who asks, if there is one.
    pub assertion: Option<crate::token::AssertionSettings>,
    /// Which cookies carry a session.
    pub cookies: CookieSettings,
    /// What makes the gateway look like flask-jwt-extended.
    pub library: LibrarySettings,
    /// Where unsafe requests with cookies may come from.
    pub csrf: CsrfSettings,
    /// How long sessions last.
    pub sessions: SessionSettings,
    /// Who checks passwords, in the order in which they are offered; at least one.
    pub providers: Vec<ProviderSettings>,
    /// Whether those of one realm stand in for one another.
    pub chain: Chaining,
    /// How guessing is slowed down.
    pub throttle: ThrottleSettings,
    /// What remembers.
    pub store: StoreSettings,
    /// How long it keeps what nothing needs.
    pub retention: Retention,
    /// How applications are told who asks.
    pub identity_headers: IdentityHeaderSettings,
    /// Groups of people according to a file.
    pub groups: FileGroups,
    /// Headers every answer carries that does not say otherwise itself.
    pub security_headers: Vec<(HeaderName, HeaderValue)>,
    /// The applications.
    pub upstreams: Vec<crate::upstream::Settings>,
    /// What leads where, and for whom; the order means nothing.
    pub routes: Vec<RouteSettings>,
    /// What pages show of the house.
    pub pages: PageSettings,
    /// What is written down.
    pub log: LogSettings,
}

/// A file without fault. Its report holds warnings and notes.
#[derive(Debug)]
#[must_use]
pub enum Loaded {
    /// It can serve.
    Ready(Box<Config>, Report),
    /// It can serve once these files are made, which only `run` does: then it loads again.
    Incomplete {
        /// The configuration, in which random keys that nobody keeps stand in for absent ones: to be looked at, not to be served.
        draft: Box<Config>,
        /// What is to be made; none of these files is there.
        missing: Vec<ToGenerate>,
        /// Warnings, and a note for each missing file.
        report: Report,
    },
}

/// A file that starting up may make (`generate = true` in `[tls]`). As text it is the file's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToGenerate {
    /// A self-signed certificate with its key.
    Certificate(crate::tls::CertificateFiles),
    /// A random secret.
    Secret(PathBuf),
    /// A private key for ES256.
    SigningKey(PathBuf),
}

impl fmt::Display for ToGenerate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(files) => files.cert.display().fmt(f),
            Self::Secret(path) | Self::SigningKey(path) => path.display().fmt(f),
        }
    }
}

impl Config {
    /// Reads a file. Relative paths in it start at its own directory.
    ///
    /// # Errors
    /// Every fault of the file, if there is any.
    pub fn load(path: &Path, env: Environment<'_>) -> Result<Loaded, Rejected> {
        let name = path.display().to_string();
        let bytes = read_file(path).map_err(|fault| rejected(&name, "", fault))?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let start = error.valid_up_to();
            let fault = Fault::new("the file is not UTF-8 text").at(start..start + 1);
            rejected(&name, &String::from_utf8_lossy(&bytes), fault.help("save it as UTF-8"))
        })?;
        let exposed = secret::readable_by_all(path);
        Self::read(&name, text, path.parent().unwrap_or(Path::new("")), env, exposed)
    }

    /// Reads a text under the name by which faults shall speak of it.
    ///
    /// # Errors
    /// Every fault of the text, if there is any.
    pub fn parse(name: &str, text: &str, base: &Path, env: Environment<'_>) -> Result<Loaded, Rejected> {
        Self::read(name, text, base, env, false)
    }

    fn read(name: &str, text: &str, base: &Path, env: Environment<'_>, exposed: bool) -> Result<Loaded, Rejected> {
        let (mended, broken) = syntax::mend(text).map(|(mended, faults)| (Zeroizing::new(mended), faults)).unzip();
        let (tree, _) = DeTable::parse_recoverable(mended.as_ref().map_or(text, |mended| mended.as_str()));
        let reader = Reader::new(env, base);
        let config = assemble(&reader, tree.get_ref());
        let Found { mut entries, hidden, missing, inline_secret, .. } = reader.finish();
        if let Some(faults) = broken {
            // Part of the file is unknown, so nothing can be said about what is not there.
            entries.retain(|entry| !entry.distant);
            entries.extend(faults.into_iter().map(|fault| Entry { level: Level::Error, fault, distant: false }));
        }
        if exposed && inline_secret {
            let fault = Fault::new("everybody on this machine can read this file, and it holds a secret");
            let fault = fault.help(format!("chmod 600 {name}, or move the secret to a file of its own (`secret_file`)"));
            entries.push(Entry { level: Level::Warning, fault, distant: false });
        }
        if entries.iter().any(|entry| entry.level == Level::Error) {
            // What will be made matters once it will be.
            entries.retain(|entry| entry.level != Level::Note);
        }
        let report = Report::new(name, text, entries.into_iter().map(|entry| (entry.level, entry.fault)).collect(), hidden);
        match config.map(Box::new) {
            Some(config) if report.count(Level::Error) == 0 && missing.is_empty() => Ok(Loaded::Ready(config, report)),
            Some(draft) if report.count(Level::Error) == 0 => Ok(Loaded::Incomplete { draft, missing, report }),
            _ => Err(Rejected(report)),
        }
    }

    /// How long a token can be good at most, ours or another's: ends are remembered for so long.
    pub fn longest_token(&self) -> Duration {
        self.tokens.access_ttl.max(self.others.longest())
    }

    /// The settings that differ between two configurations and that only a restart can change: what sockets, threads and
    /// files a process began with.
    pub fn changes_needing_restart(old: &Self, new: &Self) -> Vec<&'static str> {
        [
            ("[server] listen", old.server.listen != new.server.listen),
            ("[server] listen_plain or dangerous_plain", old.server.listen_plain != new.server.listen_plain),
            ("[server] proxy_protocol", old.server.proxy_protocol != new.server.proxy_protocol),
            ("[server] socket_mode", old.server.socket_mode != new.server.socket_mode),
            ("[server] redirect_http", old.server.redirect_http != new.server.redirect_http),
            ("[server] admin", old.admin != new.admin),
            ("[server] workers", old.server.workers != new.server.workers),
            ("[server] max_connections", old.server.max_connections != new.server.max_connections),
            ("[store] path", old.store != new.store),
            ("[log]", old.log != new.log),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}

/// Hands each section to its translator. Every translator runs, whatever the others found.
fn assemble<'a>(reader: &'a Reader<'a>, tree: &'a DeTable<'a>) -> Option<Config> {
    let root = Section::root(reader, tree);
    let server = server::read(&root);
    let tls = tls::read(&root, !server.settings.listen.is_empty());
    let providers = provider::read(&root);
    let auth = auth::read(&root, &providers, tls.settings.generate, !server.settings.listen_plain.is_empty());
    let issuers: Vec<_> = issuer::read(&root, &providers).into_iter().map(|at| at.value).collect();
    let upstreams = upstream::read(&root);
    let aliases = routes::read_aliases(&root, server.aliases);
    let mut others = Others { issuers, scoped: auth.as_ref().map(|auth| auth.scoped.clone()).unwrap_or_default() };
    let assertion = assertion::read(&root, auth.as_ref().map(|auth| &auth.tokens), tls.settings.generate);
    let identity_headers = headers::read(&root);
    let ours = IdentityHeaders::new(&identity_headers);
    let routes = routes::read(&root, &upstreams, &providers, &aliases, server.portal.as_ref().map(|at| &at.value), &ours, &others);
    others.keep_claims(&routes);
    let admins = auth.as_ref().map(|auth| auth.admins.clone()).unwrap_or_default();
    let groups = groups::read(&root, &providers).with_admins(admins);
    let security_headers = root.take("security_headers").map(|value| target::headers(&value, &ours)).unwrap_or_default();
    let (throttle, (store, retention), log) = (rest::throttle(&root), rest::store(&root), rest::log(&root));
    let pages = pages::read(&root, &providers.names);
    let auth = auth?;
    Some(Config {
        server: server.settings,
        admin: server.admin,
        drain_delay: server.drain_delay,
        trusted_proxies: server.trusted_proxies,
        max_body: server.max_body,
        body_timeout: server.body_timeout,
        body_min_rate: server.body_min_rate,
        drain_body: server.drain_body,
        max_target: server.max_target,
        aliases,
        portal: server.portal.map(|at| at.value),
        tls: tls.settings,
        hsts: tls.hsts,
        tokens: auth.tokens,
        others,
        assertion,
        cookies: auth.cookies,
        library: auth.library,
        csrf: auth.csrf,
        sessions: auth.sessions,
        providers: auth.providers,
        chain: auth.chain,
        throttle,
        store,
        retention,
        identity_headers,
        groups,
        security_headers,
        upstreams: upstreams.good.into_iter().map(|upstream| upstream.value).collect(),
        routes,
        pages: pages?,
        log,
    })
}

fn rejected(name: &str, text: &str, fault: Fault) -> Rejected {
    Rejected(Report::new(name, text, vec![(Level::Error, fault)], Vec::new()))
}

#[expect(clippy::disallowed_methods, reason = "the configuration is read at start and at reload, away from the workers")]
fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let unreadable = |error: std::io::Error| {
        Fault::new(format!("the file cannot be read: {error}")).help("`-c FILE` names another one; the default is ./gateway.toml")
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() || metadata.len() > LARGEST {
        return Err(Fault::new(format!("this is no configuration file: it is a directory, or has more than {LARGEST} bytes")));
    }
    fs::read(path).map(Zeroizing::new).map_err(unreadable)
}
