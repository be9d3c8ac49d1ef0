use http::{HeaderName, HeaderValue, Method};

use super::provider::Common;
use super::reach;
use super::section::Section;
use super::value::At;
use crate::base::Fault;
use crate::provider::{AnswerRule, HttpFormSettings, Placement, ReachSettings};

/// Reads a `[provider.NAME]` of the kind `http-form`. With the preset everything but the name has a default.
pub(super) fn read(section: &Section<'_>, common: Common) -> Option<HttpFormSettings> {
    let preset = common.mju.then(|| HttpFormSettings::mju(common.name.clone()));
    let preset = preset.as_ref();
    let reach = reach::read(section, preset.map_or_else(ReachSettings::default, |preset| preset.reach.clone()));
    let url = reach::url(section, "url", reach.dangerous_plain_http, preset.map(|preset| &preset.url), "the https URL that is asked");
    let field = |key, preset: Option<&String>, help| needed(section, key, preset, help);
    let id_field = field("id_field", preset.map(|preset| &preset.id_field), "the name under which the id is sent");
    let password_field = field("password_field", preset.map(|preset| &preset.password_field), "the name under which the password is sent");
    let (method, placement) = way(section);
    let extra = extra(section, placement, [id_field.as_ref(), password_field.as_ref()]);
    let answer = answer(section, preset.map(|preset| &preset.answer));
    Some(HttpFormSettings {
        name: common.name,
        realm: common.realm,
        id_rule: common.id_rule,
        method,
        url: url?,
        id_field: id_field?.value,
        password_field: password_field?.value,
        placement,
        extra,
        answer: answer?,
        reach,
    })
}

fn needed(section: &Section<'_>, key: &'static str, preset: Option<&String>, help: &str) -> Option<At<String>> {
    if preset.is_none() {
        section.require(key, help);
    }
    let given = section.text(key);
    let default = || preset.map(|preset| At { value: preset.clone(), span: section.place().unwrap_or(0..0) });
    if section.has(key) { given } else { default() }
}

/// The method, and where the fields go: what has no body can hold no form.
fn way(section: &Section<'_>) -> (Method, Placement) {
    let placements = [("form", Placement::Form), ("json", Placement::Json), ("headers", Placement::Headers), ("query", Placement::Query)];
    let placement = section.word("placement", &placements);
    if let Some(query) = placement.as_ref().filter(|at| at.value == Placement::Query) {
        let fault = Fault::new("passwords in a query stand in the logs of every machine on the way").at(query.span.clone());
        section.reader.warn(fault.help("use \"form\" if the service takes it"));
    }
    let placement = placement.map_or(Placement::Form, |at| at.value);
    let method = section.word("method", &[("POST", false), ("GET", true)]);
    let is_get = method.as_ref().is_some_and(|at| at.value);
    match (method, placement) {
        (Some(method), Placement::Form | Placement::Json) if method.value => {
            let fault = Fault::new("a GET has no body for the fields").at(method.span);
            section.reader.mismatch(fault.help("use method = \"POST\", or placement = \"headers\""));
        }
        (Some(_) | None, Placement::Form | Placement::Json | Placement::Headers | Placement::Query) => {}
    }
    (if is_get { Method::GET } else { Method::POST }, placement)
}

/// Fields that are always the same. In headers all names, and these values, have to be what headers can hold.
fn extra(section: &Section<'_>, placement: Placement, fields: [Option<&At<String>>; 2]) -> Vec<(String, String)> {
    let in_headers = placement == Placement::Headers;
    let no_name = |name: &str| in_headers && name.parse::<HeaderName>().is_err();
    for field in fields.into_iter().flatten().filter(|field| no_name(&field.value)) {
        section.reader.mismatch(Fault::new(format!("{:?} cannot name a header", field.value)).at(field.span.clone()));
    }
    let Some(table) = section.take("extra_fields") else { return Vec::new() };
    let mut extra = Vec::new();
    for (name, value) in table.entries() {
        // A service may want a key of its client's here.
        section.reader.hide(value.span());
        if no_name(name) {
            section.reader.mismatch(Fault::new(format!("{name:?} cannot name a header")).at(value.key_span()));
        }
        let Some(text) = value.text() else { continue };
        if in_headers && HeaderValue::from_str(&text).is_err() {
            section.reader.mismatch(Fault::new("a header cannot hold this").at(value.span()));
        }
        extra.push((name.to_owned(), text));
    }
    extra
}

/// Which answers are a yes. A code cannot mean two things.
fn answer(section: &Section<'_>, preset: Option<&AnswerRule>) -> Option<AnswerRule> {
    let code = |text: &str| if text.is_empty() { Err(Fault::new("a code is not empty")) } else { Ok(text.to_owned()) };
    let code_field =
        needed(section, "code_field", preset.map(|preset| &preset.code_field), "the member of the JSON answer that says how it went");
    if preset.is_none() {
        section.require("success", "the values of `code_field` when the password is right, as strings");
    }
    let (success, notice) = (section.list("success", code), section.list("notice", code));
    if success.as_ref().is_some_and(Vec::is_empty) {
        section.reader.fault(section.at(Fault::new("`success` is empty, so nobody could ever log in")));
    }
    let message_field = section.text("message_field").map(|at| at.value);
    let values = |given: Option<Vec<At<String>>>, default: Option<&Vec<String>>| match given {
        Some(list) => list,
        None => default.into_iter().flatten().map(|value| At { value: value.clone(), span: section.place().unwrap_or(0..0) }).collect(),
    };
    let success = values(success, preset.map(|preset| &preset.success));
    let notice = values(notice, preset.map(|preset| &preset.notice));
    for both in notice.iter().filter(|notice| success.iter().any(|success| success.value == notice.value)) {
        let fault = Fault::new(format!("{:?} is among `success` and among `notice`", both.value));
        section.reader.mismatch(fault.at(both.span.clone()).help("a code means one thing; name both lists"));
    }
    let plain = |list: Vec<At<String>>| list.into_iter().map(|at| at.value).collect();
    Some(AnswerRule {
        code_field: code_field?.value,
        success: plain(success),
        notice: plain(notice),
        message_field: message_field.or_else(|| preset.and_then(|preset| preset.message_field.clone())),
    })
}
