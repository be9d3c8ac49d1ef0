use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Certificates for one name, in the order of the configuration: an ECDSA and an RSA one may stand side by side.
type Candidates = Vec<Arc<CertifiedKey>>;

/// Picks the certificate for the name a client asks for: exact, then wildcard (one label), then the first configured one.
///
/// Whether a host may be served is never decided here: requests are routed by their authority.
pub(super) struct Names {
    exact: HashMap<String, Candidates>,
    /// By what follows the star and its dot.
    wildcard: HashMap<String, Candidates>,
    all: Candidates,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { exact: HashMap::new(), wildcard: HashMap::new(), all: Vec::new() }
    }

    /// Takes one more certificate for these names (lower case). The first one taken is the default.
    pub(super) fn add(&mut self, names: &[String], key: &Arc<CertifiedKey>) {
        for name in names {
            let (map, name) = match name.strip_prefix("*.") {
                Some(parent) => (&mut self.wildcard, parent),
                None => (&mut self.exact, name.as_str()),
            };
            map.entry(name.to_owned()).or_default().push(Arc::clone(key));
        }
        self.all.push(Arc::clone(key));
    }

    fn candidates(&self, name: &str) -> Option<&Candidates> {
        let lower;
        let name = if name.bytes().any(|b| b.is_ascii_uppercase()) {
            lower = name.to_ascii_lowercase();
            &lower
        } else {
            name
        };
        self.exact.get(name).or_else(|| self.wildcard.get(name.split_once('.')?.1))
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let candidates = hello.server_name().and_then(|name| self.candidates(name)).unwrap_or(&self.all);
        let usable = candidates.iter().find(|candidate| candidate.key.choose_scheme(hello.signature_schemes()).is_some());
        usable.or(candidates.first()).cloned()
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("exact", &self.exact.keys()).field("wildcard", &self.wildcard.keys()).finish_non_exhaustive()
    }
}
