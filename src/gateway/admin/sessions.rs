use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::api::Query;
use super::{Admin, Fault};
use crate::base::SessionId;
use crate::gateway::Gateway;
use crate::gateway::office::Actor;
use crate::store::{SessionQuery, SessionRecord};

impl Admin {
    /// Live sessions: of everybody a page at a time, or all of one person.
    pub(super) async fn list_sessions(&self, gateway: &Gateway, query: &Query) -> Result<Value, Fault> {
        let now = self.shared.clock.now();
        if let Some(who) = query.get("user") {
            let records = self.shared.store.sessions_of(gateway.whom(&who).await?, now).await?;
            return Ok(json!({ "sessions": records.iter().map(shown).collect::<Vec<_>>(), "next": null }));
        }
        let after = query.get("after").map(|id| session_id(&id)).transpose()?;
        let limit = query.limit()?;
        let records = self.shared.store.sessions(SessionQuery { after, limit }, now).await?;
        let full = records.len() == usize::try_from(limit).unwrap_or(usize::MAX);
        let next = records.last().filter(|_| full).map(|record| record.id.to_string());
        Ok(json!({ "sessions": records.iter().map(shown).collect::<Vec<_>>(), "next": next }))
    }
}

/// Ends one session.
pub(super) async fn end_session(gateway: &Gateway, id: &str, actor: &Actor) -> Result<Value, Fault> {
    let user = gateway.end_by_office(session_id(id)?, None, actor).await?;
    Ok(json!({ "user": user.to_string(), "sessions_ended": 1 }))
}

/// Ends every session of one person.
pub(super) async fn log_person_out(gateway: &Gateway, who: &str, actor: &Actor) -> Result<Value, Fault> {
    let user = gateway.whom(who).await?;
    let ended = gateway.log_person_out(&user, actor).await?;
    Ok(json!({ "user": user.to_string(), "sessions_ended": ended }))
}

/// A session as it is told. Times are seconds since 1970.
pub(super) fn shown(record: &SessionRecord) -> Value {
    json!({
        "id": record.id.to_string(),
        "user": record.user.to_string(),
        "provider": record.provider.as_str(),
        "created": record.created.secs(),
        "last_seen": record.last_seen.secs(),
        "address": record.address.to_string(),
        "user_agent": record.user_agent,
        "ends": record.absolute_end.min(record.last_seen.plus(record.idle)).secs(),
        "remembered": record.persistent,
    })
}

fn session_id(text: &str) -> Result<SessionId, Fault> {
    // `-` and `_` are in ids and may come as escapes.
    let plain = percent_decode_str(text).decode_utf8_lossy();
    SessionId::parse(&plain).ok_or_else(|| Fault::Wrong(format!("{text:?} is no session's id; `munjigi sessions list` shows them")))
}
