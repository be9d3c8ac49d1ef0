//! Where the gateway listens, as `[server]` says it, and who is believed there.

use std::net::SocketAddr;

use super::parse;
use super::section::Section;
use super::value::At;
use crate::base::{Fault, TrustedProxies};
use crate::server::PlainAddress;

/// Where TLS is served unless said.
const DEFAULT_LISTEN: &str = "0.0.0.0:8443";

/// Who may connect to a socket file unless said: the gateway's user and group.
const DEFAULT_MODE: u32 = 0o660;

/// What a trusted proxy is called that comes through a socket file.
const SOCKET_FILES: &str = "unix:";

/// The addresses, none of them named twice.
pub(super) struct Listeners {
    pub(super) listen: Vec<SocketAddr>,
    pub(super) listen_plain: Vec<PlainAddress>,
    pub(super) proxy_protocol: Vec<PlainAddress>,
    pub(super) socket_mode: u32,
    pub(super) redirect_http: Option<SocketAddr>,
    pub(super) admin: Option<PlainAddress>,
}

/// Reads both.
pub(super) fn read(section: &Section<'_>) -> (Listeners, TrustedProxies) {
    let mut taken = Vec::new();
    let tcp = |at: &At<SocketAddr>| At { value: PlainAddress::Tcp(at.value), span: at.span.clone() };
    let listen = section.list("listen", parse::socket);
    let listen = listen.unwrap_or_else(|| parse::socket(DEFAULT_LISTEN).map(|value| At { value, span: 0..0 }).into_iter().collect());
    claim(section, &mut taken, listen.iter().map(tcp));
    let mut plain = section.list("listen_plain", |text| private_address(section, text)).unwrap_or_default();
    claim(section, &mut taken, plain.iter().cloned());
    let dangerous = section.list("dangerous_plain", parse::socket).unwrap_or_default();
    claim(section, &mut taken, dangerous.iter().map(tcp));
    for at in &dangerous {
        let fault = Fault::new(format!("everybody on the way to {} reads passwords and tokens, and can change what is asked", at.value));
        section.reader.warn(fault.at(at.span.clone()).help("`listen` speaks TLS; for a proxy on this machine there is `listen_plain`"));
    }
    plain.extend(dangerous.iter().map(tcp));
    let served = taken.clone();
    let redirect_http = section.read("redirect_http", parse::socket);
    claim(section, &mut taken, redirect_http.iter().map(tcp));
    let admin = section.read("admin", |text| private_address(section, text));
    claim(section, &mut taken, admin.iter().cloned());
    if listen.is_empty() && plain.is_empty() {
        let fault = Fault::new("the gateway listens nowhere");
        section.reader.mismatch(section.at(fault).help(format!("write listen = [\"{DEFAULT_LISTEN}\"] in [server]")));
    }
    let trusted = Trusted::read(section);
    let introduced = introduced(section, &served, &trusted);
    let mode = section.read("socket_mode", mode);
    if let Some(at) = mode.as_ref().filter(|at| at.value & 0o006 != 0 && trusted.socket_files) {
        let fault =
            Fault::new("everybody on this machine may connect, and \"unix:\" in `trusted_proxies` believes them").at(at.span.clone());
        section.reader.warn(fault.help("let the proxy's user be in the gateway's group, and write socket_mode = \"660\""));
    }
    for at in plain.iter().filter(|at| introduced.as_ref().is_some_and(|list| !list.contains(&at.value)) && !trusted.any_at(&at.value)) {
        let fault = Fault::new(format!("nobody who comes to {} is believed: all clients look like one, and like http", at.value));
        let name = if matches!(at.value, PlainAddress::Unix(_)) { ", as \"unix:\"" } else { "" };
        section.reader.warn(fault.at(at.span.clone()).help(format!("name the proxy in front in `trusted_proxies`{name}")));
    }
    let listeners = Listeners {
        listen: listen.into_iter().map(|at| at.value).collect(),
        listen_plain: plain.into_iter().map(|at| at.value).collect(),
        proxy_protocol: introduced.unwrap_or_default(),
        socket_mode: mode.map_or(DEFAULT_MODE, |at| at.value),
        redirect_http: redirect_http.map(|at| at.value),
        admin: admin.map(|at| at.value),
    };
    (listeners, TrustedProxies::new(trusted.networks, trusted.socket_files))
}

