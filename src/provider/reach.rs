use std::error::Error;
use std::io;
use std::time::Duration;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Certificate, Client, Request, Response, Url, redirect, retry};

use super::{BreakerSettings, ProviderFault};

/// How an SSO is reached, and how far it is put up with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachSettings {
    /// Longest time for DNS, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Longest time for one login as a whole, all its requests together.
    pub total_timeout: Duration,
    /// Most bytes of one answer that are read.
    pub max_body: usize,
    /// Certificates in PEM that are trusted besides the system's: a private CA, or an intermediate that the server
    /// forgets to send (rustls does not fetch it by itself).
    pub extra_ca: Option<Vec<u8>>,
    /// What we call ourselves.
    pub user_agent: String,
    /// So many logins at a time; the others queue.
    pub max_concurrency: usize,
    /// For so long, at most.
    pub queue_wait: Duration,
    /// When it is left alone.
    pub breaker: BreakerSettings,
    /// Lets `http://` be used towards other machines: every password can then be read on the way.
    pub dangerous_plain_http: bool,
}

impl Default for ReachSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(10),
            max_body: 64 * 1024,
            extra_ca: None,
            user_agent: concat!("munjigi/", env!("CARGO_PKG_VERSION")).into(),
            max_concurrency: 64,
            queue_wait: Duration::from_secs(10),
            breaker: BreakerSettings::default(),
            dangerous_plain_http: false,
        }
    }
}

/// Why a provider cannot be set up as configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupFault {
    /// Not a URL we can ask.
    #[error("{0:?} is neither an https:// nor an http:// URL of a host")]
    Url(String),
    /// Passwords would travel in clear.
    #[error(
        "{0:?} is not https, so everybody on the way could read the passwords; use https, or say dangerous_plain_http = true if the way is safe"
    )]
    PlainHttp(String),
    /// The extra CA is no PEM certificate.
    #[error("the extra CA is not a certificate in PEM form")]
    ExtraCa,
    /// A field that is sent as a header cannot be a header's name.
    #[error("{0:?} cannot be the name of a header")]
    HeaderName(String),
    /// A configured value that is sent as a header cannot be one.
    #[error("the value of {0:?} cannot be sent as a header")]
    HeaderValue(String),
    /// A GET request has no body to put a form or JSON into.
    #[error("a GET request has no body: set the method to POST, or the placement to query or headers")]
    BodyWithGet,
    /// No answer would ever be a yes.
    #[error("no success code is configured, so nobody could log in")]
    NoSuccessCode,
    /// A setting that must not be empty is.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// The sign-in address does not say which service it is for.
    #[error("the sign-in address has no redirect_uri with a host, so a code for it could not be recognised")]
    RedirectUri,
    /// An allowed host is none.
    #[error("{0:?} is not a host, nor a host and a port")]
    Host(String),
    /// Several providers were to stand in for one another but do not know the same people.
    #[error("providers of one chain must be of one realm, but {0} is of another")]
    Realms(String),
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
}

/// Sends requests to an SSO and reads what comes back, as far as it is safe to read. Follows nothing, retries nothing,
/// keeps no cookie and no connection, and takes no proxy from the environment.
pub(super) struct Wire {
    client: Client,
    max_body: usize,
}

impl Wire {
    /// A wire for `urls`, all of which are looked at.
    pub(super) fn new(settings: &ReachSettings, urls: &[&Url]) -> Result<Self, SetupFault> {
        for url in urls {
            check_url(url, settings.dangerous_plain_http)?;
        }
        let extra = match &settings.extra_ca {
            Some(pem) => Certificate::from_pem_bundle(pem).ok().filter(|list| !list.is_empty()).ok_or(SetupFault::ExtraCa)?,
            None => Vec::new(),
        };
        let builder = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .no_gzip()
            .referer(false)
            .http1_only()
            // A kept connection that died meanwhile would turn a right password into a fault; a login is rare enough.
            .pool_max_idle_per_host(0)
            .connect_timeout(settings.connect_timeout.min(settings.total_timeout))
            .user_agent(&settings.user_agent);
        // Without TLS the system's certificates are not needed, and a machine may have none.
        let secure = urls.iter().any(|url| url.scheme() == "https");
        let builder = if secure { builder.tls_certs_merge(extra) } else { builder.tls_certs_only(extra) };
        let client = builder.build().map_err(|error| SetupFault::Client(root_cause(&error)))?;
        Ok(Self { client, max_body: settings.max_body })
    }

