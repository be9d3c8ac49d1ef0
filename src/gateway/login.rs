use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;

use super::record::Record;
use super::{Gateway, Intake, Refusal};
use crate::base::{AccessToken, ClientAddr, RefreshToken, SessionId, Timestamp, TokenId};
use crate::identity::{ProviderName, UserId};
use crate::observe::{AuditEvent, AuditKind, LoginOutcome, ProviderCounters};
use crate::provider::{Login, Provider, ProviderFault, Verdict};
use crate::store::{EndReason, Opened, Opening, RenewalOutcome, TokenHash};
use crate::token::{Grant, Issued};
use crate::web::CookieLife;

/// What somebody who wants to log in gave us.
pub(super) struct Attempt {
    pub(super) id: String,
    pub(super) password: SecretString,
    /// Which provider; the first when none is named.
    pub(super) provider: Option<String>,
    /// Whether cookies are to outlive the browser.
    pub(super) remember: bool,
    /// Whether every refresh of this session is to rotate.
    pub(super) rotate: bool,
    /// Whether the tokens will travel in cookies.
    pub(super) cookies: bool,
}

/// A new session and its tokens.
pub(super) struct LoggedIn {
    pub(super) access: Issued<AccessToken>,
    pub(super) refresh: Issued<RefreshToken>,
    pub(super) life: CookieLife,
    /// What the provider wants told.
    pub(super) notice: Option<String>,
    /// Why the person's last session ended, when they have not been told.
    pub(super) last_end: Option<EndReason>,
}

impl Gateway {
    /// Throttle, provider, session, tokens: the one way a session begins, whatever the entrance.
    pub(super) async fn log_in(&self, attempt: Attempt, intake: &Intake, record: &mut Record, now: Timestamp) -> Result<LoggedIn, Refusal> {
        if attempt.id.trim().is_empty() || secrecy::ExposeSecret::expose_secret(&attempt.password).is_empty() {
            return Err(Refusal::CredentialsMissing);
        }
        let provider = self.provider(attempt.provider.as_deref())?;
        // An id that cannot be one is refused like a wrong password: the answer must not tell what ids look like.
        let user = provider.id_rule().canonical(provider.realm(), &attempt.id).map_err(|_| Refusal::LoginRefused { message: None })?;
        let asking = Asking { provider, user: &user, session: None, purpose: "" };
        let said = self.check_password(asking, attempt.password, intake, record, now).await?;
        let beginning = Beginning { user, provider: said.by, remember: attempt.remember, rotate: attempt.rotate, cookies: attempt.cookies };
        self.begin(beginning, said.notice, intake, record, now).await
    }

    /// Throttle and provider: the one way a password is checked, at a login and when it is asked for again.
    ///
    /// # Errors
    /// [`Refusal::LoginRefused`] when it is not right; else why nobody could be asked.
    pub(super) async fn check_password(
        &self,
        asking: Asking<'_>,
        password: SecretString,
        intake: &Intake,
        record: &mut Record,
        now: Timestamp,
    ) -> Result<Said, Refusal> {
        let Asking { provider, user, session, purpose } = asking;
        let tell = |record: &Record, kind, detail: String| {
            self.shared.audit(audit(kind, user, session, intake.client, record, now, &detail));
        };
        let budget = self.shared.throttle.attempt(user, intake.client, now).map_err(|throttled| {
            let name = provider.name().as_str();
            self.shared.metrics.provider(name).login(LoginOutcome::Throttled);
            tell(record, AuditKind::LoginThrottled, format!("{name}{purpose}"));
            Refusal::Throttled { wait: throttled.retry_after }
        })?;
        // One of a chain may have answered in place of the first: the session is whoever's that said yes.
        let asked = Instant::now();
        let (name, answer) = self.ask(provider, Login { user: user.clone(), password }).await;
        record.provider = asked.elapsed();
        count(&self.shared.metrics.provider(name.as_str()), &answer, record.provider);
        if provider.accounts().is_none() && answer.as_ref().err().is_none_or(ProviderFault::counts_against_the_provider) {
            self.shared.latencies.note(now, record.provider);
        }
        match answer {
            Ok(Verdict::Right { notice }) => {
                budget.right();
                Ok(Said { by: name, notice })
            }
            Ok(Verdict::NotYet { message }) => {
                // Neither a login nor a guess: the password may well be right.
                budget.unanswered();
                tell(record, AuditKind::LoginRefused, format!("{name} wants something first{purpose}"));
                Err(Refusal::LoginRefused { message })
            }
            Ok(Verdict::Wrong { message }) => {
                budget.wrong();
                tell(record, AuditKind::LoginRefused, format!("{name}{purpose}"));
                Err(Refusal::LoginRefused { message })
            }
            Err(fault) => {
                budget.unanswered();
                tell(record, AuditKind::ProviderFailed, format!("{name} {fault}{purpose}"));
                Err(Refusal::Provider(fault))
            }
        }
    }

