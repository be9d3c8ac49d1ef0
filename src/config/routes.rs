use std::time::Duration;

use http::Method;

use super::access::access;
use super::provider::Providers;
use super::section::Section;
use super::target;
use super::upstream::Upstreams;
use crate::base::Fault;
use crate::gateway::{AliasSettings, Others};
use crate::routing::{Access, HostName, HostPattern, PathPattern, PathPrefix, RouteSettings, Target, Unauthenticated, share_a_method};
use crate::web::IdentityHeaders;

/// Our own endpoints: no route can have them.
const OWN: [&str; 3] = ["/.auth", "/.well-known/jwks.json", "/.well-known/assertion-jwks.json"];

/// Reads every `[host."NAME"]`.
pub(super) fn read_aliases(root: &Section<'_>, default: bool) -> AliasSettings {
    let mut aliases = AliasSettings { default, hosts: Vec::new() };
    for (name, section) in root.named("host", "[host.NAME]") {
        let on = section.flag("aliases", default);
        match host(name.value) {
            Ok(host) if aliases.hosts.iter().any(|(other, _)| *other == host) => {
                section.reader.fault(Fault::new(format!("the host {host} is named twice")).at(name.span));
            }
            Ok(host) => aliases.hosts.push((host, on)),
            Err(fault) => section.reader.fault(fault.at(name.span)),
        }
    }
    aliases
}

/// Reads every `[[route]]`.
pub(super) fn read(
    root: &Section<'_>,
    upstreams: &Upstreams,
    providers: &Providers,
    aliases: &AliasSettings,
    portal: Option<&HostName>,
    ours: &IdentityHeaders,
    others: &Others,
) -> Vec<RouteSettings> {
    let Some(sections) = root.tables("route", "[[route]]") else {
        if !root.has("route") {
            let fault = Fault::new("there is no [[route]], so nothing is served");
            root.reader.mismatch(fault.help("write [[route]] with path = \"/\" and the name of an `upstream`"));
        }
        return Vec::new();
    };
    let mut routes: Vec<RouteSettings> = Vec::new();
    let (mut used, mut places) = (Vec::new(), Vec::new());
    for section in &sections {
        used.extend(section.take("upstream").and_then(|value| value.raw().as_str().map(str::to_owned)));
        let Some(route) = route(section, upstreams, providers, ours, others) else { continue };
        shadowed(section, &route, aliases);
        unreachable(section, &route);
        beside_portal(section, &route, portal);
        if routes.iter().any(|other| same(other, &route)) {
            let fault = Fault::new(format!("another route has the same host, path and method: {}", shown(&route)));
            section.reader.mismatch(section.at(fault).help("take one out, or tell them apart by `host`, `path` or `methods`"));
        }
        places.push(section.value_span("access").or_else(|| section.place()).unwrap_or(0..0));
        routes.push(route);
    }
    for (open, place) in routes.iter().zip(places).filter(|(route, _)| route.access == Access::Public) {
        above_guarded(root, open, &routes, place);
    }
    for idle in upstreams.good.iter().filter(|upstream| !used.iter().any(|name| name == upstream.value.name.as_str())) {
        root.reader.warn(Fault::new(format!("no route leads to [upstream.{}]", idle.value.name)).at(idle.span.clone()));
    }
    routes
}

