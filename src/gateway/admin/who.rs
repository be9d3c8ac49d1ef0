use http::HeaderMap;

use super::{Admin, Entrance, Fault};
use crate::gateway::Gateway;
use crate::gateway::admit::Shown;
use crate::gateway::office::Actor;
use crate::identity::Role;
use crate::web::Peer;

impl Admin {
    /// Who may do things here: the owner of the operator's socket, or an administrator with a good token.
    pub(super) fn actor(&self, gateway: &Gateway, headers: &HeaderMap, peer: &Peer, entrance: Entrance) -> Result<Actor, Fault> {
        if let (Entrance::Socket { .. }, Some(uid)) = (entrance, peer.uid) {
            return Ok(Actor { name: format!("uid {uid}"), user: None, address: None, request: None });
        }
        let now = self.shared.clock.now();
        // Cookies do not count here: a browser would send them along for any page that asks.
        let Some(Ok(token)) = gateway.settings.library.places.presented(headers, None) else { return Err(Fault::NoToken) };
        let verified = gateway.verifier.access(&token, now).map_err(|fault| Fault::Token(fault.into()))?;
        let known = gateway.standing(verified, Shown::Header, now).map_err(Fault::Token)?;
        let user = known.verified.user.clone();
        if known.profile.role != Role::Admin {
            return Err(Fault::NotAdmin(user));
        }
        let address = peer.uid.is_none().then_some(peer.address);
        Ok(Actor { name: user.to_string(), user: Some(user), address, request: None })
    }
}