    fn provider(&self, named: Option<&str>) -> Result<&Arc<dyn Provider>, Refusal> {
        let found = match named.filter(|name| !name.is_empty()) {
            Some(name) => self.providers.iter().find(|provider| provider.is_called(name)),
            None => self.providers.first(),
        };
        found.ok_or(Refusal::Form)
    }

    /// Asks on the services' runtime: nothing slow may run on the data path.
    pub(super) async fn ask(&self, provider: &Arc<dyn Provider>, login: Login) -> (ProviderName, Result<Verdict, ProviderFault>) {
        let asked = Arc::clone(provider);
        let asking = self.shared.services.spawn(async move {
            let (name, answer) = asked.ask(login).await;
            (name.clone(), answer)
        });
        let lost = |_| (provider.name().clone(), Err(ProviderFault::NotUnderstood("the check ended without an answer".into())));
        asking.await.unwrap_or_else(lost)
    }

    async fn begin(
        &self,
        who: Beginning,
        notice: Option<String>,
        intake: &Intake,
        record: &mut Record,
        now: Timestamp,
    ) -> Result<LoggedIn, Refusal> {
        let sessions = &self.settings.sessions;
        let session = SessionId::random();
        let refresh_id = TokenId::random();
        let absolute_end = now.plus(sessions.absolute.min(self.issuer.refresh_ttl()));
        let opening = Opening {
            id: session,
            user: who.user.clone(),
            provider: who.provider.clone(),
            refresh: TokenHash::of(&refresh_id),
            at: now,
            address: intake.client,
            user_agent: record.user_agent_text(),
            absolute_end,
            idle: idle(sessions, &who),
            persistent: who.remember,
            rotate: who.rotate,
            replaces: self.presented_session(intake, now),
            sessions_per_user: sessions.per_user,
        };
        let (position, last_end) = match self.shared.log.open_session(opening).await? {
            Opened::Begun { position, ended: _, first: _, last_end } => (position, last_end),
            refused @ (Opened::Disabled | Opened::Blocked) => {
                let event = audit(AuditKind::LoginRefused, &who.user, None, intake.client, record, now, "disabled");
                // Of somebody who was removed and blocked nothing is kept: nor is it written down that they tried.
                let nameless = |event| AuditEvent { user: None, detail: "an id that is kept blocked".to_owned(), ..event };
                self.shared.audit(if matches!(refused, Opened::Blocked) { nameless(event) } else { event });
                return Err(Refusal::AccountDisabled);
            }
        };
        let grant = Grant {
            user: who.user.clone(),
            provider: who.provider,
            session,
            session_end: absolute_end,
            position,
            generation: None,
            fresh: true,
        };
        let access = self.issuer.access(&grant, now).map_err(|_| Refusal::Internal("the signing key does not sign"))?;
        let refresh = self.issuer.refresh(&grant, refresh_id, now).map_err(|_| Refusal::Internal("the signing key does not sign"))?;
        record.person = Some(self.issuer.subjects().write(&who.user).into());
        self.shared.audit(audit(AuditKind::LoginAccepted, &who.user, Some(session), intake.client, record, now, grant.provider.as_str()));
        let life = if who.remember { CookieLife::Until(absolute_end) } else { CookieLife::Browser };
        Ok(LoggedIn { access, refresh, life, notice, last_end })
    }

