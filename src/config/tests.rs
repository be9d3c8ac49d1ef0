//! Whole files: the corpus of refused and accepted ones, those that are shipped, and that everything in them arrives.

mod files;
mod noise;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use super::*;
use crate::gateway::Rotation;
use crate::identity::{Group, Role, UserId};
use crate::observe::LogFormat;
use crate::provider::Placement;
use crate::routing::{Access, HostName, HostPattern, Rule, Unauthenticated};
use crate::store::sqlite::Settings as SqliteSettings;
use crate::token::{Algorithm, KeyMaterial};
use crate::upstream::Address;
use crate::web::Pace;

/// A file of the corpus. `#! ` lines at its top are the report it gives, line by line; `#$ NAME=value` lines its environment.
struct Case {
    path: PathBuf,
    text: String,
    expected: Vec<String>,
    env: BTreeMap<String, String>,
}

fn marked<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(mark)).collect()
}

fn case(path: PathBuf) -> Case {
    let text = String::from_utf8(read_file(&path).unwrap().to_vec()).unwrap();
    let expected = marked(&text, "#! ").into_iter().map(str::to_owned).collect();
    let env = marked(&text, "#$ ").into_iter().map(|line| line.split_once('=').unwrap());
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Case { path, text, expected, env }
}

impl Case {
    fn read(&self, text: &str) -> Result<Loaded, Rejected> {
        // A place that is not there, so that no file of this machine can change an outcome.
        Config::parse("file", text, Path::new("nowhere"), &|name| self.env.get(name).cloned())
    }
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

fn corpus(folder: &str) -> Vec<Case> {
    files(&format!("tests/configs/{folder}")).into_iter().map(case).collect()
}

/// The files an operator begins with.
fn shipped() -> Vec<Case> {
    let mut paths = files("examples");
    paths.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("gateway.toml"));
    paths.into_iter().map(case).collect()
}

fn config(loaded: Loaded) -> (Config, Report) {
    match loaded {
        Loaded::Ready(config, report) | Loaded::Incomplete { draft: config, report, .. } => (*config, report),
    }
}

fn lines(report: &Report) -> Vec<String> {
    report.lines().map(|line| line.strip_prefix("file:").unwrap().trim_start().to_owned()).collect()
}

fn accepted(name: &str) -> (Config, Report) {
    let case = corpus("accepted").into_iter().find(|case| case.path.ends_with(name)).unwrap();
    config(case.read(&case.text).unwrap())
}

#[test]
fn every_refused_file_is_refused_with_exactly_its_faults() {
    for case in corpus("refused") {
        let rejected = case.read(&case.text).expect_err(&case.path.display().to_string());
        assert_eq!(lines(rejected.report()), case.expected, "{}", case.path.display());
        assert!(!case.expected.is_empty(), "{}", case.path.display());
    }
}

#[test]
fn every_accepted_file_is_accepted_with_exactly_its_warnings() {
    for case in corpus("accepted") {
        let loaded = case.read(&case.text).unwrap_or_else(|rejected| panic!("{}: {}", case.path.display(), rejected.render(false)));
        assert_eq!(lines(&config(loaded).1), case.expected, "{}", case.path.display());
    }
}

#[test]
fn shipped_files_have_no_fault_and_no_warning() {
    let cases = shipped();
    assert!(cases.len() >= 4);
    for mut case in cases {
        case.env.insert("SECRET_KEY".into(), "3f9a1c7be02d4856af71e0c9b8d2453677e1fa90cc18d3be".into());
        let loaded = case.read(&case.text).unwrap_or_else(|rejected| panic!("{}: {}", case.path.display(), rejected.render(false)));
        let (_, report) = config(loaded);
        assert_eq!(report.count(Level::Warning), 0, "{}: {}", case.path.display(), report.render(false));
    }
}

#[test]
fn two_lines_of_the_shipped_file_are_the_operators() {
    let case = shipped().pop().unwrap();
    assert_eq!(case.text.lines().filter(|line| line.contains("# CHANGE:")).count(), 2);
}

