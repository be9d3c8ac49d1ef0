//! The way of one login through the university's pages: from the sign-in page to the address that carries the code.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::cookie::Jar;
use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use super::browser::{Answer, Ask, Browser, Reply, Sink};
use super::crypto::{self, PublicKey};
use super::page::Page;
use super::site::{self, Arrival, Site};
use super::trace::{Finding, Means, masked};
use crate::base::{Clock, random_bytes};
use crate::provider::reach::Wire;
use crate::provider::text::plain_words;
use crate::provider::{Login, ProviderFault, Verdict};

/// How long ending the session may take. Nobody waits for it but the next login of the same person.
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(5);

/// One login on its way.
pub(super) struct Walk<'a> {
    site: Arc<Site>,
    browser: Browser<'a>,
    state: String,
    /// What a page said to the person.
    said: Option<String>,
    new_password_due: bool,
}

/// What a page after the password means.
enum Meaning {
    Verdict(Verdict),
    SentOn(Means, Ask),
}

impl<'a> Walk<'a> {
    pub(super) fn new(site: Arc<Site>, wire: Arc<Wire>, sink: Sink<'a>) -> Self {
        Self::resumed(site, wire, Jar::default(), sink)
    }

    /// A walk with the cookies of an earlier one.
    pub(super) fn resumed(site: Arc<Site>, wire: Arc<Wire>, cookies: Jar, sink: Sink<'a>) -> Self {
        let state = format!("{:032x}", u128::from_be_bytes(random_bytes()));
        Self { browser: Browser::new(site.clone(), wire, cookies, sink), site, state, said: None, new_password_due: false }
    }

    /// The whole way.
    pub(super) async fn log_in(&mut self, login: Login, clock: &dyn Clock) -> Result<Verdict, ProviderFault> {
        let sign_in = self.open().await?;
        let ask = self.fill_in(&sign_in, &login, clock)?;
        // Sealed now; the password itself is not held while the answers are awaited.
        drop(login);
        self.follow(ask, sign_in.url).await
    }

    /// Ends the session that was opened at the SSO: a login of ours should leave nothing open there.
    pub(super) async fn log_out(mut self) {
        let Some(url) = self.site.logout_url() else { return };
        let finding = match timeout(LOGOUT_TIMEOUT, self.browser.send(&Ask::get(url), None)).await {
            Ok(Ok(response)) => Finding::LoggedOut(response.status().as_u16()),
            Ok(Err(fault)) => Finding::LogoutFailed(fault.to_string()),
            Err(_) => Finding::LogoutFailed(format!("no answer within {LOGOUT_TIMEOUT:?}")),
        };
        self.browser.note(finding);
    }

    /// What remains of a login that is through.
    pub(super) fn into_cookies(self) -> Jar {
        self.browser.into_cookies()
    }

    /// Gets the sign-in page.
    async fn open(&mut self) -> Result<Reply, ProviderFault> {
        let mut ask = Ask::get(self.site.auth_url(&self.state));
        for _ in 0..=self.site.max_steps() {
            match self.browser.step(&ask, None).await? {
                Answer::Page(reply) => return Ok(reply),
                Answer::SentOn(on) => ask = on,
            }
            // Whatever a code says now, it says nothing about a password that was not sent.
            if self.site.arrival(&ask.url, None, &self.state) != Arrival::Elsewhere {
                return Err(ProviderFault::Changed("it sends the browser to the service before it was given a password".into()));
            }
        }
        Err(ProviderFault::Changed("its sign-in page redirects without end".into()))
    }

    /// The form of the sign-in page, filled in as the page's script would.
    fn fill_in(&mut self, reply: &Reply, login: &Login, clock: &dyn Clock) -> Result<Ask, ProviderFault> {
        let (site, page) = (self.site.clone(), &reply.page);
        let parts = site.parts();
        let (Some(key), Some(token), Some((at, form))) = (page.value(&parts.key), page.value(&parts.token), page.form(&parts.form)) else {
            return Err(self.changed(page));
        };
        let key =
            PublicKey::parse(key).map_err(|fault| ProviderFault::Changed(format!("the RSA key on its page is of no use: {fault}")))?;
        let sealed = crypto::seal(&key, login.password.expose_secret(), clock.now())
            .map_err(|_| ProviderFault::Changed("the RSA key on its page does not encrypt".into()))?;
        let own = [
            ("user_id", login.user.id()),
            ("pw", ""),
            ("user_id_enc", ""),
            ("pw_enc", &sealed.pw_enc),
            ("encsymka", &sealed.encsymka),
            (&parts.token, token),
        ];
        // A hidden field that the university adds one day is sent along, as a browser would.
        let added = page.hidden(at).filter(|(name, _)| own.iter().all(|(known, _)| known != name));
        let fields: Vec<_> = own.into_iter().chain(added).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let target = resolve(reply, &form.action)?;
        self.browser.note(Finding::SignInPage {
            key_bits: key.bits(),
            token_length: token.chars().count(),
            action: masked(&target),
            fields: fields.iter().map(|(name, _)| name.clone()).collect(),
        });
        Ok(Ask::post(target, fields))
    }

