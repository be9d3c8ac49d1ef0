//! `accept` and `pass_token` of a route: whose tokens it takes beside ours, and which one its application is handed.

use super::reader::nearest_of;
use super::section::Section;
use crate::base::Fault;
use crate::gateway::Others;
use crate::identity::ProviderName;
use crate::routing::{HostPattern, PassForm, PathPattern, PathPrefix, RouteTokens};
use crate::token::KeyMaterial;

/// Reads both.
pub(super) fn read(section: &Section<'_>, host: Option<&HostPattern>, path: Option<&PathPattern>, others: &Others) -> RouteTokens {
    let mut tokens = RouteTokens::default();
    let names: Vec<String> = others.issuers.iter().map(|issuer| issuer.name.as_str().to_owned()).collect();
    for accepted in section.list("accept", |text| Ok(text.to_owned())).unwrap_or_default() {
        if accepted.value == "flask" {
            tokens.flask = true;
        } else if let Some(name) = ProviderName::new(&accepted.value).ok().filter(|_| names.contains(&accepted.value)) {
            tokens.issuers.push(name);
        } else {
            let fault = Fault::new(format!("there is no [[issuer]] with the name {:?}", accepted.value)).at(accepted.span);
            section.reader.mismatch(fault.help(nearest_of(&accepted.value, &names, "[[issuer]] sections, or \"flask\"")));
        }
    }
    let forms =
        [("true", Some(PassForm::Header)), ("header", Some(PassForm::Header)), ("cookies", Some(PassForm::Cookies)), ("false", None)];
    tokens.pass = section.take("pass_token").and_then(|value| value.read(|text| super::parse::word(text, &forms))).and_then(|at| at.value);
    tokens.dangerous_pass_refresh = section.flag("dangerous_pass_refresh", false);
    if tokens.dangerous_pass_refresh && tokens.pass.is_none() {
        let fault = section.at(Fault::new("`dangerous_pass_refresh` has no effect without `pass_token`"));
        section.reader.mismatch(fault.help("it makes the token that is passed a refresh token"));
    }
    let root = PathPrefix::new("/").ok().map(PathPattern::Below);
    let key = path.or(root.as_ref()).and_then(|path| others.key_of(host, path));
    if (tokens.flask || tokens.pass.is_some()) && key.is_none() {
        let fault = section.at(Fault::new("no key is shared with the application of this route"));
        section
            .reader
            .mismatch(fault.help("give an entry of [auth] keys the application's secret and scope = [\"…\"] with this route's path"));
        tokens.flask = false;
        tokens.pass = None;
    }
    if tokens.pass.is_some() && key.is_some_and(|key| key.key.verify_only || matches!(key.key.material, KeyMaterial::Public(_))) {
        let fault = section.at(Fault::new("the key of this route's application only checks, so no token can be made with it"));
        section.reader.mismatch(fault.help("take out `pass_token`, or give the key its secret or private part"));
        tokens.pass = None;
    }
    tokens
}
