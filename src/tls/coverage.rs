use super::CertificateInfo;

/// Which certificate is for which hosts: tells a request that came over the wrong connection.
#[derive(Clone, Debug, Default)]
pub struct Coverage(Vec<Vec<String>>);

impl Coverage {
    /// Of these certificates, in the order of the configuration.
    pub fn new(certificates: &[CertificateInfo]) -> Self {
        Self(certificates.iter().map(|certificate| certificate.names.clone()).collect())
    }

    /// Whether a connection made for `server_name` (none: the first certificate's) was shown a certificate that is not for
    /// `host`, and another one is. A client that checks certificates never sends such a request unless the certificates
    /// have changed since; it can be told to come again (RFC 9110, section 15.5.20). A host that no certificate is for is
    /// asked for by clients that do not check, and coming again would not help them.
    pub fn separates(&self, server_name: Option<&str>, host: &str) -> bool {
        if server_name == Some(host) || !self.0.iter().any(|names| covers(names, host)) {
            return false;
        }
        let exact = |name: &str| self.0.iter().filter(|names| names.iter().any(|own| own == name)).collect::<Vec<_>>();
        let shown = server_name.map_or_else(Vec::new, |name| {
            let exact = exact(name);
            if exact.is_empty() { self.0.iter().filter(|names| covers(names, name)).collect() } else { exact }
        });
        if shown.is_empty() {
            return self.0.first().is_some_and(|first| !covers(first, host));
        }
        // An ECDSA and an RSA certificate may stand side by side: any of them could have been shown.
        !shown.iter().any(|names| covers(names, host))
    }
}

fn covers(names: &[String], host: &str) -> bool {
    names.iter().any(|name| match name.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest == parent),
        None => name == host,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_certificates_host_is_misdirected() {
        let list = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let coverage = Coverage(vec![list(&["a.example"]), list(&["*.example", "other.test"]), list(&["secret.example"])]);
        for (server_name, host, separate) in [
            (Some("a.example"), "a.example", false),
            (Some("a.example"), "b.example", true),
            (Some("a.example"), "nobody.test", false),
            (Some("b.example"), "a.example", false), // the wildcard is for it, too
            (Some("b.example"), "other.test", false),
            (Some("secret.example"), "b.example", true),
            (Some("nobody.test"), "a.example", false), // was shown the first
            (Some("nobody.test"), "other.test", true),
            (None, "a.example", false),
            (None, "b.example", true),
            (None, "x.b.example", false),
        ] {
            assert_eq!(coverage.separates(server_name, host), separate, "{server_name:?} {host}");
        }
    }
}
