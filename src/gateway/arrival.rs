//! Notices a browser that comes back from a login without the cookies it was just given, so that it is told the cause
//! instead of the login page once more.
//!
//! No cookie can carry this mark (cookies are what is missing), and the address must not (it belongs to the application).
//! What is left is the browser's own word that it comes from the login page (`Referer`), beside our memory that somebody at
//! its address has just logged in. Both are needed: a reload long after a logout repeats the `Referer`, and two thousand
//! people share an address. Nothing is decided by it but which page is shown to somebody who is refused anyway.

use std::net::IpAddr;
use std::time::Duration;

use http::Uri;

use super::record::Record;

/// How long after a login somebody may still be on the way back.
const ON_THE_WAY: Duration = Duration::from_secs(20);

/// The addresses that have just logged in by a form.
pub(super) struct Arrivals(moka::sync::Cache<IpAddr, ()>);

impl Default for Arrivals {
    fn default() -> Self {
        Self(moka::sync::Cache::builder().max_capacity(10_000).time_to_live(ON_THE_WAY).build())
    }
}

impl Arrivals {
    /// Somebody has logged in and is sent on.
    pub(super) fn sent(&self, record: &Record) {
        self.0.insert(record.address.budget_key(), ());
    }

    /// Whether this request, which has no cookie of ours, comes straight from the login page after a login.
    pub(super) fn comes_back(&self, record: &Record) -> bool {
        record.referer().is_some_and(|referer| is_login_page(referer, record.host())) && self.0.contains_key(&record.address.budget_key())
    }
}

/// Whether a `Referer` is the login page of this host.
fn is_login_page(referer: &str, host: &str) -> bool {
    let Ok(uri) = referer.parse::<Uri>() else { return false };
    let here = uri.authority().is_some_and(|authority| authority.as_str().eq_ignore_ascii_case(host));
    here && matches!(uri.path(), "/login" | "/.auth/login")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_login_page_counts() {
        for (referer, wanted) in [
            ("https://gate.example/login?next=%2Fa", true),
            ("https://GATE.example/.auth/login", true),
            ("https://gate.example/", false),
            ("https://gate.example/a/login", false),
            ("https://evil.example/login", false),
            ("https://gate.example.evil.example/login", false),
            ("/login", false),
            ("", false),
            ("https://gate.example\\login", false),
        ] {
            assert_eq!(is_login_page(referer, "gate.example"), wanted, "{referer}");
        }
    }
}
