use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method};

use super::pattern::{HostPattern, PathPattern};
use super::target::{HeaderEdits, Rewrite, Target};
use super::{Access, RouteTokens};

/// One `[[route]]` of the configuration.
#[derive(Clone, Debug)]
pub struct RouteSettings {
    /// Only this host, or those below it; `None`: any.
    pub host: Option<HostPattern>,
    /// Which paths.
    pub path: PathPattern,
    /// Only these methods (HEAD follows GET); `None`: any.
    pub methods: Option<Vec<Method>>,
    /// Who may pass.
    pub access: Access,
    /// What answers.
    pub target: Target,
    /// How the path is changed on the way.
    pub rewrite: Rewrite,
    /// Headers of the request that are written or taken out on the way.
    pub request_headers: HeaderEdits,
    /// The same of the answer.
    pub response_headers: HeaderEdits,
    /// What the application is told in `Host`; `None`: what the client said.
    pub host_header: Option<HeaderValue>,
    /// Lets CORS preflights pass without a login, as nobody.
    pub preflight: bool,
    /// What a request without a good token is answered.
    pub unauthenticated: Unauthenticated,
    /// Allow empty path segments (`//`), for applications that emit them.
    pub allow_empty_segments: bool,
    /// Let header names with an underscore through. Identity headers stay stripped in every spelling.
    pub allow_underscore_headers: bool,
    /// Largest request body in bytes; `None`: the gateway's.
    pub max_body: Option<u64>,
    /// Whose tokens it takes beside ours, and which one the application is handed.
    pub tokens: RouteTokens,
    /// Bytes of a request body for each second over all, 0 for none; `None`: the gateway's.
    pub body_min_rate: Option<u64>,
    /// How long a request may take in all, its answer's body included; `None`: as long as it moves.
    pub request_timeout: Option<Duration>,
    /// How long the head of an answer may take; `None`: the upstream's own limit.
    pub response_timeout: Option<Duration>,
    /// How long a body may stand still; `None`: the upstream's own limit.
    pub idle_timeout: Option<Duration>,
}

impl RouteSettings {
    /// What the route is called in logs, metrics and assertions: host and path.
    pub fn name(&self) -> String {
        self.host.as_ref().map_or_else(|| format!("*{}", self.path), |host| format!("{host}{}", self.path))
    }
}

/// What a request without a good token is answered on a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Unauthenticated {
    /// A browser that navigates is sent to the login page; a program gets 401.
    #[default]
    Auto,
    /// Always sent to the login page.
    Redirect,
    /// Always 401.
    Refuse,
}

/// A host as routes name it: lower case, no port, no final dot.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct HostName(Arc<str>);

/// A host name or address as RFC 3986, section 3.2.2 has it: ASCII letters, digits, `-` and `.`, or an address in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is not a host name")]
pub struct HostNameError;

impl HostName {
    /// Brings a host (without port) into its one form.
    ///
    /// # Errors
    /// When no host is written so.
    pub fn new(text: &str) -> Result<Self, HostNameError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let bracketed = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
        let good = match bracketed {
            Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
            None => (1..=253).contains(&text.len()) && has_good_labels(text.as_bytes()),
        };
        match good {
            // The usual one is spelt so already, and is copied once.
            true if !text.bytes().any(|b| b.is_ascii_uppercase()) => Ok(Self(text.into())),
            true => Ok(Self(text.to_ascii_lowercase().into())),
            false => Err(HostNameError),
        }
    }

    /// The one form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Labels of 1 to 63 letters, digits, `-` and `_`, with dots between them.
fn has_good_labels(text: &[u8]) -> bool {
    let mut label = 0;
    for byte in text {
        match byte {
            b'.' if label == 0 => return false,
            b'.' => label = 0,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' if label < 63 => label += 1,
            _ => return false,
        }
    }
    label > 0
}

/// So that a table keyed by hosts can be asked with a request's host.
impl std::borrow::Borrow<str> for HostName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path a route begins with, matched on whole segments: `/staff` and `/staff/` both take `/staff` and `/staff/x`, never `/staffx`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PathPrefix(Arc<str>);

/// Why a text cannot be a route's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathPrefixError {
    /// It has to begin with a slash.
    #[error("a path begins with \"/\"")]
    NotAbsolute,
    /// It is not what a request's path looks like after it was made canonical, so it would never match.
    #[error("no request has such a path: it is not in canonical form")]
    NotCanonical,
}

impl PathPrefix {
    /// Takes an absolute path in canonical form; a final slash makes no difference.
    ///
    /// # Errors
    /// When it could never match.
    pub fn new(text: &str) -> Result<Self, PathPrefixError> {
        if !text.starts_with('/') {
            return Err(PathPrefixError::NotAbsolute);
        }
        let trimmed = text.strip_suffix('/').unwrap_or(text);
        let odd = |b: u8| !b.is_ascii_graphic() || matches!(b, b'?' | b'#' | b'\\' | b';' | b'%');
        if trimmed.bytes().any(odd) || trimmed.split('/').skip(1).any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(PathPrefixError::NotCanonical);
        }
        Ok(Self(trimmed.into()))
    }

    /// The path without a final slash: empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a canonical path is this one or below it.
    pub fn contains(&self, canonical: &str) -> bool {
        canonical.strip_prefix(&*self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// So that a table keyed by prefixes can be asked with a part of a path.
impl std::borrow::Borrow<str> for PathPrefix {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("/") } else { f.write_str(&self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_one_form() {
        assert_eq!(HostName::new("A.Example.COM.").unwrap().as_str(), "a.example.com");
        assert_eq!(HostName::new("[::1]").unwrap().as_str(), "[::1]");
        assert!(HostName::new(&format!("{}.a", "x".repeat(63))).is_ok() && HostName::new(&format!("{}.a", "x".repeat(64))).is_err());
        for text in ["", ".", ".a", "a..b", "a b", "a/b", "a:80", "user@a", "[::g]", "한글.kr", "a\\b"] {
            assert!(HostName::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn prefixes_end_at_segments() {
        let staff = PathPrefix::new("/staff/").unwrap();
        assert!(staff.contains("/staff") && staff.contains("/staff/") && staff.contains("/staff/x"));
        assert!(!staff.contains("/staffx") && !staff.contains("/") && !staff.contains("/STAFF"));
        let root = PathPrefix::new("/").unwrap();
        assert!(root.contains("/") && root.contains("/x"));
        for text in ["staff", "", "/a//b", "/a/../b", "/a/./b", "/a;b", "/a%2fb", "/a?b", "/가"] {
            assert!(PathPrefix::new(text).is_err(), "{text:?}");
        }
    }
}
