use std::collections::HashMap;

use http::Method;

use super::{HostName, PathPrefix};

/// All routes: found by host, then by the longest path on whole segments, then by method. The order of the file plays no part.
///
/// A look-up costs one hash for each segment of the path, however many routes there are.
pub struct RouteTable<T> {
    by_host: HashMap<HostName, Paths<T>>,
    any_host: Paths<T>,
}

type Paths<T> = HashMap<PathPrefix, Vec<Entry<T>>>;

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
}

/// Two routes with the same host, path and method: neither is more specific.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another route has the same host, path and method")]
pub struct SameRoute;

impl<T> Default for RouteTable<T> {
    fn default() -> Self {
        Self { by_host: HashMap::new(), any_host: HashMap::new() }
    }
}

impl<T> RouteTable<T> {
    /// Adds a route.
    ///
    /// # Errors
    /// When one with the same host, path and a method in common is there already.
    pub fn insert(&mut self, host: Option<HostName>, path: PathPrefix, methods: Option<Vec<Method>>, route: T) -> Result<(), SameRoute> {
        let paths = match host {
            Some(host) => self.by_host.entry(host).or_default(),
            None => &mut self.any_host,
        };
        let entries = paths.entry(path).or_default();
        let clash = entries.iter().any(|entry| match (&entry.methods, &methods) {
            (None, None) => true,
            (Some(there), Some(new)) => there.iter().any(|method| new.contains(method)),
            (None, Some(_)) | (Some(_), None) => false,
        });
        if clash {
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
        let own = self.by_host.get(host).and_then(|paths| deepest(paths, path));
        let entries = own.or_else(|| deepest(&self.any_host, path)).ok_or(NoRoute::NotFound)?;
        let named = entries.iter().find(|entry| entry.methods.as_ref().is_some_and(|methods| takes(methods, method)));
        let entry = named.or_else(|| entries.iter().find(|entry| entry.methods.is_none()));
        entry.map(|entry| &entry.route).ok_or_else(|| NoRoute::Method {
            allowed: entries.iter().filter_map(|entry| entry.methods.as_ref()).flatten().cloned().collect(),
        })
    }

    /// Whether any route has this host.
    pub fn knows_host(&self, host: &str) -> bool {
        !self.any_host.is_empty() || self.by_host.contains_key(host)
    }

    /// Every route.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.by_host.values().chain([&self.any_host]).flat_map(HashMap::values).flatten().map(|entry| &entry.route)
    }
}

fn takes(methods: &[Method], method: &Method) -> bool {
    methods.contains(method) || (method == Method::HEAD && methods.contains(&Method::GET))
}

/// The entries of the longest prefix: the whole path is tried first, then one segment less, down to the root.
fn deepest<'a, T>(paths: &'a Paths<T>, path: &str) -> Option<&'a Vec<Entry<T>>> {
    let mut prefix = path;
    loop {
        if let Some(entries) = paths.get(prefix) {
            return Some(entries);
        }
        prefix = &prefix[..prefix.rfind('/')?];
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn table() -> RouteTable<&'static str> {
        let mut table = RouteTable::default();
        let mut add = |host: Option<&str>, path: &str, methods: Option<Vec<Method>>, name| {
            table.insert(host.map(|host| HostName::new(host).unwrap()), PathPrefix::new(path).unwrap(), methods, name)
        };
        add(None, "/", None, "root").unwrap();
        add(None, "/staff/", None, "staff").unwrap();
        add(None, "/staff/public", None, "staff public").unwrap();
        add(None, "/api", Some(vec![Method::GET]), "api get").unwrap();
        add(Some("a.example"), "/", None, "a").unwrap();
        add(Some("a.example"), "/x", Some(vec![Method::POST]), "a x post").unwrap();
        add(Some("a.example"), "/x", None, "a x").unwrap();
        assert_eq!(add(None, "/staff", None, "again"), Err(SameRoute));
        assert_eq!(add(None, "/api/", Some(vec![Method::PUT, Method::GET]), "again"), Err(SameRoute));
        table
    }

    #[rstest]
    #[case("b.example", "/", "root")]
    #[case("b.example", "/staffx", "root")]
    #[case("b.example", "/staff", "staff")]
    #[case("b.example", "/staff/", "staff")]
    #[case("b.example", "/staff/x/y/z", "staff")]
    #[case("b.example", "/staff/public/x", "staff public")]
    #[case("b.example", "/STAFF/x", "root")]
    #[case("a.example", "/staff/x", "a")]
    #[case("a.example", "/x/y", "a x")]
    fn the_most_specific_route_wins(#[case] host: &str, #[case] path: &str, #[case] route: &str) {
        assert_eq!(table().find(host, path, &Method::GET), Ok(&route));
    }

    #[test]
    fn methods_narrow_and_head_follows_get() {
        assert_eq!(table().find("a.example", "/x", &Method::POST), Ok(&"a x post"));
        assert_eq!(table().find("b.example", "/api/1", &Method::HEAD), Ok(&"api get"));
        // Not the root route: what is closed to DELETE here must not be open by way of a weaker rule above it.
        assert_eq!(table().find("b.example", "/api/1", &Method::DELETE), Err(NoRoute::Method { allowed: vec![Method::GET] }));
    }

    #[test]
    fn no_route_is_not_found() {
        let mut table = RouteTable::default();
        table.insert(Some(HostName::new("a.example").unwrap()), PathPrefix::new("/x").unwrap(), None, ()).unwrap();
        assert_eq!(table.find("a.example", "/y", &Method::GET), Err(NoRoute::NotFound));
        assert_eq!(table.find("b.example", "/x", &Method::GET), Err(NoRoute::NotFound));
        assert!(table.knows_host("a.example") && !table.knows_host("b.example"));
    }
}
