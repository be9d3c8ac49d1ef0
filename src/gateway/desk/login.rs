//! Logging in and out at the admin listener: with the same providers and throttle as everywhere, for administrators alone.

use http::StatusCode;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::base::Timestamp;
use crate::gateway::login::{Attempt, audit};
use crate::gateway::record::Record;
use crate::gateway::reply::{self, Reply};
use crate::gateway::voice::{language, login_error};
use crate::gateway::{Gateway, Intake, Refusal};
use crate::identity::Role;
use crate::observe::AuditKind;
use crate::pages::{Lang, LoggedOutPage, LoginError, LoginPage, ProviderChoice, RefusalKind, RefusalPage};
use crate::store::{Change, EndReason};
use crate::web::{CsrfSettings, FormKind, ReturnTo, SessionCookies, field, from_our_pages, read_whole};

pub(super) const LOGIN: &str = "/.auth/admin/login";
pub(super) const LOGOUT: &str = "/.auth/admin/logout";

/// On to the login, and from there back to where somebody wanted to go.
pub(super) fn sent_to(place: &str) -> Reply {
    let next = ReturnTo::parse(place).unwrap_or_else(ReturnTo::overview);
    reply::see_other(&format!("{LOGIN}?next={}", next.in_query()))
}

/// What the form says besides the password.
struct Form {
    id: String,
    provider: Option<String>,
    next: ReturnTo,
}

impl Form {
    fn of(encoded: &[u8]) -> Self {
        let text = |name| field(encoded, name).map(std::borrow::Cow::into_owned);
        // Nothing but the administration is here.
        let next = text("next").and_then(|next| ReturnTo::parse(&next)).filter(|next| Gateway::is_at_desk(path(next)));
        Self { id: text("id").unwrap_or_default(), provider: text("provider"), next: next.unwrap_or_else(ReturnTo::overview) }
    }
}

fn path(place: &ReturnTo) -> &str {
    place.as_str().split(['?', '#']).next().unwrap_or_default()
}

impl Gateway {
    pub(super) async fn desk_login_page(&self, intake: &Intake, now: Timestamp) -> Result<Reply, Refusal> {
        let form = Form::of(intake.query.as_deref().unwrap_or_default().as_bytes());
        let known = self.know(intake, None, now).await.ok();
        if known.is_some_and(|known| known.profile.role == Role::Admin) {
            return Ok(reply::see_other(form.next.as_str()));
        }
        Ok(self.desk_login_form(StatusCode::OK, &form, None, intake, None))
    }

    pub(super) async fn desk_login(&self, mut intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        from_our_pages(&intake.headers, &intake.origin(), &CsrfSettings::default())?;
        if FormKind::of(&intake.headers) != FormKind::UrlEncoded {
            return Err(Refusal::Form);
        }
        let body = Zeroizing::new(Vec::from(read_whole(intake.take_body()).await?));
        let form = Form::of(&body);
        let typed = Zeroizing::new(field(&body, "password").unwrap_or_default().into_owned());
        let attempt = Attempt {
            id: form.id.clone(),
            password: SecretString::from(typed.as_str()),
            provider: form.provider.clone(),
            // The cookies go with the browser: there is no TLS to keep them safe.
            remember: false,
            rotate: false,
            cookies: true,
        };
        let logged_in = match self.log_in(attempt, &intake, record, now).await {
            Ok(logged_in) => logged_in,
            Err(refusal) => {
                let Some(error) = login_error(&refusal, now) else { return Err(refusal) };
                record.refusal = Some(refusal.word());
                return Ok(self.desk_login_form(refusal.status(), &form, Some(error), &intake, Some(record.id.as_str())));
            }
        };
        let verified = self.verifier.access(&logged_in.access.token, now)?;
        let known = self.standing(verified, crate::gateway::admit::Shown::Cookie, now)?;
        if known.profile.role != Role::Admin {
            // What began is ended: a member has no session over a line without TLS.
            let (session, user) = (known.verified.session, known.verified.user.clone());
            self.shared.log.end(vec![Change::SessionEnded { session, user, reason: EndReason::LoggedOut }]).await?;
            return Err(Refusal::Forbidden { subject: known.verified.subject.to_string() });
        }
        let mut reply = reply::see_other(form.next.as_str());
        let cookies = SessionCookies::desk();
        cookies.set_access(reply.headers_mut(), &logged_in.access.token, &logged_in.access.csrf, logged_in.life, now);
        cookies.set_refresh(reply.headers_mut(), &logged_in.refresh.token, &logged_in.refresh.csrf, logged_in.life, now);
        Ok(reply)
    }

    /// Somebody who is logged in and no administrator: another account may be one.
    pub(super) fn not_for_members(&self, subject: &str, lang: Lang, record: &Record) -> Reply {
        let kind = RefusalKind::NotAllowed { subject, login: LOGIN };
        let page = RefusalPage { kind, request_id: record.id.as_str(), retry: None, home: None };
        self.own_page(kind.status(), lang, self.pages.refusal(lang, &page))
    }

    pub(super) async fn desk_logout(&self, intake: &Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        from_our_pages(&intake.headers, &intake.origin(), &CsrfSettings::default())?;
        if let Some(token) = self.presented_token(intake, now) {
            let (session, user) = (token.session, token.user.clone());
            let reason = EndReason::LoggedOut;
            self.shared.log.end(vec![Change::SessionEnded { session, user: user.clone(), reason }]).await?;
            self.shared.audit(audit(AuditKind::SessionEnded, &user, Some(session), intake.client, record, now, reason.as_str()));
        }
        let lang = language(intake.query.as_deref(), &intake.headers);
        let page = LoggedOutPage { login: LOGIN, everywhere: false };
        let mut reply = self.own_page(StatusCode::OK, lang, self.pages.logged_out(lang, &page));
        SessionCookies::desk().clear(reply.headers_mut());
        Ok(reply)
    }

    fn desk_login_form(
        &self,
        status: StatusCode,
        form: &Form,
        error: Option<LoginError<'_>>,
        intake: &Intake,
        request_id: Option<&str>,
    ) -> Reply {
        let choice = |provider| self.provider_choice(provider);
        let providers: Vec<ProviderChoice<'_>> = self.providers.iter().map(choice).collect();
        let lang = language(intake.query.as_deref(), &intake.headers);
        let page = LoginPage {
            action: LOGIN,
            next: Some(form.next.as_str()),
            providers: &providers,
            provider: form.provider.as_deref(),
            id: &form.id,
            error,
            request_id,
            ..LoginPage::default()
        };
        self.own_page(status, lang, self.pages.login(lang, &page))
    }
}