    /// Names what a page lacks.
    fn changed(&mut self, page: &Page) -> ProviderFault {
        let parts = self.site.parts();
        let mut missing = Vec::new();
        for id in [&parts.key, &parts.token] {
            if page.value(id).is_none() {
                missing.push(format!("input#{id}"));
            }
        }
        if page.form(&parts.form).is_none() {
            missing.push(format!("form#{}", parts.form));
        }
        self.browser.note(Finding::Missing(missing.clone()));
        let title = if page.title.is_empty() { String::new() } else { format!(" (its title is {:?})", page.title) };
        ProviderFault::Changed(format!("its sign-in page{title} lacks {}", missing.join(" and ")))
    }

    /// Follows the answers to the password until one of them says what became of it.
    async fn follow(&mut self, mut ask: Ask, sign_in: Url) -> Result<Verdict, ProviderFault> {
        let mut referer = sign_in;
        for _ in 0..=self.site.max_steps() {
            let (means, mut on) = match self.browser.step(&ask, Some(&referer)).await? {
                Answer::SentOn(on) => (Means::Status, on),
                Answer::Page(reply) => match self.read(&reply)? {
                    Meaning::Verdict(verdict) => return Ok(verdict),
                    Meaning::SentOn(means, on) => (means, on),
                },
            };
            self.browser.note(Finding::SentOn { by: means, to: masked(&on.url) });
            match self.site.arrival(&on.url, on.body.as_deref(), &self.state) {
                Arrival::Code => {
                    self.browser.note(Finding::Code);
                    return Ok(Verdict::Right { notice: self.new_password_due.then(|| self.notice()) });
                }
                Arrival::Wrong(why) => return Err(ProviderFault::NotUnderstood(why)),
                Arrival::Elsewhere => {}
            }
            if let Some(later) = self.site.later(&on.url) {
                self.browser.note(Finding::NewPasswordDue);
                self.new_password_due = true;
                on = Ask::get(later);
            }
            referer = std::mem::replace(&mut ask, on).url;
        }
        Err(ProviderFault::NotUnderstood(format!("more than {} redirects followed the password", self.site.max_steps())))
    }

    /// Reads a page that came after the password.
    fn read(&mut self, reply: &Reply) -> Result<Meaning, ProviderFault> {
        let (site, page) = (self.site.clone(), &reply.page);
        if let Some(words) = page.script.message().as_deref().and_then(plain_words) {
            self.browser.note(Finding::Said(words.clone()));
            self.said = Some(words);
        }
        if page.form(&site.parts().form).is_some() {
            self.browser.note(Finding::SignInAgain);
            return Ok(Meaning::Verdict(if self.new_password_due {
                Verdict::NotYet { message: Some(self.notice()) }
            } else {
                Verdict::Wrong { message: self.said.take() }
            }));
        }
        if page.form(&site.parts().second_factor).is_some() {
            self.browser.note(Finding::SecondFactor);
            let words =
                "추가 인증이 필요한 계정이라 여기서는 로그인할 수 없습니다. This account needs a second factor and cannot log in here.";
            return Ok(Meaning::Verdict(Verdict::NotYet { message: Some(words.into()) }));
        }
        for form in &page.forms {
            let url = resolve(reply, &form.action)?;
            if site.later(&url).is_some() {
                return Ok(Meaning::SentOn(Means::Form, Ask::get(url)));
            }
        }
        if site.asks_for_a_new_password(&reply.url) {
            return Ok(Meaning::Verdict(Verdict::NotYet { message: Some(self.notice()) }));
        }
        if let Some((at, form)) = page.submits_itself() {
            let mut url = resolve(reply, &form.action)?;
            let ask = if form.post {
                Ask::post(url, page.hidden(at).map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
            } else {
                url.query_pairs_mut().clear().extend_pairs(page.hidden(at));
                Ask::get(url)
            };
            return Ok(Meaning::SentOn(Means::Form, ask));
        }
        if let Some(target) = page.script.redirect() {
            return Ok(Meaning::SentOn(Means::Script, Ask::get(resolve(reply, &target)?)));
        }
        match self.said.take() {
            // A message and nothing else (`alert(…); history.back();`) is how many a site says no.
            Some(words) => Ok(Meaning::Verdict(Verdict::Wrong { message: Some(words) })),
            None => {
                Err(ProviderFault::Changed("after the password came a page without a form, a redirect or a message that is known".into()))
            }
        }
    }

    fn notice(&self) -> String {
        let words = "대학 통합로그인에서 비밀번호를 변경하라고 합니다. The university's login asks for a new password.";
        self.said.clone().unwrap_or_else(|| words.into())
    }
}

/// An address on a page.
fn resolve(reply: &Reply, target: &str) -> Result<Url, ProviderFault> {
    // An empty action means the page itself, whatever its base.
    if target.trim().is_empty() {
        return Ok(reply.url.clone());
    }
    match &reply.page.base {
        Some(base) => site::resolve(&site::resolve(&reply.url, base)?, target),
        None => site::resolve(&reply.url, target),
    }
}
