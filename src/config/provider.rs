use std::path::PathBuf;
use std::time::Duration;

use http::Method;

use super::parse;
use super::reader::Section;
use super::settings::{BandiSsoSettings, ContactSettings, HttpFormSettings, Placement, ProviderKind, ProviderSettings};
use super::url;
use super::value::At;
use crate::base::Fault;
use crate::identity::{IdRule, ProviderName, Realm};
use crate::routing::HostName;

/// What `[provider.…]` says.
pub(super) struct Providers {
    /// Those without fault, in the order of the file, each with the place of its name.
    pub(super) good: Vec<At<ProviderSettings>>,
    /// The names of all, with and without fault.
    pub(super) names: Vec<String>,
}

#[derive(Clone, Copy)]
enum Kind {
    HttpForm,
    BandiSso,
    Local,
}

/// Reads every `[provider.NAME]`.
pub(super) fn read(root: &Section<'_>) -> Providers {
    let sections = root.named("provider", "[provider.NAME]");
    let names = sections.iter().map(|(name, _)| name.value.to_owned()).collect();
    let good: Vec<At<ProviderSettings>> = sections.iter().filter_map(|(name, section)| provider(name, section)).collect();
    for (nth, provider) in good.iter().enumerate() {
        if let Some(other) = good[..nth].iter().find(|other| other.value.realm == provider.value.realm) {
            compare(root, provider, &other.value);
        }
    }
    Providers { good, names }
}

/// Two providers of one realm know the same people by the same ids; accounts that people make themselves never do.
fn compare(root: &Section<'_>, one: &At<ProviderSettings>, other: &ProviderSettings) {
    let (realm, name) = (&one.value.realm, &other.name);
    let is_local = |provider: &ProviderSettings| matches!(provider.kind, ProviderKind::Local);
    if is_local(&one.value) != is_local(other) {
        let fault = Fault::new(format!("local accounts cannot share the realm {:?} with [provider.{name}]", realm.as_str()));
        let help = "an account somebody makes could then pass for somebody else's; give one of them another `realm`";
        root.reader.mismatch(fault.at(one.span.clone()).help(help));
    } else if one.value.id_rule != other.id_rule {
        let fault = Fault::new(format!("[provider.{name}] has the realm {:?} too, and other rules for its ids", realm.as_str()));
        root.reader
            .mismatch(fault.at(one.span.clone()).help("`id_characters`, `id_longest` and `id_fold_case` have to be the same in both"));
    }
}

fn provider(name: &At<&str>, section: &Section<'_>) -> Option<At<ProviderSettings>> {
    let good_name = ProviderName::new(name.value).map_err(|error| {
        let fault = Fault::new(format!("{:?} cannot name a provider: {error}", name.value));
        section.reader.fault(fault.at(name.span.clone()).help("use lower-case letters, digits and \"-\""));
    });
    let kind = section.word("kind", &[("http-form", Kind::HttpForm), ("bandi-sso", Kind::BandiSso), ("local", Kind::Local)]);
    let Some(kind) = kind else {
        if !section.has("kind") {
            let fault = section.at(Fault::new(format!("{} needs `kind`", section.title)));
            section.reader.mismatch(fault.help("\"http-form\", \"bandi-sso\" or \"local\""));
        }
        // Which keys there are depends on the kind.
        section.silence();
        return None;
    };
    let realm = section.read("realm", |text| Realm::new(text).map_err(|error| Fault::new(error.to_string())));
    let preset = match kind.value {
        Kind::HttpForm | Kind::BandiSso => section.word("preset", &[("mju", "mju")]).map(|at| at.value),
        Kind::Local => None,
    };
    let default_realm = || Realm::new(preset.unwrap_or(name.value)).ok();
    let id_rule = id_rule(section);
    let kind = match kind.value {
        Kind::HttpForm => http_form(section, preset.is_some()).map(|settings| ProviderKind::HttpForm(Box::new(settings))),
        Kind::BandiSso => bandi_sso(section, preset.is_some()).map(|settings| ProviderKind::BandiSso(Box::new(settings))),
        Kind::Local => Some(ProviderKind::Local),
    };
    let realm = realm.map(|at| at.value).or_else(default_realm)?;
    Some(At { value: ProviderSettings { name: good_name.ok()?, realm, id_rule, kind: kind? }, span: name.span.clone() })
}

fn id_rule(section: &Section<'_>) -> IdRule {
    let default = IdRule::default();
    let extra = section.read("id_characters", |text| match text.chars().find(|c| !c.is_ascii_punctuation() || matches!(c, '@' | ':')) {
        Some(c) => Err(Fault::new(format!("{c:?} cannot be a character of an id"))
            .help("letters and digits are allowed anyway; name others, but not \"@\" and \":\", which part an id from its realm")),
        None => Ok(text.into()),
    });
    IdRule {
        extra: extra.map_or(default.extra, |at| at.value),
        longest: section.number("id_longest", 1, 255).and_then(|at| usize::try_from(at.value).ok()).unwrap_or(default.longest),
        fold_case: section.flag("id_fold_case", default.fold_case),
    }
}

