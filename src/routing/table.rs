use std::collections::HashMap;

use http::Method;

use super::access::{share_a_method, takes};
use super::{CanonicalPath, HostName, HostPattern, PathPattern, PathPrefix};

/// All routes: found by host (the name itself, then `*.` names from the longest to the shortest, then any), then by path
/// (the path itself, then the longest prefix on whole segments), then by method. The order of the file plays no part.
///
/// A look-up costs one hash for each label of the host and each segment of the path, however many routes there are.
pub struct RouteTable<T> {
    named: HashMap<HostName, Paths<T>>,
    starred: HashMap<HostName, Paths<T>>,
    any: Paths<T>,
}

struct Paths<T> {
    exact: HashMap<Box<str>, Vec<Entry<T>>>,
    below: HashMap<PathPrefix, Vec<Entry<T>>>,
}

struct Entry<T> {
    methods: Option<Vec<Method>>,
    route: T,
}

/// Why no route takes a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoRoute {
    /// No route has this host and path.
    NotFound,
    /// The routes of this path take other methods. Not the next shorter path's business: its rule may be a weaker one.
    Method {
        /// What they take.
        allowed: Vec<Method>,
    },
    /// The path holds an empty segment, and the route does not allow it or is not the route of the path without.
    EmptySegment,
}

/// Two routes with the same host, path and method: neither is more specific.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another route has the same host, path and method")]
pub struct SameRoute;

impl<T> Default for RouteTable<T> {
    fn default() -> Self {
        Self { named: HashMap::new(), starred: HashMap::new(), any: Paths::default() }
    }
}

impl<T> Default for Paths<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), below: HashMap::new() }
    }
}

impl<T> RouteTable<T> {
    /// Adds a route.
    ///
    /// # Errors
    /// When one with the same host, path and a method in common is there already.
    pub fn insert(
        &mut self,
        host: Option<HostPattern>,
        path: PathPattern,
        methods: Option<Vec<Method>>,
        route: T,
    ) -> Result<(), SameRoute> {
        let paths = match host {
            Some(HostPattern::Exact(host)) => self.named.entry(host).or_default(),
            Some(HostPattern::Below(host)) => self.starred.entry(host).or_default(),
            None => &mut self.any,
        };
        let entries = match path {
            PathPattern::Below(prefix) => paths.below.entry(prefix).or_default(),
            PathPattern::Exact(path) => paths.exact.entry(path).or_default(),
        };
        if entries.iter().any(|entry| share_a_method(entry.methods.as_deref(), methods.as_deref())) {
            return Err(SameRoute);
        }
        entries.push(Entry { methods, route });
        Ok(())
    }

    /// The most specific route of a host and canonical path. A host's own routes come before those for any host.
    ///
    /// # Errors
    /// When there is none, or none for this method.
    pub fn find(&self, host: &str, path: &str, method: &Method) -> Result<&T, NoRoute> {
        let entries = self.hosts(host).find_map(|paths| paths.deepest(path)).ok_or(NoRoute::NotFound)?;
        let by_method = entries.iter().find(|entry| entry.methods.as_ref().is_some_and(|methods| takes(methods, method)));
        let entry = by_method.or_else(|| entries.iter().find(|entry| entry.methods.is_none()));
        entry.map(|entry| &entry.route).ok_or_else(|| NoRoute::Method {
            allowed: entries.iter().filter_map(|entry| entry.methods.as_ref()).flatten().cloned().collect(),
        })
    }

    /// The same for a path that may hold empty segments, which only a route that allows them takes; and then the route has
    /// to be the one of the path without them: allowing `//` is no way around the rule of the path an application would
    /// read instead.
    ///
    /// # Errors
    /// As [`Self::find`], and for an empty segment that is not allowed here.
    pub fn choose(&self, host: &str, path: &CanonicalPath, method: &Method, allows: impl Fn(&T) -> bool) -> Result<&T, NoRoute> {
        let route = self.find(host, path.as_str(), method)?;
        if path.has_empty_segments() {
            let merged = self.find(host, &path.merged(), method)?;
            if !allows(route) || !std::ptr::eq(route, merged) {
                return Err(NoRoute::EmptySegment);
            }
        }
        Ok(route)
    }

    /// Whether any route has this host.
    pub fn knows_host(&self, host: &str) -> bool {
        self.hosts(host).any(|paths| !paths.exact.is_empty() || !paths.below.is_empty())
    }

    /// Every route.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let all = self.named.values().chain(self.starred.values()).chain([&self.any]);
        all.flat_map(|paths| paths.exact.values().chain(paths.below.values())).flatten().map(|entry| &entry.route)
    }

    /// The paths of a host, those of the most specific pattern first.
    fn hosts(&self, host: &str) -> impl Iterator<Item = &Paths<T>> {
        let mut rest = if self.starred.is_empty() { None } else { host.split_once('.').map(|(_, rest)| rest) };
        let below = std::iter::from_fn(move || {
            let name = rest?;
            rest = name.split_once('.').map(|(_, shorter)| shorter);
            Some(name)
        });
        let below = below.filter_map(|name| self.starred.get(name));
        self.named.get(host).into_iter().chain(below).chain([&self.any])
    }
}

