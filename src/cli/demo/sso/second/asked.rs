use http::header::{COOKIE, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use crate::cli::demo::sso::first::form;

/// A request, as far as it matters here.
pub(super) struct Asked<'a> {
    pub(super) head: &'a Parts,
    fields: Vec<(String, String)>,
    query: Vec<(String, String)>,
    /// `https://host`, as the browser knows it.
    pub(super) origin: String,
}

impl<'a> Asked<'a> {
    pub(super) fn new(head: &'a Parts, body: &[u8], tls: bool) -> Self {
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        Self {
            head,
            fields: form(body),
            query: form(head.uri.query().unwrap_or_default().as_bytes()),
            origin: format!("{}://{host}", if tls { "https" } else { "http" }),
        }
    }

    /// The path without its parameters (`;jsessionid=…`).
    pub(super) fn path(&self) -> &'a str {
        self.head.uri.path().split(';').next().unwrap_or_default()
    }

    pub(super) fn header(&self, name: &HeaderName) -> &'a str {
        self.head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn field(&self, name: &str) -> &str {
        value(&self.fields, name)
    }

    pub(super) fn query(&self, name: &str) -> &str {
        value(&self.query, name)
    }

    pub(super) fn cookie(&self, name: &str) -> &str {
        cookie(&self.head.headers, name)
    }

    /// Where the service sends who has no session.
    pub(super) fn sign_in_address(&self) -> String {
        let sso = self.origin.replace("//msi.", "//sso.");
        format!("{sso}/sso/auth?client_id=msi&response_type=code&state=0&redirect_uri={}/index_Myiweb.jsp", self.origin)
    }
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let cookies = headers.get(COOKIE).and_then(|cookies| cookies.to_str().ok()).unwrap_or_default();
    let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map_or("", |(_, value)| value)
}
