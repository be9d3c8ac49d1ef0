//! Slows down guessing and spares the SSO: budgets per account and per address that every entrance shares.
//!
//! It must never let a stranger lock an account's owner out for longer than configured.

use std::time::Duration;

/// What the operator wants of the throttle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Wrong attempts on one account that are free of waiting.
    pub account_burst: u32,
    /// After those, one attempt on the account per this span.
    pub account_every: Duration,
    /// Wrong attempts from one address (IPv6: one /64) that are free of waiting.
    pub address_burst: u32,
    /// After those, one attempt from the address per this span.
    pub address_every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { account_burst: 10, account_every: Duration::from_secs(30), address_burst: 50, address_every: Duration::from_secs(3) }
    }
}
