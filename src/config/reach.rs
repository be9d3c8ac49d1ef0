use std::time::Duration;

use http::HeaderValue;
use reqwest::Url;

use super::parse;
use super::section::Section;
use super::url as urls;
use crate::base::Fault;
use crate::provider::{BreakerSettings, ReachSettings};

/// Reads how an SSO is reached, over what holds unless said.
pub(super) fn read(section: &Section<'_>, default: ReachSettings) -> ReachSettings {
    let (shortest, longest) = (Duration::from_millis(100), Duration::from_secs(120));
    let total_timeout = section.duration("timeout", shortest, longest).map_or(default.total_timeout, |at| at.value);
    let connect = section.duration("connect_timeout", shortest, longest);
    if let Some(connect) = connect.as_ref().filter(|connect| connect.value > total_timeout) {
        let message = format!("`connect_timeout` is longer than `timeout`, which is {}", parse::show(total_timeout));
        section.reader.mismatch(Fault::new(message).at(connect.span.clone()));
    }
    let user_agent = section.read("user_agent", |text| match HeaderValue::from_str(text) {
        Ok(_) if !text.is_empty() => Ok(text.to_owned()),
        Ok(_) | Err(_) => Err(Fault::new("a header cannot hold this")),
    });
    let small = |at: Option<super::value::At<u64>>, default: usize| at.and_then(|at| usize::try_from(at.value).ok()).unwrap_or(default);
    ReachSettings {
        connect_timeout: connect.map_or(default.connect_timeout.min(total_timeout), |at| at.value),
        total_timeout,
        max_body: small(section.size("max_body", 1 << 10, 16 << 20), default.max_body),
        extra_ca: section.certificates("ca").or(default.extra_ca),
        user_agent: user_agent.map_or(default.user_agent, |at| at.value),
        max_concurrency: small(section.number("max_concurrency", 1, 10_000), default.max_concurrency),
        queue_wait: section.duration("queue_wait", Duration::ZERO, longest).map_or(default.queue_wait, |at| at.value),
        breaker: BreakerSettings {
            failures: section
                .number("breaker_failures", 0, 1000)
                .and_then(|at| u32::try_from(at.value).ok())
                .unwrap_or(default.breaker.failures),
            pause: section.duration("breaker_pause", shortest, Duration::from_secs(3600)).map_or(default.breaker.pause, |at| at.value),
        },
        dangerous_plain_http: section.flag("dangerous_plain_http", default.dangerous_plain_http),
    }
}

/// The URL that passwords are sent to.
pub(super) fn url(section: &Section<'_>, key: &'static str, plain: bool, preset: Option<&Url>, help: &str) -> Option<Url> {
    if preset.is_none() {
        section.require(key, help);
    }
    let given = section.read(key, |text| {
        if plain {
            urls::absolute_or_plain(text)?
        } else {
            urls::absolute(text)?
        };
        Url::parse(text).map_err(|error| Fault::new(format!("{text:?} is not a URL: {error}")))
    });
    if let Some(at) = given.as_ref().filter(|at| urls::absolute(at.value.as_str()).is_err()) {
        let fault = Fault::new("everybody on the way to this address can read the passwords").at(at.span.clone());
        section.reader.warn(fault.help("`dangerous_plain_http` allows it"));
    }
    if section.has(key) { given.map(|at| at.value) } else { preset.cloned() }
}
