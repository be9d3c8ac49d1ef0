use std::time::Instant;

use http::header::{CONNECTION, CONTENT_TYPE, HOST, LOCATION, TE, TRAILER, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use tokio::time::timeout_at;

use super::admit::Shown;
use super::record::Record;
use super::reply::{self, Reply, ReplyBody};
use super::tunnel::Open;
use super::{Admission, Gateway, Intake, Refusal, Route};
use crate::base::Timestamp;
use crate::routing::Target;
use crate::upstream::{LeasedBody, SendError};
use crate::web::{
    Arriving, BodyFault, BodyTerms, Field, HeaderText, Pace, RequestBody, Seen, announced_trailers, strip_hop_by_hop, trailer_line,
};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

impl Gateway {
    /// The only road to an upstream. It takes what only [`Gateway::intake`] and [`Gateway::admit`] can make.
    pub(super) async fn forward(
        &self,
        mut intake: Box<Intake>,
        admission: Admission,
        route: &Route,
        record: &mut Record,
    ) -> Result<Reply, Refusal> {
        let Some(upstream) = &route.upstream else { return Ok(self.own_answer(&intake, &admission, route)) };
        let request = self.request(&mut intake, &admission, route, record)?;
        let asked = Instant::now();
        let sending = upstream.send(request, intake.peer.worker);
        let ends = route.settings.request_timeout.map(|limit| (tokio::time::Instant::from_std(asked) + limit, limit));
        let answer = match ends {
            None => sending.await,
            // Boxed: few routes have one, and every request would carry the room for it.
            Some((end, within)) => Box::pin(timeout_at(end, sending))
                .await
                .unwrap_or_else(|_| Err(SendError::ResponseTimeout { endpoint: upstream.name().as_str().into(), within })),
        };
        record.upstream = Some(asked.elapsed());
        let answer = answer?;
        let websocket = if answer.status() == StatusCode::SWITCHING_PROTOCOLS { intake.upgrade.take() } else { None };
        let mut reply = self.reply(answer, websocket, &admission, route, intake.takes_trailers);
        if let Some((end, _)) = ends {
            reply.body_mut().end_at(end);
        }
        Ok(reply)
    }

    /// What goes to the upstream.
    fn request(
        &self,
        intake: &mut Intake,
        admission: &Admission,
        route: &Route,
        record: &mut Record,
    ) -> Result<Request<RequestBody>, Refusal> {
        let (target, mut headers) = self.outbound(intake, admission, route, &mut record.text, record.began)?;
        headers.insert(REQUEST_ID, record.id_header.clone());
        let (body, trailers) = (intake.body.take(), std::mem::take(&mut intake.trailers));
        let body = self.body(body, trailers, route, record, &mut headers)?;
        let mut request = Request::new(body);
        *request.method_mut() = intake.method.clone();
        *request.uri_mut() = target;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// What the upstream is told: the target, and all headers but those of the body's length.
    pub(super) fn outbound(
        &self,
        intake: &mut Intake,
        admission: &Admission,
        route: &Route,
        text: &mut HeaderText,
        now: Timestamp,
    ) -> Result<(Uri, HeaderMap), Refusal> {
        let settings = &route.settings;
        let path = settings.rewrite.apply(&intake.path)?;
        let target = match &intake.query {
            Some(query) => text.bytes(&[path.as_str().as_bytes(), b"?", query.as_bytes()]),
            None => text.bytes(&[path.as_str().as_bytes()]),
        };
        let target = Uri::from_maybe_shared(target).map_err(|_| Refusal::Internal("the canonical path is no request target"))?;
        let facts = intake.forwarding_facts();
        let shown = match admission.shown() {
            Shown::Header => intake.credentials.bearer.take().and_then(Result::ok),
            Shown::Cookie => intake.credentials.cookies.access.take(),
            Shown::Nowhere | Shown::SpentHeader => None,
        };
        let mut headers = std::mem::take(&mut intake.headers);
        if intake.seen.has(Field::Underscored) && !settings.allow_underscore_headers {
            drop_underscored(&mut headers);
        }
        if intake.seen.has(Field::Cookie) {
            self.cookies.strip(&mut headers);
        }
        match admission.shown() {
            // Our token is ours: an application, or its log, has no use for it that is good.
            Shown::Header | Shown::SpentHeader => _ = headers.remove(&self.settings.library.places.header),
            Shown::Cookie | Shown::Nowhere => {}
        }
        self.hand_over(&mut headers, shown.as_ref(), admission, route, now)?;
        settings.request_headers.apply(&mut headers);
        if admission.identity().is_some() && !settings.request_headers.set.is_empty() {
            self.identity_headers.clear(&mut headers);
        }
        Intake::write_forwarding(&mut headers, facts, text);
        if let Some(Ok(prefix)) = settings.rewrite.strip.as_ref().map(|prefix| HeaderValue::from_str(prefix.as_str())) {
            headers.insert(FORWARDED_PREFIX, prefix);
        }
        if let Some(host) = &settings.host_header {
            headers.insert(HOST, host.clone());
        }
        self.introduce(&mut headers, admission, route, now)?;
        if intake.websocket {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        } else if intake.takes_trailers {
            headers.insert(CONNECTION, HeaderValue::from_static("te"));
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        Ok((target, headers))
    }

    /// Writes who is asking: to the application, or to the proxy that asks in its place.
    pub(super) fn introduce(&self, headers: &mut HeaderMap, admission: &Admission, route: &Route, now: Timestamp) -> Result<(), Refusal> {
        let Some(identity) = admission.identity() else { return Ok(()) };
        self.identity_headers.write(headers, identity);
        if let (Some(assertions), Some(verified)) = (&route.assertions, admission.verified()) {
            let assertion = assertions.about(identity, &verified.id, now);
            let assertion = assertion.map_err(|_| Refusal::Internal("the key for assertions does not sign"))?;
            self.identity_headers.write_assertion(headers, assertion);
        }
        Ok(())
    }

    /// The answer of a route behind which there is no application.
    fn own_answer(&self, intake: &Intake, admission: &Admission, route: &Route) -> Reply {
        let mut reply = match &route.settings.target {
            Target::Redirect(redirect) => {
                let mut reply = reply::empty(redirect.status);
                if let Ok(place) = HeaderValue::try_from(redirect.place(intake.path.as_str(), intake.query.as_deref())) {
                    reply.headers_mut().insert(LOCATION, place);
                }
                reply
            }
            Target::Fixed(fixed) => {
                let mut reply = reply::own(fixed.status, "text/plain", String::from(&*fixed.body));
                reply.headers_mut().insert(CONTENT_TYPE, fixed.content_type.clone());
                reply
            }
            Target::Upstream(_) => reply::empty(StatusCode::BAD_GATEWAY),
        };
        let headers = reply.headers_mut();
        self.harden(headers);
        route.settings.response_headers.apply(headers);
        self.hand_over_renewed(headers, admission);
        reply
    }

    /// The body on the route's terms. One that says it is too large is refused before anybody is bothered with it.
    fn body(
        &self,
        incoming: Option<Arriving>,
        trailers: Vec<HeaderName>,
        route: &Route,
        record: &mut Record,
        headers: &mut HeaderMap,
    ) -> Result<RequestBody, Refusal> {
        let Some(incoming) = incoming.filter(|incoming| !incoming.is_end_stream()) else { return Ok(RequestBody::empty()) };
        let most = route.settings.max_body.unwrap_or(self.settings.max_body);
        if incoming.size_hint().lower() > most {
            return Err(Refusal::Body(BodyFault::TooLarge));
        }
        if let Some(line) = trailer_line(&trailers) {
            headers.insert(TRAILER, line);
        }
        let min_rate = route.settings.body_min_rate.unwrap_or(self.settings.body_min_rate);
        let pace = Pace { idle: self.settings.body_timeout, min_rate };
        let (body, watch) = RequestBody::new(incoming, BodyTerms { most, pace, trailers });
        record.received = Some(watch);
        Ok(body)
    }

    /// Hop-by-hop out, our headers and cookies in, the body streamed.
    fn reply(
        &self,
        mut answer: Response<LeasedBody>,
        websocket: Option<hyper::upgrade::OnUpgrade>,
        admission: &Admission,
        route: &Route,
        takes_trailers: bool,
    ) -> Reply {
        let upgraded = websocket.map(|client| {
            let upstream = hyper::upgrade::on(&mut answer);
            self.shared.tunnel(client, upstream, admission.verified());
        });
        let (mut head, body) = answer.into_parts();
        let seen = Seen::of(&head.headers);
        let passes = takes_trailers && seen.has(Field::Trailer);
        let trailers = if passes { announced_trailers(&head.headers, |_| false) } else { Vec::new() };
        strip_hop_by_hop(&mut head.headers, seen);
        // hyper sends over HTTP/1 those alone that are announced.
        if let Some(line) = trailer_line(&trailers) {
            head.headers.insert(TRAILER, line);
        }
        if seen.has(Field::SetCookie) {
            self.cookies.strip_from_answer(&mut head.headers);
        }
        self.harden(&mut head.headers);
        route.settings.response_headers.apply(&mut head.headers);
        if upgraded.is_some() {
            head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            head.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        if admission.identity().is_some() && !head.headers.contains_key(http::header::CACHE_CONTROL) {
            head.headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("private"));
        }
        self.hand_over_renewed(&mut head.headers, admission);
        let events = seen.has(Field::ContentType)
            && head.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let open = events.then(|| Open::count(&self.shared.metrics.streams_open));
        Response::from_parts(head, ReplyBody::upstream(body, admission.verified().map(|verified| self.shared.attach(verified)), open))
    }

    /// A renewed cookie goes with the answer.
    fn hand_over_renewed(&self, headers: &mut HeaderMap, admission: &Admission) {
        if let Some(renewed) = admission.renewed() {
            // A cookie in an answer that a cache keeps would be handed to strangers.
            headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
            self.cookies.set_access(headers, &renewed.access.token, &renewed.access.csrf, renewed.life, self.shared.clock.now());
        }
    }

    /// The security headers that every answer carries that does not say otherwise itself.
    pub(super) fn harden(&self, headers: &mut HeaderMap) {
        if let Some(hsts) = &self.hsts {
            headers.insert(http::header::STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
        for (name, value) in &self.settings.security_headers {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
}

/// Applications read `A_B` as `A-B`, and nginx drops such names for the same reason.
fn drop_underscored(headers: &mut HeaderMap) {
    let doomed: Vec<HeaderName> = headers.keys().filter(|name| name.as_str().contains('_')).cloned().collect();
    for name in doomed {
        headers.remove(name);
    }
}