fn http_form(section: &Section<'_>, mju: bool) -> Option<HttpFormSettings> {
    let needed = |key: &'static str, preset: &str, help: &str| {
        if mju {
            return Some(section.text(key).map_or_else(|| preset.to_owned(), |at| at.value));
        }
        section.require(key, help);
        section.text(key).map(|at| at.value)
    };
    let target = target(section, mju.then_some("https://sso1.mju.ac.kr/mju/userCheck.do"));
    let id_field = needed("id_field", "id", "the field that carries the id");
    let password_field = needed("password_field", "passwrd", "the field that carries the password");
    let code_field = needed("code_field", "error", "the member of the JSON answer that says how it went");
    let method = section.word("method", &[("POST", false), ("GET", true)]);
    let placements = [("form", Placement::Form), ("json", Placement::Json), ("headers", Placement::Headers)];
    let placement = section.word("placement", &placements).map(|at| at.value).unwrap_or_default();
    let is_get = method.as_ref().is_some_and(|at| at.value);
    if let Some(method) = method.filter(|at| at.value && placement != Placement::Headers) {
        let fault = Fault::new("a GET has no body for the fields").at(method.span);
        section.reader.mismatch(fault.help("use method = \"POST\", or placement = \"headers\""));
    }
    let (success, notice) = codes(section, mju);
    let message_field = section.text("message_field").map(|at| at.value).or_else(|| mju.then(|| "error_message".to_owned()));
    let extra_fields = extra_fields(section);
    let contact = contact(section);
    Some(HttpFormSettings {
        method: if is_get { Method::GET } else { Method::POST },
        url: target?,
        placement,
        id_field: id_field?,
        password_field: password_field?,
        extra_fields,
        code_field: code_field?,
        success,
        notice,
        message_field,
        contact,
    })
}

/// The codes that mean yes. A code cannot mean two things.
fn codes(section: &Section<'_>, mju: bool) -> (Vec<String>, Vec<String>) {
    let code = |text: &str| if text.is_empty() { Err(Fault::new("a code is not empty")) } else { Ok(text.to_owned()) };
    let of = |preset: &str| if mju { vec![preset.to_owned()] } else { Vec::new() };
    if !mju {
        section.require("success", "the values of `code_field` when the password is right, as strings");
    }
    let success = section.list("success", code);
    let notice = section.list("notice", code);
    if success.as_ref().is_some_and(Vec::is_empty) {
        section.reader.fault(section.at(Fault::new("`success` is empty, so nobody could ever log in")));
    }
    for twice in notice.iter().flatten().filter(|notice| success.iter().flatten().any(|success| success.value == notice.value)) {
        let fault = Fault::new(format!("{:?} is among `success` and among `notice`", twice.value));
        section.reader.fault(fault.at(twice.span.clone()));
    }
    let values = |given: Option<Vec<At<String>>>, preset: &str| {
        given.map_or_else(|| of(preset), |list| list.into_iter().map(|at| at.value).collect())
    };
    (values(success, "0000"), values(notice, "VL-3130"))
}

fn extra_fields(section: &Section<'_>) -> Vec<(String, secrecy::SecretString)> {
    let Some(fields) = section.take("extra_fields") else { return Vec::new() };
    fields
        .entries()
        .into_iter()
        .filter_map(|(name, value)| {
            section.reader.hide(value.span());
            Some((name.to_owned(), value.text()?.into()))
        })
        .collect()
}

fn bandi_sso(section: &Section<'_>, mju: bool) -> Option<BandiSsoSettings> {
    let url = target(section, mju.then_some("https://sso.mju.ac.kr/sso/auth"));
    if !mju {
        section.require("client_id", "the service that is registered at the SSO");
        section.require("redirect_uri", "where that service takes its answer");
    }
    let client_id = section.text("client_id").map(|at| at.value).or_else(|| mju.then(|| "lms".to_owned()));
    let redirect_uri = section.read("redirect_uri", |text| url::absolute(text).map(|_| text.to_owned())).map(|at| at.value);
    let redirect_uri = redirect_uri.or_else(|| mju.then(|| "https://lms.mju.ac.kr/ilos/sso/sso_response.jsp".to_owned()));
    let host = |text: &str| HostName::new(text).map_err(|error| Fault::new(format!("{text:?}: {error}")));
    let allowed = section.list("allowed_hosts", host).map(|hosts| hosts.into_iter().map(|at| at.value).collect());
    let contact = contact(section);
    let url = url?;
    // The SSO's own host, unless more are named.
    let own = || url.parse::<http::Uri>().ok().and_then(|uri| HostName::new(uri.host()?).ok()).into_iter().collect();
    let allowed_hosts = allowed.unwrap_or_else(own);
    Some(BandiSsoSettings { url, client_id: client_id?, redirect_uri: redirect_uri?, allowed_hosts, contact })
}

fn target(section: &Section<'_>, preset: Option<&str>) -> Option<String> {
    if preset.is_none() {
        section.require("url", "the https URL that is asked");
    }
    let given = section.read("url", |text| url::absolute(text).map(|_| text.to_owned()));
    given.map(|at| at.value).or_else(|| preset.map(str::to_owned))
}

fn contact(section: &Section<'_>) -> ContactSettings {
    let ca: Option<At<PathBuf>> = section.path("ca");
    if let Some(ca) = ca.as_ref().filter(|ca| !ca.value.is_file()) {
        section
            .reader
            .fault(Fault::new(format!("{} is not there", ca.value.display())).at(ca.span.clone()).help("a PEM file with certificates"));
    }
    let longest = Duration::from_secs(120);
    let timeout = section.duration("timeout", Duration::from_millis(100), longest).map_or(Duration::from_secs(10), |at| at.value);
    let connect = section.duration("connect_timeout", Duration::from_millis(100), longest);
    if let Some(connect) = connect.as_ref().filter(|connect| connect.value > timeout) {
        let message = format!("`connect_timeout` is longer than `timeout`, which is {}", parse::show(timeout));
        section.reader.mismatch(Fault::new(message).at(connect.span.clone()));
    }
    let connect_timeout = connect.map_or(Duration::from_secs(3).min(timeout), |at| at.value);
    ContactSettings { connect_timeout, timeout, ca: ca.map(|at| at.value) }
}
