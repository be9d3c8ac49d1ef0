use std::time::Duration;

use http::Method;

use super::provider::Providers;
use super::reader::nearest_of;
use super::section::Section;
use super::upstream::Upstreams;
use super::value::{At, Value};
use crate::base::Fault;
use crate::gateway::AliasSettings;
use crate::identity::{Group, ProviderName, Realm, Role, UserId};
use crate::routing::{Access, HostName, PathPrefix, RouteSettings, Unauthenticated};

/// Our own endpoints: no route can have them.
const OWN: [&str; 2] = ["/.auth", "/.well-known/jwks.json"];

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
pub(super) fn read(root: &Section<'_>, upstreams: &Upstreams, providers: &Providers, aliases: &AliasSettings) -> Vec<RouteSettings> {
    let Some(sections) = root.tables("route", "[[route]]") else {
        if !root.has("route") {
            let fault = Fault::new("there is no [[route]], so nothing is served");
            root.reader.mismatch(fault.help("write [[route]] with path = \"/\" and the name of an `upstream`"));
        }
        return Vec::new();
    };
    let mut routes: Vec<RouteSettings> = Vec::new();
    let mut used = Vec::new();
    for section in &sections {
        used.extend(section.take("upstream").and_then(|value| value.raw().as_str().map(str::to_owned)));
        let Some(route) = route(section, upstreams, providers) else { continue };
        shadowed(section, &route, aliases);
        if routes.iter().any(|other| same(other, &route)) {
            let fault = Fault::new(format!("another route has the same host, path and method: {}", shown(&route)));
            section.reader.mismatch(section.at(fault).help("take one out, or tell them apart by `host`, `path` or `methods`"));
        }
        routes.push(route);
    }
    for idle in upstreams.good.iter().filter(|upstream| !used.iter().any(|name| name == upstream.value.name.as_str())) {
        root.reader.warn(Fault::new(format!("no route leads to [upstream.{}]", idle.value.name)).at(idle.span.clone()));
    }
    routes
}

fn route(section: &Section<'_>, upstreams: &Upstreams, providers: &Providers) -> Option<RouteSettings> {
    section.require("upstream", "the name of an [upstream.…]");
    let host = section.read("host", host);
    let path = section.read("path", |text| PathPrefix::new(text).map_err(|error| Fault::new(format!("{text:?}: {error}"))));
    let methods = section.list("methods", method);
    if methods.as_ref().is_some_and(Vec::is_empty) {
        section.reader.mismatch(section.at(Fault::new("`methods` is empty, so nothing matches").help("leave it out for all methods")));
    }
    let upstream = section.read("upstream", |text| {
        if !upstreams.names.iter().any(|name| name == text) {
            let fault = Fault::new(format!("there is no [upstream.{text}]"));
            return Err(fault.help(nearest_of(text, &upstreams.names, "[upstream.…] sections")));
        }
        ProviderName::new(text).map_err(|error| Fault::new(format!("{text:?}: {error}")))
    });
    let answers = [("auto", Unauthenticated::Auto), ("redirect", Unauthenticated::Redirect), ("401", Unauthenticated::Refuse)];
    let unauthenticated = section.take("on_unauthenticated").and_then(|value| value.read(|text| super::parse::word(text, &answers)));
    let settings = RouteSettings {
        host: host.as_ref().map(|at| at.value.clone()),
        path: path.as_ref().map(|at| at.value.clone()).or_else(|| PathPrefix::new("/").ok())?,
        methods: methods.map(|methods| methods.into_iter().map(|at| at.value).collect()),
        access: section.take("access").map_or(Some(Access::default()), |value| access(&value, providers))?,
        upstream: upstream?.value,
        unauthenticated: unauthenticated.map(|at| at.value).unwrap_or_default(),
        allow_empty_segments: section.flag("allow_empty_segments", false),
        allow_underscore_headers: section.flag("allow_underscore_headers", false),
        max_body: section.size("max_body", 0, u64::MAX).map(|at| at.value),
        body_min_rate: section.size("body_min_rate", 0, 1 << 30).map(|at| at.value),
        request_timeout: section.duration("request_timeout", Duration::from_millis(100), Duration::from_secs(86_400)).map(|at| at.value),
    };
    // A host or path that could not be read leaves a route that says something else.
    let whole = section.has("host") == host.is_some() && section.has("path") == path.is_some();
    whole.then_some(settings)
}

fn host(text: &str) -> Result<HostName, Fault> {
    HostName::new(text).map_err(|error| {
        let fault = Fault::new(format!("{text:?}: {error}"));
        if text.contains(':') { fault.help("write the host without scheme and port") } else { fault }
    })
}

