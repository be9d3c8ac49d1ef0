use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::{Gateway, Settings, Shared};
use crate::identity::ProviderName;
use crate::observe::RouteCounters;
use crate::pages::{AccentError, Pages};
use crate::provider::Provider;
use crate::routing::{Access, RouteTable, SameRoute, Unauthenticated};
use crate::token::{self, KeyError, KeyRing, TokenIssuer, TokenVerifier};
use crate::upstream::Upstream;
use crate::web::{IdentityHeaders, SessionCookies};

/// Everything a gateway is built from, all of it checked.
pub struct Parts {
    /// What the operator wants of the gateway itself.
    pub settings: Settings,
    /// What the operator wants of tokens.
    pub tokens: token::Settings,
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
}

/// A route ready for use.
pub struct Route {
    pub(super) name: Arc<str>,
    pub(super) access: Access,
    pub(super) upstream: Arc<Upstream>,
    pub(super) unauthenticated: Unauthenticated,
    pub(super) allow_empty_segments: bool,
    pub(super) allow_underscore_headers: bool,
    pub(super) max_body: Option<u64>,
    pub(super) counters: RouteCounters,
}

impl Gateway {
    /// Builds a snapshot, or says what does not fit.
    ///
    /// # Errors
    /// The first thing that does not fit; the configuration's own checks find the same and more, with their places.
    pub fn build(parts: Parts) -> Result<Self, BuildError> {
        let Parts { settings, tokens, providers, upstreams, pages, shared } = parts;
        let keys = Arc::new(KeyRing::new(&tokens.keys).map_err(BuildError::Keys)?);
        let mut routes = RouteTable::default();
        for route in &settings.routes {
            let host = route.host.as_ref().map_or("*", |host| host.as_str());
            let name: Arc<str> = format!("{host}{}", route.path).into();
            let upstream = upstreams.get(&route.upstream).ok_or_else(|| BuildError::NoUpstream(Arc::clone(&name)))?;
            let ready = Route {
                counters: shared.metrics.route(&name),
                name: Arc::clone(&name),
                access: route.access.clone(),
                upstream: Arc::clone(upstream),
                unauthenticated: route.unauthenticated,
                allow_empty_segments: route.allow_empty_segments,
                allow_underscore_headers: route.allow_underscore_headers,
                max_body: route.max_body,
            };
            let inserted = routes.insert(route.host.clone(), route.path.clone(), route.methods.clone(), ready);
            inserted.map_err(|SameRoute| BuildError::SameRoute(name))?;
        }
        shared.streams.set_grace(settings.sessions.stream_grace);
        Ok(Self {
            routes,
            issuer: TokenIssuer::new(Arc::clone(&keys), tokens.clone()),
            verifier: TokenVerifier::new(Arc::clone(&keys), tokens),
            keys,
            providers,
            cookies: SessionCookies::new(settings.cookies),
            identity_headers: IdentityHeaders::new(&settings.identity_headers),
            pages,
            hsts: settings.hsts.and_then(hsts),
            settings,
            shared,
        })
    }
}

fn hsts(max_age: Duration) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("max-age={}", max_age.as_secs())).ok()
}
