use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::carry::{Next, ON};
use crate::base::Timestamp;
use crate::gateway::login::{Attempt, LoggedIn};
use crate::gateway::record::Record;
use crate::gateway::reply::{self, Reply};
use crate::gateway::voice::{language, login_error};
use crate::gateway::{Gateway, Intake, Refusal};
use crate::pages::{Action, Label, Lang, LoginError, LoginPage, Message, MessagePage, ProviderChoice, WhyHere};
use crate::provider::Provider;
use crate::store::EndReason;
use crate::web::{CrossSite, FormKind, ReturnTo, field, from_json, from_our_pages, read_whole};

/// A login in JSON. Both first systems' names of the id are taken.
#[derive(Deserialize)]
struct LoginJson {
    #[serde(alias = "username", default)]
    id: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    rotate: bool,
    #[serde(default)]
    cookies: Option<bool>,
    #[serde(default)]
    remember: bool,
}

/// What the login page's form says besides id and password.
struct Form {
    action: &'static str,
    lang: Lang,
    id: String,
    provider: Option<String>,
    remember: bool,
    next: Option<Next>,
}

impl Gateway {
    /// `GET /login`: the page. Somebody who is logged in already is sent on, unless another account is wanted.
    /// Their cookie is renewed on the way if it has to be: who was sent here by a proxy that only asks goes straight back.
    pub(super) async fn login_page(&self, intake: &Intake, record: &Record, now: Timestamp) -> Result<Reply, Refusal> {
        let query = intake.query.as_deref().unwrap_or_default().as_bytes();
        let lang = lang(intake);
        let next = self.next(intake, query);
        let known = self.know(intake, None, now).await.ok();
        if let Some(known) = known.as_ref().filter(|_| field(query, "switch").is_none()) {
            return self.go_on(next, known, intake, now).await;
        }
        if known.is_none() && field(query, ON).is_some() && self.shared.arrivals.comes_back(record) {
            return Err(Refusal::CookiesNotKept);
        }
        if let Some(portal) = self.portal_elsewhere(intake) {
            return Ok(Self::to_portal(&portal, intake));
        }
        let why = field(query, WhyHere::PARAMETER).and_then(|word| WhyHere::parse(&word));
        let form = Form { action: Self::login_path(intake.aliases), lang, id: String::new(), provider: None, remember: false, next };
        let subject = known.map(|known| known.verified.subject.to_string());
        Ok(self.login_form(StatusCode::OK, &form, None, why, subject.as_deref(), None))
    }

    /// `POST /login`: from a program in JSON, or from the page's form.
    pub(super) async fn login(&self, mut intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let kind = FormKind::of(&intake.headers);
        let foreign = matches!(from_our_pages(&intake.headers, &intake.origin(), &self.settings.csrf), Err(CrossSite::Foreign));
        if foreign {
            // Login CSRF: a stranger's page would log the visitor in as the stranger.
            return Err(CrossSite::Foreign.into());
        }
        let body = Zeroizing::new(Vec::from(read_whole(intake.take_body()).await?));
        match kind {
            FormKind::Json => self.login_json(&body, &intake, record, now).await,
            FormKind::UrlEncoded => self.login_from_page(&body, &intake, record, now).await,
            FormKind::Other => Err(Refusal::Form),
        }
    }

    async fn login_json(&self, body: &[u8], intake: &Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let said: LoginJson = from_json(body).ok_or(Refusal::Form)?;
        let password = said.password.map(SecretString::from).unwrap_or_default();
        let cookies = said.cookies.unwrap_or(self.settings.library.places.only_cookies());
        let attempt = Attempt {
            id: said.id.unwrap_or_default(),
            password,
            provider: said.provider,
            remember: said.remember,
            rotate: said.rotate,
            cookies,
        };
        let logged_in = self.log_in(attempt, intake, record, now).await?;
        let mut body = if cookies { json!({ "login": true }) } else { tokens(&logged_in, now) };
        if let Some(notice) = &logged_in.notice {
            body["notice"] = notice.as_str().into();
        }
        if let Some(reason) = logged_in.last_end {
            body["last_session_ended"] = reason.as_str().into();
        }
        let mut reply = reply::json(StatusCode::OK, &body);
        if cookies {
            self.set_cookies(&mut reply, &logged_in, now);
        }
        Ok(reply)
    }