/// Every default that `gateway.toml` shows behind `#` is a key that is there, with a value that is taken.
#[test]
fn what_the_shipped_file_shows_in_comments_is_good() {
    let case = shipped().pop().unwrap();
    let shown = |line: &str| line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '['));
    let text: String =
        case.text.lines().map(|line| if shown(line) { &line[1..] } else { line }).fold(String::new(), |text, line| text + line + "\n");
    // A file that cannot be there, a word that is only for the eye, and settings that belong to others which are not shown.
    // Where they stand moves with every line that is added above them.
    let rejected = case.read(&text).unwrap_err();
    let said: Vec<String> =
        lines(rejected.report()).iter().map(|line| line.split_once(": ").map_or("", |(_, words)| words).to_owned()).collect();
    let expected = [
        "warning: this has no effect: only cookies = \"flask\" has a double submit",
        "`token_query` has no effect: \"query\" is not among `token_places`; tokens in addresses end up in logs and histories; leave \
         both out if you can",
        "nowhere/certs/extra.pem is not there; a PEM file with certificates",
        "warning: [provider.guests] is not among `providers` of [auth], so nobody can log in with it",
        "no key is shared with the application of this route; give an entry of [auth] keys the application's secret and \
         scope = [\"…\"] with this route's path",
    ];
    assert_eq!(said, expected);
}

#[test]
fn secrets_are_in_no_message() {
    let secrets = ["k3Jx9QpL", "3f9a1c7be02d4856", "never-shown", "c3VwZXItc2VjcmV0", "31415926", "super-secret", "not a key"];
    for case in corpus("refused").into_iter().chain(corpus("accepted")) {
        let shown = match case.read(&case.text) {
            Ok(loaded) => {
                let shown = format!("{loaded:?}");
                shown + &config(loaded).1.render(false)
            }
            Err(rejected) => format!("{}{rejected:?}{rejected}{}", rejected.render(false), rejected.render(true)),
        };
        for secret in secrets {
            assert!(!shown.contains(secret), "{}: {shown}", case.path.display());
        }
    }
}

