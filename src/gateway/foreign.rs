use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Admission, BuildError, Gateway, Refusal, Route, Shared};
use crate::base::{AccessToken, Timestamp};
use crate::identity::{Profile, ProviderName, Subjects};
use crate::routing::{Access, HostName, HostPattern, PassForm, PathPattern, PathPrefix, RouteSettings};
use crate::store::EndReason;
use crate::token::{ForeignKeys, ForeignSettings, ForeignVerifier, KeySettings, KeySource, MintSettings, Minter, TokenFault, Verified};
use crate::web::{CSRF_HEADER, SessionCookies};

/// Turns of costly checks. More workers than these share them.
pub(super) const TURNS: usize = 64;

/// Everybody else whose tokens some route takes.
#[derive(Clone, Debug, Default)]
pub struct Others {
    /// Other issuers.
    pub issuers: Vec<ForeignSettings>,
    /// Keys shared with one application each.
    pub scoped: Vec<ScopedKey>,
}

/// A key that is shared with one application, and good on its routes only.
#[derive(Clone, Debug)]
pub struct ScopedKey {
    /// The key.
    pub key: KeySettings,
    /// The routes.
    pub scope: Vec<Scope>,
    /// How tokens are read that the application made with it.
    pub reads: ForeignSettings,
    /// A refresh token that the application made opens a session of the gateway at `/refresh`.
    pub opens_sessions: bool,
}

/// Routes a scoped key is good on: this path and those below it, on this host if one is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The host; `None`: any.
    pub host: Option<HostName>,
    /// The path.
    pub path: PathPrefix,
}

impl Scope {
    /// Whether a route lies wholly inside.
    pub fn covers(&self, host: Option<&HostPattern>, path: &PathPattern) -> bool {
        (self.host.is_none() || self.host.as_ref() == host.and_then(HostPattern::exact)) && self.path.contains(path.as_str())
    }
}

impl Others {
    /// The key of the application behind a route: the one with the narrowest scope.
    pub fn key_of(&self, host: Option<&HostPattern>, path: &PathPattern) -> Option<&ScopedKey> {
        let narrowness = |key: &&ScopedKey| {
            key.scope.iter().filter(|scope| scope.covers(host, path)).map(|scope| (scope.path.as_str().len(), scope.host.is_some())).max()
        };
        self.scoped.iter().filter(|key| narrowness(key).is_some()).max_by_key(narrowness)
    }

    /// Has their readers keep the claims that rules of these routes ask for.
    pub fn keep_claims(&mut self, routes: &[RouteSettings]) {
        let rules = routes.iter().filter_map(|route| match &route.access {
            Access::Rule(rule) => Some(rule.claim_names()),
            Access::Public | Access::SignedIn => None,
        });
        let mut names: Vec<Box<str>> = rules.flatten().map(Box::from).collect();
        names.sort();
        names.dedup();
        for reader in self.issuers.iter_mut().chain(self.scoped.iter_mut().map(|key| &mut key.reads)) {
            reader.kept.clone_from(&names);
        }
    }

    /// The longest time any of their tokens can be good: ends of people are remembered for so long.
    pub fn longest(&self) -> Duration {
        let readers = self.issuers.iter().chain(self.scoped.iter().map(|key| &key.reads));
        readers.map(|reader| reader.longest).max().unwrap_or_default()
    }
}

/// The verifiers of one snapshot.
pub(super) struct Foreigners {
    issuers: HashMap<ProviderName, Arc<ForeignVerifier>>,
    applications: Vec<(ScopedKey, Arc<ForeignVerifier>)>,
    others: Others,
    backdate: Duration,
}

/// What a route does with tokens beside taking ours.
#[derive(Default)]
pub(super) struct TokenRules {
    accept: Vec<Arc<ForeignVerifier>>,
    pass: Option<(PassForm, Minter)>,
    refresh: bool,
}