    async fn login_from_page(&self, body: &[u8], intake: &Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        if self.portal_elsewhere(intake).is_some() {
            // Passwords are typed where no application is. What was typed here is not looked at.
            let next = field(body, "next").and_then(|next| ReturnTo::parse(&next)).unwrap_or_default();
            return Ok(reply::see_other(&format!("{}?next={}", Self::login_path(intake.aliases), next.in_query())));
        }
        let text = |name| field(body, name).map(std::borrow::Cow::into_owned);
        let form = Form {
            action: Self::login_path(intake.aliases),
            lang: lang(intake),
            id: text("id").or_else(|| text("username")).unwrap_or_default(),
            provider: text("provider"),
            remember: text("remember").is_some(),
            next: self.next(intake, body),
        };
        let password = Zeroizing::new(text("password").unwrap_or_default());
        let attempt = Attempt {
            id: form.id.clone(),
            password: SecretString::from(password.as_str()),
            provider: form.provider.clone(),
            remember: form.remember,
            rotate: false,
            cookies: true,
        };
        match self.log_in(attempt, intake, record, now).await {
            Ok(logged_in) => {
                self.shared.arrivals.sent(record);
                Ok(self.logged_in_page(&form, &logged_in, now))
            }
            // An old form, sent empty from one tab after the login in another.
            Err(Refusal::CredentialsMissing) if self.know(intake, None, now).await.is_ok() => {
                Ok(reply::see_other(&form.next.as_ref().map_or_else(|| "/".to_owned(), Next::href)))
            }
            Err(refusal) => match login_error(&refusal, now) {
                Some(error) => {
                    record.refusal = Some(refusal.word());
                    if error_is_operators(&refusal) {
                        tracing::warn!(request = %record.id, "{refusal}");
                    }
                    let subject = self.present(intake, now).ok().map(|known| known.verified.subject.to_string());
                    let id = Some(record.id.as_str());
                    let mut reply = self.login_form(refusal.status(), &form, Some(error), None, subject.as_deref(), id);
                    if let Refusal::Throttled { wait } = &refusal {
                        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
                    }
                    Ok(reply)
                }
                None => Err(refusal),
            },
        }
    }

    /// On to where the person wanted to go, by way of a page if there is something to tell first.
    fn logged_in_page(&self, form: &Form, logged_in: &LoggedIn, now: Timestamp) -> Reply {
        let next = form.next.as_ref().map_or_else(|| "/".to_owned(), Next::href);
        let go_on = [Action { label: Label::Continue, href: &next }];
        let ended = logged_in.last_end.and_then(told_at_login);
        let message = match (&logged_in.notice, ended) {
            (Some(notice), _) => Some(Message::LoggedInWithNotice(notice)),
            (None, Some(why)) => Some(Message::LoggedInAfter(why)),
            (None, None) => None,
        };
        let mut reply = match message {
            Some(message) => {
                self.own_page(StatusCode::OK, form.lang, self.pages.message(form.lang, &MessagePage { message, actions: &go_on }))
            }
            None => reply::see_other(&next),
        };
        self.set_cookies(&mut reply, logged_in, now);
        reply
    }

    fn login_form(
        &self,
        status: StatusCode,
        form: &Form,
        error: Option<LoginError<'_>>,
        why: Option<WhyHere>,
        signed_in_as: Option<&str>,
        id: Option<&str>,
    ) -> Reply {
        let providers: Vec<ProviderChoice<'_>> = self.providers.iter().map(|provider| self.provider_choice(provider)).collect();
        let next = form.next.as_ref().map(Next::parameters);
        let sign_up = self.sign_up_place(form.next.as_ref());
        let page = LoginPage {
            action: form.action,
            next: next.as_ref().map(|(next, _)| next.as_str()),
            mark: next.as_ref().and_then(|(_, mark)| *mark),
            providers: &providers,
            provider: form.provider.as_deref(),
            id: &form.id,
            remember: Some(form.remember),
            why,
            error,
            notice: None,
            signed_in_as,
            sign_up: sign_up.as_deref(),
            request_id: id,
        };
        let mut reply = self.own_page(status, form.lang, self.pages.login(form.lang, &page));
        let policy = form.next.as_ref().and_then(Next::origin).map(|origin| self.pages.policy_leading_to(&origin));
        if let Some(Ok(policy)) = policy.map(HeaderValue::try_from) {
            reply.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        reply
    }

    /// A provider as the page offers it.
    pub(in crate::gateway) fn provider_choice<'a>(&'a self, provider: &'a Arc<dyn Provider>) -> ProviderChoice<'a> {
        let (label, hint) = self.pages.account_system(provider.name().as_str());
        ProviderChoice { name: provider.name().as_str(), label, hint, answering: provider.is_answering() }
    }

    fn set_cookies(&self, reply: &mut Reply, logged_in: &LoggedIn, now: Timestamp) {
        let headers = reply.headers_mut();
        self.cookies.set_access(headers, &logged_in.access.token, &logged_in.access.csrf, logged_in.life, now);
        self.cookies.set_refresh(headers, &logged_in.refresh.token, &logged_in.refresh.csrf, logged_in.life, now);
    }
}

/// Both tokens as a program gets them (RFC 6749, section 5.1, and the flask library's names).
fn tokens(logged_in: &LoggedIn, now: Timestamp) -> serde_json::Value {
    json!({
        "access_token": logged_in.access.token.expose(),
        "refresh_token": logged_in.refresh.token.expose(),
        "token_type": "Bearer",
        "expires_in": logged_in.access.expires.since(now).as_secs(),
        "refresh_expires_in": logged_in.refresh.expires.since(now).as_secs(),
    })
}

/// Which ends of the last session a person should hear of, having seen none of it.
const fn told_at_login(reason: EndReason) -> Option<WhyHere> {
    match reason {
        EndReason::Theft => Some(WhyHere::Theft),
        EndReason::Administrator => Some(WhyHere::Administrator),
        EndReason::PasswordChanged => Some(WhyHere::PasswordChanged),
        EndReason::Elsewhere
        | EndReason::LoggedOut
        | EndReason::Replaced
        | EndReason::TooMany
        | EndReason::Disabled
        | EndReason::Removed => None,
    }
}

fn error_is_operators(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Provider(_) | Refusal::Store(_))
}

/// The language of a page of ours.
pub(super) fn lang(intake: &Intake) -> Lang {
    language(intake.query.as_deref(), &intake.headers)
}
