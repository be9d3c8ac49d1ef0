use std::net::SocketAddr;
use std::time::Duration;

use super::parse;
use super::section::Section;
use super::value::At;
use crate::base::{Fault, TrustedProxies};
use crate::server::{PlainAddress, Settings as ServerSettings};

/// What `[server]` says.
pub(super) struct Server {
    pub(super) settings: ServerSettings,
    pub(super) listen_plain: Vec<PlainAddress>,
    pub(super) admin: Option<PlainAddress>,
    pub(super) trusted_proxies: TrustedProxies,
    pub(super) max_body: u64,
    pub(super) body_timeout: Duration,
    pub(super) body_min_rate: u64,
    pub(super) drain_body: u64,
    pub(super) max_target: usize,
    pub(super) aliases: bool,
    pub(super) drain_delay: Duration,
}

/// Where TLS is served unless said.
const DEFAULT_LISTEN: &str = "0.0.0.0:8443";

/// Largest request body unless said, here or at the route.
const DEFAULT_MAX_BODY: u64 = 1 << 30;

/// Bytes for each second that a request body has to keep up over all.
const DEFAULT_MIN_RATE: u64 = 500;

/// How much of an unwanted body is read: an upload of the usual size ends, and its sender reads why it was refused.
const DEFAULT_DRAIN: u64 = 8 << 20;

/// Reads `[server]`.
pub(super) fn read(root: &Section<'_>) -> Server {
    let section = root.section("server", "[server]");
    section.moved("port", "it is a part of `listen`, as in listen = [\"0.0.0.0:8443\"]");
    section.moved("client_max_body_size", "write `max_body`");
    section.moved("ssl_certificate", "write `certificates` in [tls]");
    let mut taken = Vec::new();
    let listen = section.list("listen", parse::socket);
    let listen = listen.unwrap_or_else(|| parse::socket(DEFAULT_LISTEN).map(|value| At { value, span: 0..0 }).into_iter().collect());
    claim(&section, &mut taken, listen.iter().map(|at| At { value: PlainAddress::Tcp(at.value), span: at.span.clone() }));
    let listen_plain = section.list("listen_plain", |text| private_address(&section, text)).unwrap_or_default();
    claim(&section, &mut taken, listen_plain.iter().cloned());
    let redirect_http = section.read("redirect_http", parse::socket);
    claim(&section, &mut taken, redirect_http.iter().map(|at| At { value: PlainAddress::Tcp(at.value), span: at.span.clone() }));
    let admin = section.read("admin", |text| private_address(&section, text));
    claim(&section, &mut taken, admin.iter().cloned());
    if listen.is_empty() && listen_plain.is_empty() {
        let fault = Fault::new("the gateway listens nowhere");
        section.reader.mismatch(section.at(fault).help(format!("write listen = [\"{DEFAULT_LISTEN}\"] in [server]")));
    }
    let trusted = section.list("trusted_proxies", parse::trusted).unwrap_or_default();
    Server {
        settings: sockets(&section, listen, redirect_http),
        listen_plain: listen_plain.into_iter().map(|at| at.value).collect(),
        admin: admin.map(|at| at.value),
        trusted_proxies: TrustedProxies::new(trusted.into_iter().map(|at| at.value).collect()),
        max_body: section.size("max_body", 0, u64::MAX).map_or(DEFAULT_MAX_BODY, |size| size.value),
        body_timeout: section.timeout("body_timeout", Duration::from_secs(30)),
        body_min_rate: section.size("body_min_rate", 0, 1 << 30).map_or(DEFAULT_MIN_RATE, |size| size.value),
        drain_body: section.size("drain_body", 0, 1 << 30).map_or(DEFAULT_DRAIN, |size| size.value),
        max_target: section.size("max_target", 1 << 10, 64 << 10).map_or(8 << 10, |size| whole(size.value)),
        aliases: section.flag("aliases", true),
        drain_delay: section.duration("drain_delay", Duration::ZERO, Duration::from_secs(3600)).map_or(Duration::ZERO, |at| at.value),
    }
}

fn sockets(section: &Section<'_>, listen: Vec<At<SocketAddr>>, redirect_http: Option<At<SocketAddr>>) -> ServerSettings {
    let acme_webroot = section.path("acme_webroot");
    if let (Some(webroot), false) = (&acme_webroot, section.has("redirect_http")) {
        let fault = Fault::new("`acme_webroot` is served by the plain listener, and there is none").at(webroot.span.clone());
        section.reader.mismatch(fault.help("write redirect_http = \"0.0.0.0:80\" too"));
    }
    let workers = section
        .take("workers")
        .and_then(|value| value.read(|text| if text == "auto" { Ok(None) } else { parse::number(text, 1, 1024).map(Some) }));
    ServerSettings {
        listen: listen.into_iter().map(|at| at.value).collect(),
        redirect_http: redirect_http.map(|at| at.value),
        acme_webroot: acme_webroot.map(|at| at.value),
        workers: workers.and_then(|at| at.value).map(whole),
        handshake_timeout: section.timeout("handshake_timeout", Duration::from_secs(10)),
        header_timeout: section.timeout("header_timeout", Duration::from_secs(30)),
        drain_timeout: section.timeout("drain_timeout", Duration::from_secs(30)),
        max_head: section.size("max_head", 8 << 10, 1 << 20).map_or(32 << 10, |size| whole(size.value)),
        max_headers: section.number("max_headers", 10, 1000).map_or(100, |number| whole(number.value)),
        max_connections: section.number("max_connections", 1, 10_000_000).map_or(20_000, |number| whole(number.value)),
        max_connections_per_address: section.number("max_connections_per_address", 1, 10_000_000).map(|number| whole(number.value)),
        max_streams: section.number("max_streams", 1, 10_000).and_then(|at| u32::try_from(at.value).ok()).unwrap_or(100),
    }
}

/// A number that was checked to be small.
fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// An address that only this machine can reach: a loopback address or a Unix socket.
fn private_address(section: &Section<'_>, text: &str) -> Result<PlainAddress, Fault> {
    if let Some(path) = text.strip_prefix("unix:") {
        let wrong = Fault::new("\"unix:\" is followed by a path");
        return if path.is_empty() || path.ends_with('/') { Err(wrong) } else { Ok(PlainAddress::Unix(section.reader.resolve(path))) };
    }
    let address = parse::socket(text)?;
    if address.ip().to_canonical().is_loopback() {
        return Ok(PlainAddress::Tcp(address));
    }
    let fault = Fault::new(format!("{address} can be reached from other machines, and there is no TLS here"));
    Err(fault.help("use 127.0.0.1, [::1] or unix:/path; `listen` is the one that speaks TLS"))
}

/// Reports an address that was asked for before. Port 0 is any free port, and so never taken.
fn claim(section: &Section<'_>, taken: &mut Vec<PlainAddress>, wanted: impl Iterator<Item = At<PlainAddress>>) {
    for At { value, span } in wanted {
        let any_port = matches!(value, PlainAddress::Tcp(address) if address.port() == 0);
        if taken.contains(&value) && !any_port {
            section.reader.fault(Fault::new(format!("{} is listened on twice", shown(&value))).at(span));
        }
        taken.push(value);
    }
}

fn shown(address: &PlainAddress) -> String {
    match address {
        PlainAddress::Tcp(address) => address.to_string(),
        PlainAddress::Unix(path) => format!("unix:{}", path.display()),
    }
}
