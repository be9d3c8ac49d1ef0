use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::UPGRADE;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::balance::{Balance, Choice};
use super::connection::Connection;
use super::error::find_cause;
use super::exchange::{Failure, Limits, Sent, exchange};
use super::lease::{Lease, Terms};
use super::pool::count;
use super::upload::Outgoing;
use super::{Breakage, Endpoint, Endpoints, LeasedBody, SendError, Settings, SetupError, framing};
use crate::identity::ProviderName;
use crate::web::{BodyFault, RequestBody};

/// A connection that is ours for one request.
struct Lent {
    connection: Connection,
    /// Whether it was used before.
    reused: bool,
    /// Since when it is ours.
    since: Instant,
}

/// A request on its way. The answer is boxed: hyper's future has room for the request, in case that it comes back.
struct Begun<A> {
    answer: Pin<Box<A>>,
    lease: Lease,
    replay: Option<Replay>,
    reused: bool,
    since: Instant,
}

/// A named pool of endpoints, as one configuration wants it. The endpoints themselves outlive it.
pub struct Upstream {
    settings: Settings,
    endpoints: Vec<Arc<Endpoint>>,
    balance: Balance,
}

impl Upstream {
    /// Finds or makes the endpoints. Reads files of certificate authorities: for start and reload, not for a worker.
    ///
    /// # Errors
    /// What is wrong with the endpoints as configured.
    pub fn new(settings: Settings, endpoints: &Endpoints) -> Result<Self, SetupError> {
        if settings.endpoints.is_empty() {
            return Err(SetupError::NoEndpoint(settings.name));
        }
        let found = settings.endpoints.iter().map(|address| endpoints.endpoint(address)).collect::<Result<_, _>>()?;
        let balance = Balance::new(settings.balancing, endpoints.workers());
        Ok(Self { settings, endpoints: found, balance })
    }

    /// The same endpoints with other limits: how long the head of an answer may take, and how long a body may stand still.
    #[must_use]
    pub fn with_limits(&self, response: Option<Duration>, idle: Option<Duration>) -> Self {
        let mut settings = self.settings.clone();
        settings.response_timeout = response.unwrap_or(settings.response_timeout);
        settings.idle_timeout = idle.unwrap_or(settings.idle_timeout);
        let balance = Balance::new(settings.balancing, self.balance.workers());
        Self { settings, endpoints: self.endpoints.clone(), balance }
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &ProviderName {
        &self.settings.name
    }

    /// Its endpoints, in the order of the configuration.
    pub fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.endpoints
    }

    /// Sends `request` to an endpoint and waits for the head of its answer. Called on the runtime of `worker`.
    ///
    /// The request's target must be in origin form and `Host` must be set; both go out as they are, as do all other headers
    /// except those that say how long the body is. Dropping the future, or the answer's body before its end, closes the
    /// connection, by which the upstream learns that nobody is waiting any more.
    ///
    /// Sent again, once, is a request that a kept connection did not take, because it had been closed at the other end:
    /// always if nothing of it was written; and if it was written, only when doing it twice is as good as doing it once and
    /// it has no body. Such a request goes to another endpoint, if there is one, when a new connection dies under it, too.
    /// An endpoint that takes no connection is passed over for the next one.
    ///
    /// # Errors
    /// Why there is no answer. Errors in the answer's body are told by the body.
    pub fn send(
        &self,
        request: Request<RequestBody>,
        worker: usize,
    ) -> impl Future<Output = Result<Response<LeasedBody>, SendError>> + Send {
        // What needs no waiting is done here and not in the future, which then needs no room for the request.
        let request = framing::prepare(request);
        let asks_upgrade = request.headers().contains_key(UPGRADE);
        let mut choice = self.balance.choose(&self.endpoints, worker);
        let mut next = match self.kept(&choice, worker) {
            Some(lent) => Ok(self.begin(request, lent, &choice, worker, true)),
            None => Err(Box::new(request)),
        };
        async move {
            let mut failures = 0;
            loop {
                let Begun { mut answer, mut lease, replay, reused, since } = match next {
                    Ok(begun) => begun,
                    Err(request) => {
                        // Boxed because it is large and rare: the future of every request would carry it.
                        let lent = Box::pin(self.lend(&mut choice, failures > 0, worker)).await?;
                        // An application that is killed takes its kept connections with it, and its listener a moment later: a
                        // new connection may die, too, before the request goes elsewhere. More than that is no accident.
                        self.begin(*request, lent, &choice, worker, failures < 2)
                    }
                };
                let Lease { connection, upload, .. } = &mut lease;
                let failure = match exchange(answer.as_mut(), connection.timer.as_mut(), upload.as_deref(), self.limits(), since).await {
                    Ok(answer) => {
                        choice.endpoint().health.good();
                        return accept(answer, lease, asks_upgrade);
                    }
                    Err(failure) => failure,
                };
                next = Err(Box::new(self.again(failure, reused, replay, &mut choice, worker)?));
                failures += 1;
            }
        }
    }

