use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, StatusCode, Version, header};
use serde_json::json;

use super::flask::Facts;
use super::record::Record;
use super::reply::{self, Reply};
use super::words::words;
use super::{Gateway, Refusal};
use crate::pages::{Lang, LoginError, Pages, RefusalKind, RefusalPage, Wait, WhyHere};
use crate::provider::ProviderFault;
use crate::routing::Unauthenticated;
use crate::store::EndReason;
use crate::token::TokenFault;
use crate::web::{BodyFault, Field, ReturnTo, Seen, SessionCookies, accepts_html, field, wants_page};

/// Who waits for the answer, as far as it changes how a refusal is worded.
pub(super) struct Asker {
    pub(super) manner: Manner,
    place: Option<PathAndQuery>,
    accept_language: Option<HeaderValue>,
    cookies: Vec<HeaderValue>,
    version: Version,
    /// GET or HEAD.
    reads: bool,
    /// What the library would have looked at, where refusals are told in its words.
    library: Option<Facts>,
}

/// How somebody asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Manner {
    /// A person opens a page.
    Page,
    /// A person sends a form.
    Form,
    /// A program.
    Program,
}

impl Asker {
    pub(super) fn of<B>(request: &Request<B>, seen: Seen) -> Self {
        let headers = request.headers();
        let navigates = || headers.get("sec-fetch-mode").map(|mode| mode == "navigate");
        // Neither does a program that says nothing of itself get a page, nor is anything looked for that is not there.
        let manner = if seen.any(&[Field::Accept, Field::Fetch]) && wants_page(request.method(), headers) {
            Manner::Page
        } else if request.method() == Method::POST
            && navigates().unwrap_or_else(|| accepts_html(headers) && !headers.contains_key("x-requested-with"))
        {
            Manner::Form
        } else {
            Manner::Program
        };
        Self {
            manner,
            place: request.uri().path_and_query().cloned(),
            accept_language: if seen.has(Field::AcceptLanguage) { headers.get(header::ACCEPT_LANGUAGE).cloned() } else { None },
            cookies: if seen.has(Field::Cookie) { headers.get_all(header::COOKIE).iter().cloned().collect() } else { Vec::new() },
            version: request.version(),
            library: None,
            reads: matches!(*request.method(), Method::GET | Method::HEAD),
        }
    }

    /// The same, where refusals are told in the library's words.
    pub(super) fn with(self, library: Option<Facts>) -> Self {
        Self { library, ..self }
    }

    /// Who waits behind a proxy that asks about a request.
    pub(super) fn behind(asked: &super::Intake) -> Self {
        let page = wants_page(&asked.method, &asked.headers);
        Self {
            manner: if page { Manner::Page } else { Manner::Program },
            accept_language: asked.headers.get(header::ACCEPT_LANGUAGE).cloned(),
            cookies: Vec::new(),
            place: asked.target().parse().ok(),
            version: Version::HTTP_11,
            library: None,
            reads: matches!(asked.method, Method::GET | Method::HEAD),
        }
    }

    /// In which language to answer. Worked out only for those who are refused.
    fn lang(&self) -> Lang {
        let chosen = chosen_language(self.place.as_ref().and_then(PathAndQuery::query));
        preferred(chosen, self.cookies.iter(), self.accept_language.as_ref())
    }

    /// Where to come back to after a login: only what a person asked to see, never what a page loads by itself.
    fn next(&self) -> Option<ReturnTo> {
        if self.manner == Manner::Page { self.here() } else { None }
    }

    /// The place asked for, if it can be asked for again.
    fn here(&self) -> Option<ReturnTo> {
        ReturnTo::parse(self.place.as_ref().filter(|_| self.reads)?.as_str())
    }
}

/// The language a request has chosen in its address. A switch on a page of ours writes it there.
pub(super) fn chosen_language(query: Option<&str>) -> Option<Lang> {
    field(query?.as_bytes(), Lang::PARAMETER).and_then(|tag| Lang::parse(&tag))
}

/// The language for whoever asks: chosen now, chosen before, or what the browser prefers.
pub(super) fn language(query: Option<&str>, headers: &http::HeaderMap) -> Lang {
    preferred(chosen_language(query), headers.get_all(header::COOKIE).iter(), headers.get(header::ACCEPT_LANGUAGE))
}

