//! The keys of `[auth]` that make the gateway look like flask-jwt-extended to clients that were written for it.

use http::HeaderName;

use super::section::Section;
use super::url;
use crate::base::Fault;
use crate::gateway::LibrarySettings;
use crate::routing::PathPrefix;

/// Reads them.
pub(super) fn read(auth: &Section<'_>) -> LibrarySettings {
    let errors = auth.word("error_profile", &[("munjigi", false), ("flask", true)]).is_some_and(|at| at.value);
    let mut library = LibrarySettings { errors, ..LibrarySettings::default() };
    if let Some(key) = auth.text("error_message_key") {
        library.message_key = key.value;
    }
    if let Some(places) = auth.list("token_places", |text| super::parse::word(text, &[("headers", 0), ("cookies", 1), ("query", 2)])) {
        let has = |place: u8| places.iter().any(|at| at.value == place);
        (library.places.headers, library.places.cookies) = (has(0), has(1));
        library.places.query = has(2).then(|| "jwt".to_owned());
        if places.is_empty() {
            auth.reader.mismatch(auth.at(Fault::new("`token_places` is empty, so nobody could show a token")));
        }
    }
    if let Some(name) = auth.text("token_query") {
        if library.places.query.is_none() {
            let fault = Fault::new("`token_query` has no effect: \"query\" is not among `token_places`").at(name.span.clone());
            auth.reader.mismatch(fault.help("tokens in addresses end up in logs and histories; leave both out if you can"));
        }
        library.places.query = Some(name.value);
    }
    let header = auth.read("token_header", |text| {
        let name = HeaderName::from_bytes(text.as_bytes()).map_err(|_| Fault::new(format!("{text:?} is no header's name")));
        let taken = ["host", "cookie", "connection", "content-length", "transfer-encoding", "origin"];
        name.and_then(|name| if taken.contains(&name.as_str()) { Err(Fault::new(format!("{name} has another meaning"))) } else { Ok(name) })
    });
    if let Some(header) = header {
        library.places.header = header.value;
    }
    if let Some(scheme) = auth.read("token_scheme", |text| {
        let good = text.len() <= 32 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if good {
            Ok(text.to_owned())
        } else {
            Err(Fault::new(format!("{text:?} is no scheme")).help("\"Bearer\", \"JWT\", or \"\" for a bare token"))
        }
    }) {
        library.places.scheme = Some(scheme.value).filter(|scheme| !scheme.is_empty());
    }
    library.renew_with_access = auth.word("renew_with", &[("refresh", false), ("access", true)]).is_some_and(|at| at.value);
    let paths = auth.list("refresh_paths", |text| {
        PathPrefix::new(text).map_err(|error| Fault::new(format!("{text:?}: {error}"))).map(|path| path.to_string())
    });
    library.refresh_paths = paths.into_iter().flatten().map(|at| at.value).collect();
    library.cors_origins = auth.list("cors_origins", url::origin).into_iter().flatten().map(|at| at.value).collect();
    library
}