impl Foreigners {
    pub(super) fn build(others: Others, subjects: &Subjects, backdate: Duration, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        let verifier = |settings: &ForeignSettings| -> Result<Arc<ForeignVerifier>, BuildError> {
            let source = match &settings.keys {
                ForeignKeys::Url(url) => Some(shared.key_source(url)),
                ForeignKeys::Fixed(_) | ForeignKeys::Set(_) => None,
            };
            let now = shared.clock.now();
            if let Some(source) = &source {
                shared.fetch_keys(source, false, now);
            }
            ForeignVerifier::new(settings.clone(), subjects.clone(), source).map(Arc::new).map_err(BuildError::Keys)
        };
        let mut issuers = HashMap::new();
        for settings in &others.issuers {
            issuers.insert(settings.name.clone(), verifier(settings)?);
        }
        let mut applications = Vec::new();
        for key in &others.scoped {
            applications.push((key.clone(), verifier(&key.reads)?));
        }
        Ok(Self { issuers, applications, others, backdate })
    }

    pub(super) fn rules(&self, route: &RouteSettings) -> Result<TokenRules, BuildError> {
        let name = || BuildError::NoIssuer(route.path.to_string().into());
        let mut accept = Vec::new();
        for issuer in &route.tokens.issuers {
            accept.push(Arc::clone(self.issuers.get(issuer).ok_or_else(name)?));
        }
        let key = self.others.key_of(route.host.as_ref(), &route.path);
        if route.tokens.flask {
            let key = key.ok_or_else(name)?;
            let application = self.applications.iter().find(|(other, _)| other.key.kid == key.key.kid).ok_or_else(name)?;
            accept.push(Arc::clone(&application.1));
        }
        let refresh = route.tokens.dangerous_pass_refresh;
        let pass = match route.tokens.pass {
            Some(form) => {
                let key = key.ok_or_else(name)?;
                let (issuer, audience) = (key.reads.issuer.clone(), key.reads.audience.clone());
                let settings = MintSettings { key: key.key.clone(), issuer, audience, backdate: self.backdate, refresh };
                Some((form, Minter::new(settings).map_err(BuildError::Keys)?))
            }
            None => None,
        };
        Ok(TokenRules { accept, pass, refresh })
    }

    /// Those whose refresh tokens open sessions here.
    pub(super) fn openers(&self) -> impl Iterator<Item = &Arc<ForeignVerifier>> {
        self.applications.iter().filter(|(key, _)| key.opens_sessions).map(|(_, verifier)| verifier)
    }
}

impl Gateway {
    /// Checks a token where a route is known: ours, or that of somebody the route names. Only our own endpoints' verifier
    /// knows ours, so that a foreign token can touch no session of ours.
    ///
    /// Where a check costs much (signatures by key pairs), a worker makes one in each turn of its queue: in a flood of bad
    /// tokens, whoever shows one that is known to be good waits for one check and not for as many as there are bad ones.
    pub(super) async fn verify_for(
        &self,
        token: &AccessToken,
        route: Option<&Route>,
        worker: usize,
        now: Timestamp,
    ) -> Result<Arc<Verified>, TokenFault> {
        let accept: &[Arc<ForeignVerifier>] = route.map_or(&[], |route| &route.tokens.accept);
        if let Some(remembered) = self.remembered(token, accept, now) {
            return remembered;
        }
        let costly = self.verifier.is_costly() || accept.iter().any(|issuer| issuer.is_costly());
        let _turn = if costly { Some(self.shared.turns[worker % TURNS].lock().await) } else { None };
        self.verify(token, accept, now)
    }

    /// The same at once, for whoever only asks.
    pub(super) fn verify_now(&self, token: &AccessToken, route: Option<&Route>, now: Timestamp) -> Result<Arc<Verified>, TokenFault> {
        let accept: &[Arc<ForeignVerifier>] = route.map_or(&[], |route| &route.tokens.accept);
        self.remembered(token, accept, now).unwrap_or_else(|| self.verify(token, accept, now))
    }

