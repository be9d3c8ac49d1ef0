use std::time::Duration;

use super::access::user;
use super::keys;
use super::provider::Providers;
use super::reader::nearest_of;
use super::section::Section;
use super::session;
use super::settings::{Chaining, ProviderSettings};
use super::url;
use super::value::At;
use crate::base::Fault;
use crate::gateway::{LibrarySettings, ScopedKey, SessionSettings};
use crate::identity::{Realm, Subjects, UserId};
use crate::token;
use crate::web::{CookieSettings, CsrfSettings};

/// What `[auth]` and `[session]` say.
pub(super) struct Auth {
    pub(super) tokens: token::Settings,
    /// Keys shared with applications.
    pub(super) scoped: Vec<ScopedKey>,
    pub(super) library: LibrarySettings,
    pub(super) cookies: CookieSettings,
    pub(super) csrf: CsrfSettings,
    pub(super) sessions: SessionSettings,
    /// In the order in which they are offered.
    pub(super) providers: Vec<ProviderSettings>,
    /// Whether those of one realm stand in for one another.
    pub(super) chain: Chaining,
    /// Administrators, whatever the store says of them.
    pub(super) admins: Vec<UserId>,
}

/// Lives of tokens, shortest and longest.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Reads `[auth]` and `[session]`. `plain`: somebody can come without TLS. `None` only after a fault was reported.
pub(super) fn read(root: &Section<'_>, providers: &Providers, generate: bool, plain: bool) -> Option<Auth> {
    let section = root.section("auth", "[auth]");
    section.moved("secret", "it is a part of a key: `keys = [{ kid = \"k1\", algorithm = \"HS256\", secret = \"…\" }]`");
    section.moved("secret_file", "it is a part of a key: `keys = [{ kid = \"k1\", algorithm = \"HS256\", secret_file = \"…\" }]`");
    section.require("issuer", "the URL under which people reach the gateway, as in \"https://gate.example.ac.kr\"");
    let issuer = section.read("issuer", url::issuer);
    let audience = section.text("audience");
    let access_ttl = life(&section, "access_ttl", Duration::from_secs(900));
    let refresh_ttl = life(&section, "refresh_ttl", Duration::from_secs(30 * 86_400));
    if let (Some(access), Some(refresh)) = (&access_ttl, &refresh_ttl)
        && refresh.value <= access.value
    {
        let fault = Fault::new("a refresh token has to live longer than an access token").at(refresh.span.clone());
        section.reader.mismatch(fault.help("make `refresh_ttl` longer than `access_ttl`, which is 15m unless said"));
    }
    let backdate = section.duration("backdate", Duration::ZERO, Duration::from_secs(300)).map_or(Duration::from_secs(5), |at| at.value);
    let (cookies, csrf) = super::cookies::read(&section, issuer.as_ref().map(|at| at.value.as_str()), plain);
    let cache = section.number("token_cache", 0, 100_000_000).map_or(100_000, |at| at.value);
    let chosen = chosen(&section, providers);
    let chain = chain(&section, &chosen);
    let sessions = session::read(root, &section, access_ttl.as_ref(), refresh_ttl.as_ref());
    let admins = section.list("admins", |text| user(text, providers)).unwrap_or_default();
    let library = super::library::read(&section);
    let primary = primary(&section, &chosen);
    let (keys, scoped) = keys::read(&section, generate, providers, primary.as_ref());
    let tokens = token::Settings {
        issuer: issuer?.value,
        audience: audience.map(|at| at.value),
        access_ttl: access_ttl?.value,
        refresh_ttl: refresh_ttl?.value,
        backdate,
        keys,
        subjects: Subjects::new(primary?),
        providers: chosen.iter().map(|provider| (provider.name().clone(), provider.realm().clone())).collect(),
        cache,
    };
    Some(Auth {
        scoped,
        library,
        tokens,
        cookies,
        csrf,
        sessions,
        providers: chosen,
        chain,
        admins: admins.into_iter().map(|at| at.value).collect(),
    })
}

