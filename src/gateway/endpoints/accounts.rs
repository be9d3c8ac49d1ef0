//! Accounts of our own, for programs and pages that speak JSON: sign-up, a new password, withdrawal, a one-time link.
//! Whatever cannot be taken back asks for the password again, and the throttle counts it as a login.

use std::future::Future;

use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::base::{Timestamp, TokenId};
use crate::gateway::admit::{Known, Shown};
use crate::gateway::login::audit;
use crate::gateway::record::Record;
use crate::gateway::reply::{self, Reply};
use crate::gateway::{AccountRefusal, Gateway, Intake, Refusal};
use crate::identity::{DisplayName, Email, Profile, UserId};
use crate::observe::{AuditEvent, AuditKind};
use crate::provider::{AccountFault, Local};
use crate::store::{AccountStatus, Change, EndReason};
use crate::throttle::Attempt;
use crate::web::{CrossSite, FormKind, from_json, from_our_pages, read_whole};

#[derive(Deserialize)]
struct SignUpJson {
    #[serde(alias = "username")]
    id: String,
    password: String,
    name: String,
    email: String,
    #[serde(default)]
    provider: Option<String>,
}

#[derive(Deserialize)]
struct PasswordJson {
    password: String,
    new_password: String,
}

#[derive(Deserialize)]
struct WithdrawJson {
    password: String,
}

#[derive(Deserialize)]
struct ResetJson {
    token: String,
    new_password: String,
}

impl Gateway {
    /// `POST /.auth/api/signup`: an account for somebody who asks for one. It logs nobody in.
    pub(super) async fn sign_up(&self, intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let (intake, said) = self.said::<SignUpJson>(intake).await?;
        let named = said.provider.as_deref();
        let local = self.locals().find(|local| named.is_none_or(|name| local.settings().name.as_str() == name));
        let local = local.ok_or(Refusal::Account(AccountRefusal::NotHere))?.clone();
        let settings = local.settings();
        let user = settings.id_rule.canonical(&settings.realm, &said.id).map_err(|_| Refusal::Account(AccountRefusal::Id))?;
        let profile = Profile {
            name: Some(DisplayName::new(&said.name).map_err(|_| Refusal::Account(AccountRefusal::Name))?),
            email: Some(Email::new(&said.email).map_err(|_| Refusal::Account(AccountRefusal::Email))?),
            ..Profile::default()
        };
        // Costs its unit however it ends: whoever makes accounts by the hundred is slowed down.
        let _budget = self.budget(&user, &intake, record, now)?;
        let (whose, password) = (user.clone(), SecretString::from(said.password));
        let status = self.elsewhere(async move { local.sign_up(whose, profile, password).await }).await?;
        let status = match status {
            AccountStatus::Active => "active",
            AccountStatus::Awaiting => "awaiting_approval",
        };
        self.shared.audit(audit(AuditKind::PersonAdded, &user, None, intake.client, record, now, status));
        Ok(reply::json(StatusCode::CREATED, &json!({ "id": user.id(), "status": status })))
    }

    /// `POST /.auth/api/password`: a new password, for somebody who knows the old one. Their other sessions end.
    pub(super) async fn change_password(&self, intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let (intake, said) = self.said::<PasswordJson>(intake).await?;
        let (known, local) = self.owner(&intake, record, now)?;
        let user = known.verified.user.clone();
        let budget = self.budget(&user, &intake, record, now)?;
        let (whose, old, new) = (user.clone(), SecretString::from(said.password), SecretString::from(said.new_password));
        settle(budget, self.elsewhere(async move { local.change_password(whose, old, new).await }).await)?;
        let session = known.verified.session;
        let others = self.shared.store.sessions_of(user.clone(), now).await?.into_iter().filter(|other| other.id != session);
        let ended: Vec<Change> = others
            .map(|other| Change::SessionEnded { session: other.id, user: user.clone(), reason: EndReason::PasswordChanged })
            .collect();
        if !ended.is_empty() {
            self.shared.log.end(ended).await?;
        }
        self.shared.audit(audit(AuditKind::PasswordChanged, &user, Some(session), intake.client, record, now, "by themselves"));
        Ok(reply::json(StatusCode::OK, &json!({ "changed": true })))
    }