    /// What was found before; `None` for a token that nobody has found good yet.
    fn remembered(
        &self,
        token: &AccessToken,
        accept: &[Arc<ForeignVerifier>],
        now: Timestamp,
    ) -> Option<Result<Arc<Verified>, TokenFault>> {
        if let Some(remembered) = self.verifier.remembered(token, now) {
            return Some(remembered);
        }
        // What an issuer's verifier remembers was looked at by ours before and was not ours; only time has passed since.
        for issuer in accept {
            if let Some(remembered) = issuer.remembered(token, now) {
                if let Some(source) = issuer.source() {
                    self.shared.fetch_keys(source, false, now);
                }
                return Some(remembered);
            }
        }
        None
    }

    fn verify(&self, token: &AccessToken, accept: &[Arc<ForeignVerifier>], now: Timestamp) -> Result<Arc<Verified>, TokenFault> {
        let own = match self.verifier.access(token, now) {
            Err(fault) if !accept.is_empty() && may_be_foreign(fault) => fault,
            settled => return settled,
        };
        let mut said = own;
        for issuer in accept {
            let wanted = match issuer.access(token, self.shared.view.position(), now) {
                Ok(verified) => {
                    if let Some(source) = issuer.source() {
                        self.shared.fetch_keys(source, false, now);
                    }
                    return Ok(verified);
                }
                Err(TokenFault::UnknownKey) => true,
                Err(fault) => {
                    // Whoever's key fits knows best what is wrong; among strangers' words the last one stands. What is malformed
                    // is that to everybody, or was signed by us.
                    if (said == own && own != TokenFault::Malformed) || !may_be_foreign(fault) {
                        said = fault;
                    }
                    false
                }
            };
            if let Some(source) = issuer.source() {
                self.shared.fetch_keys(source, wanted, now);
            }
        }
        Err(said)
    }

    /// Whether a foreign token's person has logged out here (or was ended) since it was made. It carries no place in our change
    /// log, so its `iat` is compared with the time of the person's last end; its issuer's clock is given its leeway.
    pub(super) fn check_foreign(&self, verified: &Verified) -> Result<(), Refusal> {
        let Some(foreign) = &verified.foreign else { return Ok(()) };
        match self.shared.view.cut(&verified.user) {
            Some(cut) if verified.issued.secs() <= cut.plus(foreign.leeway).secs() => Err(Refusal::Ended(EndReason::LoggedOut)),
            Some(_) | None => Ok(()),
        }
    }

    /// Hands the application the token its route says, in the header and with the scheme that clients use here. What the
    /// application made itself goes back to it as it came.
    pub(super) fn hand_over(
        &self,
        headers: &mut HeaderMap,
        shown: Option<&AccessToken>,
        admission: &Admission,
        route: &Route,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(verified) = admission.verified() else { return Ok(()) };
        let places = &self.settings.library.places;
        let in_header = |token: &str| places.scheme.as_ref().map_or_else(|| token.to_owned(), |scheme| format!("{scheme} {token}"));
        if let Some(token) = shown.filter(|_| verified.foreign.as_ref().is_some_and(|foreign| foreign.application)) {
            return match admission.shown() {
                super::admit::Shown::Cookie => put_cookies(headers, token.expose(), &verified.csrf, false),
                super::admit::Shown::Header | super::admit::Shown::SpentHeader | super::admit::Shown::Nowhere => {
                    put(headers, places.header.clone(), in_header(token.expose()))
                }
            };
        }
        let Some((form, minter)) = &route.tokens.pass else { return Ok(()) };
        let token = minter.mint(verified, now).map_err(|_| Refusal::Internal("a scoped key does not sign"))?;
        match form {
            PassForm::Header => put(headers, places.header.clone(), in_header(&token)),
            PassForm::Cookies => put_cookies(headers, &token, &verified.csrf, route.tokens.refresh),
        }
    }
}

