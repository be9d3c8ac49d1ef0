use serde_json::{Value, json};

use super::api::Query;
use super::{Admin, Fault};
use crate::base::Timestamp;
use crate::gateway::Gateway;
use crate::observe::AuditKind;
use crate::store::{AuditEntry, AuditQuery};

impl Admin {
    /// The audit trail, newest first, a page at a time.
    pub(super) async fn trail(&self, gateway: &Gateway, query: &Query) -> Result<Value, Fault> {
        let user = match query.get("user") {
            Some(who) => Some(gateway.whom(&who).await?),
            None => None,
        };
        let limit = query.limit()?;
        let wanted = AuditQuery {
            user,
            kind: query.get("kind").map(|word| kind(&word)).transpose()?,
            since: query.number("since")?.map(Timestamp::from_secs),
            until: query.number("until")?.map(Timestamp::from_secs),
            before: query.number("before")?,
            limit,
        };
        let entries = self.shared.store.audit_trail(wanted).await?;
        let full = entries.len() == usize::try_from(limit).unwrap_or(usize::MAX);
        let next = entries.last().filter(|_| full).map(|entry| entry.number);
        Ok(json!({ "events": entries.iter().map(shown).collect::<Vec<_>>(), "next": next }))
    }
}

fn shown(AuditEntry { number, event }: &AuditEntry) -> Value {
    json!({
        "number": number,
        "at": event.at.secs(),
        "kind": event.kind.as_str(),
        "user": event.user.as_ref().map(ToString::to_string),
        "session": event.session.map(|session| session.to_string()),
        "address": event.address.map(|address| address.to_string()),
        "request": event.request,
        "detail": event.detail,
    })
}

fn kind(word: &str) -> Result<AuditKind, Fault> {
    let words = || AuditKind::ALL.map(AuditKind::as_str).join(", ");
    AuditKind::parse(word).ok_or_else(|| Fault::Wrong(format!("{word:?} is no kind of event; the kinds are {}", words())))
}
