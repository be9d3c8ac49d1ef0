use http::HeaderName;

use super::section::Section;
use super::value::At;
use crate::base::Fault;
use crate::web::{HeaderEncoding, IdentityHeaderSettings, IdentityItem};

/// Headers that mean something to the road itself, or that another part of the gateway writes.
const TAKEN: [&str; 23] = [
    "accept",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "proxy-authorization",
    "proxy-connection",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

const ITEMS: [(&str, IdentityItem); 6] = [
    ("user", IdentityItem::User),
    ("name", IdentityItem::Name),
    ("email", IdentityItem::Email),
    ("groups", IdentityItem::Groups),
    ("provider", IdentityItem::Provider),
    ("session", IdentityItem::Session),
];

/// Reads `[identity_headers]`: a preset, of which single headers may have other names, and how names are encoded.
pub(super) fn read(root: &Section<'_>) -> IdentityHeaderSettings {
    let section = root.section("identity_headers", "[identity_headers]");
    let presets = ["x-auth", "remote", "forwarded", "auth-request", "webauth", "custom"].map(|name| (name, name));
    let preset = section.word("preset", &presets).map_or("x-auth", |at| at.value);
    let mut settings = IdentityHeaderSettings::preset(preset).unwrap_or_default();
    let write = &mut settings.write;
    for (key, item) in ITEMS {
        let Some(At { value: name, span }) = section.read(key, header) else { continue };
        write.retain(|(_, of)| *of != item);
        if write.iter().any(|(other, _)| *other == name) {
            section.reader.fault(Fault::new(format!("the header {name} would say two things")).at(span));
        }
        write.push((name, item));
    }
    if preset == "custom" {
        section.require("user", "the header that names the person, as in \"X-Remote-User\"");
    }
    if let Some(At { value: name, span }) = section.read("assertion", header) {
        if settings.write.iter().any(|(other, _)| *other == name) {
            section.reader.fault(Fault::new(format!("the header {name} would say two things")).at(span));
        } else if !root.has("assertion") {
            let fault = Fault::new("there is no [assertion], so nothing is written into this header").at(span);
            section.reader.warn(fault.help("write [assertion] to have one signed for each application"));
        }
        settings.assertion = name;
    }
    let encodings = [("percent", HeaderEncoding::Percent), ("utf8", HeaderEncoding::Utf8), ("base64url", HeaderEncoding::Base64Url)];
    settings.encoding = section.word("encoding", &encodings).map(|at| at.value).unwrap_or_default();
    settings
}

fn header(text: &str) -> Result<HeaderName, Fault> {
    let name: HeaderName = text.parse().map_err(|_| Fault::new(format!("{text:?} is no header name")))?;
    if TAKEN.contains(&name.as_str()) {
        return Err(Fault::new(format!("{text:?} means something else already")).help("choose a name beginning with X-"));
    }
    // Many servers hand `X-User` and `X_User` to the application under one name, and clients can send the other one.
    if name.as_str().contains(['_', '.', '~']) {
        return Err(Fault::new(format!("{text:?} could be forged in another spelling")).help("use letters, digits and \"-\" only"));
    }
    Ok(name)
}
