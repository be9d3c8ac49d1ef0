use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use super::{Failure, build, environment};
use crate::base::{ClientAddr, Clock, SessionId, SystemClock};
use crate::config::{Config, Loaded, StoreSettings};
use crate::gateway::{Explanation, Gateway, Shared};
use crate::identity::{Profile, UserId};
use crate::observe::{AccessLog, Metrics};
use crate::store::{ChangeLog, Sqlite};
use crate::throttle::Throttle;
use crate::upstream::Endpoints;
use crate::web::Peer;

/// A request to be explained.
#[derive(Debug)]
pub struct Question {
    /// Its method.
    pub method: Method,
    /// Where to: `https://host/path?query`.
    pub url: Uri,
    /// Its headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Where it comes from.
    pub from: IpAddr,
    /// Who asks, as `id` of the primary realm or `realm:id`; `None`: whoever the headers show.
    pub user: Option<String>,
    /// What is known of them besides the file of groups.
    pub profile: Profile,
    /// Whether the password was given just now.
    pub fresh: bool,
}

/// What a configuration would do with a request. Nothing is served, nothing of the running gateway's state is touched.
///
/// # Errors
/// What is wrong with the configuration, or with the question.
pub fn explain(path: &Path, question: Question) -> Result<Explanation, Failure> {
    super::install_crypto();
    let config = match Config::load(path, &environment)? {
        Loaded::Ready(config, _) | Loaded::Incomplete { draft: config, .. } => config,
    };
    let system = |what| move |source| Failure::System { what, source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system("cannot start a runtime"))?;
    let _inside = runtime.enter();
    // The decision needs a change log; this one is empty and thrown away.
    let scratch = Scratch(std::env::temp_dir().join(format!("munjigi-explain-{}", SessionId::random())));
    let StoreSettings::Sqlite(mut store) = config.store.clone();
    store.path = scratch.0.join("explain.db");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Arc::new(Sqlite::open(store)?);
    let log = runtime.block_on(ChangeLog::start(store, Arc::clone(&clock), config.tokens.access_ttl))?;
    let throttle = Throttle::new(config.throttle.clone());
    let shared = Shared::new(clock, log, throttle, runtime.handle().clone(), AccessLog::off(), Arc::new(Metrics::new()));
    let gateway = build::gateway(&config, None, &Endpoints::new(1), &shared)?;
    ask(&gateway, &config, question)
}

fn ask(gateway: &Gateway, config: &Config, question: Question) -> Result<Explanation, Failure> {
    let mut headers: HeaderMap = HeaderMap::new();
    for (name, value) in question.headers {
        headers.append(name, value);
    }
    if let Some(text) = &question.user {
        let user = person(config, text).ok_or_else(|| Failure::Question(format!("{text:?} names no person; write an id, or realm:id")))?;
        gateway.suppose(&user, question.profile);
        let token = gateway.token_to_explain(&user, question.fresh);
        let token = token.map_err(|refusal| Failure::Question(refusal.to_string()))?;
        let bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()));
        headers.insert(AUTHORIZATION, bearer.map_err(|_| Failure::Question("the token is no header".to_owned()))?);
    }
    let mut request = Request::new(());
    *request.method_mut() = question.method;
    *request.uri_mut() = question.url;
    *request.headers_mut() = headers;
    let local = SocketAddr::from(([127, 0, 0, 1], 443));
    let peer = Peer {
        address: ClientAddr::new(question.from),
        port: 0,
        local,
        secure: true,
        server_name: None,
        worker: 0,
        uid: None,
        known: crate::web::Known::Address,
    };
    Ok(gateway.explain(request.into_parts().0, &peer))
}

/// Somebody in the canonical form of their realm.
fn person(config: &Config, text: &str) -> Option<UserId> {
    let (realm, id) = text.split_once(':').unwrap_or((config.tokens.subjects.primary().as_str(), text));
    let provider = config.providers.iter().find(|provider| provider.realm().as_str() == realm)?;
    provider.id_rule().canonical(provider.realm(), id).ok()
}

/// A directory that goes when its work is done.
struct Scratch(std::path::PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left behind is an empty database in the system's own temporary directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
