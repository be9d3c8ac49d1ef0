use std::time::Duration;

use super::parse;
use super::provider::Providers;
use super::reader::nearest_of;
use super::section::Section;
use super::value::{At, Value};
use crate::base::Fault;
use crate::identity::{Group, Realm, Role, UserId};
use crate::routing::{Access, Rule};

/// The keys of a rule.
const KEYS: [&str; 11] = ["users", "id_prefix", "groups", "roles", "realms", "claims", "methods", "networks", "fresh", "all", "any"];

/// `"public"`, `"signed-in"`, or a table of who may pass. A list that cannot be understood gives no rule at all.
pub(super) fn access(value: &Value<'_>, providers: &Providers) -> Option<Access> {
    if !value.raw().is_table() {
        let words = [("public", true), ("signed-in", false)];
        let public = value.read_text(|text| {
            parse::word(text, &words).map_err(|fault| fault.help("write \"public\", \"signed-in\" or { groups = [\"staff\"] }"))
        });
        return public.map(|at| if at.value { Access::Public } else { Access::SignedIn });
    }
    Some(Access::Rule(Box::new(rule(&Section::of(value, "access"), providers))))
}

/// One table of a rule, and those inside it.
fn rule(section: &Section<'_>, providers: &Providers) -> Rule {
    section.moved("group", "write `groups = [\"…\"]`");
    section.moved("user", "write `users = [\"realm:id\"]`");
    section.moved("role", "write `roles = [\"…\"]`");
    section.moved("network", "write `networks = [\"10.0.0.0/8\"]`");
    let group = |text: &str| Group::new(text).map_err(|error| Fault::new(format!("{text:?} cannot be a group: {error}")));
    let roles = [("member", Role::Member), ("admin", Role::Admin)];
    let fresh = section.duration("fresh", Duration::from_secs(1), Duration::from_secs(86_400));
    let read = Rule {
        users: named(section, "users", |text| user(text, providers)),
        id_prefixes: named(section, "id_prefix", |text| user(text, providers).map(|user| (user.realm().clone(), user.id().into()))),
        groups: named(section, "groups", group),
        roles: named(section, "roles", |text| parse::word(text, &roles)),
        realms: named(section, "realms", |text| realm(text, providers)),
        claims: section.take("claims").map(|value| claims(&value)).unwrap_or_default(),
        methods: named(section, "methods", super::routes::method),
        networks: named(section, "networks", parse::network),
        fresh: fresh.map(|at| at.value),
        all: parts(section, "all", providers),
        any: parts(section, "any", providers),
    };
    if let Some(alone) = read.any.iter().find(|part| part.is_only_networks()) {
        let networks = alone.networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let fault = section.at(Fault::new(format!("being in {networks} would be enough here; networks only narrow")));
        section.reader.mismatch(fault.help("put `networks` beside what says who may pass, or outside of `any`"));
    }
    if !KEYS.iter().chain(&["user", "group", "role", "network"]).any(|key| section.has(key)) {
        let fault = section.at(Fault::new("this access rule names nobody"));
        section.reader.mismatch(fault.help("name `users`, `groups` or `roles`, or write access = \"signed-in\""));
    }
    read
}

/// A list that says something: an empty one would be read by people as nobody and by a rule as not said.
fn named<T>(section: &Section<'_>, key: &'static str, parse: impl Fn(&str) -> Result<T, Fault>) -> Vec<T> {
    let list = section.list(key, parse);
    if list.as_ref().is_some_and(Vec::is_empty) {
        section.reader.mismatch(section.at(Fault::new(format!("`{key}` is empty, so it lets nobody pass"))));
    }
    values(list)
}

/// `{ department = "cs", level = ["3", "4"] }`: each has to be said, with one of its values.
fn claims(value: &Value<'_>) -> Vec<(Box<str>, Vec<Box<str>>)> {
    let entries = value.entries();
    if value.raw().is_table() && entries.is_empty() {
        value.reader.fault(Fault::new("`claims` is empty, so it asks for nothing").at(value.span()));
    }
    let values = |value: &Value<'_>| -> Vec<Box<str>> {
        if value.raw().is_array() {
            let list = value.list(|text| Ok(text.into()));
            if list.as_ref().is_some_and(Vec::is_empty) {
                value.reader.fault(Fault::new("no value is named, so nobody passes").at(value.span()));
            }
            return values(list);
        }
        value.scalar().map(String::into_boxed_str).into_iter().collect()
    };
    entries.iter().map(|(name, value)| ((*name).into(), values(value))).collect()
}

fn parts(section: &Section<'_>, key: &'static str, providers: &Providers) -> Vec<Rule> {
    let parts = section.tables(key, "access");
    if parts.as_ref().is_some_and(Vec::is_empty) {
        section.reader.mismatch(section.at(Fault::new(format!("`{key}` is empty, so it lets nobody pass"))));
    }
    parts.into_iter().flatten().map(|part| rule(&part, providers)).collect()
}

fn realm(text: &str, providers: &Providers) -> Result<Realm, Fault> {
    let realms: Vec<String> = providers.good.iter().map(|provider| provider.value.realm().to_string()).collect();
    let realm = Realm::new(text).map_err(|error| Fault::new(format!("{text:?}: {error}")))?;
    if providers.good.len() < providers.names.len() || realms.iter().any(|known| known == realm.as_str()) {
        return Ok(realm);
    }
    Err(Fault::new(format!("no provider has the realm {text:?}")).help(nearest_of(text, &realms, "realms")))
}

fn values<T>(list: Option<Vec<At<T>>>) -> Vec<T> {
    list.into_iter().flatten().map(|at| at.value).collect()
}

/// `realm:id`, in the canonical form of that realm.
pub(super) fn user(text: &str, providers: &Providers) -> Result<UserId, Fault> {
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
