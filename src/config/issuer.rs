//! `[[issuer]]`: others whose tokens some routes take; and what a scoped key of `[auth]` says about its application's.

use std::time::Duration;

use super::keys;
use super::provider::Providers;
use super::section::Section;
use super::url;
use super::value::At;
use crate::base::Fault;
use crate::gateway::{Scope, ScopedKey};
use crate::identity::{IdRule, ProviderName, Realm};
use crate::routing::{HostName, PathPrefix};
use crate::token::{ClaimMap, ForeignKeys, ForeignSettings, KeySettings, Needs};

/// How far another issuer's clock may be off unless said.
const LEEWAY: Duration = Duration::from_secs(30);
/// The same for an application behind us: as far as our own tokens are dated back for it.
const OF_APPLICATIONS: Duration = Duration::from_secs(5);
/// How old a foreign token may grow unless said: ends of people are remembered for so long.
const LONGEST: Duration = Duration::from_secs(86_400);
const MOST_LEEWAY: Duration = Duration::from_secs(300);
const MOST_LONGEST: Duration = Duration::from_secs(90 * 86_400);

/// Reads every `[[issuer]]`.
pub(super) fn read(root: &Section<'_>, providers: &Providers) -> Vec<At<ForeignSettings>> {
    let mut issuers: Vec<At<ForeignSettings>> = Vec::new();
    for section in root.tables("issuer", "[[issuer]]").unwrap_or_default() {
        let Some(issuer) = issuer(&section, providers) else { continue };
        if issuers.iter().any(|other| other.value.name == issuer.name) {
            section.reader.mismatch(section.at(Fault::new(format!("two issuers have the name {:?}", issuer.name.as_str()))));
        } else if issuers.iter().any(|other| other.value.issuer == issuer.issuer) {
            section.reader.mismatch(section.at(Fault::new("another [[issuer]] has the same `iss`: a token would have two makers")));
        } else if issuers.iter().any(|other| other.value.realm == issuer.realm) {
            section.reader.mismatch(section.at(Fault::new("another [[issuer]] has the same realm: two people would be one")));
        }
        issuers.push(At { value: issuer, span: section.place().unwrap_or(0..0) });
    }
    issuers
}

fn issuer(section: &Section<'_>, providers: &Providers) -> Option<ForeignSettings> {
    section.require("name", "a short name, by which routes `accept` it");
    section.require("iss", "the `iss` of its tokens, letter by letter");
    section.require("audience", "what stands for this gateway in the `aud` of its tokens");
    let name = section.read("name", |text| match text {
        "flask" => Err(Fault::new("\"flask\" stands for the application's own tokens").help("choose another name")),
        _ => ProviderName::new(text).map_err(|error| Fault::new(format!("{text:?}: {error}"))),
    });
    let (iss, audience) = (section.text("iss"), section.text("audience"));
    let realm = section.read("realm", |text| Realm::new(text).map_err(|error| Fault::new(error.to_string())));
    let own = name.as_ref().and_then(|name| Realm::new(name.value.as_str()).ok());
    let realm = if section.has("realm") { realm.map(|at| at.value) } else { own };
    if let Some(taken) = realm.as_ref().filter(|realm| providers.good.iter().any(|provider| provider.value.realm() == *realm)) {
        let fault =
            section.at(Fault::new(format!("the realm {:?} is a provider's: this issuer could make anybody's token", taken.as_str())));
        section.reader.mismatch(fault.help("give the issuer a `realm` of its own; its people are written id@realm"));
        return None;
    }
    let keys = sources(section);
    let claims = claims(section);
    let leeway = section.duration("leeway", Duration::ZERO, MOST_LEEWAY).map_or(LEEWAY, |at| at.value);
    let longest = section.duration("max_age", Duration::from_secs(60), MOST_LONGEST).map_or(LONGEST, |at| at.value);
    let end = !section.flag("allow_no_exp", false);
    let id_rule = IdRule { extra: "._-+|~=".into(), longest: 128, fold_case: false };
    Some(ForeignSettings {
        name: name?.value,
        issuer: Some(iss?.value),
        audience: Some(audience?.value),
        realm: realm?,
        id_rule,
        keys: keys?,
        leeway,
        longest,
        claims,
        kept: Vec::new(),
        needs: Needs { id: false, kind: false, end },
        application: false,
    })
}

