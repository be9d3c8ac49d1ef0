//! The provider kind `http-form`: one request with id and password, one JSON answer.
//!
//! Success is HTTP 200 and a JSON object whose code is one of the configured *strings*. It must never take anything
//! else for a yes: not a number, not a page, not a redirect, not half an answer.

mod answer;
mod request;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use http::{StatusCode, header::LOCATION};
use reqwest::Response;

use super::bandi::{Finding, Sink, Step, masked};
use super::lane::Lane;
use super::reach::{Wire, content_type, origin_of};
use super::text::plain_words;
use super::{Breaker, Checking, Login, Provider, ProviderFault, SetupFault, Verdict};
use crate::base::Clock;
use crate::identity::{IdRule, ProviderName, Realm};
use request::Template;

pub use settings::{AnswerRule, HttpFormSettings, Placement};

/// Asks an HTTP endpoint that answers in JSON; Myongji University's `userCheck.do` is its preset.
pub struct HttpForm {
    name: ProviderName,
    realm: Realm,
    id_rule: IdRule,
    template: Template,
    rule: AnswerRule,
    wire: Wire,
    lane: Lane,
}

impl HttpForm {
    /// A provider that asks as `settings` say.
    ///
    /// # Errors
    /// When the settings cannot work; see [`SetupFault`].
    pub fn new(settings: HttpFormSettings, clock: Arc<dyn Clock>) -> Result<Self, SetupFault> {
        if settings.answer.success.is_empty() {
            return Err(SetupFault::NoSuccessCode);
        }
        if settings.answer.code_field.is_empty() {
            return Err(SetupFault::Empty("the field of the answer's code"));
        }
        let wire = Wire::new(&settings.reach, &[&settings.url])?;
        let lane = Lane::new(settings.name.clone(), &settings.reach, clock);
        let template = Template::new(&settings)?;
        Ok(Self { name: settings.name, realm: settings.realm, id_rule: settings.id_rule, template, rule: settings.answer, wire, lane })
    }

    /// Asks and tells what is sent and what comes back, for `munjigi sso test`. No value of a field is among what is told.
    ///
    /// # Errors
    /// As [`Provider::check`].
    pub async fn trace(&self, login: Login, step: &mut (dyn FnMut(Step) + Send)) -> Result<Verdict, ProviderFault> {
        let user = login.user.clone();
        self.lane.run(&user, self.ask_telling(login, step)).await
    }

    async fn ask_telling(&self, login: Login, sink: Sink<'_>) -> Result<Verdict, ProviderFault> {
        let began = Instant::now();
        let mut tell = |what| sink(Step { after: began.elapsed(), what });
        let Some(request) = self.template.fill(&login) else {
            // What cannot be put into a header cannot have been set as a password where passwords travel in headers.
            return Ok(Verdict::Wrong { message: None });
        };
        // The password is not held while the answer is awaited.
        drop(login);
        tell(self.template.summary());
        let response = self.wire.send(request).await?;
        tell(Finding::Answered {
            method: self.template.method(),
            url: masked(self.template.url()),
            status: response.status().as_u16(),
            took: began.elapsed(),
            cookies: Vec::new(),
        });
        check_status(&response)?;
        let headers = response.headers().clone();
        let body = self.wire.body(response).await?;
        tell(Finding::Body { bytes: body.len(), kind: content_type(&headers).and_then(plain_words) });
        answer::judge(&self.rule, content_type(&headers), &body)
    }
}

impl Provider for HttpForm {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn realm(&self) -> &Realm {
        &self.realm
    }

    fn id_rule(&self) -> &IdRule {
        &self.id_rule
    }

    fn check(&self, login: Login) -> Checking<'_> {
        Box::pin(async move {
            let mut nobody = |_| {};
            self.trace(login, &mut nobody).await
        })
    }

    fn breaker(&self) -> Option<&Breaker> {
        Some(self.lane.breaker())
    }
}

fn check_status(response: &Response) -> Result<(), ProviderFault> {
    let status = response.status();
    Err(match status {
        StatusCode::OK => return Ok(()),
        StatusCode::NOT_FOUND | StatusCode::GONE => ProviderFault::Changed(format!("it answered {status}")),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
            ProviderFault::Refused(format!("it answered {status}"))
        }
        _ if status.is_redirection() => {
            let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            // Only the origin: what stands behind it may repeat what we sent.
            let target = target.and_then(|target| response.url().join(target).ok()).as_ref().map_or_else(|| "nowhere".into(), origin_of);
            ProviderFault::Changed(format!("it answered {status} and redirects to {target}"))
        }
        _ => ProviderFault::NotUnderstood(format!("it answered {status}")),
    })
}
