//! The portal: one host for the login, the account and the administration, which no application shares an origin with.
//! This file says which host is which; the way from one to the other is in `endpoints/carry.rs`.

use http::Uri;

use super::{Gateway, Intake};
use crate::base::TokenId;
use crate::routing::{HostName, HostPattern};

impl Gateway {
    /// Whether a host is the portal. No route has it.
    pub(super) fn is_portal(&self, host: &HostName) -> bool {
        self.settings.portal.as_ref() == Some(host)
    }

    /// The portal's origin as this client reaches it, when there is one and this request is for another host. All hosts are
    /// served on the same sockets, so the port is that of the request.
    pub(super) fn portal_elsewhere(&self, intake: &Intake) -> Option<String> {
        let portal = self.settings.portal.as_ref().filter(|portal| **portal != intake.host)?;
        Some(format!("https://{portal}{}", port_of(intake)))
    }

    /// Whether the portal may send people to a host: those that routes name in full, and no others. A ticket goes to whoever
    /// answers there, and below a `*.name` that may be somebody else's server.
    pub(super) fn is_served(&self, host: &str) -> bool {
        let named = self.settings.routes.iter().filter_map(|route| route.host.as_ref().and_then(HostPattern::exact));
        named.into_iter().any(|named| named.as_str() == host && !self.is_portal(named))
    }
}

/// The port as the client wrote it, with its colon; nothing for the usual one.
pub(super) fn port_of(intake: &Intake) -> &str {
    intake.authority.to_str().ok().and_then(|authority| authority.strip_prefix(intake.host.as_str())).unwrap_or_default()
}

/// A link by which somebody sets a new password, to be handed to them: at the portal if there is one, else at the address
/// that people type (the issuer's). It is shown once and never logged; the page it leads to tells no other page of it.
pub fn reset_link(issuer: &str, portal: Option<&HostName>, secret: &TokenId) -> String {
    let uri = issuer.parse::<Uri>().unwrap_or_default();
    let port = uri.port().map_or_else(String::new, |port| format!(":{port}"));
    let host = portal.map(HostName::as_str).or(uri.host()).unwrap_or_default();
    format!("https://{host}{port}{}?token={secret}", super::endpoints::RESET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_link_leads_to_where_people_log_in() {
        let secret = TokenId::from_bytes([7; 16]);
        let portal = HostName::new("auth.example.ac.kr").unwrap();
        let link = |portal| reset_link("https://gate.example.ac.kr:8443/x", portal, &secret);
        assert_eq!(link(None), format!("https://gate.example.ac.kr:8443/.auth/reset?token={secret}"));
        assert_eq!(link(Some(&portal)), format!("https://auth.example.ac.kr:8443/.auth/reset?token={secret}"));
    }
}
