use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use super::Endpoint;
use crate::base::Timestamp;
use crate::gateway::intake::read_host;
use crate::gateway::record::Record;
use crate::gateway::reply::{self, Reply};
use crate::gateway::voice::{Asker, CHALLENGE};
use crate::gateway::{Gateway, HostFault, Intake, Refusal};
use crate::routing::{CanonicalPath, PathFault};
use crate::web::field;

/// The request that is asked about stands behind this, when the proxy puts it into the path (Envoy).
pub(super) const WITH_PATH: &str = "/.auth/check/";

/// The headers in which proxies say what they ask about. Two families, of which a proxy sends one.
const NAMES: [&str; 6] =
    ["x-original-uri", "x-original-url", "x-original-method", "x-forwarded-uri", "x-forwarded-method", "x-forwarded-host"];

/// What a trusted proxy says of the request it asks about, as it came.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Told(HeaderMap);

impl Told {
    /// Whether anybody will ask for it.
    pub(in crate::gateway) fn is_wanted(path: &str) -> bool {
        path == WITH_PATH.trim_end_matches('/') || path.starts_with(WITH_PATH)
    }

    /// Kept aside before these headers are stripped.
    pub(in crate::gateway) fn read(headers: &HeaderMap) -> Self {
        let mut told = HeaderMap::new();
        for name in NAMES {
            for value in headers.get_all(name) {
                told.append(name, value.clone());
            }
        }
        Self(told)
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The one value of a header that has to be there.
    fn one(&self, name: &str) -> Result<&str, Refusal> {
        let mut values = self.0.get_all(name).iter();
        match (values.next().map(HeaderValue::to_str), values.next()) {
            (Some(Ok(value)), None) => Ok(value),
            (None, _) => Err(unclear(&format!("it sends no {name}"))),
            (Some(_), _) => Err(unclear(&format!("it sends more than one {name}, or one that is no text"))),
        }
    }
}

/// How the asking proxy says what it asks about.
enum Manner {
    /// nginx and `HAProxy`: `X-Original-URI` (or `-URL`) and `X-Original-Method`; the host is `Host`. People without a login
    /// get 401 with the place of the login in `Location`, and 303 only if the proxy asks for it.
    Original,
    /// Traefik and Caddy: `X-Forwarded-Uri`, `-Method` and `-Host`. Our answer is handed to the client.
    Forwarded,
    /// Envoy: method and host are the request's own, the path stands behind ours. Our answer is handed to the client.
    Path,
}

impl Gateway {
    /// `/.auth/check`: the same decision for a proxy that asks and does not pass the request on. Only for trusted proxies:
    /// anybody else could ask about a request that is not the one he sends. Never renews.
    pub(super) fn check(&self, mut intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let told = intake.told.take().ok_or(Refusal::NotFound)?;
        let manner = manner(&told, intake.path.as_str())?;
        let redirects = match manner {
            Manner::Original => intake.query.as_deref().is_some_and(|query| field(query.as_bytes(), "redirect").is_some()),
            Manner::Forwarded | Manner::Path => true,
        };
        put_in(&mut intake, &told, &manner)?;
        if !matches!(manner, Manner::Path) {
            // A token in a query is in that of the request asked about.
            let places = &self.settings.library.places;
            intake.credentials.bearer = places.presented(&intake.headers, intake.query.as_deref());
            intake.query = places.without_token(intake.query.take());
        }
        intake.aliases = self.settings.aliases.active(Some(&intake.host));
        record.aliases = intake.aliases;
        let asker = Asker::behind(&intake);
        let decided = self.decide(&intake, record, now);
        let mut reply = decided.unwrap_or_else(|refusal| self.refuse(&refusal, &asker, record));
        if !redirects && reply.status() == StatusCode::SEE_OTHER {
            // Such proxies know 200, 401 and 403. The place is there for those that send people there themselves.
            *reply.status_mut() = StatusCode::UNAUTHORIZED;
            reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        Ok(reply)
    }

    fn decide(&self, intake: &Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        if Endpoint::of(intake.path.as_str(), intake.aliases).is_some() {
            // Ours: the proxy has to send these here, and no application has any business there.
            return Err(Refusal::NotFound);
        }
        let route = self.route(intake, record)?;
        let admission = self.admit_as_is(intake, route, now)?;
        let mut reply = reply::empty(StatusCode::OK);
        record.person = admission.identity().map(|identity| std::sync::Arc::clone(identity.subject));
        self.introduce(reply.headers_mut(), &admission, route, now)?;
        Ok(reply)
    }
}

/// A proxy that says things in two ways could have been made to by its client, so neither is believed
/// (oauth2-proxy CVE-2026-40575: the client's own `X-Forwarded-Uri` decided).
fn manner(told: &Told, path: &str) -> Result<Manner, Refusal> {
    let original = told.has("x-original-uri") || told.has("x-original-url");
    match (path.starts_with(WITH_PATH), original, told.has("x-forwarded-uri")) {
        (true, false, false) => Ok(Manner::Path),
        (false, true, false) => Ok(Manner::Original),
        (false, false, true) => Ok(Manner::Forwarded),
        (false, false, false) => Err(unclear("it sends neither X-Original-URI nor X-Forwarded-Uri")),
        (true, _, _) | (false, true, true) => Err(unclear("it names the request in two ways")),
    }
}

/// Makes the question the request that is judged.
fn put_in(intake: &mut Intake, told: &Told, manner: &Manner) -> Result<(), Refusal> {
    match manner {
        Manner::Path => {
            let rest = &intake.path.as_str()[WITH_PATH.len() - 1..];
            intake.path = CanonicalPath::parse(rest)?;
        }
        Manner::Forwarded => {
            set_target(intake, told.one("x-forwarded-uri")?)?;
            set_method(intake, told.one("x-forwarded-method")?)?;
            (intake.host, intake.authority) = read_host(told.one("x-forwarded-host")?, None)?;
        }
        Manner::Original => {
            let target = if told.has("x-original-url") {
                if told.has("x-original-uri") {
                    return Err(unclear("it names the request in two ways"));
                }
                let url: Uri = told.one("x-original-url")?.parse().map_err(|_| Refusal::Path(PathFault::NotAbsolute))?;
                let authority = url.authority().ok_or(Refusal::Host(HostFault::NoHost))?;
                (intake.host, intake.authority) = read_host(authority.as_str(), None)?;
                url.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
            } else {
                told.one("x-original-uri")?.to_owned()
            };
            set_target(intake, &target)?;
            set_method(intake, told.one("x-original-method")?)?;
        }
    }
    // The proxy has taken the hop-by-hop headers away, but this one shows what is being opened.
    intake.websocket = intake.headers.contains_key("sec-websocket-key");
    Ok(())
}

fn set_target(intake: &mut Intake, target: &str) -> Result<(), Refusal> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    if target.contains('#') {
        // Nobody sends one; whoever puts one there wants the rest to be overlooked.
        return Err(Refusal::Path(PathFault::NotAscii));
    }
    intake.path = CanonicalPath::parse(path)?;
    intake.query = query.map(str::to_owned);
    Ok(())
}

fn set_method(intake: &mut Intake, method: &str) -> Result<(), Refusal> {
    intake.method = Method::from_bytes(method.as_bytes()).map_err(|_| unclear("it names no method"))?;
    if matches!(intake.method, Method::CONNECT | Method::TRACE) {
        return Err(Refusal::Method { allowed: Vec::new() });
    }
    Ok(())
}

/// A question that names no one request is never answered with yes.
fn unclear(what: &str) -> Refusal {
    tracing::warn!("a proxy asked at /.auth/check, but {what}");
    Refusal::Host(HostFault::Contradiction)
}
