use percent_encoding::percent_decode_str;

use super::OfficeFault;
use crate::gateway::Gateway;
use crate::identity::{IdRule, Realm, UserId};

impl Gateway {
    /// Whom an operator means: `realm:id`, `id@realm`, or an id of the primary realm. A bare id that another realm has too
    /// is nobody's until the realm is said: a slip must not hit the wrong person.
    pub(in crate::gateway) async fn whom(&self, written: &str) -> Result<UserId, OfficeFault> {
        let written = percent_decode_str(written).decode_utf8().map_err(|_| wrong_id(""))?;
        let written = written.trim();
        if let Some((realm, id)) = written.split_once(':') {
            return self.canonical(realm, id).ok_or_else(|| wrong_id(written));
        }
        if let Some((id, realm)) = written.split_once('@') {
            return self.canonical(realm, id).ok_or_else(|| wrong_id(written));
        }
        let primary = self.issuer.subjects().primary().clone();
        let meant = self.canonical(primary.as_str(), written).ok_or_else(|| wrong_id(written))?;
        let mut realms: Vec<Realm> = self.providers.iter().map(|provider| provider.realm().clone()).collect();
        realms.sort();
        realms.dedup();
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
        Err(OfficeFault::Ambiguous { id: written.to_owned(), candidates: others })
    }

    /// The canonical form by the rule of the realm's provider.
    fn canonical(&self, realm: &str, id: &str) -> Option<UserId> {
        let realm = Realm::new(realm.trim()).ok()?;
        let rule = self.providers.iter().find(|provider| *provider.realm() == realm).map(|provider| provider.id_rule());
        match rule {
            Some(rule) => rule.canonical(&realm, id).ok(),
            // Of a realm that the configuration names no more there may still be people.
            None => IdRule { extra: "._-+".into(), fold_case: false, longest: 255 }.canonical(&realm, id).ok(),
        }
    }
}

fn wrong_id(written: &str) -> OfficeFault {
    OfficeFault::Wrong(format!("{written:?} is nobody's id; write as in 60241234, mju:60241234 or 60241234@mju"))
}