    /// `POST /.auth/api/withdraw`: the person leaves. Data and sessions are gone when this is answered.
    pub(super) async fn withdraw(&self, intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let (intake, said) = self.said::<WithdrawJson>(intake).await?;
        let (known, local) = self.owner(&intake, record, now)?;
        let user = known.verified.user.clone();
        let budget = self.budget(&user, &intake, record, now)?;
        let (whose, password) = (user.clone(), SecretString::from(said.password));
        settle(budget, self.elsewhere(async move { local.confirm(&whose, password).await }).await)?;
        self.shared.log.end(vec![Change::PersonRemoved { user }]).await?;
        // Names nobody: what is gone shall not come back through the audit table.
        let detail = "by themselves".to_owned();
        let (kind, request) = (AuditKind::PersonRemoved, Some(record.id.to_string()));
        self.shared.audit(AuditEvent { at: now, kind, user: None, session: None, address: None, request, detail });
        let mut reply = reply::json(StatusCode::OK, &json!({ "removed": true }));
        self.cookies.clear(reply.headers_mut());
        Ok(reply)
    }

    /// `POST /.auth/api/reset`: a new password by a one-time link. All sessions of the person end: whoever forgot the
    /// password may not be the only one who knew it.
    pub(super) async fn reset_password(&self, intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let (intake, said) = self.said::<ResetJson>(intake).await?;
        let secret = TokenId::parse(&said.token).ok_or(Refusal::Account(AccountRefusal::Link))?;
        let mut outcome = Err(Refusal::Account(AccountRefusal::Link));
        for local in self.locals().cloned().collect::<Vec<_>>() {
            let new = SecretString::from(said.new_password.as_str());
            outcome = self.elsewhere(async move { local.use_reset(&secret, new).await }).await.map_err(Refusal::from);
            if !matches!(outcome, Err(Refusal::Account(AccountRefusal::Link))) {
                break;
            }
        }
        let user = outcome?;
        self.shared.log.end(vec![Change::PersonEnded { user: user.clone(), reason: EndReason::PasswordChanged }]).await?;
        self.shared.audit(audit(AuditKind::PasswordChanged, &user, None, intake.client, record, now, "by a one-time link"));
        Ok(reply::json(StatusCode::OK, &json!({ "changed": true })))
    }

    fn locals(&self) -> impl Iterator<Item = &Local> {
        self.providers.iter().filter_map(|provider| provider.accounts())
    }

    /// What was said, in JSON: a form of another site cannot send that, and its pages are refused besides.
    async fn said<T: serde::de::DeserializeOwned>(&self, mut intake: Intake) -> Result<(Intake, T), Refusal> {
        if matches!(from_our_pages(&intake.headers, &intake.origin(), &self.settings.csrf), Err(CrossSite::Foreign)) {
            return Err(CrossSite::Foreign.into());
        }
        if FormKind::of(&intake.headers) != FormKind::Json {
            return Err(Refusal::Form);
        }
        let body = Zeroizing::new(Vec::from(read_whole(intake.take_body()).await?));
        let said = from_json(&body).ok_or(Refusal::Form)?;
        Ok((intake, said))
    }

    /// Who asks, and where their account is kept.
    fn owner(&self, intake: &Intake, record: &mut Record, now: Timestamp) -> Result<(Known, Local), Refusal> {
        let known = self.present(intake, now)?;
        if known.shown == Shown::Cookie {
            self.check_cookie_may_act(intake, Some(&known.verified.csrf))?;
        }
        record.person = Some(std::sync::Arc::clone(&known.verified.subject));
        let local = self.locals().find(|local| &local.settings().realm == known.verified.user.realm());
        let local = local.ok_or(Refusal::Account(AccountRefusal::NotHere))?.clone();
        Ok((known, local))
    }

    /// Leave for one guess, out of the same budgets as a login.
    fn budget(&self, user: &UserId, intake: &Intake, record: &Record, now: Timestamp) -> Result<Attempt, Refusal> {
        self.shared.throttle.attempt(user, intake.client, now).map_err(|throttled| {
            self.shared.audit(audit(AuditKind::LoginThrottled, user, None, intake.client, record, now, "account"));
            Refusal::Throttled { wait: throttled.retry_after }
        })
    }

    /// Runs it on the services' runtime: nothing slow may run on the data path.
    async fn elsewhere<T, F>(&self, work: F) -> Result<T, AccountFault>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, AccountFault>> + Send + 'static,
    {
        self.shared.services.spawn(work).await.unwrap_or(Err(AccountFault::Hashing))
    }
}

/// Only a wrong password costs anything.
fn settle<T>(budget: Attempt, outcome: Result<T, AccountFault>) -> Result<T, Refusal> {
    match &outcome {
        Err(AccountFault::Wrong) => budget.wrong(),
        Ok(_) => budget.right(),
        Err(
            AccountFault::Taken
            | AccountFault::Closed
            | AccountFault::Password(_)
            | AccountFault::Link
            | AccountFault::Store(_)
            | AccountFault::Hashing,
        ) => budget.unanswered(),
    }
    Ok(outcome?)
}
