use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::Failure;
use crate::base::{Clock, SystemClock};
use crate::config::{AccountLabel, Chaining, Config, PageSettings, ProviderSettings};
use crate::gateway::{self, Gateway, Parts, Shared};
use crate::identity::ProviderName;
use crate::pages::{Accent, AccountName, Brand, Pages};
use crate::provider::{BandiSso, Chain, HttpForm, Local, Provider};
use crate::store::Store;
use crate::tls::{Coverage, Resumption, ServerTls};
use crate::token::{Asserter, ForeignKeys, KeyRing};
use crate::upstream::{Endpoints, Upstream};

/// Builds everything a configuration names and throws it away again: what `check` adds to reading the file.
pub(super) fn check(config: &Config) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    KeyRing::new(&config.tokens.keys).map_err(gateway::BuildError::Keys)?;
    foreign_keys(config)?;
    asserter(config)?;
    ServerTls::load(&config.tls, &Resumption::new().map_err(|error| vec![error])?, clock.now())?;
    providers(config, &clock, None)?;
    upstreams(config, &Endpoints::new(1))?;
    Ok(())
}

fn foreign_keys(config: &Config) -> Result<(), Failure> {
    let readers = config.others.issuers.iter().chain(config.others.scoped.iter().map(|key| &key.reads));
    for reader in readers {
        if let ForeignKeys::Fixed(keys) = &reader.keys {
            KeyRing::checking(keys).map_err(gateway::BuildError::Keys)?;
        }
    }
    Ok(())
}

/// One snapshot of the gateway. Without certificates it decides and serves nobody.
pub(super) fn gateway(config: &Config, tls: Option<&ServerTls>, endpoints: &Endpoints, shared: &Arc<Shared>) -> Result<Gateway, Failure> {
    let parts = Parts {
        settings: settings(config, tls),
        tokens: config.tokens.clone(),
        others: config.others.clone(),
        asserter: asserter(config)?,
        providers: providers(config, &shared.clock, Some(&shared.store))?,
        upstreams: upstreams(config, endpoints)?,
        pages: Pages::new(brand(&config.pages)?),
        shared: Arc::clone(shared),
    };
    Ok(Gateway::build(parts)?)
}

fn asserter(config: &Config) -> Result<Option<Arc<Asserter>>, Failure> {
    let asserter = config.assertion.clone().map(Asserter::new).transpose();
    Ok(asserter.map_err(gateway::BuildError::Keys)?)
}

fn settings(config: &Config, tls: Option<&ServerTls>) -> gateway::Settings {
    gateway::Settings {
        routes: config.routes.clone(),
        groups: config.groups.clone(),
        security_headers: config.security_headers.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        cookies: config.cookies.clone(),
        library: config.library.clone(),
        csrf: config.csrf.clone(),
        identity_headers: config.identity_headers.clone(),
        sessions: config.sessions,
        aliases: config.aliases.clone(),
        portal: config.portal.clone(),
        // A browser that remembers https for a certificate nobody vouches for could never be let past the warning again.
        // Without a listener of ours that speaks TLS, browsers see the certificate of the proxy in front.
        hsts: config.hsts.filter(|_| config.server.listen.is_empty() || !tls.is_some_and(ServerTls::self_made)),
        certificates: tls.map(|tls| Coverage::new(&tls.certificates)).unwrap_or_default(),
        max_body: config.max_body,
        body_timeout: config.body_timeout,
        body_min_rate: config.body_min_rate,
        drain_body: config.drain_body,
        max_headers: config.server.max_headers,
        max_target: config.max_target,
    }
}

fn brand(settings: &PageSettings) -> Result<Brand, Failure> {
    let mut brand = Brand::new(settings.name.clone());
    if let Some(accent) = &settings.accent {
        brand.accent = Accent::new(accent).map_err(gateway::BuildError::Accent)?;
    }
    brand.logo.clone_from(&settings.logo);
    let called = |account: &AccountLabel| AccountName {
        provider: account.provider.as_str().into(),
        label: account.label.clone(),
        hint: account.hint.clone(),
    };
    brand.accounts = settings.accounts.iter().map(called).collect();
    brand.contact = settings.contact.as_ref().map(|contact| contact.as_str().into());
    Ok(brand)
}

/// Without a store (to look at a configuration only) there are no local accounts.
fn providers(config: &Config, clock: &Arc<dyn Clock>, store: Option<&Arc<dyn Store>>) -> Result<Vec<Arc<dyn Provider>>, Failure> {
    let built =
        config.providers.iter().filter_map(|settings| provider(settings, clock, store).transpose()).collect::<Result<Vec<_>, _>>()?;
    match config.chain {
        Chaining::Off => Ok(built),
        Chaining::OnUnavailable => chained(built),
    }
}

/// The providers with those of one realm made one, which stands where the first of them stood and has its name.
fn chained(built: Vec<Arc<dyn Provider>>) -> Result<Vec<Arc<dyn Provider>>, Failure> {
    let mut realms: Vec<Vec<Arc<dyn Provider>>> = Vec::new();
    for provider in built {
        match realms.iter_mut().find(|links| links.iter().any(|link| link.realm() == provider.realm())) {
            Some(links) => links.push(provider),
            None => realms.push(vec![provider]),
        }
    }
    let one = |mut links: Vec<Arc<dyn Provider>>| {
        if links.len() == 1 {
            return Ok(links.remove(0));
        }
        let name = links[0].name().to_string();
        Chain::new(links).map(|chain| Arc::new(chain) as Arc<dyn Provider>).map_err(|fault| Failure::Provider { name, fault })
    };
    realms.into_iter().map(one).collect()
}

fn provider(
    settings: &ProviderSettings,
    clock: &Arc<dyn Clock>,
    store: Option<&Arc<dyn Store>>,
) -> Result<Option<Arc<dyn Provider>>, Failure> {
    let failed = |fault| Failure::Provider { name: settings.name().to_string(), fault };
    let clock = Arc::clone(clock);
    Ok(match settings {
        ProviderSettings::HttpForm(form) => Some(Arc::new(HttpForm::new((**form).clone(), clock).map_err(failed)?)),
        ProviderSettings::BandiSso(page) => Some(Arc::new(BandiSso::new((**page).clone(), clock).map_err(failed)?)),
        ProviderSettings::Local(local) => {
            store.map(|store| Arc::new(Local::new((**local).clone(), Arc::clone(store), clock)) as Arc<dyn Provider>)
        }
    })
}

fn upstreams(config: &Config, endpoints: &Endpoints) -> Result<HashMap<ProviderName, Arc<Upstream>>, Failure> {
    config.upstreams.iter().map(|settings| Ok((settings.name.clone(), Arc::new(Upstream::new(settings.clone(), endpoints)?)))).collect()
}

/// The directory that a file is in, and that holds the state.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
