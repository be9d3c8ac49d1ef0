//! The three kinds of URL in a configuration: what is asked, what identifies, and what listens.

use std::net::IpAddr;
use std::path::PathBuf;

use http::Uri;
use http::uri::Authority;

use crate::base::Fault;
use crate::routing::HostName;
use crate::upstream::Address;

/// An absolute URL that passwords may be sent to, or that stands for the gateway: `https`, and `http` only on loopback.
pub(super) fn absolute(text: &str) -> Result<Uri, Fault> {
    let uri = absolute_or_plain(text)?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    if uri.scheme_str() == Some("https") || is_loopback(host) {
        return Ok(uri);
    }
    Err(Fault::new(format!("{text:?} is not encrypted")).help("use https; http is taken on loopback only"))
}

/// The same, and `http` to anywhere.
pub(super) fn absolute_or_plain(text: &str) -> Result<Uri, Fault> {
    let wrong = |why: &str| Fault::new(format!("{text:?} {why}"));
    let uri: Uri = text.parse().map_err(|_| wrong("is not a URL").help("write as in \"https://gate.example.ac.kr\""))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong("is not a whole URL").help("write as in \"https://gate.example.ac.kr\""));
    };
    if text.contains('#') {
        return Err(wrong("has a fragment, which is never sent"));
    }
    host_and_port(authority).map_err(|why| wrong(&why))?;
    if matches!(scheme, "https" | "http") { Ok(uri) } else { Err(wrong("is neither https nor http")) }
}

/// What stands in `iss`: a URL without query, taken letter by letter.
pub(super) fn issuer(text: &str) -> Result<String, Fault> {
    let uri = absolute(text)?;
    match uri.query() {
        Some(_) => Err(Fault::new(format!("{text:?} has a query, and an issuer has none"))),
        None => Ok(text.to_owned()),
    }
}

/// An origin as browsers write it: scheme and host in lower case, the port only when it is not the scheme's own, no path.
pub(super) fn origin(text: &str) -> Result<String, Fault> {
    let uri = absolute(text)?;
    if !matches!(uri.path_and_query().map_or("/", |path| path.as_str()), "/") {
        return Err(Fault::new(format!("{text:?} has a path, and an origin has none")).help("write scheme, host and port only"));
    }
    let (scheme, host) = (uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default().to_ascii_lowercase());
    let own = if scheme == "https" { 443 } else { 80 };
    Ok(match uri.port_u16().filter(|port| *port != own) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

/// Where an endpoint of an upstream listens: `http://host:port`, `https://host:port` or `unix:/path`.
pub(super) fn endpoint(text: &str, resolve: impl Fn(&str) -> PathBuf) -> Result<Address, Fault> {
    let wrong =
        |why: &str| Fault::new(format!("{text:?} {why}")).help("write \"http://host:port\", \"https://host:port\" or \"unix:/path\"");
    if let Some(path) = text.strip_prefix("unix:") {
        let none = path.is_empty() || path.ends_with('/');
        return if none { Err(wrong("names no socket")) } else { Ok(Address::Unix { path: resolve(path) }) };
    }
    let uri: Uri = text.parse().map_err(|_| wrong("is not where a server listens"))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong("is not where a server listens"));
    };
    if !matches!(uri.path_and_query().map_or("/", |path| path.as_str()), "/") || text.contains('#') {
        return Err(wrong("has a path; requests keep their own"));
    }
    let (host, port) = host_and_port(authority).map_err(|why| wrong(&why))?;
    match scheme {
        "http" => Ok(Address::Http { host, port: port.unwrap_or(80) }),
        "https" => Ok(Address::Https { host, port: port.unwrap_or(443), server_name: None, ca: None, dangerous_skip_verification: false }),
        _ => Err(wrong("is neither http nor https")),
    }
}

/// The host (an IPv6 address without its brackets) and the port.
fn host_and_port(authority: &Authority) -> Result<(String, Option<u16>), String> {
    let host = authority.host();
    let port = match authority.as_str().strip_prefix(host) {
        Some("") => None,
        Some(port) => Some(port.strip_prefix(':').and_then(|port| port.parse().ok()).filter(|port| *port != 0).ok_or("has no good port")?),
        None => return Err("has a name or password in front of the host".to_owned()),
    };
    let host = HostName::new(host).map_err(|_| format!("has the host {host:?}, which is none"))?;
    Ok((host.as_str().trim_matches(['[', ']']).to_owned(), port))
}

/// Whether a host is this machine for sure.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn passwords_go_over_tls() {
        for text in ["https://sso.example/x?y=1", "http://127.0.0.1:9/x", "http://[::1]:9/", "http://localhost"] {
            assert!(absolute(text).is_ok(), "{text}");
        }
        for text in [
            "http://sso.example/",
            "ftp://a",
            "/x",
            "a.b",
            "",
            "https://",
            "https://u:p@a/",
            "https://a:0",
            "https://a:x",
            "https://a/#b",
            "https://가.kr",
            "http://localhost.example",
            "https://a b",
        ] {
            assert!(absolute(text).is_err(), "{text}");
        }
    }

    #[test]
    fn origins_are_written_as_browsers_do() {
        assert_eq!(origin("https://App.Example:443/").unwrap(), "https://app.example");
        assert_eq!(origin("https://app.example:8443").unwrap(), "https://app.example:8443");
        assert!(origin("https://app.example/x").is_err() && origin("https://app.example?x").is_err());
    }

    #[test]
    fn endpoints_listen_on_a_port_or_a_socket() {
        let read = |text| endpoint(text, |path| Path::new("/etc/gate").join(path));
        assert_eq!(read("http://127.0.0.1:3000"), Ok(Address::Http { host: "127.0.0.1".into(), port: 3000 }));
        assert_eq!(read("http://[::1]:3000/"), Ok(Address::Http { host: "::1".into(), port: 3000 }));
        assert_eq!(
            read("https://App.example"),
            Ok(Address::Https { host: "app.example".into(), port: 443, server_name: None, ca: None, dangerous_skip_verification: false })
        );
        assert_eq!(read("unix:app.sock"), Ok(Address::Unix { path: "/etc/gate/app.sock".into() }));
        assert_eq!(read("unix:/run/app.sock"), Ok(Address::Unix { path: "/run/app.sock".into() }));
        for text in ["127.0.0.1:3000", "http://a/x", "http://a:70000", "unix:", "tcp://a:1", "http://u@a:1", "http://a:1#x", "http://a:1?x"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
