//! Asks for pages as a browser does, as far as the login needs it. One browser for each login.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, REFERER, SET_COOKIE, UPGRADE_INSECURE_REQUESTS};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use reqwest::cookie::{CookieStore as _, Jar};
use reqwest::{Request, Response, Url};

use super::page::Page;
use super::site::{Site, resolve};
use super::trace::{Finding, Step, masked};
use crate::provider::ProviderFault;
use crate::provider::encode::form_body;
use crate::provider::reach::{Wire, content_type, origin_of};
use crate::provider::text::{decode, plain_words};

/// Takes note of each step.
pub(in crate::provider) type Sink<'a> = &'a mut (dyn FnMut(Step) + Send);

/// One person's browser: the cookies are its own.
pub(super) struct Browser<'a> {
    site: Arc<Site>,
    wire: Arc<Wire>,
    jar: Jar,
    sink: Sink<'a>,
    began: Instant,
}

/// What is asked.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    /// A form, when posted.
    pub(super) body: Option<Vec<(String, String)>>,
}

/// A page, and where it came from.
pub(super) struct Reply {
    pub(super) url: Url,
    pub(super) page: Page,
}

/// What an answer is.
pub(super) enum Answer {
    Page(Reply),
    /// A status 3xx, and what it says to ask.
    SentOn(Ask),
}

impl Ask {
    pub(super) const fn get(url: Url) -> Self {
        Self { method: Method::GET, url, body: None }
    }

    pub(super) const fn post(url: Url, fields: Vec<(String, String)>) -> Self {
        Self { method: Method::POST, url, body: Some(fields) }
    }
}

impl<'a> Browser<'a> {
    pub(super) fn new(site: Arc<Site>, wire: Arc<Wire>, jar: Jar, sink: Sink<'a>) -> Self {
        Self { site, wire, jar, sink, began: Instant::now() }
    }

    pub(super) fn into_cookies(self) -> Jar {
        self.jar
    }

    pub(super) fn note(&mut self, what: Finding) {
        (self.sink)(Step { after: self.began.elapsed(), what });
    }

    /// Asks, and reads the page or the redirect that comes back.
    pub(super) async fn step(&mut self, ask: &Ask, referer: Option<&Url>) -> Result<Answer, ProviderFault> {
        let response = self.send(ask, referer).await?;
        let status = response.status();
        match status {
            StatusCode::OK => {}
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => {
                return target(response.headers(), &ask.url).map(|url| Answer::SentOn(Ask::get(url)));
            }
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
                let url = target(response.headers(), &ask.url)?;
                return Ok(Answer::SentOn(Ask { method: ask.method.clone(), url, body: ask.body.clone() }));
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => return Err(ProviderFault::Changed(format!("it answered {status}"))),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
                return Err(ProviderFault::Refused(format!("it answered {status}")));
            }
            _ => return Err(ProviderFault::NotUnderstood(format!("it answered {status}"))),
        }
        let headers = response.headers().clone();
        let body = self.wire.body(response).await?;
        let html = decode(content_type(&headers), &body)
            .ok_or_else(|| ProviderFault::NotUnderstood("its page is text in no known encoding".into()))?;
        let mut page = Page::read(&html);
        // What comes after a form was posted is about a person, and its title is not shown.
        let title = if ask.body.is_none() && referer.is_none() { plain_words(&page.title) } else { None };
        page.title = title.clone().unwrap_or_default();
        self.note(Finding::Page { bytes: body.len(), title });
        Ok(Answer::Page(Reply { url: ask.url.clone(), page }))
    }

    /// Asks, with this login's cookies, if the host may be asked.
    pub(super) async fn send(&mut self, ask: &Ask, referer: Option<&Url>) -> Result<Response, ProviderFault> {
        self.site.allow(&ask.url)?;
        let mut request = Request::new(ask.method.clone(), ask.url.clone());
        self.put_headers(request.headers_mut(), ask, referer);
        if let Some(fields) = &ask.body {
            let pairs = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            *request.body_mut() = Some(Bytes::from_owner(form_body(pairs)).into());
        }
        let asked = Instant::now();
        let response = self.wire.send(request).await?;
        let set = response.headers().get_all(SET_COOKIE);
        self.jar.set_cookies(&mut set.iter(), &ask.url);
        let names = set.iter().filter_map(|cookie| plain_words(cookie.to_str().ok()?.split('=').next()?));
        self.note(Finding::Answered {
            method: if ask.method == Method::POST { "POST" } else { "GET" },
            url: masked(&ask.url),
            status: response.status().as_u16(),
            took: asked.elapsed(),
            cookies: names.collect(),
        });
        Ok(response)
    }

    fn put_headers(&self, headers: &mut HeaderMap, ask: &Ask, referer: Option<&Url>) {
        const PAGES: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let mut put = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        };
        put(ACCEPT, PAGES);
        put(ACCEPT_LANGUAGE, "ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7");
        put(UPGRADE_INSECURE_REQUESTS, "1");
        if let Some(referer) = referer {
            put(REFERER, referer.as_str());
            if ask.body.is_some() {
                put(ORIGIN, &origin_of(referer));
            }
        }
        if ask.body.is_some() {
            put(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(mut cookies) = self.jar.cookies(&ask.url) {
            cookies.set_sensitive(true);
            headers.insert(COOKIE, cookies);
        }
    }
}

fn target(headers: &HeaderMap, page: &Url) -> Result<Url, ProviderFault> {
    let target = headers.get(LOCATION).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let target = target.ok_or_else(|| ProviderFault::Changed("it redirects, but does not say where".into()))?;
    resolve(page, target)
}
