use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::foreign::{Foreigners, TokenRules};
use super::record::Record;
use super::{Gateway, Intake, Others, Refusal, Settings, Shared};
use crate::identity::ProviderName;
use crate::observe::RouteCounters;
use crate::pages::{AccentError, Pages};
use crate::provider::Provider;
use crate::routing::{NoRoute, RouteSettings, RouteTable, SameRoute, Target};
use crate::token::{self, Asserter, KeyError, KeyRing, RouteAssertions, TokenIssuer, TokenVerifier};
use crate::upstream::Upstream;
use crate::web::{IdentityHeaders, SessionCookies};

/// Everything a gateway is built from, all of it checked.
pub struct Parts {
    /// What the operator wants of the gateway itself.
    pub settings: Settings,
    /// What the operator wants of tokens.
    pub tokens: token::Settings,
    /// Whose tokens are taken beside ours.
    pub others: Others,
    /// Who signs for applications who is asking, if they want that.
    pub asserter: Option<Arc<Asserter>>,
    /// The providers, the first one first.
    pub providers: Vec<Arc<dyn Provider>>,
    /// The upstreams by name.
    pub upstreams: HashMap<ProviderName, Arc<Upstream>>,
    /// The pages.
    pub pages: Pages,
    /// What outlives a reload.
    pub shared: Arc<Shared>,
}

/// Why parts do not make a gateway.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Keys.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Keys(Vec<KeyError>),
    /// Two routes say the same.
    #[error("route {0}: {SameRoute}")]
    SameRoute(Arc<str>),
    /// The colour of the pages is none.
    #[error("the pages' accent colour: {0}")]
    Accent(#[from] AccentError),
    /// A route's upstream is not there.
    #[error("route {0} leads to an upstream that is not configured")]
    NoUpstream(Arc<str>),
    /// A route takes or hands over tokens of somebody who is not configured for it.
    #[error("route {0} names an issuer, or a key of its application, that is not configured for it")]
    NoIssuer(Arc<str>),
}

/// A route ready for use.
pub struct Route {
    pub(super) name: Arc<str>,
    pub(super) settings: RouteSettings,
    /// `None` where the gateway answers itself.
    pub(super) upstream: Option<Arc<Upstream>>,
    pub(super) tokens: TokenRules,
    pub(super) assertions: Option<RouteAssertions>,
    pub(super) counters: RouteCounters,
}

impl Gateway {
    /// Builds a snapshot, or says what does not fit.
    ///
    /// # Errors
    /// The first thing that does not fit; the configuration's own checks find the same and more, with their places.
    pub fn build(parts: Parts) -> Result<Self, BuildError> {
        let Parts { settings, tokens, others, asserter, providers, upstreams, pages, shared } = parts;
        let keys = Arc::new(KeyRing::new(&tokens.keys).map_err(BuildError::Keys)?);
        let foreigners = Foreigners::build(others, &tokens.subjects, tokens.backdate, &shared)?;
        let mut routes = RouteTable::default();
        for route in &settings.routes {
            let name: Arc<str> = route.name().into();
            let upstream = upstream(route, &upstreams, &name)?;
            let tokens = foreigners.rules(route)?;
            let assertions = asserter.as_ref().map(|asserter| asserter.on_route(&name));
            let counters = shared.metrics.route(&name);
            let ready = Route { counters, name: Arc::clone(&name), settings: route.clone(), upstream, tokens, assertions };
            let inserted = routes.insert(route.host.clone(), route.path.clone(), route.methods.clone(), ready);
            inserted.map_err(|SameRoute| BuildError::SameRoute(name))?;
        }
        shared.streams.set_grace(settings.sessions.stream_grace);
        Ok(Self {
            routes,
            issuer: TokenIssuer::new(Arc::clone(&keys), tokens.clone()),
            verifier: TokenVerifier::new(Arc::clone(&keys), tokens),
            keys,
            asserter,
            providers,
            cookies: SessionCookies::new(&settings.cookies),
            identity_headers: IdentityHeaders::new(&settings.identity_headers),
            pages,
            hsts: settings.hsts.and_then(hsts),
            settings,
            foreigners,
            shared,
        })
    }
}

impl Gateway {
    /// host + path + method → who may pass and where to. Our own endpoints have been taken out before.
    pub(super) fn route(&self, intake: &Intake, record: &mut Record) -> Result<&Route, Refusal> {
        let route = self.find_route(intake)?;
        record.route = Some(Arc::clone(&route.name));
        record.counters = Some(route.counters.clone());
        record.unauthenticated = route.settings.unauthenticated;
        Ok(route)
    }

    /// The route of a request.
    pub(super) fn find_route(&self, intake: &Intake) -> Result<&Route, NoRoute> {
        if self.is_portal(&intake.host) {
            return Err(NoRoute::NotFound);
        }
        self.routes.choose(intake.host.as_str(), &intake.path, &intake.method, |route| route.settings.allow_empty_segments)
    }
}

/// The upstream of a route, with the route's own limits; `None` for a route that has none.
fn upstream(
    route: &RouteSettings,
    upstreams: &HashMap<ProviderName, Arc<Upstream>>,
    shown: &Arc<str>,
) -> Result<Option<Arc<Upstream>>, BuildError> {
    match &route.target {
        Target::Upstream(name) => {
            let found = upstreams.get(name).ok_or_else(|| BuildError::NoUpstream(Arc::clone(shown)))?;
            let own = route.response_timeout.is_some() || route.idle_timeout.is_some();
            let limited = || Arc::new(found.with_limits(route.response_timeout, route.idle_timeout));
            Ok(Some(if own { limited() } else { Arc::clone(found) }))
        }
        Target::Fixed(_) | Target::Redirect(_) => Ok(None),
    }
}

fn hsts(max_age: Duration) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("max-age={}", max_age.as_secs())).ok()
}
