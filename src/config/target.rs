use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};

use super::reader::nearest_of;
use super::section::Section;
use super::upstream::Upstreams;
use super::value::Value;
use crate::base::Fault;
use crate::identity::ProviderName;
use crate::routing::{Fixed, HeaderEdits, PathPrefix, Redirect, Rewrite, Target};
use crate::web::IdentityHeaders;

/// Headers that belong to one connection, or that say how long a message is, or who is asked.
const FRAMING: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What answers on a route: exactly one of `upstream`, `respond` and `redirect`.
pub(super) fn read(section: &Section<'_>, upstreams: &Upstreams) -> Option<Target> {
    let (respond, redirected) = (section.take("respond"), section.take("redirect"));
    if respond.is_none() && redirected.is_none() {
        section.require("upstream", "the name of an [upstream.…]");
    }
    let upstream = section.read("upstream", |text| {
        if !upstreams.names.iter().any(|name| name == text) {
            let fault = Fault::new(format!("there is no [upstream.{text}]"));
            return Err(fault.help(nearest_of(text, &upstreams.names, "[upstream.…] sections")));
        }
        ProviderName::new(text).map_err(|error| Fault::new(format!("{text:?}: {error}")))
    });
    let said = ["upstream", "respond", "redirect"].into_iter().filter(|key| section.has(key)).count();
    if said > 1 {
        let fault = section.at(Fault::new("a route has one of `upstream`, `respond` and `redirect`"));
        section.reader.mismatch(fault.help("take the others out"));
        return None;
    }
    match (respond, redirected) {
        (Some(value), _) => fixed(&Section::of(&value, "respond")).map(Target::Fixed),
        (None, Some(value)) => redirect(&value).map(Target::Redirect),
        (None, None) => upstream.map(|at| Target::Upstream(at.value)),
    }
}

fn fixed(section: &Section<'_>) -> Option<Fixed> {
    let status = section.number("status", 200, 599).map_or(200, |at| at.value);
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok())?;
    if matches!(status.as_u16(), 204 | 304) && section.has("body") {
        section.reader.fault(section.at(Fault::new(format!("an answer with status {} has no body", status.as_u16()))));
    }
    let content_type = section.read("content_type", header_value);
    let body = section.read("body", |text| Ok(text.to_owned()));
    if (section.has("content_type") && content_type.is_none()) || (section.has("body") && body.is_none()) {
        return None;
    }
    Some(Fixed {
        status,
        content_type: content_type.map_or(HeaderValue::from_static("text/plain; charset=utf-8"), |at| at.value),
        body: body.map_or_else(Box::default, |at| at.value.into()),
    })
}

/// `"https://new.example/"`, or a table that says more.
fn redirect(value: &Value<'_>) -> Option<Redirect> {
    if !value.raw().is_table() {
        let to = value.read_text(place)?;
        return Some(Redirect { status: StatusCode::PERMANENT_REDIRECT, to: to.value.into(), keep_path: false });
    }
    let section = Section::of(value, "redirect");
    section.require("to", "where to, as in \"https://new.example.ac.kr/\"");
    let codes = [
        ("301", StatusCode::MOVED_PERMANENTLY),
        ("302", StatusCode::FOUND),
        ("303", StatusCode::SEE_OTHER),
        ("307", StatusCode::TEMPORARY_REDIRECT),
        ("308", StatusCode::PERMANENT_REDIRECT),
    ];
    let status = section.take("status").map(|value| value.read(|text| super::parse::word(text, &codes)));
    let to = section.read("to", place);
    let keep_path = section.flag("keep_path", false);
    let status = status.map_or(Some(StatusCode::PERMANENT_REDIRECT), |read| read.map(|at| at.value))?;
    Some(Redirect { status, to: to?.value.into(), keep_path })
}

/// A whole URL, or a path of the same host: never a reference that a browser would read as another host.
fn place(text: &str) -> Result<String, Fault> {
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let path = text.starts_with('/') && !text.starts_with("//");
    let url = text.parse::<http::Uri>().is_ok_and(|uri| matches!(uri.scheme_str(), Some("https" | "http")) && uri.host().is_some());
    if plain && (path || url) {
        return Ok(text.to_owned());
    }
    Err(Fault::new(format!("{text:?} is no place to send people to")).help("write a whole URL, or a path that begins with one \"/\""))
}

