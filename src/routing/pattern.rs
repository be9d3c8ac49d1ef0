use std::fmt;

use super::{HostName, HostNameError, PathPrefix, PathPrefixError};

/// Which hosts a route is for.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum HostPattern {
    /// This one.
    Exact(HostName),
    /// `*.name`: every host below this one, however deep, and not the name itself.
    Below(HostName),
}

/// Which paths a route is for.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum PathPattern {
    /// This one and everything below it, on whole segments.
    Below(PathPrefix),
    /// `=/path`: this one alone, to the letter; a final slash makes it another one.
    Exact(Box<str>),
}

impl HostPattern {
    /// Reads `name` or `*.name`.
    ///
    /// # Errors
    /// When no host is written so.
    pub fn parse(text: &str) -> Result<Self, HostNameError> {
        text.strip_prefix("*.").map_or_else(|| HostName::new(text).map(Self::Exact), |name| HostName::new(name).map(Self::Below))
    }

    /// The one host, if it is one.
    pub const fn exact(&self) -> Option<&HostName> {
        match self {
            Self::Exact(name) => Some(name),
            Self::Below(_) => None,
        }
    }

    /// Whether every host of the other one is a host of this one.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(one), Self::Exact(other)) => one == other,
            (Self::Below(one), Self::Exact(other)) => is_below(other.as_str(), one.as_str()),
            (Self::Below(one), Self::Below(other)) => one == other || is_below(other.as_str(), one.as_str()),
            (Self::Exact(_), Self::Below(_)) => false,
        }
    }
}

fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

impl PathPattern {
    /// Reads `/path` or `=/path`.
    ///
    /// # Errors
    /// When no request has such a path.
    pub fn parse(text: &str) -> Result<Self, PathPrefixError> {
        match text.strip_prefix('=') {
            Some(exact) => PathPrefix::new(exact).map(|_| Self::Exact(exact.into())),
            None => PathPrefix::new(text).map(Self::Below),
        }
    }

    /// The path itself, without a final slash where it stands for all below.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Below(prefix) => prefix.as_str(),
            Self::Exact(path) => path,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => name.fmt(f),
            Self::Below(name) => write!(f, "*.{name}"),
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below(prefix) => prefix.fmt(f),
            Self::Exact(path) => write!(f, "={path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_what_is_below_a_name() {
        let pattern = |text| HostPattern::parse(text).unwrap();
        assert_eq!(pattern("*.Example.COM").to_string(), "*.example.com");
        assert!(pattern("*.a.kr").covers(&pattern("x.a.kr")) && pattern("*.a.kr").covers(&pattern("*.b.a.kr")));
        assert!(!pattern("*.a.kr").covers(&pattern("a.kr")) && !pattern("*.a.kr").covers(&pattern("xa.kr")));
        assert!(!pattern("x.a.kr").covers(&pattern("*.x.a.kr")));
        for text in ["*", "*.", "*a.kr", "a.*.kr", "**.kr", "*.*.kr"] {
            assert!(HostPattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn exact_paths_keep_their_slash() {
        assert_eq!(PathPattern::parse("=/x/").unwrap(), PathPattern::Exact("/x/".into()));
        assert_ne!(PathPattern::parse("=/x/"), PathPattern::parse("=/x"));
        assert_eq!(PathPattern::parse("/x/"), PathPattern::parse("/x"));
        for text in ["=x", "=", "==/x", "=/a/../b", "=/a//b"] {
            assert!(PathPattern::parse(text).is_err(), "{text}");
        }
    }
}