    /// Hands a request to a connection. It may be sent `again` if that is safe.
    fn begin(
        &self,
        request: Request<Outgoing>,
        lent: Lent,
        choice: &Choice<'_>,
        worker: usize,
        again: bool,
    ) -> Begun<impl Future<Output = Sent> + use<>> {
        let Settings { idle_timeout: idle, keep_alive: keep, max_idle: most, .. } = self.settings;
        let replay = if again { Replay::of(&request) } else { None };
        let shard = Arc::clone(choice.endpoint().shard(worker));
        let mut lease = Lease::new(shard, lent.connection, request.body().upload(), Terms { idle, keep, most });
        let answer = Box::pin(lease.connection.sender.try_send_request(request));
        Begun { answer, lease, replay, reused: lent.reused, since: lent.since }
    }

    /// An idle connection to the endpoint whose turn it is.
    fn kept(&self, choice: &Choice<'_>, worker: usize) -> Option<Lent> {
        let (shard, now) = (choice.endpoint().shard(worker), Instant::now());
        let connection = shard.take(now, self.settings.keep_alive)?;
        count(&shard.counts.reused);
        Some(Lent { connection, reused: true, since: now })
    }

    /// A connection to the endpoint whose turn it is: an idle one unless it must be `fresh`, else a new one, else the next
    /// endpoint's.
    async fn lend(&self, choice: &mut Choice<'_>, fresh: bool, worker: usize) -> Result<Lent, SendError> {
        loop {
            if let Some(lent) = if fresh { None } else { self.kept(choice, worker) } {
                return Ok(lent);
            }
            match choice.endpoint().connect(worker, self.settings.connect_timeout).await {
                Ok(connection) => return Ok(Lent { connection, reused: false, since: Instant::now() }),
                Err(error) if !choice.give_up() => return Err(error),
                Err(_error) => {}
            }
        }
    }

    /// The request once more, if that is safe after `failure`.
    fn again(
        &self,
        failure: Failure,
        reused: bool,
        replay: Option<Replay>,
        choice: &mut Choice<'_>,
        worker: usize,
    ) -> Result<Request<Outgoing>, SendError> {
        let endpoint = choice.endpoint();
        let counts = &endpoint.shard(worker).counts;
        match failure {
            Failure::Unsent(request, _) if reused => {
                count(&counts.retried);
                Ok(*request)
            }
            // A new connection that was closed before a word was said: as good as none.
            Failure::Unsent(request, _) if choice.give_up() => Ok(*request),
            Failure::Http(error) if reused && has_died(&error) => {
                count(if replay.is_some() { &counts.retried } else { &counts.lost });
                replay.and_then(Replay::into_request).ok_or_else(|| self.error(endpoint, Failure::Http(error)))
            }
            Failure::Http(error) if replay.is_some() && has_died(&error) && choice.give_up() => {
                // A new connection that died under a request that may be done twice: another endpoint may live.
                let error = self.error(endpoint, Failure::Http(error));
                endpoint.failed(&error);
                count(&counts.retried);
                replay.and_then(Replay::into_request).ok_or(error)
            }
            failure @ (Failure::Unsent(..) | Failure::Http(_) | Failure::ResponseTimeout | Failure::RequestStalled) => {
                let error = self.error(endpoint, failure);
                if error.endpoint().is_some() {
                    endpoint.failed(&error);
                }
                Err(error)
            }
        }
    }

    fn error(&self, endpoint: &Endpoint, failure: Failure) -> SendError {
        let Limits { response, idle } = self.limits();
        let endpoint = endpoint.shared_label();
        match failure {
            Failure::ResponseTimeout => SendError::ResponseTimeout { endpoint, within: response },
            Failure::RequestStalled => SendError::RequestStalled { endpoint, within: idle },
            Failure::Unsent(_, error) | Failure::Http(error) => match client_fault(&error) {
                Some(fault) => SendError::RequestBody(fault),
                None => SendError::Broken { endpoint, cause: Breakage::Http(error) },
            },
        }
    }

