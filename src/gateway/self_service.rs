//! What people do with accounts of their own: make one, set another password, leave. The JSON interface and the pages both
//! come here. Whatever cannot be taken back asks for the password again, and the throttle counts it as a login.

use std::future::Future;

use secrecy::SecretString;

use super::admit::{Known, Shown};
use super::login::audit;
use super::record::Record;
use super::{AccountRefusal, Gateway, Intake, Refusal};
use crate::base::{Timestamp, TokenId};
use crate::identity::{Profile, UserId};
use crate::observe::{AuditEvent, AuditKind};
use crate::provider::{AccountFault, Local};
use crate::store::{AccountStatus, Change, EndReason, Fields};
use crate::throttle::Attempt;

/// An account that somebody wants.
pub(super) struct Wish {
    pub(super) user: UserId,
    pub(super) profile: Profile,
    pub(super) fields: Fields,
    pub(super) password: SecretString,
}

impl Gateway {
    /// Makes an account. It logs nobody in.
    pub(super) async fn make_account(
        &self,
        local: &Local,
        wish: Wish,
        intake: &Intake,
        record: &Record,
        now: Timestamp,
    ) -> Result<AccountStatus, Refusal> {
        // Costs its unit however it ends: whoever makes accounts by the hundred is slowed down.
        let _budget = self.budget(&wish.user, intake, record, now)?;
        let (user, local) = (wish.user.clone(), local.clone());
        let status = self.elsewhere(async move { local.sign_up(wish.user, wish.profile, wish.fields, wish.password).await }).await?;
        self.shared.audit(audit(AuditKind::PersonAdded, &user, None, intake.client, record, now, status.as_str()));
        Ok(status)
    }

    /// Sets a new password for somebody who knows the present one. Their other sessions end.
    pub(super) async fn set_password(
        &self,
        known: &Known,
        (present, new): (SecretString, SecretString),
        intake: &Intake,
        record: &Record,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let local = self.keeper(known)?.clone();
        let user = known.verified.user.clone();
        let budget = self.budget(&user, intake, record, now)?;
        let whose = user.clone();
        settle(budget, self.elsewhere(async move { local.change_password(whose, present, new).await }).await)?;
        let session = known.verified.session;
        let others = self.shared.store.sessions_of(user.clone(), now).await?.into_iter().filter(|other| other.id != session);
        let ended: Vec<Change> = others
            .map(|other| Change::SessionEnded { session: other.id, user: user.clone(), reason: EndReason::PasswordChanged })
            .collect();
        if !ended.is_empty() {
            self.shared.log.end(ended).await?;
        }
        self.shared.audit(audit(AuditKind::PasswordChanged, &user, Some(session), intake.client, record, now, "by themselves"));
        Ok(())
    }

    /// Whose one-time link this is; nobody's when it was used, is too old, or never was.
    pub(super) async fn holder(&self, secret: TokenId) -> Result<Option<(UserId, Local)>, Refusal> {
        for local in self.locals().cloned() {
            let asked = local.clone();
            if let Some(user) = self.elsewhere(async move { Ok(asked.reset_of(&secret).await?) }).await? {
                return Ok(Some((user, local)));
            }
        }
        Ok(None)
    }

    /// Sets a new password by a one-time link. All sessions of the person end: whoever forgot the password may not be the
    /// only one who knew it.
    pub(super) async fn redeem(
        &self,
        secret: TokenId,
        new: SecretString,
        intake: &Intake,
        record: &Record,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let (_, local) = self.holder(secret).await?.ok_or(Refusal::Account(AccountRefusal::Link))?;
        let user = self.elsewhere(async move { local.use_reset(&secret, new).await }).await?;
        self.shared.log.end(vec![Change::PersonEnded { user: user.clone(), reason: EndReason::PasswordChanged }]).await?;
        self.shared.audit(audit(AuditKind::PasswordChanged, &user, None, intake.client, record, now, "by a one-time link"));
        Ok(())
    }

    /// The person leaves. Data and sessions are gone when this has been done.
    pub(super) async fn leave(
        &self,
        known: &Known,
        password: SecretString,
        intake: &Intake,
        record: &mut Record,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.confirm(&known.verified, password, intake, record, now).await?;
        self.shared.log.end(vec![Change::PersonRemoved { user: known.verified.user.clone() }]).await?;
        // Names nobody: what is gone shall not come back through the audit table or the access log.
        record.person = None;
        let detail = "by themselves".to_owned();
        let (kind, request) = (AuditKind::PersonRemoved, Some(record.id.to_string()));
        self.shared.audit(AuditEvent { at: now, kind, user: None, session: None, address: None, request, detail });
        Ok(())
    }

    /// The providers whose accounts are our own.
    pub(super) fn locals(&self) -> impl Iterator<Item = &Local> {
        self.providers.iter().filter_map(|provider| provider.accounts())
    }

    /// Where an account's password is kept, if that is here.
    pub(super) fn keeper(&self, known: &Known) -> Result<&Local, Refusal> {
        let local = self.locals().find(|local| &local.settings().realm == known.verified.user.realm());
        local.ok_or(Refusal::Account(AccountRefusal::NotHere))
    }

    /// Who asks for a change, by a token of their own that may act here.
    pub(super) fn acting(&self, intake: &Intake, record: &mut Record, now: Timestamp) -> Result<Known, Refusal> {
        let known = self.present(intake, now)?;
        if known.shown == Shown::Cookie {
            self.check_cookie_may_act(intake, Some(&known.verified.csrf))?;
        }
        record.person = Some(std::sync::Arc::clone(&known.verified.subject));
        Ok(known)
    }

    /// Leave for one guess, out of the same budgets as a login.
    fn budget(&self, user: &UserId, intake: &Intake, record: &Record, now: Timestamp) -> Result<Attempt, Refusal> {
        self.shared.throttle.attempt(user, intake.client, now).map_err(|throttled| {
            self.shared.audit(audit(AuditKind::LoginThrottled, user, None, intake.client, record, now, "account"));
            Refusal::Throttled { wait: throttled.retry_after }
        })
    }

    /// Runs it on the services' runtime: nothing slow may run on the data path.
    pub(super) async fn elsewhere<T, F>(&self, work: F) -> Result<T, AccountFault>
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
