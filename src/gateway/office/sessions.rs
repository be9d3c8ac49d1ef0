use super::{Actor, OfficeFault};
use crate::base::SessionId;
use crate::gateway::Gateway;
use crate::identity::UserId;
use crate::observe::AuditKind;
use crate::store::{Change, EndReason};

impl Gateway {
    /// Ends one session, and tells whose it was; with `of` only if it is that person's.
    pub(in crate::gateway) async fn end_by_office(&self, id: SessionId, of: Option<&UserId>, actor: &Actor) -> Result<UserId, OfficeFault> {
        let record = self.shared.store.session(id).await?.filter(|record| record.ended.is_none());
        let record = record.filter(|record| of.is_none_or(|user| record.user == *user)).ok_or(OfficeFault::NoSession(id))?;
        let change = Change::SessionEnded { session: id, user: record.user.clone(), reason: EndReason::Administrator };
        self.shared.log.end(vec![change]).await?;
        self.note(actor, AuditKind::SessionEnded, Some(record.user.clone()), Some(id), "").await;
        Ok(record.user)
    }

    /// Ends every session of one person, and tells how many there were.
    pub(in crate::gateway) async fn log_person_out(&self, user: &UserId, actor: &Actor) -> Result<usize, OfficeFault> {
        let live = self.shared.store.sessions_of(user.clone(), self.shared.clock.now()).await?.len();
        self.shared.log.end(vec![Change::PersonEnded { user: user.clone(), reason: EndReason::Administrator }]).await?;
        self.note(actor, AuditKind::PersonLoggedOut, Some(user.clone()), None, "").await;
        Ok(live)
    }

    /// Everybody has to log in again, whoever asks included. Tells how many sessions there were.
    pub(in crate::gateway) async fn log_everybody_out(&self, actor: &Actor) -> Result<u64, OfficeFault> {
        let live = self.shared.store.live_sessions(self.shared.clock.now()).await?;
        self.shared.log.end(vec![Change::EverybodyEnded { reason: EndReason::Administrator }]).await?;
        self.note(actor, AuditKind::EverybodyLoggedOut, None, None, "").await;
        Ok(live)
    }
}
