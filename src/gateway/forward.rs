use std::time::Instant;

use http::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, LOCATION, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use hyper::body::{Body as _, Incoming};

use super::admit::Shown;
use super::record::Record;
use super::reply::{self, Reply, ReplyBody};
use super::tunnel::Open;
use super::{Admission, Gateway, Intake, Refusal, Route};
use crate::routing::Target;
use crate::upstream::LeasedBody;
use crate::web::{RequestBody, strip_hop_by_hop};

impl Gateway {
    /// The only road to an upstream. It takes what only [`Gateway::intake`] and [`Gateway::admit`] can make.
    pub(super) async fn forward(
        &self,
        mut intake: Intake,
        admission: Admission,
        route: &Route,
        record: &mut Record,
    ) -> Result<Reply, Refusal> {
        let Some(upstream) = &route.upstream else { return Ok(self.own_answer(&intake, &admission, route)) };
        let (target, headers) = self.outbound(&mut intake, &admission, route, record.id.as_str())?;
        let body = self.body(intake.body, route, record);
        let mut request = Request::new(body);
        *request.method_mut() = intake.method;
        *request.uri_mut() = target;
        *request.headers_mut() = headers;

        let asked = Instant::now();
        let answer = upstream.send(request, intake.peer.worker).await;
        record.upstream = Some(asked.elapsed());
        let answer = answer?;
        let websocket = if answer.status() == StatusCode::SWITCHING_PROTOCOLS { intake.upgrade } else { None };
        Ok(self.reply(answer, websocket, &admission, route))
    }

    /// What the upstream is told: the target, and all headers but those of the body's length.
    pub(super) fn outbound(
        &self,
        intake: &mut Intake,
        admission: &Admission,
        route: &Route,
        id: &str,
    ) -> Result<(Uri, HeaderMap), Refusal> {
        let settings = &route.settings;
        let path = settings.rewrite.apply(&intake.path)?;
        let target = match &intake.query {
            Some(query) => Uri::try_from(format!("{}?{query}", path.as_str())),
            None => Uri::try_from(path.as_str()),
        };
        let target = target.map_err(|_| Refusal::Internal("the canonical path is no request target"))?;
        let facts = intake.forwarding_facts();
        let mut headers = std::mem::take(&mut intake.headers);
        if !settings.allow_underscore_headers {
            drop_underscored(&mut headers);
        }
        self.cookies.strip(&mut headers);
        match admission.shown() {
            // Our token is ours: an application, or its log, has no use for it that is good.
            Shown::Header | Shown::SpentHeader => _ = headers.remove(AUTHORIZATION),
            Shown::Cookie | Shown::Nowhere => {}
        }
        settings.request_headers.apply(&mut headers);
        Intake::write_forwarding(&mut headers, &facts);
        if let Some(Ok(prefix)) = settings.rewrite.strip.as_ref().map(|prefix| HeaderValue::from_str(prefix.as_str())) {
            headers.insert("x-forwarded-prefix", prefix);
        }
        if let Some(host) = &settings.host_header {
            headers.insert(HOST, host.clone());
        }
        if let Some(identity) = admission.identity() {
            self.identity_headers.write(&mut headers, identity);
        }
        if let Ok(id) = HeaderValue::from_str(id) {
            headers.insert("x-request-id", id);
        }
        if intake.websocket {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        Ok((target, headers))
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

    fn body(&self, incoming: Option<Incoming>, route: &Route, record: &mut Record) -> RequestBody {
        let Some(incoming) = incoming.filter(|incoming| !incoming.is_end_stream()) else { return RequestBody::empty() };
        let (body, watch) =
            RequestBody::new(incoming, route.settings.max_body.unwrap_or(self.settings.max_body), self.settings.body_timeout);
        record.received = Some(watch);
        body
    }

    /// Hop-by-hop out, our headers and cookies in, the body streamed.
    fn reply(
        &self,
        mut answer: Response<LeasedBody>,
        websocket: Option<hyper::upgrade::OnUpgrade>,
        admission: &Admission,
        route: &Route,
    ) -> Reply {
        let upgraded = websocket.map(|client| {
            let upstream = hyper::upgrade::on(&mut answer);
            self.shared.tunnel(client, upstream, admission.verified());
        });
        let (mut head, body) = answer.into_parts();
        strip_hop_by_hop(&mut head.headers);
        self.cookies.strip_from_answer(&mut head.headers);
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
        let events = head.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
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

    /// The security headers that every answer carries.
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
    let doomed: Vec<http::HeaderName> = headers.keys().filter(|name| name.as_str().contains('_')).cloned().collect();
    for name in doomed {
        headers.remove(name);
    }
}
