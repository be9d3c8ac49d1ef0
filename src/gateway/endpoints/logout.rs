use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use super::login::lang;
use crate::base::Timestamp;
use crate::gateway::admit::Shown;
use crate::gateway::login::audit;
use crate::gateway::record::Record;
use crate::gateway::reply::{self, Reply};
use crate::gateway::{Gateway, Intake, Refusal};
use crate::observe::AuditKind;
use crate::pages::{LoggedOutPage, LogoutPage};
use crate::store::{Change, EndReason};
use crate::token::Verified;
use crate::web::{FormKind, from_our_pages, wants_page};

impl Gateway {
    /// `POST /logout`: ends the session of whichever token of ours is shown, even one past its end or a refresh token
    /// alone, and clears the cookies. Confirmed means durable.
    pub(super) async fn logout(&self, intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let token = self.presented_token(&intake, now);
        if intake.credentials.bearer.is_none() {
            self.check_logout(&intake, token.as_ref().map(|token| &*token.csrf))?;
        }
        if token.is_none() && intake.credentials.bearer.is_some() {
            return Err(Refusal::Token(crate::token::TokenFault::Malformed));
        }
        if let Some(token) = token {
            self.end_session(&token, &intake, record, now).await?;
        }
        Ok(self.logged_out(&intake, FormKind::of(&intake.headers) == FormKind::UrlEncoded, false))
    }

    /// `GET /logout`: a link on one of our own pages does it, and a script of one (the first systems' pages have it so); a link
    /// from elsewhere asks first; a program is told to POST.
    pub(super) async fn logout_link(&self, intake: &Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let says = |name: &str, word: &str| intake.headers.get(name).is_some_and(|said| said == word);
        let ours = says("sec-fetch-site", "same-origin");
        // Not a picture or a frame: whoever may put a link into a page of ours could log out its readers.
        let script = ours && says("sec-fetch-dest", "empty");
        let page = wants_page(&Method::GET, &intake.headers);
        if !(page || script) || intake.method == Method::HEAD {
            return Err(Refusal::Method { allowed: vec![Method::POST] });
        }
        let known = self.present(intake, now).ok();
        if ours && let Some(token) = self.presented_token(intake, now) {
            self.end_session(&token, intake, record, now).await?;
            return Ok(self.logged_out(intake, page, false));
        }
        if script {
            return Ok(self.logged_out(intake, false, false));
        }
        let page = LogoutPage {
            action: Self::logout_path(intake.aliases),
            everywhere: Some("/.auth/logout/all"),
            stay: "/",
            subject: known.as_ref().map(|known| &*known.verified.subject),
            next: None,
        };
        let lang = lang(intake);
        Ok(self.own_page(StatusCode::OK, lang, self.pages.logout(lang, &page)))
    }

    /// `POST /.auth/logout/all`: ends every session of the person, this one too.
    pub(super) async fn logout_everywhere(&self, intake: &Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let known = self.present(intake, now)?;
        if known.shown == Shown::Cookie {
            self.check_logout(intake, Some(&known.verified.csrf))?;
        }
        record.person = Some(std::sync::Arc::clone(&known.verified.subject));
        let user = known.verified.user.clone();
        self.shared.log.end(vec![Change::PersonEnded { user: user.clone(), reason: EndReason::LoggedOut }]).await?;
        self.shared.audit(audit(
            AuditKind::PersonLoggedOut,
            &user,
            Some(known.verified.session),
            intake.client,
            record,
            now,
            "by themselves",
        ));
        Ok(self.logged_out(intake, FormKind::of(&intake.headers) == FormKind::UrlEncoded, true))
    }

    /// A form of our own pages works without a script and cannot send the double-submit header of the flask profile: there
    /// the browser's word on where it comes from counts instead, in both profiles.
    fn check_logout(&self, intake: &Intake, csrf: Option<&str>) -> Result<(), Refusal> {
        if FormKind::of(&intake.headers) == FormKind::UrlEncoded {
            return Ok(from_our_pages(&intake.headers, &intake.origin(), &self.settings.csrf)?);
        }
        self.check_cookie_may_act(intake, csrf)
    }

    async fn end_session(&self, token: &Verified, intake: &Intake, record: &mut Record, now: Timestamp) -> Result<(), Refusal> {
        record.person = Some(std::sync::Arc::clone(&token.subject));
        let change = Change::SessionEnded { session: token.session, user: token.user.clone(), reason: EndReason::LoggedOut };
        self.shared.log.end(vec![change]).await?;
        self.shared.audit(audit(
            AuditKind::SessionEnded,
            &token.user,
            Some(token.session),
            intake.client,
            record,
            now,
            EndReason::LoggedOut.as_str(),
        ));
        Ok(())
    }

    fn logged_out(&self, intake: &Intake, page: bool, everywhere: bool) -> Reply {
        let mut reply = if page {
            let lang = lang(intake);
            self.own_page(
                StatusCode::OK,
                lang,
                self.pages.logged_out(lang, &LoggedOutPage { login: Self::login_path(intake.aliases), everywhere }),
            )
        } else {
            reply::json(StatusCode::OK, &json!({ "msg": "Logout Successful", "logout": true }))
        };
        self.cookies.clear(reply.headers_mut());
        // What a cache of the browser kept of the person's pages goes too.
        reply.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
        reply
    }
}
