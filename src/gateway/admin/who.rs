use http::HeaderMap;
use percent_encoding::percent_decode_str;

use super::{Admin, Entrance, Fault};
use crate::base::{ClientAddr, SessionId};
use crate::gateway::admit::Shown;
use crate::identity::{IdRule, Realm, Role, UserId};
use crate::observe::{AuditEvent, AuditKind, audit_log};
use crate::web::Peer;

/// Who does something here: for the audit trail.
pub(super) struct Actor {
    name: String,
    address: Option<ClientAddr>,
}

impl Admin {
    /// Who may do things here: the owner of the operator's socket, or an administrator with a good token.
    pub(super) fn actor(&self, headers: &HeaderMap, peer: &Peer, entrance: Entrance) -> Result<Actor, Fault> {
        if let (Entrance::Socket { .. }, Some(uid)) = (entrance, peer.uid) {
            return Ok(Actor { name: format!("uid {uid}"), address: None });
        }
        let gateway = self.current.load();
        let now = self.shared.clock.now();
        // Cookies do not count here: a browser would send them along for any page that asks.
        let Some(Ok(token)) = gateway.credentials(headers, None).bearer else { return Err(Fault::NoToken) };
        let verified = gateway.verifier.access(&token, now).map_err(|fault| Fault::Token(fault.into()))?;
        let known = gateway.standing(verified, Shown::Header).map_err(Fault::Token)?;
        if known.profile.role != Role::Admin {
            return Err(Fault::NotAdmin(known.verified.user.clone()));
        }
        Ok(Actor { name: known.verified.user.to_string(), address: peer.uid.is_none().then_some(peer.address) })
    }

    /// Whom an operator means: `realm:id`, `id@realm`, or an id of the primary realm. A bare id that another realm has too
    /// is nobody's until the realm is said: a slip must not hit the wrong person.
    pub(super) async fn whom(&self, written: &str) -> Result<UserId, Fault> {
        let written = percent_decode_str(written).decode_utf8().map_err(|_| wrong_id(""))?;
        let written = written.trim();
        if let Some((realm, id)) = written.split_once(':') {
            return self.canonical(realm, id).ok_or_else(|| wrong_id(written));
        }
        if let Some((id, realm)) = written.split_once('@') {
            return self.canonical(realm, id).ok_or_else(|| wrong_id(written));
        }
        let (primary, realms) = self.realms();
        let meant = self.canonical(primary.as_str(), written).ok_or_else(|| wrong_id(written))?;
        let mut others = Vec::new();
        for realm in realms.iter().filter(|realm| **realm != primary) {
            if let Some(namesake) = self.canonical(realm.as_str(), written)
                && self.shared.store.person(namesake.clone()).await?.is_some()
            {
                others.push(namesake);
            }
        }
        if others.is_empty() {
            return Ok(meant);
        }
        others.insert(0, meant);
        Err(Fault::Ambiguous { id: written.to_owned(), candidates: others })
    }

    /// Writes down who did something, before it is answered.
    pub(super) async fn note(&self, actor: &Actor, kind: AuditKind, user: Option<UserId>, session: Option<SessionId>, what: &str) {
        let detail = if what.is_empty() { format!("by {}", actor.name) } else { format!("{what}, by {}", actor.name) };
        let at = self.shared.clock.now();
        let event = AuditEvent { at, kind, user, session, address: actor.address, request: None, detail };
        audit_log(&event);
        if let Err(error) = self.shared.store.audit(vec![event]).await {
            tracing::error!(%error, "an audit event could not be stored; it stands in this log");
        }
    }

    /// The canonical form by the rule of the realm's provider.
    fn canonical(&self, realm: &str, id: &str) -> Option<UserId> {
        let realm = Realm::new(realm.trim()).ok()?;
        let gateway = self.current.load();
        let rule = gateway.providers.iter().find(|provider| *provider.realm() == realm).map(|provider| provider.id_rule().clone());
        match rule {
            Some(rule) => rule.canonical(&realm, id).ok(),
            // Of a realm that the configuration names no more there may still be people.
            None => IdRule { extra: "._-+".into(), fold_case: false, longest: 255 }.canonical(&realm, id).ok(),
        }
    }

    fn realms(&self) -> (Realm, Vec<Realm>) {
        let gateway = self.current.load();
        let mut realms: Vec<Realm> = gateway.providers.iter().map(|provider| provider.realm().clone()).collect();
        realms.sort();
        realms.dedup();
        (gateway.issuer.subjects().primary().clone(), realms)
    }
}

fn wrong_id(written: &str) -> Fault {
    Fault::Wrong(format!("{written:?} is nobody's id; write as in 60241234, mju:60241234 or 60241234@mju"))
}
