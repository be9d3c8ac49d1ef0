use std::sync::Arc;

use super::{Gateway, Intake, Refusal};
use crate::base::{AccessToken, SessionId, Timestamp, TokenId};
use crate::store::{Presented, Renewal, RenewalOutcome, SessionRecord};
use crate::token::{Grant, Issued, Verified};
use crate::web::CookieLife;

/// A new access token for a session that travels in cookies, shared by all requests that arrived with the same old one.
pub(super) struct Renewed {
    pub(super) access: Issued<AccessToken>,
    pub(super) verified: Arc<Verified>,
    pub(super) life: CookieLife,
}

impl Gateway {
    /// Renews a cookie's access token. Requests that show the same token share one renewal and one answer: two tabs that
    /// wake up together must not throw each other out, and the store is asked once.
    pub(super) async fn renew(
        &self,
        session: SessionId,
        shown: TokenId,
        presented: Presented,
        intake: &Intake,
        now: Timestamp,
    ) -> Result<Arc<Renewed>, Refusal> {
        let renewal = Renewal { session, presented, at: now, rotate: None, grace: self.settings.sessions.grace };
        let client = intake.client;
        // Keyed by the token shown, not by the session: a token that is no longer good must meet the store itself.
        if self.shared.renewals.get(&shown).await.is_some_and(|known| known.verified.expires <= now) {
            // What is kept here for seconds can be over only when the clock was set forward. Then the store judges anew.
            self.shared.renewals.invalidate(&shown).await;
        }
        let shared =
            self.shared.renewals.try_get_with(shown, async { self.ask_store(renewal, now, client).await.map(Arc::new).map_err(Arc::new) });
        shared.await.map_err(|refusal| again(&refusal))
    }

    async fn ask_store(&self, renewal: Renewal, now: Timestamp, client: crate::base::ClientAddr) -> Result<Renewed, Refusal> {
        match self.shared.log.renew(renewal).await? {
            RenewalOutcome::Kept { record, position }
            | RenewalOutcome::Rotated { record, position }
            | RenewalOutcome::Again { record, position, .. } => {
                let grant = Grant { position, ..self.grant_of(&record) };
                let access = self.issuer.access(&grant, now).map_err(|_| Refusal::Internal("the signing key does not sign"))?;
                let verified = self.verifier.access(&access.token, now)?;
                Ok(Renewed { access, verified, life: life(&record) })
            }
            outcome @ (RenewalOutcome::Theft { .. }
            | RenewalOutcome::Ended(_)
            | RenewalOutcome::Expired
            | RenewalOutcome::Disabled
            | RenewalOutcome::Unknown) => Err(self.refused_renewal(outcome, client, now)),
        }
    }

    /// For whom a session's tokens are made.
    pub(super) fn grant_of(&self, record: &SessionRecord) -> Grant {
        Grant {
            user: record.user.clone(),
            provider: record.provider.clone(),
            session: record.id,
            session_end: record.absolute_end,
            position: self.shared.view.position(),
            generation: None,
            fresh: false,
        }
    }
}

/// The refusal once more, for another request that shared the renewal.
fn again(refusal: &Refusal) -> Refusal {
    if let Refusal::Ended(reason) = refusal {
        Refusal::Ended(*reason)
    } else if let Refusal::Store(error) = refusal {
        Refusal::Store(error.clone())
    } else {
        Refusal::SessionOver
    }
}

/// How long a session's cookies are kept by the browser.
pub(super) const fn life(record: &SessionRecord) -> CookieLife {
    if record.persistent { CookieLife::Until(record.absolute_end) } else { CookieLife::Browser }
}
