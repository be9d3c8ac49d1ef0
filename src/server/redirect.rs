use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, LOCATION, REFERER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::{Environment, Handler};
use crate::observe::{RequestId, RequestLine};
use crate::routing::HostName;
use crate::web::Peer;

/// Where certificate authorities look for their challenge (RFC 8555, section 8.3).
const CHALLENGES: &str = "/.well-known/acme-challenge/";

/// Largest challenge file. They are about a hundred bytes.
const LARGEST_CHALLENGE: u64 = 16 * 1024;

/// Answers plain HTTP: GET and HEAD are sent to https, anything else is refused, since it has already sent its secrets in
/// the clear and would do so again; challenges come from the folder.
pub(super) fn handler(https_port: u16, challenges: Option<PathBuf>, environment: &Environment) -> impl Handler {
    let redirect = Arc::new(Redirect { https_port, challenges, environment: environment.clone() });
    move |request: Request<Incoming>, peer: Arc<Peer>| {
        let redirect = Arc::clone(&redirect);
        async move {
            let response = redirect.answer(request.method(), request.uri(), request.headers()).await;
            redirect.write_line(&request, &response, &peer);
            response
        }
    }
}

struct Redirect {
    https_port: u16,
    challenges: Option<PathBuf>,
    environment: Environment,
}

impl Redirect {
    async fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response<Full<Bytes>> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return text(StatusCode::FORBIDDEN, "Only https is served here.\n");
        }
        let Some(host) = host(uri, headers) else {
            return text(StatusCode::BAD_REQUEST, "A request names one host.\n");
        };
        if let (Some(folder), Some(token)) = (&self.challenges, uri.path().strip_prefix(CHALLENGES)) {
            return challenge(folder, token).await;
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let port = if self.https_port == 443 { String::new() } else { format!(":{}", self.https_port) };
        let Ok(location) = HeaderValue::try_from(format!("https://{host}{port}{path}")) else {
            return text(StatusCode::BAD_REQUEST, "The path cannot be repeated.\n");
        };
        let mut response = text(StatusCode::PERMANENT_REDIRECT, "");
        response.headers_mut().insert(LOCATION, location);
        response
    }

    fn write_line(&self, request: &Request<Incoming>, response: &Response<Full<Bytes>>, peer: &Peer) {
        let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
        self.environment.access_log.write(&RequestLine {
            at: self.environment.clock.now(),
            address: peer.address,
            person: None,
            method: Some(request.method().as_str()),
            target: request.uri().path_and_query().map_or("/", |target| target.as_str()),
            protocol: request.version(),
            host: header(HOST),
            status: response.status().as_u16(),
            bytes_in: 0,
            bytes_out: http_body::Body::size_hint(response.body()).exact().unwrap_or(0),
            duration: Duration::ZERO,
            upstream: None,
            route: Some("redirect_http"),
            refusal: None,
            id: RequestId::next(),
            user_agent: header(USER_AGENT),
            referer: header(REFERER),
        });
    }
}

/// The one host a request names, without its port. None when there is no `Host`, more than one, one that is no host, or a
/// target that names another (RFC 9112, section 3.2): what we repeat into `Location` must not be somebody's choice.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<HostName> {
    let mut hosts = headers.get_all(HOST).iter();
    let (host, None) = (hosts.next()?.to_str().ok()?, hosts.next()) else {
        return None;
    };
    if uri.authority().is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(host)) {
        return None;
    }
    let port_at = host.rfind(':').filter(|at| !host[*at..].contains(']'));
    if let Some(at) = port_at {
        let port = &host[at + 1..];
        if !port.bytes().all(|b| b.is_ascii_digit()) || (!port.is_empty() && port.parse::<u16>().is_err()) {
            return None;
        }
    }
    HostName::new(&host[..port_at.unwrap_or(host.len())]).ok()
}

async fn challenge(folder: &std::path::Path, token: &str) -> Response<Full<Bytes>> {
    let not_there = || text(StatusCode::NOT_FOUND, "No such challenge.\n");
    // base64url and nothing else (RFC 8555, section 8.3): no way out of the folder.
    let good = (1..=200).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !good {
        return not_there();
    }
    match read_challenge(&folder.join(token)).await {
        Ok(Some(content)) => {
            let mut response = text(StatusCode::OK, "");
            *response.body_mut() = Full::new(content.into());
            response
        }
        Ok(None) | Err(_) => not_there(),
    }
}

async fn read_challenge(path: &std::path::Path) -> std::io::Result<Option<Vec<u8>>> {
    // Asked first: opening a named pipe would wait for its writer.
    if !tokio::fs::metadata(path).await?.is_file() {
        return Ok(None);
    }
    let mut content = Vec::new();
    File::open(path).await?.take(LARGEST_CHALLENGE + 1).read_to_end(&mut content).await?;
    Ok((content.len() as u64 <= LARGEST_CHALLENGE).then_some(content))
}

fn text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Nobody has more to ask here.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
