use super::section::Section;
use super::settings::ProviderSettings;
use super::value::At;
use super::{bandi_sso, http_form};
use crate::base::Fault;
use crate::identity::{DisplayName, IdRule, ProviderName, Realm};
use crate::provider::{FieldSettings, LocalSettings, Registration};

/// What `[provider.…]` says.
pub(super) struct Providers {
    /// Those without fault, in the order of the file, each with the place of its name.
    pub(super) good: Vec<At<ProviderSettings>>,
    /// The names of all, with and without fault.
    pub(super) names: Vec<String>,
}

/// What every kind of provider has.
pub(super) struct Common {
    pub(super) name: ProviderName,
    /// As said, else the preset's, else named as the provider.
    pub(super) realm: Realm,
    pub(super) id_rule: IdRule,
    /// Whether the rest is Myongji University's unless said.
    pub(super) mju: bool,
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
        if let Some(other) = good[..nth].iter().find(|other| other.value.realm() == provider.value.realm()) {
            compare(root, provider, &other.value);
        }
    }
    Providers { good, names }
}

/// Two providers of one realm know the same people by the same ids; accounts that people make themselves never do.
fn compare(root: &Section<'_>, one: &At<ProviderSettings>, other: &ProviderSettings) {
    let (realm, name) = (one.value.realm(), other.name());
    let is_local = |provider: &ProviderSettings| matches!(provider, ProviderSettings::Local(_));
    if is_local(&one.value) && is_local(other) {
        let fault = Fault::new(format!("[provider.{name}] holds the same accounts: those of the realm {:?}", realm.as_str()));
        root.reader.mismatch(fault.at(one.span.clone()).help("give one of them another `realm`, or take it out"));
    } else if is_local(&one.value) != is_local(other) {
        let fault = Fault::new(format!("local accounts cannot share the realm {:?} with [provider.{name}]", realm.as_str()));
        let help = "an account somebody makes could then pass for somebody else's; give one of them another `realm`";
        root.reader.mismatch(fault.at(one.span.clone()).help(help));
    } else if one.value.id_rule() != other.id_rule() {
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
    let Some(kind) = section.word("kind", &[("http-form", Kind::HttpForm), ("bandi-sso", Kind::BandiSso), ("local", Kind::Local)]) else {
        if !section.has("kind") {
            let fault = section.at(Fault::new(format!("{} needs `kind`", section.title)));
            section.reader.mismatch(fault.help("\"http-form\", \"bandi-sso\" or \"local\""));
        }
        // Which keys there are depends on the kind.
        section.silence();
        return None;
    };
    let mju = match kind.value {
        Kind::HttpForm | Kind::BandiSso => section.word("preset", &[("mju", ())]).is_some(),
        Kind::Local => false,
    };
    let realm = section.read("realm", |text| Realm::new(text).map_err(|error| Fault::new(error.to_string())));
    let realm = realm.map(|at| at.value).or_else(|| Realm::new(if mju { "mju" } else { name.value }).ok());
    let id_rule = id_rule(section);
    // A name that was refused still stands for itself, so that the rest of the section is looked at.
    let stand_in = || ProviderName::new("unnamed").ok();
    let common =
        Common { name: good_name.clone().ok().or_else(stand_in)?, realm: realm.or_else(|| Realm::new("unnamed").ok())?, id_rule, mju };
    let settings = match kind.value {
        Kind::HttpForm => http_form::read(section, common).map(|settings| ProviderSettings::HttpForm(Box::new(settings))),
        Kind::BandiSso => bandi_sso::read(section, common).map(|settings| ProviderSettings::BandiSso(Box::new(settings))),
        Kind::Local => {
            let Common { name, realm, id_rule, mju: _ } = common;
            let words = [("open", Registration::Open), ("approval", Registration::Approval), ("closed", Registration::Closed)];
            let registration = section.word("registration", &words).map(|at| at.value).unwrap_or_default();
            let shortest = section.number("password_shortest", 8, 64).and_then(|at| usize::try_from(at.value).ok());
            let fields = fields(section);
            let settings = LocalSettings { name, realm, id_rule, registration, shortest_password: shortest.unwrap_or(8), fields };
            Some(ProviderSettings::Local(Box::new(settings)))
        }
    };
    good_name.ok()?;
    Some(At { value: settings?, span: name.span.clone() })
}

/// What people are asked when they make an account, besides name and address.
fn fields(section: &Section<'_>) -> Vec<FieldSettings> {
    let mut fields: Vec<FieldSettings> = Vec::new();
    for entry in section.tables("fields", "[[provider.NAME.fields]]").unwrap_or_default() {
        entry.require("name", "what forms and files call it, as in \"department\"");
        entry.require("label", "what people are asked, as in \"학과\"");
        let name = entry.read("name", |text| {
            let plain =
                !text.is_empty() && text.len() <= 32 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if !plain {
                return Err(Fault::new(format!("{text:?} cannot name a field")).help("use lower-case letters, digits and \"_\""));
            }
            let taken = FieldSettings::TAKEN.contains(&text) || fields.iter().any(|other| other.name == text);
            if taken { Err(Fault::new(format!("there is a field {text:?} already"))) } else { Ok(text.to_owned()) }
        });
        let label =
            entry.read("label", |text| DisplayName::new(text).map_err(|error| Fault::new(format!("this cannot stand on a page: {error}"))));
        let required = entry.flag("required", true);
        if let (Some(name), Some(label)) = (name, label) {
            fields.push(FieldSettings { name: name.value, label: label.value, required });
        }
    }
    fields
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