/// A token's life; `None` when what stands there is no span of time.
fn life(section: &Section<'_>, key: &'static str, default: Duration) -> Option<At<Duration>> {
    let given = section.duration(key, SHORTEST, LONGEST);
    if section.has(key) { given } else { Some(At { value: default, span: section.place().unwrap_or(0..0) }) }
}

/// The providers that are offered. One that stands alone need not be named; among several the operator chooses.
fn chosen(section: &Section<'_>, providers: &Providers) -> Vec<ProviderSettings> {
    let Some(names) = section.list("providers", |text| Ok(text.to_owned())) else {
        if section.has("providers") {
            return Vec::new();
        }
        match providers.names.len() {
            0 => {
                let fault = section.at(Fault::new("there is no provider: nobody could check a password"));
                section.reader.mismatch(fault.help("write [provider.mju] with kind = \"http-form\" and preset = \"mju\""));
            }
            1 => {}
            _ => {
                let fault = section.at(Fault::new("[auth] needs `providers`, since there are several"));
                section.reader.mismatch(
                    fault.help(format!("write providers = {:?}; the first is asked unless a login names another", providers.names)),
                );
            }
        }
        return providers.good.iter().map(|provider| provider.value.clone()).collect();
    };
    if names.is_empty() {
        section.reader.mismatch(section.at(Fault::new("`providers` is empty: nobody could log in")));
    }
    for unused in providers.good.iter().filter(|provider| !names.iter().any(|name| name.value == provider.value.name().as_str())) {
        let fault =
            Fault::new(format!("[provider.{}] is not among `providers` of [auth], so nobody can log in with it", unused.value.name()));
        section.reader.warn(fault.at(unused.span.clone()));
    }
    let mut chosen: Vec<ProviderSettings> = Vec::new();
    for name in names {
        if chosen.iter().any(|provider| provider.name().as_str() == name.value) {
            section.reader.fault(Fault::new(format!("the provider {:?} is named twice", name.value)).at(name.span));
        } else if let Some(provider) = providers.good.iter().find(|provider| provider.value.name().as_str() == name.value) {
            chosen.push(provider.value.clone());
        } else if !providers.names.contains(&name.value) {
            let fault = Fault::new(format!("there is no [provider.{}]", name.value)).at(name.span);
            section.reader.mismatch(fault.help(nearest_of(&name.value, &providers.names, "[provider.…] sections")));
        }
    }
    chosen
}

/// Whether providers of one realm stand in for one another.
fn chain(section: &Section<'_>, chosen: &[ProviderSettings]) -> Chaining {
    let said = section.word("chain", &[("on-unavailable", Chaining::OnUnavailable), ("off", Chaining::Off)]);
    let share = |one: &ProviderSettings| chosen.iter().filter(|other| other.realm() == one.realm()).count() > 1;
    if let Some(at) = said.as_ref().filter(|_| !chosen.is_empty() && !chosen.iter().any(share)) {
        section.reader.warn(Fault::new("no two of `providers` have the same realm, so this has no effect").at(at.span.clone()));
    }
    said.map(|at| at.value).unwrap_or_default()
}

/// The realm whose ids stand bare in `sub` and in headers: the first provider's, unless said.
fn primary(section: &Section<'_>, chosen: &[ProviderSettings]) -> Option<Realm> {
    let Some(named) = section.read("primary_realm", |text| Realm::new(text).map_err(|error| Fault::new(error.to_string()))) else {
        return chosen.first().map(|provider| provider.realm().clone());
    };
    if !chosen.is_empty() && !chosen.iter().any(|provider| *provider.realm() == named.value) {
        let mut realms: Vec<String> = chosen.iter().map(|provider| provider.realm().to_string()).collect();
        realms.dedup();
        let fault = Fault::new(format!("no provider has the realm {:?}", named.value.as_str())).at(named.span);
        section.reader.mismatch(fault.help(nearest_of(named.value.as_str(), &realms, "realms")));
    }
    Some(named.value)
}
