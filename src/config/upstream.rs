use std::time::Duration;

use super::section::Section;
use super::url;
use super::value::At;
use crate::base::Fault;
use crate::identity::ProviderName;
use crate::routing::HostName;
use crate::upstream::{Address, Balancing, Settings};

/// What `[upstream.…]` says.
pub(super) struct Upstreams {
    /// Those without fault, each with the place of its name.
    pub(super) good: Vec<At<Settings>>,
    /// The names of all, with and without fault.
    pub(super) names: Vec<String>,
}

/// Reads every `[upstream.NAME]`.
pub(super) fn read(root: &Section<'_>) -> Upstreams {
    let sections = root.named("upstream", "[upstream.NAME]");
    if sections.is_empty() && !root.has("upstream") {
        let fault = Fault::new("there is no [upstream.NAME], so nothing to guard");
        root.reader.mismatch(fault.help("write [upstream.app] with servers = [\"http://127.0.0.1:3000\"]"));
    }
    Upstreams {
        names: sections.iter().map(|(name, _)| name.value.to_owned()).collect(),
        good: sections.iter().filter_map(|(name, section)| upstream(name, section)).collect(),
    }
}

fn upstream(name: &At<&str>, section: &Section<'_>) -> Option<At<Settings>> {
    let good_name = ProviderName::new(name.value).map_err(|error| {
        let fault = Fault::new(format!("{:?} cannot name an upstream: {error}", name.value));
        section.reader.fault(fault.at(name.span.clone()).help("use lower-case letters, digits and \"-\""));
    });
    section.moved("server", "write `servers = [\"http://127.0.0.1:3000\"]`");
    section.moved("url", "write `servers = [\"http://127.0.0.1:3000\"]`");
    section.require("servers", "where the application listens, as in [\"http://127.0.0.1:3000\"]");
    let given = section.list("servers", |text| url::endpoint(text, |path| section.reader.resolve(path)));
    let mut endpoints: Vec<Address> = Vec::new();
    for At { value, span } in given.iter().flatten().cloned() {
        if endpoints.contains(&value) {
            section.reader.fault(Fault::new("this server is named twice").at(span));
        } else {
            endpoints.push(value);
        }
    }
    if given.as_ref().is_some_and(Vec::is_empty) {
        section.reader.mismatch(section.at(Fault::new(format!("[upstream.{}] has no server", name.value))));
    }
    secure(section, &mut endpoints);
    let balances = [("round-robin", Balancing::RoundRobin), ("least-requests", Balancing::LeastRequests)];
    let settings = Settings {
        name: good_name.ok()?,
        endpoints,
        balancing: section.word("balance", &balances).map(|at| at.value).unwrap_or_default(),
        connect_timeout: section.timeout("connect_timeout", Duration::from_secs(3)),
        response_timeout: section.timeout("response_timeout", Duration::from_secs(60)),
        idle_timeout: section.timeout("idle_timeout", Duration::from_secs(60)),
        // Under the 5 s after which Node closes: whoever closes last gets no reset.
        keep_alive: section.duration("keep_alive", Duration::ZERO, Duration::from_secs(3600)).map_or(Duration::from_secs(4), |at| at.value),
        max_idle: section.number("max_idle", 0, 100_000).and_then(|at| usize::try_from(at.value).ok()).unwrap_or(32),
    };
    Some(At { value: settings, span: name.span.clone() })
}

/// How the certificates of `https` servers are checked.
fn secure(section: &Section<'_>, endpoints: &mut [Address]) {
    let name = section.read("server_name", |text| HostName::new(text).map_err(|error| Fault::new(format!("{text:?}: {error}"))));
    let authorities = section.path("ca");
    if let Some(path) = authorities.as_ref().filter(|path| !path.value.is_file()) {
        let fault = Fault::new(format!("{} is not there", path.value.display())).at(path.span.clone());
        section.reader.fault(fault.help("a PEM file with the certificates of those who sign for the servers"));
    }
    let unverified = section.flag("dangerous_skip_verification", false);
    if unverified {
        let fault = Fault::new("whoever stands between here and these servers can read and change everything");
        let span = section.value_span("dangerous_skip_verification").unwrap_or(0..0);
        section.reader.warn(fault.at(span).help("write `ca = \"…\"` with the certificate of the servers, or of who signed it"));
    }
    let mut any = false;
    for endpoint in endpoints {
        match endpoint {
            Address::Https { server_name, ca, dangerous_skip_verification, .. } => {
                *dangerous_skip_verification = unverified;
                any = true;
                *server_name = name.as_ref().map(|at| at.value.as_str().to_owned());
                *ca = authorities.as_ref().map(|at| at.value.clone());
            }
            Address::Http { .. } | Address::Unix { .. } => {}
        }
    }
    for span in [name.map(|at| at.span), authorities.map(|at| at.span)].into_iter().flatten().filter(|_| !any) {
        section.reader.warn(Fault::new("no server here is https, so this has no effect").at(span));
    }
}