#[test]
fn every_setting_arrives() {
    let (config, _) = accepted("everything.toml");
    let addr = |text: &str| text.parse::<SocketAddr>().unwrap();
    let s = Duration::from_secs;
    assert_eq!(config.server.listen, ["127.0.0.1:8443", "[::1]:8443", "127.0.0.1:0", "127.0.0.1:0"].map(addr));
    assert_eq!(config.server.listen_plain, [PlainAddress::Tcp(addr("[::1]:8080")), PlainAddress::Unix("nowhere/run/plain.sock".into())]);
    assert_eq!(config.server.proxy_protocol, [PlainAddress::Tcp(addr("[::1]:8443")), PlainAddress::Unix("nowhere/run/plain.sock".into())]);
    assert_eq!((config.server.socket_mode, config.trusted_proxies.socket_files()), (0o600, true));
    assert_eq!(config.admin, Some(PlainAddress::Unix("/run/munjigi/admin.sock".into())));
    assert_eq!((config.server.workers, config.server.max_head, config.max_body), (Some(4), 65536, 10 << 20));
    assert_eq!((config.server.header_timeout, config.server.drain_timeout), (Duration::from_millis(500), s(90)));
    assert_eq!(config.server.send, Pace { idle: s(45), min_rate: 2048 });
    assert_eq!(config.drain_delay, s(5));
    assert_eq!(config.server.acme_webroot, Some("nowhere/acme".into()));
    let wiki = HostName::new("wiki.example").unwrap();
    assert!(config.aliases.active(Some(&wiki)) && !config.aliases.active(None));
    assert_eq!(config.hsts, Some(s(86_400)));
    assert_eq!((config.tokens.access_ttl, config.tokens.refresh_ttl, config.tokens.backdate), (s(600), s(604_800), s(0)));
    assert_eq!((config.tokens.issuer.as_str(), config.tokens.audience.as_deref()), ("https://gate.example.ac.kr/gate", Some("grades")));
    assert_eq!(config.tokens.subjects.primary().as_str(), "guests");
    assert_eq!(config.csrf.trusted_origins, ["https://app.example", "http://localhost:5173"]);
    assert_eq!((config.sessions.rotation, config.sessions.per_user, config.sessions.renew_window), (Rotation::Always, Some(3), s(300)));
    assert_eq!((config.sessions.absolute, config.sessions.idle, config.sessions.idle_forgotten), (s(1_209_600), s(172_800), s(3600)));
    assert_eq!((config.sessions.grace, config.sessions.stream_grace), (s(60), s(300)));
    let names: Vec<&str> = config.providers.iter().map(|provider| provider.name().as_str()).collect();
    assert_eq!(names, ["mju", "mju-sso", "own", "guests"]);
    assert_eq!(config.store, StoreSettings::Sqlite(SqliteSettings::new("/var/lib/munjigi/gate.db")));
    assert_eq!(config.retention.audit, s(90 * 86_400));
    assert_eq!((config.throttle.account_burst, config.throttle.address_every), (3, s(2)));
    assert_eq!((config.log.access, config.log.level.as_str()), (Some(LogFormat::Json), "info,munjigi::upstream=debug"));
    assert_eq!((config.pages.name.as_str(), config.pages.accent.as_deref()), ("명지 성적", Some("#17695A")));
    assert_eq!(config.pages.logo, Some(crate::pages::Logo::path("/assets/logo.svg").unwrap()));
    let account = &config.pages.accounts[0];
    assert_eq!((account.provider.as_str(), account.label.as_str(), account.hint.is_some()), ("mju", "명지대학교 계정", true));
    assert_eq!((config.server.max_connections_per_address, config.server.max_streams, config.max_target), (Some(64), 32, 4096));
    assert_eq!((config.throttle.shared_addresses.len(), config.throttle.account_longest), (2, s(600)));
    let headers: Vec<&str> = config.identity_headers.write.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(headers, ["remote-name", "remote-email", "remote-groups", "x-webauth-user", "x-session"]);
}

#[test]
fn every_key_arrives() {
    let (config, _) = accepted("everything.toml");
    let keys = &config.tokens.keys;
    assert_eq!(keys.iter().map(|key| key.algorithm).collect::<Vec<_>>(), {
        use Algorithm::{EdDsa, Hs256, Rs256};
        [Hs256, Hs256, Hs256, EdDsa, Rs256]
    });
    assert!(
        matches!(&keys[0].material, KeyMaterial::Secret(secret) if secret.expose_secret() == b"${not a variable} 3f9a1c7be02d4856af71")
    );
    assert!(matches!(&keys[1].material, KeyMaterial::Secret(secret) if secret.expose_secret().len() == 33));
    assert!(matches!(&keys[3].material, KeyMaterial::Private(pem) if pem.expose_secret().starts_with("-----BEGIN")));
    assert!(matches!(&keys[4].material, KeyMaterial::Public(_)));
    assert!(keys[0].for_tokens_without_kid && keys[1].verify_only);
    let moment = crate::base::Timestamp::from_secs(1_803_873_600);
    assert_eq!((keys[2].sign_from, keys[3].sign_from, keys[0].sign_from), (Some(moment), Some(moment), None));
}

