use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{CanonicalPath, PathFault, PathPrefix};
use crate::identity::ProviderName;

/// What answers on a route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// The upstream of this name.
    Upstream(ProviderName),
    /// The gateway itself, always the same.
    Fixed(Fixed),
    /// The gateway itself: go there.
    Redirect(Redirect),
}

/// An answer that is always the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fixed {
    /// Its status.
    pub status: StatusCode,
    /// Its `Content-Type`.
    pub content_type: HeaderValue,
    /// Its body.
    pub body: Box<str>,
}

/// An answer that sends on to another place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redirect {
    /// 301, 302, 303, 307 or 308.
    pub status: StatusCode,
    /// An `https` or `http` URL, or a path on the same host.
    pub to: Box<str>,
    /// Puts the request's path and query behind it.
    pub keep_path: bool,
}

impl Redirect {
    /// The place for a request with this canonical path and this query.
    pub fn place(&self, path: &str, query: Option<&str>) -> String {
        if !self.keep_path {
            return self.to.to_string();
        }
        let base = self.to.trim_end_matches('/');
        // "//" at the front would name another host.
        let path = if base.is_empty() { format!("/{}", path.trim_start_matches('/')) } else { path.to_owned() };
        query.map_or_else(|| format!("{base}{path}"), |query| format!("{base}{path}?{query}"))
    }
}

/// How a path is changed on the way to the application: on whole segments, and checked again afterwards.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rewrite {
    /// Taken away at the front.
    pub strip: Option<PathPrefix>,
    /// Put before what is left.
    pub add: Option<PathPrefix>,
}

impl Rewrite {
    /// The path as it is forwarded.
    ///
    /// # Errors
    /// When what comes out is not one canonical path: it was judged as another one, so it goes nowhere
    /// (Traefik CVE-2026-40912, CVE-2026-48020: a prefix was taken away, and then the rest was made canonical).
    pub fn apply<'p>(&self, path: &'p CanonicalPath) -> Result<Cow<'p, CanonicalPath>, PathFault> {
        if self.strip.is_none() && self.add.is_none() {
            return Ok(Cow::Borrowed(path));
        }
        let rest = match &self.strip {
            Some(prefix) if prefix.contains(path.as_str()) => &path.as_str()[prefix.as_str().len()..],
            Some(_) | None => path.as_str(),
        };
        let added = self.add.as_ref().map_or("", PathPrefix::as_str);
        let rest = if rest.is_empty() && (added.is_empty() || path.as_str().ends_with('/')) { "/" } else { rest };
        let rewritten = format!("{added}{rest}");
        // "//x" is another host to whoever resolves it as a reference.
        if rewritten.starts_with("//") {
            return Err(PathFault::EmptySegment);
        }
        let again = CanonicalPath::parse(&rewritten)?;
        if again.as_str() == rewritten { Ok(Cow::Owned(again)) } else { Err(PathFault::BrokenEscape) }
    }
}

/// Headers written and taken out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HeaderEdits {
    /// Written, in place of any of that name.
    pub set: Vec<(HeaderName, HeaderValue)>,
    /// Taken out.
    pub remove: Vec<HeaderName>,
}

impl HeaderEdits {
    /// Does it.
    pub fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn rewrite(strip: &str, add: &str, path: &str) -> Result<String, PathFault> {
        let prefix = |text: &str| (!text.is_empty()).then(|| PathPrefix::new(text).unwrap());
        let rewrite = Rewrite { strip: prefix(strip), add: prefix(add) };
        rewrite.apply(&CanonicalPath::parse(path).unwrap()).map(|path| path.as_str().to_owned())
    }

    #[rstest]
    #[case("", "", "/a/b", "/a/b")]
    #[case("/a", "", "/a/b", "/b")]
    #[case("/a/", "", "/a", "/")]
    #[case("/a", "", "/a/", "/")]
    #[case("/a", "", "/ab", "/ab")]
    #[case("", "/v2", "/a", "/v2/a")]
    #[case("", "/v2", "/", "/v2/")]
    #[case("/a", "/v2", "/a/b/", "/v2/b/")]
    #[case("/a", "/v2", "/a", "/v2")]
    #[case("/a", "/v2", "/a/", "/v2/")]
    #[case("/a", "", "/a/%252e%252e/b", "/%252e%252e/b")]
    fn whole_segments_are_taken_and_put(#[case] strip: &str, #[case] add: &str, #[case] path: &str, #[case] wanted: &str) {
        assert_eq!(rewrite(strip, add, path).as_deref(), Ok(wanted));
    }

    /// Lesson 13.
    #[test]
    fn what_is_left_is_a_path_of_this_host() {
        assert_eq!(rewrite("/a", "", "/a//evil.example/x"), Err(PathFault::EmptySegment));
        assert_eq!(rewrite("/a", "/v2", "/a//x").as_deref(), Ok("/v2//x"));
    }

    #[test]
    fn a_redirect_stays_where_it_points() {
        let mut redirect = Redirect { status: StatusCode::FOUND, to: "https://new.example/".into(), keep_path: true };
        assert_eq!(redirect.place("/a/b", Some("x=1")), "https://new.example/a/b?x=1");
        redirect.to = "/".into();
        assert_eq!(redirect.place("//evil.example", None), "/evil.example");
        redirect.keep_path = false;
        assert_eq!(redirect.place("/a", Some("x")), "/");
    }
}