/// `trusted_proxies`, sorted.
struct Trusted {
    networks: Vec<ipnet::IpNet>,
    socket_files: bool,
    /// Something in it could not be read, so nothing can be said about what is missing.
    unclear: bool,
}

impl Trusted {
    fn read(section: &Section<'_>) -> Self {
        let named = section.list("trusted_proxies", |text| if text == SOCKET_FILES { Ok(None) } else { parse::trusted(text).map(Some) });
        let unclear = named.is_none() && section.has("trusted_proxies");
        let named = named.unwrap_or_default();
        Self {
            socket_files: named.iter().any(|at| at.value.is_none()),
            networks: named.into_iter().filter_map(|at| at.value).collect(),
            unclear,
        }
    }

    /// Whether anybody who can come to this place is believed.
    fn any_at(&self, place: &PlainAddress) -> bool {
        self.unclear
            || match place {
                PlainAddress::Tcp(_) => !self.networks.is_empty(),
                PlainAddress::Unix(_) => self.socket_files,
            }
    }
}

/// The listeners that expect a PROXY header; `None` when they cannot be read.
fn introduced(section: &Section<'_>, served: &[PlainAddress], trusted: &Trusted) -> Option<Vec<PlainAddress>> {
    let named = section.list("proxy_protocol", |text| address(section, text));
    let named = if section.has("proxy_protocol") { named? } else { Vec::new() };
    for at in &named {
        if !served.contains(&at.value) {
            let fault = Fault::new(format!("nothing listens on {}", at.value)).at(at.span.clone());
            section.reader.mismatch(fault.help("these are addresses of `listen` and `listen_plain`, written alike"));
        } else if !trusted.any_at(&at.value) {
            let fault = Fault::new(format!("nobody may write a PROXY header on {}: every connection would be refused", at.value));
            section.reader.mismatch(fault.at(at.span.clone()).help("name the proxy in front in `trusted_proxies`"));
        }
    }
    Some(named.into_iter().map(|at| at.value).collect())
}

/// A TCP address or a socket file.
fn address(section: &Section<'_>, text: &str) -> Result<PlainAddress, Fault> {
    let Some(path) = text.strip_prefix("unix:") else { return parse::socket(text).map(PlainAddress::Tcp) };
    let wrong = Fault::new("\"unix:\" is followed by a path");
    if path.is_empty() || path.ends_with('/') { Err(wrong) } else { Ok(PlainAddress::Unix(section.reader.resolve(path))) }
}

/// An address that only this machine can reach: a loopback address or a socket file.
fn private_address(section: &Section<'_>, text: &str) -> Result<PlainAddress, Fault> {
    let place = address(section, text)?;
    let PlainAddress::Tcp(address) = place else { return Ok(place) };
    if address.ip().to_canonical().is_loopback() {
        return Ok(place);
    }
    let fault = Fault::new(format!("{address} can be reached from other machines, and there is no TLS here"));
    Err(fault.help("use 127.0.0.1, [::1] or unix:/path; `listen` is the one that speaks TLS"))
}

/// Permission bits, as `chmod` takes them.
fn mode(text: &str) -> Result<u32, Fault> {
    let digits = text.strip_prefix('0').filter(|rest| rest.len() == 3).unwrap_or(text);
    let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| digits.len() == 3 && mode & 0o600 == 0o600);
    mode.ok_or_else(|| Fault::new(format!("{text:?} is no mode of a socket file")).help("write as in \"660\", \"600\" or \"666\""))
}

/// Reports an address that was asked for before. Port 0 is any free port, and so never taken.
fn claim(section: &Section<'_>, taken: &mut Vec<PlainAddress>, wanted: impl Iterator<Item = At<PlainAddress>>) {
    for At { value, span } in wanted {
        let any_port = matches!(value, PlainAddress::Tcp(address) if address.port() == 0);
        if taken.contains(&value) && !any_port {
            section.reader.fault(Fault::new(format!("{value} is listened on twice")).at(span));
        }
        taken.push(value);
    }
}