fn preferred<'h>(chosen: Option<Lang>, cookies: impl Iterator<Item = &'h HeaderValue>, accept: Option<&HeaderValue>) -> Lang {
    let chosen = chosen.or_else(|| SessionCookies::language(cookies).and_then(Lang::parse));
    chosen.unwrap_or_else(|| Lang::choose(None, accept.map(HeaderValue::as_bytes)))
}

impl Gateway {
    /// Every refusal becomes an answer here: the login page, a page that tells, or JSON.
    pub(super) fn refuse(&self, refusal: &Refusal, asker: &Asker, record: &mut Record) -> Reply {
        let lost = matches!(refusal, Refusal::NoToken) && asker.manner == Manner::Page && self.shared.arrivals.comes_back(record);
        let refusal = if lost { &Refusal::CookiesNotKept } else { refusal };
        record.refusal = Some(refusal.word());
        tell_operator(refusal, record);
        if let Refusal::Upstream(error) = refusal
            && let Some(endpoint) = error.endpoint()
        {
            self.shared.metrics.upstream_failed(endpoint, error.kind());
        }
        let login = refusal.asks_for_login();
        let to_login = match record.unauthenticated {
            Unauthenticated::Auto => asker.manner == Manner::Page,
            Unauthenticated::Redirect => true,
            Unauthenticated::Refuse => false,
        };
        let mut reply = match asker.manner {
            _ if login && to_login => {
                // A route that always sends to the login page is opened by people, whatever their browser says.
                let next = if record.unauthenticated == Unauthenticated::Redirect { asker.here() } else { asker.next() };
                let mut place = login_place(record.aliases, next.as_ref(), why(refusal));
                if matches!(refusal, Refusal::PasswordTooOld) {
                    // Somebody who is logged in meets the page only if another login is asked for.
                    place.push_str(if place.contains('?') { "&switch=1" } else { "?switch=1" });
                }
                reply::see_other(&place)
            }
            Manner::Page | Manner::Form => self.page(refusal, asker, record),
            Manner::Program => match &asker.library {
                Some(facts) => {
                    let (status, text) = facts.answer(refusal, asker.lang(), self.issuer.name());
                    reply::json(status, &super::flask::body(&self.settings.library.message_key, &text))
                }
                None => refusal_json(refusal, asker.lang(), record),
            },
        };
        self.harden(reply.headers_mut());
        add_headers(&mut reply, refusal, asker.version);
        reply
    }

