use std::time::Duration;

use super::listeners::{self, Listeners};
use super::parse;
use super::section::Section;
use super::value::At;
use crate::base::{Fault, TrustedProxies};
use crate::routing::HostName;
use crate::server::{PlainAddress, Settings as ServerSettings};
use crate::web::Pace;

/// What `[server]` says.
pub(super) struct Server {
    pub(super) settings: ServerSettings,
    pub(super) admin: Option<PlainAddress>,
    pub(super) trusted_proxies: TrustedProxies,
    pub(super) max_body: u64,
    pub(super) body_timeout: Duration,
    pub(super) body_min_rate: u64,
    pub(super) drain_body: u64,
    pub(super) max_target: usize,
    pub(super) aliases: bool,
    pub(super) portal: Option<At<HostName>>,
    pub(super) drain_delay: Duration,
}

/// Largest request body unless said, here or at the route.
const DEFAULT_MAX_BODY: u64 = 1 << 30;

/// Bytes for each second that a request body, and the reader of an answer, have to keep up over all.
const DEFAULT_MIN_RATE: u64 = 500;

/// How much of an unwanted body is read: an upload of the usual size ends, and its sender reads why it was refused.
const DEFAULT_DRAIN: u64 = 8 << 20;

/// Reads `[server]`.
pub(super) fn read(root: &Section<'_>) -> Server {
    let section = root.section("server", "[server]");
    section.moved("port", "it is a part of `listen`, as in listen = [\"0.0.0.0:8443\"]");
    section.moved("client_max_body_size", "write `max_body`");
    section.moved("ssl_certificate", "write `certificates` in [tls]");
    let (mut listeners, trusted_proxies) = listeners::read(&section);
    Server {
        admin: listeners.admin.take(),
        settings: sockets(&section, listeners),
        trusted_proxies,
        max_body: section.size("max_body", 0, u64::MAX).map_or(DEFAULT_MAX_BODY, |size| size.value),
        body_timeout: section.timeout("body_timeout", Duration::from_secs(30)),
        body_min_rate: section.size("body_min_rate", 0, 1 << 30).map_or(DEFAULT_MIN_RATE, |size| size.value),
        drain_body: section.size("drain_body", 0, 1 << 30).map_or(DEFAULT_DRAIN, |size| size.value),
        max_target: section.size("max_target", 1 << 10, 64 << 10).map_or(8 << 10, |size| whole(size.value)),
        aliases: section.flag("aliases", true),
        portal: section.read("portal", super::routes::host),
        drain_delay: section.duration("drain_delay", Duration::ZERO, Duration::from_secs(3600)).map_or(Duration::ZERO, |at| at.value),
    }
}

fn sockets(section: &Section<'_>, listeners: Listeners) -> ServerSettings {
    let acme_webroot = section.path("acme_webroot");
    if let (Some(webroot), false) = (&acme_webroot, section.has("redirect_http")) {
        let fault = Fault::new("`acme_webroot` is served by the plain listener, and there is none").at(webroot.span.clone());
        section.reader.mismatch(fault.help("write redirect_http = \"0.0.0.0:80\" too"));
    }
    let workers = section
        .take("workers")
        .and_then(|value| value.read(|text| if text == "auto" { Ok(None) } else { parse::number(text, 1, 1024).map(Some) }));
    ServerSettings {
        listen: listeners.listen,
        listen_plain: listeners.listen_plain,
        proxy_protocol: listeners.proxy_protocol,
        socket_mode: listeners.socket_mode,
        redirect_http: listeners.redirect_http,
        acme_webroot: acme_webroot.map(|at| at.value),
        workers: workers.and_then(|at| at.value).map(whole),
        handshake_timeout: section.timeout("handshake_timeout", Duration::from_secs(10)),
        header_timeout: section.timeout("header_timeout", Duration::from_secs(30)),
        send: Pace {
            idle: section.timeout("send_timeout", Duration::from_secs(60)),
            min_rate: section.size("send_min_rate", 0, 1 << 30).map_or(DEFAULT_MIN_RATE, |size| size.value),
        },
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
