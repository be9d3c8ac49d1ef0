use std::sync::Arc;

use http::StatusCode;
use serde_json::json;

use crate::base::{AccessToken, RefreshToken, Timestamp, TokenId};
use crate::gateway::login::audit;
use crate::gateway::record::Record;
use crate::gateway::reply::{self, Reply};
use crate::gateway::{Gateway, Intake, Refusal};
use crate::observe::AuditKind;
use crate::store::{Opened, Opening, Presented, Renewal, RenewalOutcome, SessionRecord, TokenHash};
use crate::token::{Grant, TokenFault, Verified};

impl Gateway {
    /// `POST /refresh` with something in the header that is no refresh token of ours: an access token, where that renews
    /// (`renew_with = "access"`), or a refresh token of an application whose key opens sessions here. Otherwise the
    /// fault stands.
    pub(super) async fn refresh_otherwise(
        &self,
        fault: TokenFault,
        token: &RefreshToken,
        intake: &Intake,
        record: &mut Record,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        if self.settings.library.renew_with_access && fault == TokenFault::WrongType {
            let verified = self.verifier.access(&AccessToken::new(token.expose()), now)?;
            record.person = Some(Arc::clone(&verified.subject));
            self.shared.view.check(&verified.user, &verified.session, &verified.id, verified.position).map_err(Refusal::Ended)?;
            return self.renewed_access(verified.session, intake, now).await;
        }
        let position = self.shared.view.position();
        let mut said = fault;
        for opener in self.foreigners.openers() {
            match opener.refresh(token, position, now) {
                Ok(verified) => return self.refresh_from_application(verified, intake, record, now).await,
                Err(TokenFault::BadSignature | TokenFault::WrongAlgorithm | TokenFault::UnknownKey) => {}
                Err(other) => said = other,
            }
        }
        Err(said.into())
    }

    /// An application's refresh token stands for one session, whose id is made of it: used again it finds that session, and
    /// once that session has ended it opens no other.
    async fn refresh_from_application(
        &self,
        verified: Verified,
        intake: &Intake,
        record: &mut Record,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        record.person = Some(Arc::clone(&verified.subject));
        self.shared.view.check(&verified.user, &verified.session, &verified.id, verified.position).map_err(Refusal::Ended)?;
        if let Some(known) = self.shared.store.session(verified.session).await? {
            return match known.ended {
                Some((_, reason)) => Err(Refusal::Ended(reason)),
                None => self.renewed_access(verified.session, intake, now).await,
            };
        }
        // Only now: the end of its own session is told as that, not as the person's last one.
        self.check_foreign(&verified)?;
        let provider = self.providers.iter().find(|provider| provider.realm() == verified.user.realm());
        let provider = provider.ok_or(TokenFault::NotForUs)?.name().clone();
        let refresh_id = TokenId::random();
        let sessions = &self.settings.sessions;
        let absolute_end = now.plus(sessions.absolute.min(self.issuer.refresh_ttl())).min(verified.expires);
        let opening = Opening {
            id: verified.session,
            user: verified.user.clone(),
            provider: provider.clone(),
            refresh: TokenHash::of(&refresh_id),
            at: now,
            address: intake.client,
            user_agent: record.user_agent_text(),
            absolute_end,
            idle: sessions.idle,
            persistent: true,
            rotate: false,
            replaces: None,
            sessions_per_user: sessions.per_user,
        };
        let position = match self.shared.log.open_session(opening).await? {
            Opened::Begun { position, ended: _, first: _, last_end: _ } => position,
            Opened::Disabled | Opened::Blocked => return Err(Refusal::AccountDisabled),
        };
        let detail = "with an application's refresh token";
        self.shared.audit(audit(AuditKind::LoginAccepted, &verified.user, Some(verified.session), intake.client, record, now, detail));
        let grant = Grant {
            user: verified.user,
            provider,
            session: verified.session,
            session_end: absolute_end,
            position,
            generation: None,
            fresh: false,
        };
        let broken = |_| Refusal::Internal("the signing key does not sign");
        let access = self.issuer.access(&grant, now).map_err(broken)?;
        let refresh = self.issuer.refresh(&grant, refresh_id, now).map_err(broken)?;
        Ok(reply::json(
            StatusCode::OK,
            &json!({
                "access_token": access.token.expose(),
                "refresh_token": refresh.token.expose(),
                "token_type": "Bearer",
                "expires_in": access.expires.since(now).as_secs(),
                "refresh_expires_in": refresh.expires.since(now).as_secs(),
            }),
        ))
    }

    async fn renewed_access(&self, session: crate::base::SessionId, intake: &Intake, now: Timestamp) -> Result<Reply, Refusal> {
        let renewal = Renewal { session, presented: Presented::Access, at: now, rotate: None, grace: self.settings.sessions.grace };
        match self.shared.log.renew(renewal).await? {
            RenewalOutcome::Kept { record, position }
            | RenewalOutcome::Rotated { record, position }
            | RenewalOutcome::Again { record, position, .. } => self.bare_access(&record, position, now),
            outcome @ (RenewalOutcome::Theft { .. }
            | RenewalOutcome::Ended(_)
            | RenewalOutcome::Expired
            | RenewalOutcome::Disabled
            | RenewalOutcome::Unknown) => Err(self.refused_renewal(outcome, intake.client, now)),
        }
    }

    fn bare_access(&self, record: &SessionRecord, position: crate::base::Position, now: Timestamp) -> Result<Reply, Refusal> {
        let grant = Grant { position, ..self.grant_of(record) };
        let access = self.issuer.access(&grant, now).map_err(|_| Refusal::Internal("the signing key does not sign"))?;
        let left = access.expires.since(now).as_secs();
        Ok(reply::json(StatusCode::OK, &json!({ "access_token": access.token.expose(), "token_type": "Bearer", "expires_in": left })))
    }
}