    /// A page of ours, with everything that must go with one.
    pub(super) fn own_page(&self, status: StatusCode, lang: Lang, document: String) -> Reply {
        let mut reply = reply::own(status, "text/html; charset=utf-8", document);
        let headers = reply.headers_mut();
        if let Ok(policy) = HeaderValue::from_str(self.pages.content_security_policy()) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(Pages::REFERRER_POLICY));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.as_str()));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
        headers.insert("x-frame-options", HeaderValue::from_static("DENY"));
        self.harden(headers);
        reply
    }

    fn page(&self, refusal: &Refusal, asker: &Asker, record: &Record) -> Reply {
        let next = asker.next();
        let login = login_place(record.aliases, next.as_ref(), None);
        // What was written waits in this tab; the login happens in another one, which then says so.
        let aside = login_place(record.aliases, Some(&ReturnTo::other_tab()), None);
        let mark = if login.contains('?') { '&' } else { '?' };
        let switch = format!("{login}{mark}switch=1");
        let now = self.shared.clock.now();
        let kind = match refusal {
            Refusal::Host(_)
            | Refusal::Framing
            | Refusal::Path(_)
            | Refusal::Form
            | Refusal::CredentialsMissing
            | Refusal::Account(_)
            | Refusal::Body(BodyFault::Client) => RefusalKind::BadRequest,
            Refusal::TargetTooLong => RefusalKind::AddressTooLong,
            Refusal::TooManyHeaders => RefusalKind::HeadersTooLarge,
            Refusal::Misdirected => RefusalKind::Misdirected,
            Refusal::NotFound => RefusalKind::NotFound,
            Refusal::Method { .. } => RefusalKind::MethodNotAllowed,
            Refusal::NoToken
            | Refusal::Token(_)
            | Refusal::Ambiguous
            | Refusal::Ended(_)
            | Refusal::SessionOver
            | Refusal::LoginRefused { .. } => RefusalKind::FormNotSent { login: &aside },
            Refusal::PasswordTooOld => RefusalKind::FormNotSent { login: &switch },
            Refusal::CookiesNotKept => RefusalKind::RedirectLoop { login: &login },
            Refusal::Forbidden { subject } => RefusalKind::NotAllowed { subject, login: &switch },
            Refusal::AccountDisabled => RefusalKind::NotAllowed { subject: "", login: &switch },
            Refusal::CrossSite(_) | Refusal::DoubleSubmit(_) => RefusalKind::CrossSite,
            Refusal::Body(BodyFault::TooLarge) => RefusalKind::BodyTooLarge { limit: None },
            Refusal::Body(BodyFault::TooSlow) => RefusalKind::TooSlow,
            Refusal::Throttled { wait } => RefusalKind::TooMany { wait: Wait::new(now, *wait) },
            Refusal::Store(_) | Refusal::Provider(ProviderFault::Overloaded(_) | ProviderFault::Resting { .. }) => {
                RefusalKind::Unavailable { wait: None }
            }
            Refusal::Upstream(error) if error.is_timeout() => RefusalKind::UpstreamTimedOut,
            Refusal::Provider(ProviderFault::TimedOut(_)) => RefusalKind::UpstreamTimedOut,
            Refusal::Upstream(_) | Refusal::Provider(_) => RefusalKind::UpstreamFailed,
            Refusal::Internal(_) => RefusalKind::Internal,
        };
        let page = RefusalPage { kind, request_id: record.id.as_str(), retry: next.as_ref().map(ReturnTo::as_str), home: Some("/") };
        let lang = asker.lang();
        self.own_page(refusal.status(), lang, self.pages.refusal(lang, &page))
    }
}

/// The login page's place, with where to go on to and why one is sent there.
fn login_place(aliases: bool, next: Option<&ReturnTo>, why: Option<WhyHere>) -> String {
    let mut place = Gateway::login_path(aliases).to_owned();
    let next = next.filter(|next| next.as_str() != "/").map(|next| format!("next={}", next.in_query()));
    let why = why.map(|why| format!("{}={}", WhyHere::PARAMETER, why.as_str()));
    for (parameter, mark) in next.into_iter().chain(why).zip(['?', '&']) {
        place.push(mark);
        place.push_str(&parameter);
    }
    place
}

/// How the login page words a refusal of the login form; `None` for refusals that are not about the login.
pub(super) fn login_error(refusal: &Refusal, now: crate::base::Timestamp) -> Option<LoginError<'_>> {
    match refusal {
        Refusal::CredentialsMissing => Some(LoginError::Missing),
        Refusal::LoginRefused { message } => Some(LoginError::Refused(message.as_deref())),
        Refusal::AccountDisabled => Some(LoginError::Disabled),
        Refusal::Throttled { wait } => Some(LoginError::Throttled(Wait::new(now, *wait))),
        Refusal::Provider(ProviderFault::Unreachable(_) | ProviderFault::Resting { .. }) => Some(LoginError::Unreachable),
        Refusal::Provider(ProviderFault::TimedOut(_)) => Some(LoginError::TimedOut),
        Refusal::Provider(ProviderFault::NotUnderstood(_) | ProviderFault::Changed(_) | ProviderFault::Refused(_)) => {
            Some(LoginError::NotUnderstood)
        }
        Refusal::Provider(ProviderFault::Overloaded(_)) => Some(LoginError::Overloaded),
        Refusal::CrossSite(_) | Refusal::DoubleSubmit(_) => Some(LoginError::CrossSite),
        Refusal::Store(_) => Some(LoginError::Unavailable),
        Refusal::Host(_)
        | Refusal::Framing
        | Refusal::TargetTooLong
        | Refusal::TooManyHeaders
        | Refusal::Misdirected
        | Refusal::Path(_)
        | Refusal::NotFound
        | Refusal::Method { .. }
        | Refusal::NoToken
        | Refusal::Token(_)
        | Refusal::Ambiguous
        | Refusal::Ended(_)
        | Refusal::SessionOver
        | Refusal::PasswordTooOld
        | Refusal::CookiesNotKept
        | Refusal::Forbidden { .. }
        | Refusal::Body(_)
        | Refusal::Form
        | Refusal::Account(_)
        | Refusal::Upstream(_)
        | Refusal::Internal(_) => None,
    }
}

