use std::sync::Arc;
use std::time::{Duration, Instant};

use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, StatusCode, Uri, Version};

use super::Shared;
use crate::base::{ClientAddr, Timestamp};
use crate::observe::{RequestId, RequestLine, RouteCounters};
use crate::routing::Unauthenticated;
use crate::web::{BodyWatch, Field, HeaderText, Seen};

/// What is written down about one request: filled on its way, written when the last byte of its answer has gone, or when the
/// answer broke off. One line and one count for each request, whatever became of it.
pub(super) struct Record {
    shared: Arc<Shared>,
    started: Instant,
    /// The same by the clock that is told to people.
    pub(super) began: Timestamp,
    method: Method,
    uri: Uri,
    protocol: Version,
    host: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
    referer: Option<HeaderValue>,
    pub(super) id: RequestId,
    /// What is written for this request into headers.
    pub(super) text: HeaderText,
    /// The id, towards the upstream and in the answer.
    pub(super) id_header: HeaderValue,
    pub(super) address: ClientAddr,
    pub(super) person: Option<Arc<str>>,
    pub(super) route: Option<Arc<str>>,
    pub(super) counters: Option<RouteCounters>,
    pub(super) refusal: Option<&'static str>,
    pub(super) unauthenticated: Unauthenticated,
    /// Whether the login page of this host is `/login`.
    pub(super) aliases: bool,
    pub(super) status: StatusCode,
    pub(super) received: Option<BodyWatch>,
    pub(super) sent: u64,
    pub(super) upstream: Option<Duration>,
    /// How long a provider was waited for.
    pub(super) provider: Duration,
    /// How long it took until the answer began.
    answered: Duration,
}

impl Record {
    /// Begins with what the request says of itself.
    pub(super) fn begin<B>(shared: &Arc<Shared>, request: &Request<B>, seen: Seen, address: ClientAddr) -> Self {
        let header = |name: http::HeaderName| request.headers().get(name).cloned();
        let (id, mut text) = (RequestId::next(), HeaderText::new());
        let mut id_header = text.text(id.as_bytes()).unwrap_or(HeaderValue::from_static(""));
        // No secret, but no other answer has it: HTTP/2 would keep each in its table of headers, and look through all of them.
        id_header.set_sensitive(true);
        Self {
            shared: Arc::clone(shared),
            started: Instant::now(),
            began: shared.clock.now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            protocol: request.version(),
            host: header(http::header::HOST),
            user_agent: if seen.has(Field::UserAgent) { header(http::header::USER_AGENT) } else { None },
            referer: if seen.has(Field::Referer) { header(http::header::REFERER) } else { None },
            id,
            text,
            id_header,
            address,
            person: None,
            route: None,
            counters: None,
            refusal: None,
            unauthenticated: Unauthenticated::Auto,
            aliases: false,
            status: StatusCode::OK,
            received: None,
            sent: 0,
            upstream: None,
            provider: Duration::ZERO,
            answered: Duration::ZERO,
        }
    }

    /// The answer begins. How long its body then takes is up to the client and the upstream.
    pub(super) fn answered(&mut self, status: StatusCode) {
        self.status = status;
        self.answered = self.started.elapsed();
    }

    /// Counts the request: each in one route's numbers, and in one decision.
    fn count(&self) {
        let Shared { metrics, own, unrouted, .. } = &*self.shared;
        let counters = self.counters.as_ref().unwrap_or(if self.route.is_some() { own } else { unrouted });
        counters.count(&self.method, self.status);
        let decisions = &metrics.decisions;
        match (self.refusal, &self.counters, &self.person) {
            (Some(refusal), _, _) => metrics.refused(refusal),
            (None, None, _) => _ = decisions.own.inc(),
            (None, Some(_), Some(_)) => _ = decisions.admitted.inc(),
            (None, Some(_), None) => _ = decisions.public.inc(),
        }
        // A client that went away before its answer began says nothing about our speed.
        if !self.answered.is_zero() {
            metrics.timing(self.answered.saturating_sub(self.upstream.unwrap_or_default()).saturating_sub(self.provider), self.upstream);
        }
    }

    /// The page the browser says it comes from.
    pub(super) fn referer(&self) -> Option<&str> {
        self.referer.as_ref().and_then(|value| value.to_str().ok())
    }

    /// The host as the request names it.
    pub(super) fn host(&self) -> &str {
        self.host_bytes().and_then(|host| str::from_utf8(host).ok()).unwrap_or_default()
    }

    fn host_bytes(&self) -> Option<&[u8]> {
        let authority = || self.uri.authority().map(|authority| authority.as_str().as_bytes());
        self.host.as_ref().map(HeaderValue::as_bytes).or_else(authority)
    }

    /// The request's `User-Agent`, as it is kept with a session: plain text, cut to 200 bytes.
    pub(super) fn user_agent_text(&self) -> String {
        let text = self.user_agent.as_ref().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default();
        let mut plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        while plain.len() > 200 {
            plain.pop();
        }
        plain
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let duration = self.started.elapsed();
        self.shared.access_log.write(&RequestLine {
            at: self.began.plus(duration),
            address: self.address,
            person: self.person.as_deref(),
            method: Some(self.method.as_str()),
            target: self.uri.path_and_query().map_or("*", PathAndQuery::as_str),
            protocol: self.protocol,
            host: self.host_bytes(),
            status: self.status.as_u16(),
            bytes_in: self.received.as_ref().map_or(0, BodyWatch::bytes),
            bytes_out: self.sent,
            duration,
            upstream: self.upstream,
            route: self.route.as_deref(),
            refusal: self.refusal,
            id: self.id,
            user_agent: self.user_agent.as_ref().map(HeaderValue::as_bytes),
            referer: self.referer.as_ref().map(HeaderValue::as_bytes),
        });
        self.count();
    }
}