impl Shared {
    /// The keys at a URL, the same ones in every snapshot.
    fn key_source(&self, url: &str) -> Arc<KeySource> {
        let mut sources = self.key_sources.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sources.entry(url.to_owned()).or_insert_with(|| Arc::new(KeySource::new(url))))
    }

    /// Fetches keys behind whoever asks, if it is time. Nobody waits for it.
    fn fetch_keys(&self, source: &Arc<KeySource>, wanted: bool, now: Timestamp) {
        if !source.is_due(wanted, now) {
            return;
        }
        let (source, clock) = (Arc::clone(source), Arc::clone(&self.clock));
        drop(self.services.spawn(async move {
            match fetch(source.url()).await {
                Ok(document) => match source.put(&document, clock.now()) {
                    Ok(count) => tracing::info!("{}: {count} keys fetched", source.url()),
                    Err(error) => tracing::warn!("{}: {error}; the keys fetched before stay in use", source.url()),
                },
                Err(error) => tracing::warn!("{}: {error}; the keys fetched before stay in use", source.url()),
            }
        }));
    }
}

/// Largest key set taken.
const MOST: usize = 256 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn fetch(url: &str) -> Result<Vec<u8>, String> {
    let text = |error: reqwest::Error| error.without_url().to_string();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .no_gzip()
        .timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        .build()
        .map_err(text)?;
    let mut answer = client.get(url).send().await.map_err(text)?;
    if answer.status() != reqwest::StatusCode::OK {
        return Err(format!("it answered {}", answer.status()));
    }
    let mut document = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(text)? {
        if document.len() + chunk.len() > MOST {
            return Err(format!("its answer is longer than {MOST} bytes"));
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document)
}

/// Whether a fault of a token, seen with our keys, may mean that somebody else made it.
const fn may_be_foreign(fault: TokenFault) -> bool {
    match fault {
        TokenFault::Malformed | TokenFault::UnknownKey | TokenFault::WrongAlgorithm | TokenFault::BadSignature | TokenFault::NotForUs => {
            true
        }
        TokenFault::Critical | TokenFault::Expired | TokenFault::NotYetValid | TokenFault::WrongType => false,
    }
}

/// What is known of a person, with what a foreign token adds.
pub(super) fn with_claims(profile: Arc<Profile>, verified: &Verified) -> Arc<Profile> {
    let Some(foreign) = verified.foreign.as_ref() else { return profile };
    if foreign.groups.is_empty() && foreign.name.is_none() && foreign.email.is_none() {
        return profile;
    }
    let mut whole = Profile::clone(&profile);
    whole.groups.extend(foreign.groups.iter().cloned());
    whole.groups.sort();
    whole.groups.dedup();
    whole.name = whole.name.or_else(|| foreign.name.clone());
    whole.email = whole.email.or_else(|| foreign.email.clone());
    Arc::new(whole)
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: String) -> Result<(), Refusal> {
    let mut value = HeaderValue::try_from(value).map_err(|_| Refusal::Internal("a token is no header value"))?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

/// The cookies of flask-jwt-extended behind whatever cookies the application has; nobody else's of these names survive. The
/// double submit was judged here: the application is handed what it compares.
fn put_cookies(headers: &mut HeaderMap, token: &str, csrf: &str, refresh: bool) -> Result<(), Refusal> {
    SessionCookies::strip_flask(headers);
    let (name, twin) = if refresh { ("refresh_token_cookie", "csrf_refresh_token") } else { ("access_token_cookie", "csrf_access_token") };
    let mut line = headers.get(COOKIE).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    if !line.is_empty() {
        line.extend_from_slice(b"; ");
    }
    line.extend_from_slice(format!("{name}={token}; {twin}={csrf}").as_bytes());
    let mut value = HeaderValue::from_bytes(&line).map_err(|_| Refusal::Internal("a token is no cookie value"))?;
    value.set_sensitive(true);
    headers.insert(COOKIE, value);
    put(headers, HeaderName::from_static(CSRF_HEADER), csrf.to_owned())
}