/// How the path is changed.
pub(super) fn rewrite(section: &Section<'_>, path: &str) -> Rewrite {
    let prefix = |text: &str| {
        let prefix = PathPrefix::new(text).map_err(|error| Fault::new(format!("{text:?}: {error}")))?;
        if prefix.as_str().is_empty() { Err(Fault::new("\"/\" changes nothing; leave it out")) } else { Ok(prefix) }
    };
    let strip = section.read("strip_prefix", prefix);
    if let Some(strip) = strip.as_ref().filter(|strip| !strip.value.contains(path)) {
        let fault = Fault::new(format!("no path of this route begins with {}", strip.value)).at(strip.span.clone());
        section.reader.mismatch(fault.help("`path` has to be this prefix or below it"));
    }
    Rewrite { strip: strip.map(|at| at.value), add: section.read("add_prefix", prefix).map(|at| at.value) }
}

/// `{ set = { "X-Name" = "value" }, remove = ["X-Other"] }`.
pub(super) fn edits(section: &Section<'_>, key: &'static str, ours: &IdentityHeaders) -> HeaderEdits {
    let Some(value) = section.take(key) else { return HeaderEdits::default() };
    let answers = key == "response_headers";
    let section = Section::of(&value, if answers { "response_headers" } else { "request_headers" });
    let set = section.take("set").map(|value| headers(&value, ours)).unwrap_or_default();
    if let Some((name, _)) = set.iter().find(|(name, _)| name == "set-cookie") {
        let fault = section.at(Fault::new(format!("{name} cannot be set: it would be the same for everybody")));
        section.reader.mismatch(fault);
    }
    let remove = section.list("remove", |text| name(text, ours)).into_iter().flatten().map(|at| at.value).collect();
    HeaderEdits { set, remove }
}

/// Names and values of headers.
pub(super) fn headers(value: &Value<'_>, ours: &IdentityHeaders) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (key, value) in value.entries() {
        match name(key, ours) {
            Ok(name) if headers.iter().any(|(other, _)| *other == name) => {
                value.reader.fault(Fault::new(format!("{name} is set twice")).at(value.key_span()));
            }
            Ok(name) => headers.extend(value.read_text(header_value).map(|at| (name, at.value))),
            Err(fault) => value.reader.fault(fault.at(value.key_span())),
        }
    }
    headers
}

/// A header that is nobody's but the operator's.
fn name(text: &str, ours: &IdentityHeaders) -> Result<HeaderName, Fault> {
    let name: HeaderName = text.parse().map_err(|_| Fault::new(format!("{text:?} is no header name")))?;
    if ours.is_reserved(name.as_str()) {
        return Err(Fault::new(format!("{text:?} says who asks or where from, which only the gateway does")));
    }
    if FRAMING.contains(&name.as_str()) {
        let fault = Fault::new(format!("{text:?} belongs to the connection"));
        return Err(if name == "host" { fault.help("write `host_header`") } else { fault });
    }
    Ok(name)
}

fn header_value(text: &str) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(text).map_err(|_| Fault::new("a header cannot hold this"))
}

/// A host, perhaps with a port, as it stands in `Host`.
pub(super) fn host_header(text: &str) -> Result<HeaderValue, Fault> {
    let authority = text.parse::<http::uri::Authority>().ok().filter(|authority| !authority.as_str().contains('@'));
    let wrong = || Fault::new(format!("{text:?} is no host")).help("write as in \"app.internal\" or \"app.internal:8080\"");
    HeaderValue::from_str(authority.ok_or_else(wrong)?.as_str()).map_err(|_| wrong())
}

/// A limit of a route in place of its upstream's.
pub(super) fn limit(section: &Section<'_>, key: &'static str) -> Option<Duration> {
    section.duration(key, Duration::from_millis(1), Duration::from_secs(86_400)).map(|at| at.value)
}