impl<T> Paths<T> {
    /// The entries of the path itself, else of the longest prefix: the whole path is tried first, then one segment less,
    /// down to the root.
    fn deepest(&self, path: &str) -> Option<&Vec<Entry<T>>> {
        if let Some(entries) = self.exact.get(path) {
            return Some(entries);
        }
        let mut prefix = path;
        loop {
            if let Some(entries) = self.below.get(prefix) {
                return Some(entries);
            }
            prefix = &prefix[..prefix.rfind('/')?];
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn table() -> RouteTable<&'static str> {
        let mut table = RouteTable::default();
        let mut add = |host: Option<&str>, path: &str, methods: Option<Vec<Method>>, name| {
            table.insert(host.map(|host| HostPattern::parse(host).unwrap()), PathPattern::parse(path).unwrap(), methods, name)
        };
        add(None, "/", None, "root").unwrap();
        add(None, "/staff/", None, "staff").unwrap();
        add(None, "/staff/public", None, "staff public").unwrap();
        add(None, "/api", Some(vec![Method::GET]), "api get").unwrap();
        add(Some("a.example"), "/", None, "a").unwrap();
        add(Some("a.example"), "/x", Some(vec![Method::POST]), "a x post").unwrap();
        add(Some("a.example"), "/x", None, "a x").unwrap();
        add(Some("*.w.example"), "/", None, "below w").unwrap();
        add(Some("*.example"), "/", None, "below example").unwrap();
        add(Some("b.w.example"), "/only", None, "b w only").unwrap();
        add(Some("e.test"), "/", None, "e").unwrap();
        add(Some("e.test"), "=/x", Some(vec![Method::GET]), "e is x").unwrap();
        add(Some("e.test"), "=/", None, "e home").unwrap();
        assert_eq!(add(Some("e.test"), "=/x", Some(vec![Method::GET]), "again"), Err(SameRoute));
        assert_eq!(add(None, "/staff", None, "again"), Err(SameRoute));
        assert_eq!(add(None, "/api/", Some(vec![Method::PUT, Method::GET]), "again"), Err(SameRoute));
        assert_eq!(add(None, "/api", Some(vec![Method::HEAD]), "HEAD is GET's"), Err(SameRoute));
        table
    }

    #[rstest]
    #[case("b.test", "/", "root")]
    #[case("b.test", "/staffx", "root")]
    #[case("b.test", "/staff", "staff")]
    #[case("b.test", "/staff/", "staff")]
    #[case("b.test", "/staff/x/y/z", "staff")]
    #[case("b.test", "/staff/public/x", "staff public")]
    #[case("b.test", "/STAFF/x", "root")]
    #[case("a.example", "/staff/x", "a")]
    #[case("a.example", "/x/y", "a x")]
    #[case("a.w.example", "/", "below w")]
    #[case("a.b.w.example", "/", "below w")]
    #[case("w.example", "/", "below example")]
    #[case("b.w.example", "/only/x", "b w only")]
    #[case("b.w.example", "/other", "below w")]
    #[case("example", "/", "root")]
    #[case("xexample", "/", "root")]
    #[case("e.test", "/", "e home")]
    #[case("e.test", "/x", "e is x")]
    #[case("e.test", "/x/", "e")]
    #[case("e.test", "/x/y", "e")]
    fn the_most_specific_route_wins(#[case] host: &str, #[case] path: &str, #[case] route: &str) {
        assert_eq!(table().find(host, path, &Method::GET), Ok(&route));
    }

    #[test]
    fn methods_narrow_and_head_follows_get() {
        assert_eq!(table().find("a.example", "/x", &Method::POST), Ok(&"a x post"));
        assert_eq!(table().find("b.test", "/api/1", &Method::HEAD), Ok(&"api get"));
        // Not the root route: what is closed to DELETE here must not be open by way of a weaker rule above it.
        assert_eq!(table().find("e.test", "/x", &Method::POST), Err(NoRoute::Method { allowed: vec![Method::GET] }));
        assert_eq!(table().find("b.test", "/api/1", &Method::DELETE), Err(NoRoute::Method { allowed: vec![Method::GET] }));
    }

    #[test]
    fn no_route_is_not_found() {
        let mut table = RouteTable::default();
        table.insert(Some(HostPattern::parse("a.example").unwrap()), PathPattern::parse("/x").unwrap(), None, ()).unwrap();
        assert_eq!(table.find("a.example", "/y", &Method::GET), Err(NoRoute::NotFound));
        assert_eq!(table.find("b.example", "/x", &Method::GET), Err(NoRoute::NotFound));
        assert!(table.knows_host("a.example") && !table.knows_host("b.example"));
    }
}