    const fn limits(&self) -> Limits {
        Limits { response: self.settings.response_timeout, idle: self.settings.idle_timeout }
    }
}

/// Judges the head of an answer and ties the body to its connection.
fn accept(answer: Response<Incoming>, mut lease: Lease, asks_upgrade: bool) -> Result<Response<LeasedBody>, SendError> {
    let (head, incoming) = answer.into_parts();
    let broken = |cause| SendError::Broken { endpoint: lease.endpoint(), cause };
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        if !asks_upgrade || !lease.is_sent() {
            return Err(broken(Breakage::UnaskedUpgrade));
        }
        return Ok(Response::from_parts(head, LeasedBody::tunnel(incoming, lease)));
    }
    framing::judge(&head.headers).map_err(broken)?;
    // After an answer in HTTP/1.0 hyper speaks 1.0 on that connection, where a request body of unknown length is lost.
    let limit = if head.version == Version::HTTP_11 { framing::keep_alive(&head.headers) } else { Some(Duration::ZERO) };
    lease.terms.keep = limit.map_or(lease.terms.keep, |limit| limit.min(lease.terms.keep));
    Ok(Response::from_parts(head, LeasedBody::new(incoming, lease)))
}

/// What is needed to send a request a second time, which hardly ever happens: its head as text in one piece of memory, which
/// takes a third of the time of a second map of headers.
struct Replay {
    method: Method,
    /// The target, and `name:value` for each header, each ended by a line feed, which can stand in none of them.
    head: Vec<u8>,
}

/// Room for the head of a usual request. What is longer moves.
const USUAL_HEAD: usize = 1024;

impl Replay {
    /// Only of a request that has no body and may be done twice (RFC 9110, section 9.2.2).
    fn of(request: &Request<Outgoing>) -> Option<Self> {
        let idempotent = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE);
        if !idempotent || !request.body().is_end_stream() {
            return None;
        }
        let target = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        let mut head = Vec::with_capacity(USUAL_HEAD);
        head.extend_from_slice(target.as_bytes());
        head.push(b'\n');
        for (name, value) in request.headers() {
            head.extend_from_slice(name.as_str().as_bytes());
            head.push(b':');
            head.extend_from_slice(value.as_bytes());
            head.push(b'\n');
        }
        Some(Self { method: request.method().clone(), head })
    }

    /// The same request; `None` if it cannot be read back, which does not happen.
    fn into_request(self) -> Option<Request<Outgoing>> {
        let mut request = Request::new(Outgoing::new(RequestBody::empty()));
        *request.method_mut() = self.method;
        let mut lines = self.head.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        *request.uri_mut() = Uri::try_from(lines.next()?).ok()?;
        for line in lines {
            let (name, value) = line.split_at(line.iter().position(|b| *b == b':')?);
            request.headers_mut().append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(&value[1..]).ok()?);
        }
        Some(request)
    }
}

/// Whether the connection ended, as it does when an idle one is closed at the other end just as we write. A bad answer is none of it.
fn has_died(error: &hyper::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    error.is_incomplete_message()
        || find_cause::<io::Error>(error)
            .is_some_and(|error| matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof))
}

/// Whether it was the client's body that broke.
fn client_fault(error: &hyper::Error) -> Option<BodyFault> {
    // Aborted: the body ended before the length it had announced.
    find_cause::<BodyFault>(error).copied().or_else(|| error.is_body_write_aborted().then_some(BodyFault::Client))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method) -> Request<Outgoing> {
        let lines = [("host", "a.test"), ("x-list", "one"), ("x-list", "two:\ttwo"), ("x-empty", "")];
        let builder =
            lines.iter().fold(Request::builder().method(method).uri("/x?y=1"), |builder, (name, value)| builder.header(*name, *value));
        let builder = builder.header("x-octets", HeaderValue::from_bytes(b"\xea\xb9\x80").unwrap());
        builder.body(Outgoing::new(RequestBody::empty())).unwrap()
    }

    #[test]
    fn the_second_request_is_the_first() {
        let first = request(Method::GET);
        let second = Replay::of(&first).unwrap().into_request().unwrap();
        assert_eq!((second.method(), second.uri()), (first.method(), first.uri()));
        assert_eq!(second.headers(), first.headers());
    }

    #[test]
    fn what_is_not_to_be_done_twice_is_not_kept() {
        assert!(Replay::of(&request(Method::POST)).is_none());
    }
}