/// Why somebody who was logged in before meets the login page.
fn why(refusal: &Refusal) -> Option<WhyHere> {
    if let Refusal::Ended(reason) = refusal {
        return match reason {
            EndReason::LoggedOut | EndReason::Replaced | EndReason::Removed => None,
            EndReason::Elsewhere => Some(WhyHere::Elsewhere),
            EndReason::TooMany => Some(WhyHere::TooMany),
            EndReason::Theft => Some(WhyHere::Theft),
            EndReason::Administrator => Some(WhyHere::Administrator),
            EndReason::Disabled => Some(WhyHere::Disabled),
            EndReason::PasswordChanged => Some(WhyHere::PasswordChanged),
        };
    }
    let over = matches!(refusal, Refusal::SessionOver | Refusal::Token(TokenFault::Expired));
    let bad = matches!(refusal, Refusal::Token(_) | Refusal::Ambiguous);
    if over { Some(WhyHere::Expired) } else { bad.then_some(WhyHere::Invalid) }
}

fn refusal_json(refusal: &Refusal, lang: Lang, record: &Record) -> Reply {
    let words = words(refusal, lang);
    let mut body = json!({ "msg": words, "error": refusal.word(), "request_id": record.id.as_str() });
    if let Refusal::Ended(reason) = refusal {
        body["reason"] = reason.as_str().into();
    }
    if let Refusal::Throttled { wait } = refusal {
        body["retry_after"] = wait.as_secs().max(1).into();
    }
    reply::json(refusal.status(), &body)
}

/// What HTTP itself wants said with some refusals.
fn add_headers(reply: &mut Reply, refusal: &Refusal, version: Version) {
    if reply.status() == StatusCode::UNAUTHORIZED
        && let Some(Ok(challenge)) = challenge(refusal).map(|text| HeaderValue::from_str(&text))
    {
        reply.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    let headers = reply.headers_mut();
    if let Refusal::Throttled { wait } = refusal {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if let Refusal::Method { allowed } = refusal
        && let Ok(list) = HeaderValue::from_str(&allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", "))
    {
        headers.insert(header::ALLOW, list);
    }
    // What follows on a connection whose framing cannot be trusted is nobody's request.
    if version <= Version::HTTP_11 && matches!(refusal, Refusal::Framing | Refusal::Host(_) | Refusal::Body(_)) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// How to show a token (RFC 6750, section 3).
pub(super) const CHALLENGE: &str = "Bearer realm=\"munjigi\"";

/// RFC 6750, section 3: nothing but the scheme when no token was shown, else what is wrong with it.
fn challenge(refusal: &Refusal) -> Option<String> {
    let bare = CHALLENGE;
    if matches!(refusal, Refusal::NoToken) {
        Some(bare.to_owned())
    } else if matches!(refusal, Refusal::Ambiguous) {
        Some(format!("{bare}, error=\"invalid_request\""))
    } else if matches!(refusal, Refusal::PasswordTooOld) {
        // RFC 9470, section 3.
        Some(format!("{bare}, error=\"insufficient_user_authentication\", error_description=\"{}\"", refusal.word()))
    } else {
        refusal.asks_for_login().then(|| format!("{bare}, error=\"invalid_token\", error_description=\"{}\"", refusal.word()))
    }
}

/// What an operator has to know of; what only the client can mend is in the access log.
fn tell_operator(refusal: &Refusal, record: &Record) {
    if matches!(refusal, Refusal::Internal(_)) {
        tracing::error!(request = %record.id, "{refusal}");
    } else if matches!(refusal, Refusal::Provider(_) | Refusal::Store(_) | Refusal::Upstream(_)) {
        tracing::warn!(request = %record.id, "{refusal}");
    } else {
        tracing::debug!(request = %record.id, "refused: {refusal}");
    }
}
