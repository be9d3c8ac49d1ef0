//! `[assertion]`: the signed word for applications about who asks.

use std::time::Duration;

use super::keys;
use super::section::Section;
use crate::token::{self, AssertionSettings};

/// Reads it. What it does not say follows the tokens: it is made by the same issuer, and dated back as far.
pub(super) fn read(root: &Section<'_>, tokens: Option<&token::Settings>, generate: bool) -> Option<AssertionSettings> {
    if !root.has("assertion") {
        return None;
    }
    let section = root.section("assertion", "[assertion]");
    let ttl = section.duration("ttl", Duration::from_secs(10), Duration::from_secs(3600));
    let keys = keys::of_assertions(&section, generate);
    let tokens = tokens?;
    Some(AssertionSettings {
        issuer: tokens.issuer.clone(),
        ttl: ttl.map_or(Duration::from_secs(60), |at| at.value),
        backdate: tokens.backdate,
        keys,
    })
}
