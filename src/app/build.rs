use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Failure;
use secrecy::ExposeSecret as _;

use crate::base::{Clock, SystemClock};
use crate::config::{self, Config, ProviderKind, ProviderSettings};
use crate::gateway::{self, Gateway, Parts, Shared};
use crate::identity::{DisplayName, ProviderName};
use crate::pages::{Brand, Pages};
use crate::provider::{AnswerRule, HttpForm, HttpFormSettings, Placement, Provider, ReachSettings, SetupFault};
use crate::tls::{Resumption, ServerTls};
use crate::token::KeyRing;
use crate::upstream::{Endpoints, Upstream};

/// How long a request body may stand still.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest request target in bytes: what nginx takes, and browsers send.
const MAX_TARGET: usize = 8192;

/// Builds everything a configuration names and throws it away again: what `check` adds to reading the file.
pub(super) fn check(config: &Config) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    KeyRing::new(&config.tokens.keys).map_err(gateway::BuildError::Keys)?;
    ServerTls::load(&config.tls, &Resumption::new().map_err(|error| vec![error])?, clock.now())?;
    providers(config, &clock)?;
    upstreams(config, &Endpoints::new(1))?;
    Ok(())
}

/// One snapshot of the gateway.
pub(super) fn gateway(config: &Config, self_made: bool, endpoints: &Endpoints, shared: &Arc<Shared>) -> Result<Gateway, Failure> {
    let parts = Parts {
        settings: settings(config, self_made),
        tokens: config.tokens.clone(),
        providers: providers(config, &shared.clock)?,
        upstreams: upstreams(config, endpoints)?,
        pages: Pages::new(brand()?),
        shared: Arc::clone(shared),
    };
    Ok(Gateway::build(parts)?)
}

fn settings(config: &Config, self_made: bool) -> gateway::Settings {
    gateway::Settings {
        routes: config.routes.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        cookies: config.cookies,
        csrf: config.csrf.clone(),
        identity_headers: config.identity_headers.clone(),
        sessions: config.sessions,
        aliases: config.aliases.clone(),
        // A browser that remembers https for a certificate nobody vouches for could never be let past the warning again.
        hsts: config.hsts.filter(|_| !self_made),
        max_body: config.max_body,
        body_timeout: BODY_TIMEOUT,
        max_target: MAX_TARGET,
    }
}

fn brand() -> Result<Brand, Failure> {
    let name = DisplayName::new("Munjigi").map_err(gateway::BuildError::Brand)?;
    Ok(Brand::new(name))
}

fn providers(config: &Config, clock: &Arc<dyn Clock>) -> Result<Vec<Arc<dyn Provider>>, Failure> {
    config.providers.iter().map(|settings| provider(settings, clock)).collect()
}

fn provider(settings: &ProviderSettings, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Provider>, Failure> {
    let clock = Arc::clone(clock);
    let failed = |fault| Failure::Provider { name: settings.name.to_string(), fault };
    match &settings.kind {
        ProviderKind::HttpForm(form) => {
            let provider = HttpForm::new(http_form(settings, form)?, clock).map_err(failed)?;
            Ok(Arc::new(provider))
        }
        ProviderKind::BandiSso(_) | ProviderKind::Local => Err(Failure::NotYet { name: settings.name.to_string() }),
    }
}

fn http_form(settings: &ProviderSettings, form: &config::HttpFormSettings) -> Result<HttpFormSettings, Failure> {
    let unusable = |_| Failure::Provider { name: settings.name.to_string(), fault: SetupFault::Url(form.url.clone()) };
    Ok(HttpFormSettings {
        name: settings.name.clone(),
        realm: settings.realm.clone(),
        id_rule: settings.id_rule.clone(),
        method: form.method.clone(),
        url: reqwest::Url::parse(&form.url).map_err(unusable)?,
        id_field: form.id_field.clone(),
        password_field: form.password_field.clone(),
        placement: match form.placement {
            config::Placement::Form => Placement::Form,
            config::Placement::Json => Placement::Json,
            config::Placement::Headers => Placement::Headers,
        },
        extra: form.extra_fields.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect(),
        answer: AnswerRule {
            code_field: form.code_field.clone(),
            success: form.success.clone(),
            notice: form.notice.clone(),
            message_field: form.message_field.clone(),
        },
        reach: reach(&form.contact)?,
    })
}

fn reach(contact: &config::ContactSettings) -> Result<ReachSettings, Failure> {
    let read = |path: &std::path::PathBuf| read_file(path).map_err(|source| Failure::File { path: path.clone(), source });
    Ok(ReachSettings {
        connect_timeout: contact.connect_timeout,
        total_timeout: contact.timeout,
        extra_ca: contact.ca.as_ref().map(read).transpose()?,
        ..ReachSettings::default()
    })
}

#[expect(clippy::disallowed_methods, reason = "at start and reload, on behalf of the configuration")]
fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    std::fs::read(path)
}

fn upstreams(config: &Config, endpoints: &Endpoints) -> Result<HashMap<ProviderName, Arc<Upstream>>, Failure> {
    config.upstreams.iter().map(|settings| Ok((settings.name.clone(), Arc::new(Upstream::new(settings.clone(), endpoints)?)))).collect()
}

/// The directory that a file is in, and that holds the state.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