    /// The session a request shows in any token of ours that its signature vouches for, ended or not: what a login replaces
    /// (oauth2-proxy GHSA-f24x-5g9q-753f kept it) and a logout ends.
    pub(super) fn presented_session(&self, intake: &Intake, now: Timestamp) -> Option<SessionId> {
        self.presented_token(intake, now).map(|verified| verified.session)
    }

    /// The first token of ours in a request, access or refresh, even one past its end.
    pub(super) fn presented_token(&self, intake: &Intake, now: Timestamp) -> Option<crate::token::Verified> {
        let credentials = &intake.credentials;
        let bearer = credentials.bearer.as_ref().and_then(|read| read.as_ref().ok());
        let as_refresh = |text: &str| self.verifier.refresh(&RefreshToken::new(text), now).ok();
        bearer
            .and_then(|token| self.spent(token, now).or_else(|| as_refresh(token.expose())))
            .or_else(|| credentials.cookies.access.as_ref().and_then(|token| self.spent(token, now)))
            .or_else(|| credentials.cookies.refresh.as_ref().and_then(|token| as_refresh(token.expose())))
    }

    /// What a store's "no" to a renewal means to whoever asked. A theft is told to the operator here.
    pub(super) fn refused_renewal(&self, outcome: RenewalOutcome, client: ClientAddr, now: Timestamp) -> Refusal {
        match outcome {
            RenewalOutcome::Theft { record, .. } => {
                let detail = format!("session begun from {}", record.address);
                let event = AuditEvent {
                    at: now,
                    kind: AuditKind::TokenReused,
                    user: Some(record.user),
                    session: Some(record.id),
                    address: Some(client),
                    request: None,
                    detail,
                };
                self.shared.audit(event);
                Refusal::Ended(EndReason::Theft)
            }
            RenewalOutcome::Ended(reason) => Refusal::Ended(reason),
            RenewalOutcome::Disabled => Refusal::Ended(EndReason::Disabled),
            RenewalOutcome::Expired | RenewalOutcome::Unknown => Refusal::SessionOver,
            RenewalOutcome::Kept { .. } | RenewalOutcome::Rotated { .. } | RenewalOutcome::Again { .. } => {
                Refusal::Internal("a good renewal was taken for a refusal")
            }
        }
    }
}

/// Whose password is checked, by whom, and what for.
pub(super) struct Asking<'a> {
    pub(super) provider: &'a Arc<dyn Provider>,
    pub(super) user: &'a UserId,
    /// The session that asks, if there is one already.
    pub(super) session: Option<SessionId>,
    /// What the audit trail says besides the provider's name.
    pub(super) purpose: &'static str,
}

/// A right password: who says so, and what they want told.
pub(super) struct Said {
    pub(super) by: ProviderName,
    pub(super) notice: Option<String>,
}

/// Counts an answer, and how long it took if anybody was asked.
fn count(counters: &ProviderCounters, answer: &Result<Verdict, ProviderFault>, after: Duration) {
    counters.login(match answer {
        Ok(Verdict::Right { .. }) => LoginOutcome::Accepted,
        Ok(Verdict::Wrong { .. } | Verdict::NotYet { .. }) => LoginOutcome::Refused,
        Err(_) => LoginOutcome::Failed,
    });
    if answer.as_ref().err().is_none_or(ProviderFault::counts_against_the_provider) {
        counters.answered(after);
    }
}

struct Beginning {
    user: UserId,
    provider: ProviderName,
    remember: bool,
    rotate: bool,
    cookies: bool,
}

/// A session whose cookies go with the browser is over sooner when unused: the browser may have been a shared one.
fn idle(sessions: &super::SessionSettings, who: &Beginning) -> Duration {
    if who.cookies && !who.remember { sessions.idle_forgotten } else { sessions.idle }
}

/// An audit event about a request.
pub(super) fn audit(
    kind: AuditKind,
    user: &UserId,
    session: Option<SessionId>,
    client: ClientAddr,
    record: &Record,
    at: Timestamp,
    detail: &str,
) -> AuditEvent {
    AuditEvent {
        at,
        kind,
        user: Some(user.clone()),
        session,
        address: Some(client),
        request: Some(record.id.to_string()),
        detail: detail.to_owned(),
    }
}
