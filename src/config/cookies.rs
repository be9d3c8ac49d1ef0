//! The keys of `[auth]` about cookies: names, flags, and where requests that carry them may come from.

use http::Uri;

use super::section::Section;
use super::url;
use super::value::At;
use crate::base::Fault;
use crate::routing::HostName;
use crate::web::{CookieProfile, CookieSettings, CsrfSettings, SameSite};

/// Reads them. `plain`: somebody can come without TLS.
pub(super) fn read(auth: &Section<'_>, issuer: Option<&str>, plain: bool) -> (CookieSettings, CsrfSettings) {
    let profiles = [("host", CookieProfile::Host), ("flask", CookieProfile::Flask)];
    let profile = auth.word("cookies", &profiles).map(|at| at.value).unwrap_or_default();
    let origins = auth.list("trusted_origins", url::origin).unwrap_or_default();
    let field = auth.read("csrf_form_field", field);
    let cookies = CookieSettings { profile, same_site: same_site(auth), insecure: insecure(auth, plain), domain: domain(auth, issuer) };
    if cookies.insecure && cookies.same_site == SameSite::None {
        let fault = auth.at(Fault::new("browsers take no cookie that is SameSite=None and not Secure"));
        auth.reader.mismatch(fault.help("take out `dangerous_cookie_samesite_none` or `dangerous_cookie_insecure`"));
    }
    if profile == CookieProfile::Host {
        if cookies != CookieSettings::default() {
            let fault = auth.at(Fault::new("the cookies of the profile \"host\" are as strict as browsers allow, and stay so"));
            auth.reader.mismatch(fault.help("`cookie_samesite` and the `dangerous_cookie_…` settings are for cookies = \"flask\""));
        }
        if let Some(field) = &field {
            auth.reader.warn(Fault::new("this has no effect: only cookies = \"flask\" has a double submit").at(field.span.clone()));
        }
    }
    let trusted_origins = origins.into_iter().map(|at| at.value).collect();
    (cookies, CsrfSettings { trusted_origins, form_field: field.map(|at| at.value) })
}

fn same_site(auth: &Section<'_>) -> SameSite {
    let said = auth.read("cookie_samesite", |text| match text.to_ascii_lowercase().as_str() {
        "lax" => Ok(SameSite::Lax),
        "strict" => Ok(SameSite::Strict),
        "none" => {
            let fault = Fault::new("SameSite=None lets pages of every site send requests with the person's cookies");
            Err(fault.help("if a front end on another site needs that, write dangerous_cookie_samesite_none = true instead"))
        }
        _ => Err(Fault::new(format!("{text:?} is no value of SameSite")).help("\"lax\" or \"strict\"")),
    });
    if !auth.flag("dangerous_cookie_samesite_none", false) {
        return said.map(|at| at.value).unwrap_or_default();
    }
    if let Some(said) = said {
        let fault = Fault::new("`cookie_samesite` and `dangerous_cookie_samesite_none` contradict each other").at(said.span);
        auth.reader.mismatch(fault.help("take one of them out"));
    }
    let note = "pages of every site can send requests with the person's cookies; only the double submit stands between";
    auth.reader.warn(placed(auth, "dangerous_cookie_samesite_none", Fault::new(note)));
    SameSite::None
}

fn insecure(auth: &Section<'_>, plain: bool) -> bool {
    if !auth.flag("dangerous_cookie_insecure", false) {
        return false;
    }
    if plain {
        let note = "browsers send these cookies without TLS too, where anybody on the way can read them";
        auth.reader.warn(placed(auth, "dangerous_cookie_insecure", Fault::new(note).help("for development only")));
    } else {
        let fault = Fault::new("this gateway is reached with TLS only, so every browser that comes here keeps Secure cookies");
        let help = "take it out; JWT_COOKIE_SECURE = False was for applications reached with http:// (here: [server] `listen_plain`)";
        auth.reader.mismatch(placed(auth, "dangerous_cookie_insecure", fault.help(help)));
    }
    true
}

/// A domain whose every host is to get the cookies.
fn domain(auth: &Section<'_>, issuer: Option<&str>) -> Option<Box<str>> {
    let At { value: domain, span } = auth.read("dangerous_cookie_domain", |text| {
        let text = text.trim_start_matches('.');
        let wrong = |why: &str| {
            Fault::new(format!("{text:?} {why}")).help("write the domain that all the hosts share, as in \"lab.example.ac.kr\"")
        };
        let name = HostName::new(text).map_err(|error| wrong(&format!("is no domain: {error}")))?;
        let labels: Vec<&str> = name.as_str().split('.').collect();
        if name.as_str().starts_with('[') || labels.iter().all(|label| label.bytes().all(|b| b.is_ascii_digit())) {
            return Err(wrong("is an address, and cookies have no domain there"));
        }
        // Browsers keep a list of such (the public suffix list) and drop the cookie; the usual ones are told here.
        match labels[..] {
            [_] => Err(wrong("is a whole top-level domain: browsers drop such cookies")),
            ["ac" | "co" | "go" | "or" | "ne" | "re" | "pe" | "hs" | "ms" | "es" | "kg", "kr" | "jp" | "uk"] => {
                Err(wrong("belongs to everybody under it: browsers drop such cookies"))
            }
            _ => Ok(name),
        }
    })?;
    let host = issuer.and_then(|issuer| issuer.parse::<Uri>().ok()).and_then(|uri| uri.host().map(str::to_ascii_lowercase));
    if let Some(host) = host.filter(|host| host != domain.as_str() && !host.ends_with(&format!(".{domain}"))) {
        let fault = Fault::new(format!("{host} does not lie in {domain}, so no browser would take these cookies from there")).at(span);
        auth.reader.mismatch(fault.help("write a part of the host's own name, from some dot on"));
        return Some(domain.as_str().into());
    }
    let note = format!("every host under {domain} is sent these cookies, and whoever runs one of them can act as anybody who visits it");
    auth.reader.warn(Fault::new(note).at(span).help("leave it out if this gateway has one host"));
    Some(domain.as_str().into())
}

/// A name of a form's field that needs no escaping anywhere.
fn field(text: &str) -> Result<Box<str>, Fault> {
    let good = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if good { Ok(text.into()) } else { Err(Fault::new(format!("{text:?} is no field's name")).help("as in \"csrf_token\"")) }
}

fn placed(auth: &Section<'_>, key: &str, fault: Fault) -> Fault {
    match auth.value_span(key) {
        Some(at) => fault.at(at),
        None => fault,
    }
}