fn route(
    section: &Section<'_>,
    upstreams: &Upstreams,
    providers: &Providers,
    ours: &IdentityHeaders,
    others: &Others,
) -> Option<RouteSettings> {
    let host = section.read("host", host_pattern);
    let path = section.read("path", |text| PathPattern::parse(text).map_err(|error| Fault::new(format!("{text:?}: {error}"))));
    let methods = section.list("methods", method);
    if methods.as_ref().is_some_and(Vec::is_empty) {
        section.reader.mismatch(section.at(Fault::new("`methods` is empty, so nothing matches").help("leave it out for all methods")));
    }
    let target = target::read(section, upstreams);
    let answers = [("auto", Unauthenticated::Auto), ("redirect", Unauthenticated::Redirect), ("401", Unauthenticated::Refuse)];
    let unauthenticated = section.take("on_unauthenticated").and_then(|value| value.read(|text| super::parse::word(text, &answers)));
    let settings = RouteSettings {
        tokens: super::route_tokens::read(section, host.as_ref().map(|at| &at.value), path.as_ref().map(|at| &at.value), others),
        host: host.as_ref().map(|at| at.value.clone()),
        path: path.as_ref().map(|at| at.value.clone()).or_else(|| PathPattern::parse("/").ok())?,
        methods: methods.map(|methods| methods.into_iter().map(|at| at.value).collect()),
        access: section.take("access").map_or(Some(Access::default()), |value| access(&value, providers))?,
        target: target?,
        rewrite: target::rewrite(section, path.as_ref().map_or("", |at| at.value.as_str())),
        request_headers: target::edits(section, "request_headers", ours),
        response_headers: target::edits(section, "response_headers", ours),
        host_header: section.read("host_header", target::host_header).map(|at| at.value),
        preflight: section.flag("preflight", false),
        unauthenticated: unauthenticated.map(|at| at.value).unwrap_or_default(),
        allow_empty_segments: section.flag("allow_empty_segments", false),
        allow_underscore_headers: section.flag("allow_underscore_headers", false),
        max_body: section.size("max_body", 0, u64::MAX).map(|at| at.value),
        body_min_rate: section.size("body_min_rate", 0, 1 << 30).map(|at| at.value),
        request_timeout: section.duration("request_timeout", Duration::from_millis(100), Duration::from_secs(86_400)).map(|at| at.value),
        response_timeout: target::limit(section, "response_timeout"),
        idle_timeout: target::limit(section, "idle_timeout"),
    };
    // A host or path that could not be read leaves a route that says something else.
    if settings.preflight && settings.methods.as_ref().is_some_and(|methods| !methods.contains(&Method::OPTIONS)) {
        let fault = section.at(Fault::new("`preflight` has no effect, since `methods` leaves OPTIONS out"));
        section.reader.mismatch(fault.help("add \"OPTIONS\" to `methods`"));
    }
    let whole = section.has("host") == host.is_some() && section.has("path") == path.is_some();
    whole.then_some(settings)
}

fn host_pattern(text: &str) -> Result<HostPattern, Fault> {
    match text.strip_prefix("*.") {
        Some(below) => host(below).map(HostPattern::Below),
        None => host(text).map(HostPattern::Exact),
    }
}

pub(super) fn host(text: &str) -> Result<HostName, Fault> {
    HostName::new(text).map_err(|error| {
        let fault = Fault::new(format!("{text:?}: {error}"));
        if text.contains(':') { fault.help("write the host without scheme and port") } else { fault }
    })
}

pub(super) fn method(text: &str) -> Result<Method, Fault> {
    let method = Method::from_bytes(text.as_bytes()).map_err(|_| Fault::new(format!("{text:?} is no method")))?;
    if text.bytes().any(|b| b.is_ascii_lowercase()) {
        return Err(Fault::new(format!("{text:?} is no method: they are told apart by case"))
            .help(format!("write {:?}", text.to_ascii_uppercase())));
    }
    Ok(method)
}

