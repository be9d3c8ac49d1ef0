use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::{Request, Url};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::{HttpFormSettings, Placement};
use crate::provider::bandi::Finding;
use crate::provider::encode::{form_body, json_body};
use crate::provider::{Login, SetupFault};

/// The request as far as it is the same for everybody.
pub(super) struct Template {
    method: Method,
    url: Url,
    placement: Placement,
    id_field: String,
    password_field: String,
    extra: Vec<(String, String)>,
}

impl Template {
    pub(super) fn new(settings: &HttpFormSettings) -> Result<Self, SetupFault> {
        for (field, what) in [(&settings.id_field, "the field of the id"), (&settings.password_field, "the field of the password")] {
            if field.is_empty() {
                return Err(SetupFault::Empty(what));
            }
        }
        match settings.placement {
            Placement::Form | Placement::Json if settings.method == Method::GET => return Err(SetupFault::BodyWithGet),
            Placement::Form | Placement::Json | Placement::Query => {}
            Placement::Headers => {
                let names = settings.extra.iter().map(|(name, _)| name).chain([&settings.id_field, &settings.password_field]);
                for name in names {
                    HeaderName::try_from(name).map_err(|_| SetupFault::HeaderName(name.clone()))?;
                }
                for (name, value) in &settings.extra {
                    HeaderValue::try_from(value).map_err(|_| SetupFault::HeaderValue(name.clone()))?;
                }
            }
        }
        Ok(Self {
            method: settings.method.clone(),
            url: settings.url.clone(),
            placement: settings.placement,
            id_field: settings.id_field.clone(),
            password_field: settings.password_field.clone(),
            extra: settings.extra.clone(),
        })
    }

    /// What will be sent, by name.
    pub(super) fn summary(&self) -> Finding {
        let names = [&self.id_field, &self.password_field].into_iter().chain(self.extra.iter().map(|(name, _)| name));
        let placed = match self.placement {
            Placement::Form => "form",
            Placement::Query => "query",
            Placement::Json => "json",
            Placement::Headers => "headers",
        };
        Finding::Sends { placed, fields: names.cloned().collect() }
    }

    pub(super) fn method(&self) -> &'static str {
        if self.method == Method::GET { "GET" } else { "POST" }
    }

    pub(super) const fn url(&self) -> &Url {
        &self.url
    }

    /// The request for one login. `None` when the password cannot be carried where it has to go.
    pub(super) fn fill(&self, login: &Login) -> Option<Request> {
        let (id, password) = (login.user.id(), login.password.expose_secret());
        let own = [(self.id_field.as_str(), id), (self.password_field.as_str(), password)];
        let pairs = || own.into_iter().chain(self.extra.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let mut request = Request::new(self.method.clone(), self.url.clone());
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json, */*"));
        match self.placement {
            Placement::Form => put_body(&mut request, "application/x-www-form-urlencoded", form_body(pairs())),
            Placement::Json => put_body(&mut request, "application/json", json_body(pairs())),
            Placement::Query => drop(request.url_mut().query_pairs_mut().extend_pairs(pairs())),
            Placement::Headers => put_headers(request.headers_mut(), pairs())?,
        }
        Some(request)
    }
}

fn put_body(request: &mut Request, content_type: &'static str, body: Zeroizing<Vec<u8>>) {
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // The last one who lets go of the bytes wipes them.
    *request.body_mut() = Some(Bytes::from_owner(body).into());
}

fn put_headers<'a>(headers: &mut HeaderMap, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<()> {
    for (name, value) in pairs {
        let value = Bytes::from_owner(Zeroizing::new(value.as_bytes().to_vec()));
        let mut value = HeaderValue::from_maybe_shared(value).ok()?;
        value.set_sensitive(true);
        headers.append(HeaderName::try_from(name).ok()?, value);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{ProviderName, UserId};

    const PASSWORD: &str = "pä ss&w=o\"rd\\+%\u{1}비번";

    fn fill(placement: Placement, password: &str) -> Option<Request> {
        let settings = HttpFormSettings {
            placement,
            extra: vec![("site".into(), "도서관 1".into())],
            ..HttpFormSettings::mju(ProviderName::new("mju").unwrap())
        };
        let login = Login { user: UserId::parse("mju:60241234").unwrap(), password: password.into() };
        Template::new(&settings).unwrap().fill(&login)
    }

    fn body(request: &Request) -> &[u8] {
        request.body().and_then(|body| body.as_bytes()).unwrap()
    }

    #[test]
    fn a_form_is_what_a_browser_sends() {
        let request = fill(Placement::Form, PASSWORD).unwrap();
        let expected = "id=60241234&passwrd=p%C3%A4+ss%26w%3Do%22rd%5C%2B%25%01%EB%B9%84%EB%B2%88&site=%EB%8F%84%EC%84%9C%EA%B4%80+1";
        assert_eq!(std::str::from_utf8(body(&request)).unwrap(), expected);
        assert_eq!(request.headers()[CONTENT_TYPE], "application/x-www-form-urlencoded");
        assert_eq!(request.url().query(), None);
    }

    #[test]
    fn json_is_json() {
        let request = fill(Placement::Json, PASSWORD).unwrap();
        let read: serde_json::Value = serde_json::from_slice(body(&request)).unwrap();
        assert_eq!(read, serde_json::json!({ "id": "60241234", "passwrd": PASSWORD, "site": "도서관 1" }));
    }

    #[test]
    fn a_query_keeps_what_the_url_had() {
        let request = fill(Placement::Query, PASSWORD).unwrap();
        assert!(request.body().is_none());
        assert!(request.url().query_pairs().any(|(name, value)| name == "passwrd" && value == PASSWORD));
    }

    #[test]
    fn headers_carry_what_headers_can_and_hide_it_from_debug_output() {
        let request = fill(Placement::Headers, "비밀 secret").unwrap();
        assert_eq!(request.headers()["passwrd"].as_bytes(), "비밀 secret".as_bytes());
        assert!(!format!("{:?}", request.headers()).contains("secret"));
        for splitting in ["a\r\nX-Evil: 1", "a\nb", "a\0"] {
            assert!(fill(Placement::Headers, splitting).is_none(), "{splitting:?}");
        }
    }

    #[test]
    fn what_cannot_work_is_said_at_once() {
        let mju = || HttpFormSettings::mju(ProviderName::new("mju").unwrap());
        let fault = |settings: HttpFormSettings| Template::new(&settings).map(drop).unwrap_err();
        assert_eq!(fault(HttpFormSettings { method: Method::GET, ..mju() }), SetupFault::BodyWithGet);
        assert_eq!(fault(HttpFormSettings { id_field: String::new(), ..mju() }), SetupFault::Empty("the field of the id"));
        let bad = HttpFormSettings { placement: Placement::Headers, password_field: "p w".into(), ..mju() };
        assert_eq!(fault(bad), SetupFault::HeaderName("p w".into()));
    }
}