#[test]
fn every_provider_upstream_and_route_arrives() {
    let (config, _) = accepted("everything.toml");
    let ProviderSettings::HttpForm(form) = &config.providers[0] else { panic!() };
    assert_eq!((form.url.as_str(), form.id_field.as_str(), form.password_field.as_str()), ("https://sso.example/check", "id", "passwrd"));
    assert_eq!((&form.answer.success[..], &form.answer.notice[..]), (&["0000".to_owned()][..], &["VL-3130".to_owned()][..]));
    let ProviderSettings::BandiSso(bandi) = &config.providers[1] else { panic!() };
    assert_eq!((bandi.auth_url.host_str(), bandi.allowed_hosts.len(), bandi.parts.token.as_str()), (Some("sso.mju.ac.kr"), 2, "token"));
    assert_eq!((bandi.notice_path.as_deref(), bandi.logout_path.as_deref(), bandi.max_steps), (None, Some("/out"), 4));
    let ProviderSettings::HttpForm(own) = &config.providers[2] else { panic!() };
    assert_eq!(
        (own.method.as_str(), own.placement, &own.answer.notice[..]),
        ("GET", Placement::Headers, &["change".to_owned(), "soon".to_owned()][..])
    );
    assert_eq!((own.extra[0].1.as_str(), own.realm.as_str(), own.id_rule.longest), ("munjigi", "staff", 12));
    assert_eq!((own.reach.connect_timeout, own.reach.breaker.failures, own.reach.max_body), (Duration::from_millis(500), 0, 8192));
    let endpoints = &config.upstreams[0].endpoints;
    let https = |host: &str, port| Address::Https {
        host: host.into(),
        port,
        server_name: Some("app.internal".into()),
        ca: None,
        dangerous_skip_verification: false,
    };
    assert_eq!(endpoints[..], [https("app.example", 443), https("::1", 9443), Address::Unix { path: "nowhere/app.sock".into() }]);
    let route = &config.routes[0];
    let users = vec![UserId::parse("mju:kim.1").unwrap(), UserId::parse("guests:lee").unwrap()];
    assert_eq!(
        route.access,
        Access::Rule(Box::new(Rule { users, groups: vec![Group::new("교직원").unwrap()], roles: vec![Role::Admin], ..Rule::default() }))
    );
    assert_eq!(route.host.as_ref().map(HostPattern::to_string).as_deref(), Some("grades.example"));
    assert_eq!((route.path.as_str(), route.max_body, route.unauthenticated), ("/staff", Some(10 << 30), Unauthenticated::Refuse));
    assert_eq!((&config.routes[1].access, &config.routes[2].access), (&Access::Public, &Access::SignedIn));
}

#[test]
fn the_environment_alone_can_drive_it() {
    let mut case = shipped().into_iter().find(|case| case.path.ends_with("environment.toml")).unwrap();
    let missing = case.read(&case.text).unwrap_err();
    assert_eq!(missing.report().count(Level::Error), 1);
    assert!(missing.to_string().contains("1 fault to mend"));
    for (name, value) in [
        ("SECRET_KEY", "3f9a1c7be02d4856af71e0c9b8d2453677e1fa90cc18d3be"),
        ("JWT_ACCESS_TOKEN_EXPIRES", "60"),
        ("JWT_REFRESH_TOKEN_EXPIRES", "3600"),
        ("DATABASE_PATH", "/data/users.db"),
        ("UPSTREAM", "http://app:5000"),
    ] {
        case.env.insert(name.into(), value.into());
    }
    let (config, _) = config(case.read(&case.text).unwrap());
    assert_eq!((config.tokens.access_ttl, config.tokens.refresh_ttl), (Duration::from_secs(60), Duration::from_secs(3600)));
    assert_eq!(config.store, StoreSettings::Sqlite(SqliteSettings::new("/data/users.db")));
    assert_eq!(config.upstreams[0].endpoints, [Address::Http { host: "app".into(), port: 5000 }]);
    assert_eq!(config.sessions.renew_window, Duration::from_secs(20));
}

#[test]
fn what_only_a_restart_can_change_is_named() {
    let (old, _) = accepted("everything.toml");
    assert!(Config::changes_needing_restart(&old, &old).is_empty());
    let mut new = old.clone();
    new.server.listen.pop();
    new.store = StoreSettings::Sqlite(SqliteSettings::new("other.db"));
    new.routes.clear();
    assert_eq!(Config::changes_needing_restart(&old, &new), ["[server] listen", "[store] path"]);
}