/// Says so when a route could never be reached, because the gateway itself answers there.
fn shadowed(section: &Section<'_>, route: &RouteSettings, aliases: &AliasSettings) {
    let at = section.value_span("path").or_else(|| section.place()).unwrap_or(0..0);
    let below = |own: &str| PathPrefix::new(own).is_ok_and(|own| own.contains(route.path.as_str()));
    if let Some(own) = OWN.into_iter().find(|own| below(own)) {
        let fault = Fault::new(format!("{own} is the gateway's own, so this route would never be reached")).at(at);
        section.reader.mismatch(fault.help("the application has to use another path"));
        return;
    }
    let Some(alias) = AliasSettings::PATHS.into_iter().find(|alias| below(alias)) else { return };
    let host = route.host.as_ref().and_then(HostPattern::exact);
    if !aliases.active(host) {
        return;
    }
    let switch = match host {
        Some(host) => format!("write `aliases = false` in [host.\"{host}\"]"),
        None => "write `aliases = false` in [server], or name the route's `host` and switch them off for it in [host.\"…\"]".to_owned(),
    };
    let fault = Fault::new(format!("{alias} is an alias of the gateway's own page, so this route would never be reached")).at(at);
    section.reader.mismatch(fault.help(format!("{switch}; the page stays at /.auth{alias}")));
}

/// Where one login serves several hosts, nobody may be sent on to a host that no route names; and the portal is no
/// application's.
fn beside_portal(section: &Section<'_>, route: &RouteSettings, portal: Option<&HostName>) {
    let Some(portal) = portal else { return };
    match route.host.as_ref().map(HostPattern::exact) {
        Some(Some(host)) if host == portal => {
            let fault = Fault::new(format!("{portal} is the `portal` in [server], so this route would never be reached"));
            let at = section.value_span("host").or_else(|| section.place()).unwrap_or(0..0);
            section.reader.mismatch(fault.at(at).help("give the application a host of its own"));
        }
        Some(Some(_)) => {}
        Some(None) | None if route.access == Access::Public => {}
        Some(None) | None => {
            let fault = section.at(Fault::new("with a `portal` in [server], a route that needs a login names one `host` in full"));
            section.reader.mismatch(fault.help("the portal hands logins to hosts that routes name, and to no others"));
        }
    }
}

/// Whether no request could tell two routes apart.
fn same(one: &RouteSettings, other: &RouteSettings) -> bool {
    one.host == other.host && one.path == other.path && share_a_method(one.methods.as_deref(), other.methods.as_deref())
}

fn shown(route: &RouteSettings) -> String {
    let host = route.host.as_ref().map_or_else(|| "any host".to_owned(), HostPattern::to_string);
    format!("{host}, {}", route.path)
}

/// Says so when nothing can ever come of a route.
fn unreachable(section: &Section<'_>, route: &RouteSettings) {
    let Some(methods) = &route.methods else { return };
    let never = |method: &Method| matches!(*method, Method::CONNECT | Method::TRACE);
    let at = section.value_span("methods").unwrap_or(0..0);
    if !methods.is_empty() && methods.iter().all(never) {
        let fault = Fault::new("the gateway refuses CONNECT and TRACE everywhere, so this route is never reached").at(at);
        section.reader.warn(fault);
    } else if let Access::Rule(rule) = &route.access
        && !rule.methods.is_empty()
        && !share_a_method(Some(&rule.methods), Some(methods))
    {
        section.reader.warn(Fault::new("`methods` of this route and of its access rule have none in common, so nobody passes").at(at));
    }
}

/// Says so when a public route is the one that takes whatever is not named below it, next to routes that are guarded.
fn above_guarded(root: &Section<'_>, open: &RouteSettings, routes: &[RouteSettings], place: std::ops::Range<usize>) {
    let PathPattern::Below(prefix) = &open.path else { return };
    let hosts = |other: &RouteSettings| match (&open.host, &other.host) {
        (None, _) => true,
        (Some(one), Some(other)) => one.covers(other),
        (Some(_), None) => false,
    };
    let guarded = routes.iter().find(|other| {
        let below = other.path.as_str() != prefix.as_str() && prefix.contains(other.path.as_str());
        other.access != Access::Public && hosts(other) && below && matches!(other.target, Target::Upstream(_))
    });
    if let Some(guarded) = guarded {
        let fault = Fault::new(format!("this public route stands above a guarded one ({})", shown(guarded))).at(place);
        root.reader.warn(fault.help("whatever below it is not named by another route is open to everybody"));
    }
}