fn method(text: &str) -> Result<Method, Fault> {
    let method = Method::from_bytes(text.as_bytes()).map_err(|_| Fault::new(format!("{text:?} is no method")))?;
    if text.bytes().any(|b| b.is_ascii_lowercase()) {
        return Err(Fault::new(format!("{text:?} is no method: they are told apart by case"))
            .help(format!("write {:?}", text.to_ascii_uppercase())));
    }
    Ok(method)
}

/// `"public"`, `"signed-in"`, or a table of who may pass. A list that cannot be understood gives no rule at all.
fn access(value: &Value<'_>, providers: &Providers) -> Option<Access> {
    if !value.raw().is_table() {
        let words = [("public", true), ("signed-in", false)];
        let public = value.read_text(|text| {
            super::parse::word(text, &words).map_err(|fault| fault.help("write \"public\", \"signed-in\" or { groups = [\"staff\"] }"))
        });
        return public.map(|at| if at.value { Access::Public } else { Access::SignedIn });
    }
    let section = Section::of(value, "access");
    section.moved("group", "write `groups = [\"…\"]`");
    section.moved("user", "write `users = [\"realm:id\"]`");
    section.moved("role", "write `roles = [\"…\"]`");
    let users = section.list("users", |text| user(text, providers));
    let groups =
        section.list("groups", |text| Group::new(text).map_err(|error| Fault::new(format!("{text:?} cannot be a group: {error}"))));
    let roles = section.list("roles", |text| super::parse::word(text, &[("member", Role::Member), ("admin", Role::Admin)]));
    for (key, empty) in [
        ("users", users.as_ref().is_some_and(Vec::is_empty)),
        ("groups", groups.as_ref().is_some_and(Vec::is_empty)),
        ("roles", roles.as_ref().is_some_and(Vec::is_empty)),
    ] {
        if empty {
            section.reader.mismatch(section.at(Fault::new(format!("`{key}` is empty, so it lets nobody pass"))));
        }
    }
    if !["users", "groups", "roles", "user", "group", "role"].iter().any(|key| section.has(key)) {
        let fault = section.at(Fault::new("this access rule names nobody"));
        section.reader.mismatch(fault.help("name `users`, `groups` or `roles`, or write access = \"signed-in\""));
    }
    Some(Access::AnyOf { users: values(users), groups: values(groups), roles: values(roles) })
}

fn values<T>(list: Option<Vec<At<T>>>) -> Vec<T> {
    list.into_iter().flatten().map(|at| at.value).collect()
}

/// `realm:id`, in the canonical form of that realm.
fn user(text: &str, providers: &Providers) -> Result<UserId, Fault> {
    let realms: Vec<String> = providers.good.iter().map(|provider| provider.value.realm().to_string()).collect();
    let wrong = || {
        Fault::new(format!("{text:?} names no person"))
            .help(format!("write realm and id, as in \"{}:60241234\"", realms.first().map_or("mju", |realm| realm)))
    };
    let (realm, id) = text.split_once(':').ok_or_else(wrong)?;
    let realm = Realm::new(realm).map_err(|_| wrong())?;
    if let Some(provider) = providers.good.iter().find(|provider| *provider.value.realm() == realm) {
        return provider.value.id_rule().canonical(&realm, id).map_err(|error| Fault::new(format!("{text:?} names no person: {error}")));
    }
    if providers.good.len() < providers.names.len() {
        // The realm may be that of a provider with a fault of its own.
        return UserId::parse(text).map_err(|_| wrong());
    }
    Err(Fault::new(format!("no provider has the realm {:?}", realm.as_str())).help(nearest_of(realm.as_str(), &realms, "realms")))
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
    if !aliases.active(route.host.as_ref()) {
        return;
    }
    let switch = match &route.host {
        Some(host) => format!("write `aliases = false` in [host.\"{host}\"]"),
        None => "write `aliases = false` in [server], or name the route's `host` and switch them off for it in [host.\"…\"]".to_owned(),
    };
    let fault = Fault::new(format!("{alias} is an alias of the gateway's own page, so this route would never be reached")).at(at);
    section.reader.mismatch(fault.help(format!("{switch}; the page stays at /.auth{alias}")));
}

/// Whether no request could tell two routes apart.
fn same(one: &RouteSettings, other: &RouteSettings) -> bool {
    let methods = match (&one.methods, &other.methods) {
        (None, None) => true,
        (Some(one), Some(other)) => one.iter().any(|method| other.contains(method)),
        (None, Some(_)) | (Some(_), None) => false,
    };
    one.host == other.host && one.path == other.path && methods
}

fn shown(route: &RouteSettings) -> String {
    let host = route.host.as_ref().map_or("any host", HostName::as_str);
    format!("{host}, {}", route.path)
}
