use std::time::Duration;

use http::uri::Authority;

use super::provider::Common;
use super::reach;
use super::section::Section;
use crate::base::Fault;
use crate::provider::{BandiSsoSettings, PageParts, ReachSettings};

/// Reads a `[provider.NAME]` of the kind `bandi-sso`. Apart from the address there is a default for everything, since the
/// product is the same everywhere.
pub(super) fn read(section: &Section<'_>, common: Common) -> Option<BandiSsoSettings> {
    let mju = BandiSsoSettings::mju(common.name.clone());
    let reach = reach::read(section, ReachSettings { ..mju.reach });
    let help = "the sign-in address as a service gives it to browsers, with client_id, response_type and redirect_uri";
    let auth_url = reach::url(section, "url", reach.dangerous_plain_http, common.mju.then_some(&mju.auth_url), help);
    if let Some(url) = auth_url.as_ref().filter(|_| section.has("url")) {
        for missing in ["client_id", "redirect_uri"].into_iter().filter(|name| !url.query_pairs().any(|(key, _)| key == *name)) {
            let fault = Fault::new(format!("this sign-in address has no {missing}")).at(section.value_span("url").unwrap_or(0..0));
            section.reader.fault(fault.help("copy it from the browser, as one of the SSO's services opens it"));
        }
    }
    Some(BandiSsoSettings {
        name: common.name,
        realm: common.realm,
        id_rule: common.id_rule,
        allowed_hosts: section.list("allowed_hosts", host).map_or(mju.allowed_hosts, |list| list.into_iter().map(|at| at.value).collect()),
        parts: parts(section),
        notice_path: path(section, "notice_path", mju.notice_path),
        logout_path: path(section, "logout_path", mju.logout_path),
        max_steps: section.number("max_steps", 1, 50).and_then(|at| usize::try_from(at.value).ok()).unwrap_or(mju.max_steps),
        person_wait: section.duration("person_wait", Duration::ZERO, Duration::from_secs(120)).map_or(mju.person_wait, |at| at.value),
        reach,
        auth_url: auth_url?,
    })
}

/// A host, with a port when it is not the scheme's own.
fn host(text: &str) -> Result<String, Fault> {
    let good = text.parse::<Authority>().is_ok_and(|authority| !text.contains('@') && !authority.host().is_empty());
    if good {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(Fault::new(format!("{text:?} is no host")).help("write \"host\" or \"host:port\""))
    }
}

/// A path on the SSO; an empty string says that there is none.
fn path(section: &Section<'_>, key: &'static str, default: Option<String>) -> Option<String> {
    let given = section.read(key, |text| match text {
        "" => Ok(None),
        path if path.starts_with('/') => Ok(Some(path.to_owned())),
        other => Err(Fault::new(format!("{other:?} is no path")).help("a path begins with \"/\"; \"\" says that there is none")),
    });
    given.map_or(default, |at| at.value)
}

fn parts(section: &Section<'_>) -> PageParts {
    let default = PageParts::default();
    let parts = section.section("parts", "parts");
    let part = |key, default| parts.text(key).map_or(default, |at| at.value);
    PageParts {
        key: part("key", default.key),
        token: part("token", default.token),
        form: part("form", default.form),
        second_factor: part("second_factor", default.second_factor),
    }
}