    /// The head of the answer.
    pub(super) async fn send(&self, request: Request) -> Result<Response, ProviderFault> {
        self.client.execute(request).await.map_err(|error| fault(&error.without_url()))
    }

    /// The body of the answer, if it is not too long and was not compressed (which we do not ask for: a short
    /// compressed body can grow without end).
    pub(super) async fn body(&self, mut response: Response) -> Result<Vec<u8>, ProviderFault> {
        let too_long = || ProviderFault::NotUnderstood(format!("its body is longer than {} bytes", self.max_body));
        if response.headers().get(CONTENT_ENCODING).is_some_and(|value| value != "identity") {
            return Err(ProviderFault::NotUnderstood("its body is compressed although that was not asked for".into()));
        }
        if response.content_length().is_some_and(|length| length > self.max_body as u64) {
            return Err(too_long());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error.without_url()))? {
            if body.len() + chunk.len() > self.max_body {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The `Content-Type`, when it is text.
pub(super) fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE)?.to_str().ok()
}

/// Where something points to, as far as it may be logged: no path and no query, which may hold secrets.
pub(super) fn origin_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn check_url(url: &Url, dangerous_plain_http: bool) -> Result<(), SetupFault> {
    let loopback = url.host_str().is_some_and(|host| {
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.to_canonical().is_loopback())
    });
    match url.scheme() {
        "https" if url.has_host() => Ok(()),
        "http" if loopback || (url.has_host() && dangerous_plain_http) => Ok(()),
        "http" if url.has_host() => Err(SetupFault::PlainHttp(origin_of(url))),
        _ => Err(SetupFault::Url(url.scheme().to_owned() + ":…")),
    }
}

/// What an operator should know of a failed exchange. Before the connection stands, the password was not sent.
fn fault(error: &reqwest::Error) -> ProviderFault {
    if !error.is_connect() {
        return ProviderFault::NotUnderstood(format!("the connection broke off: {}", root_cause(error)));
    }
    if error.is_timeout() {
        return ProviderFault::Unreachable("no connection could be made in time".into());
    }
    let cause = root_cause(error);
    ProviderFault::Unreachable(match layers(error).find_map(|layer| layer.downcast_ref::<rustls::Error>()) {
        Some(tls) => format!("TLS failed: {}{}", tls, tls_help(tls)),
        None if error.is_dns() => format!("its name cannot be resolved: {cause}"),
        None => cause,
    })
}

/// The error and what lies beneath it, layer by layer.
fn layers<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| beneath(*error))
}

/// An `io::Error` hides what it was made of: its `source` skips that.
fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// The innermost error, which is the one that says something. The outer ones repeat that a request failed.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    layers(error).last().map(ToString::to_string).unwrap_or_default()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign and open enum; only these need more than their own words")]
fn tls_help(error: &rustls::Error) -> &'static str {
    use rustls::{AlertDescription, CertificateError, Error};
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "; its certificate is from an unknown issuer, or it does not send the intermediate certificate: give that one as the extra CA"
        }
        Error::PeerIncompatible(_) | Error::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion) => {
            "; it may be too old: TLS 1.2 with forward secrecy is the least that is spoken here"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(url: &str) -> Result<(), SetupFault> {
        Wire::new(&ReachSettings::default(), &[&Url::parse(url).unwrap()]).map(drop)
    }

    #[test]
    fn passwords_do_not_travel_in_clear() {
        for url in ["http://127.0.0.1:1/", "http://[::1]/", "http://localhost/"] {
            assert_eq!(wire(url), Ok(()), "{url}");
        }
        for url in ["http://sso1.mju.ac.kr/", "http://127.0.0.1.example/", "http://localhost.example/", "http://10.0.0.1/"] {
            assert!(matches!(wire(url), Err(SetupFault::PlainHttp(_))), "{url}");
        }
        let careless = ReachSettings { dangerous_plain_http: true, ..ReachSettings::default() };
        assert!(Wire::new(&careless, &[&Url::parse("http://sso:8080/").unwrap()]).is_ok());
        assert!(matches!(wire("file:///etc/passwd"), Err(SetupFault::Url(_))));
    }

    #[test]
    fn an_extra_ca_must_be_one() {
        let settings = ReachSettings { extra_ca: Some(b"not a certificate".to_vec()), ..ReachSettings::default() };
        let url = Url::parse("http://localhost/").unwrap();
        assert_eq!(Wire::new(&settings, &[&url]).map(drop), Err(SetupFault::ExtraCa));
    }
}