/// The one of `keys`, `jwks_file` and `jwks_url` that is there.
fn sources(section: &Section<'_>) -> Option<ForeignKeys> {
    let url = section.read("jwks_url", |text| url::absolute(text).map(|_| text.to_owned()));
    let set = section.public("jwks", "jwks_file");
    let has_keys = section.has("keys");
    let given = [section.has("jwks_url"), section.has("jwks") || section.has("jwks_file"), has_keys];
    let fixed: Vec<KeySettings> = if has_keys { keys::of_others(section) } else { Vec::new() };
    match given.into_iter().filter(|given| *given).count() {
        1 => {}
        0 => {
            let fault = section.at(Fault::new("[[issuer]] needs its keys"));
            section
                .reader
                .mismatch(fault.help("write `jwks_url`, `jwks_file`, or `keys = [{ kid = …, algorithm = …, public_key_file = … }]`"));
            return None;
        }
        _ => {
            section.reader.mismatch(section.at(Fault::new("the keys come from one place: `jwks_url`, `jwks_file` or `keys`")));
            return None;
        }
    }
    match (url, set) {
        (Some(url), _) => Some(ForeignKeys::Url(url.value)),
        (None, Some(set)) => match crate::token::KeyRing::from_key_set(set.value.as_bytes()) {
            Ok(_) => Some(ForeignKeys::Set(set.value)),
            Err(error) => {
                section.reader.fault(Fault::new(format!("this gives no keys: {error}")).at(set.span));
                None
            }
        },
        (None, None) => (!fixed.is_empty()).then_some(ForeignKeys::Fixed(fixed)),
    }
}

fn claims(section: &Section<'_>) -> ClaimMap {
    let map = section.section("claims", "[issuer.claims]");
    let claim = |key| map.text(key).map(|at| at.value.into_boxed_str());
    let subject = claim("sub").unwrap_or_else(|| "sub".into());
    ClaimMap { subject, groups: claim("groups"), name: claim("name"), email: claim("email") }
}

/// What an entry of `keys` in `[auth]` says when it has a `scope`: a key shared with the application on these routes.
pub(super) fn scoped(entry: &Section<'_>, key: KeySettings, providers: &Providers, primary: Option<&Realm>) -> Option<ScopedKey> {
    let scope = entry.list("scope", scope);
    let (iss, audience) = (entry.text("iss"), entry.text("audience"));
    let leeway = entry.duration("leeway", Duration::ZERO, MOST_LEEWAY).map_or(OF_APPLICATIONS, |at| at.value);
    let opens_sessions = entry.flag("opens_sessions", false);
    // A refresh token lives long, and so long its person's ends must be remembered.
    let usual = if opens_sessions { Duration::from_secs(30 * 86_400) } else { LONGEST };
    let longest = entry.duration("max_age", Duration::from_secs(60), MOST_LONGEST).map_or(usual, |at| at.value);
    let subject = entry.text("identity_claim").map_or_else(|| "sub".into(), |at| at.value.into_boxed_str());
    let needs = Needs {
        id: !entry.flag("allow_no_jti", false),
        kind: !entry.flag("allow_no_type", false),
        end: !entry.flag("allow_no_exp", false),
    };
    let scope: Vec<Scope> = scope?.into_iter().map(|at| at.value).collect();
    if scope.is_empty() {
        entry.reader.mismatch(entry.at(Fault::new("`scope` is empty, so this key is good nowhere").help("name paths of routes")));
        return None;
    }
    if opens_sessions {
        let note = "whoever holds this key can open sessions of this gateway in anybody's name, for every route";
        entry.reader.warn(entry.at(Fault::new(note).help("keep `opens_sessions` for the time in which old clients move over")));
    }
    let realm = primary?.clone();
    let rule = providers.good.iter().find(|provider| *provider.value.realm() == realm).map(|provider| provider.value.id_rule().clone());
    let reads = ForeignSettings {
        name: ProviderName::new("application").ok()?,
        issuer: iss.map(|at| at.value),
        audience: audience.map(|at| at.value),
        realm,
        id_rule: rule.unwrap_or_default(),
        keys: ForeignKeys::Fixed(vec![key.clone()]),
        leeway,
        longest,
        claims: ClaimMap { subject, ..ClaimMap::default() },
        kept: Vec::new(),
        needs,
        application: true,
    };
    Some(ScopedKey { key, scope, reads, opens_sessions })
}

/// `/path`, or `host/path`.
fn scope(text: &str) -> Result<Scope, Fault> {
    let wrong =
        |why: String| Fault::new(format!("{text:?}: {why}")).help("write a route's path, or host and path: \"grades.example.ac.kr/api\"");
    let at = text.find('/').ok_or_else(|| wrong("there is no path in it".to_owned()))?;
    let (host, path) = text.split_at(at);
    let host = if host.is_empty() { None } else { Some(HostName::new(host).map_err(|error| wrong(error.to_string()))?) };
    Ok(Scope { host, path: PathPrefix::new(path).map_err(|error| wrong(error.to_string()))? })
}
