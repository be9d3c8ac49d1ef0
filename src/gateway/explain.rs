use http::{HeaderMap, HeaderValue, request};
use serde::{Deserialize, Serialize};

use super::endpoints::Endpoint;
use super::forward::REQUEST_ID;
use super::{Gateway, Refusal};
use crate::base::{AccessToken, SessionId, Timestamp};
use crate::identity::{Profile, UserId};
use crate::routing::{Judged, Target};
use crate::store::{Change, LoggedChange, PersonState};
use crate::token::Grant;
use crate::web::{HeaderText, Peer, Seen};

/// What would become of a request, and why. Made by the code that decides about requests, up to where the upstream would
/// be asked.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Explanation {
    /// The route that takes it.
    pub route: Option<String>,
    /// The gateway answers at this address itself.
    pub own: bool,
    /// The access rule, condition by condition.
    pub rule: Vec<Judged>,
    /// Who asks, if that is known.
    pub subject: Option<String>,
    /// What answers.
    pub target: Option<String>,
    /// The request line's target and the headers the upstream would be sent.
    pub sent: Option<Sent>,
    /// Why it is refused.
    pub refused: Option<Refused>,
}

/// What an upstream would be sent.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sent {
    /// Path and query.
    pub target: String,
    /// The headers; tokens in them are cut short.
    pub headers: Vec<(String, String)>,
}

/// Why a request is refused.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refused {
    /// The answer's status.
    pub status: u16,
    /// The word of logs and answers.
    pub word: String,
    /// What is said of it.
    pub said: String,
}

impl Gateway {
    /// Goes the whole road with a request that has no body, but for the upstream; nothing is renewed or written down.
    pub fn explain(&self, head: request::Parts, peer: &Peer) -> Explanation {
        let mut explanation = Explanation::default();
        if let Err(refusal) = self.walk(head, peer, &mut explanation) {
            let (status, word) = (refusal.status().as_u16(), refusal.word().to_owned());
            explanation.refused = Some(Refused { status, word, said: refusal.to_string() });
        }
        explanation
    }

    /// Gives somebody a profile. Only for a gateway that serves nobody: it is entered in its view.
    pub fn suppose(&self, user: &UserId, profile: Profile) {
        let state = PersonState { disabled: false, profile: profile.into() };
        let change = Change::PersonChanged { user: user.clone(), state };
        self.shared.view.apply(&LoggedChange { position: self.shared.view.position(), at: self.shared.clock.now(), change });
    }

    /// A token for somebody, as a login just now would give it (or a renewal, when it is not `fresh`). Its session is in no
    /// store, so it must go no further than into an explanation.
    ///
    /// # Errors
    /// When no provider knows this realm, or the key does not sign.
    pub fn token_to_explain(&self, user: &UserId, fresh: bool) -> Result<AccessToken, Refusal> {
        let now = self.shared.clock.now();
        let provider = self.providers.iter().find(|provider| provider.realm() == user.realm());
        let provider = provider.ok_or(Refusal::Internal("no provider has this realm"))?.name().clone();
        let grant = Grant {
            user: user.clone(),
            provider,
            session: SessionId::random(),
            session_end: now.plus(self.issuer.refresh_ttl()),
            position: self.shared.view.position(),
            generation: None,
            fresh,
        };
        let issued = self.issuer.access(&grant, now).map_err(|_| Refusal::Internal("the signing key does not sign"))?;
        Ok(issued.token)
    }

    fn walk(&self, head: request::Parts, peer: &Peer, explanation: &mut Explanation) -> Result<(), Refusal> {
        let now: Timestamp = self.shared.clock.now();
        let seen = Seen::of(&head.headers);
        let mut intake = self.intake(head, seen, None, peer)?;
        if let Some(endpoint) = Endpoint::of(intake.path.as_str(), intake.aliases) {
            endpoint?;
            explanation.own = true;
            return Ok(());
        }
        let route = self.find_route(&intake)?;
        explanation.route = Some(route.name.to_string());
        explanation.target = Some(match &route.settings.target {
            Target::Upstream(name) => format!("upstream {name}"),
            Target::Fixed(fixed) => format!("a fixed answer with status {}", fixed.status.as_u16()),
            Target::Redirect(redirect) => format!("a redirect to {}", redirect.place(intake.path.as_str(), intake.query.as_deref())),
        });
        let known = self.look(&intake, Some(route), now);
        let facts = known.as_ref().ok().map(|known| known.facts(&intake, now));
        explanation.subject = known.as_ref().ok().map(|known| known.verified.subject.to_string());
        explanation.rule = route.settings.access.explain(facts.as_ref());
        let admission = self.judge(known, &intake, route, now)?;
        if route.upstream.is_some() {
            let (target, mut headers) = self.outbound(&mut intake, &admission, route, &mut HeaderText::new(), now)?;
            // Each request has its own.
            headers.insert(REQUEST_ID, HeaderValue::from_bytes("…".as_bytes()).unwrap_or(HeaderValue::from_static("")));
            explanation.sent = Some(Sent { target: target.to_string(), headers: shown(&headers) });
        }
        Ok(())
    }
}

/// Headers as they may be shown: no token in them is good for anything.
fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let one = |(name, value): (&http::HeaderName, &HeaderValue)| {
        let text = String::from_utf8_lossy(value.as_bytes());
        // How every JWT begins: `{"` in base64url.
        let text = text.find("eyJ").map_or_else(|| text.to_string(), |at| format!("{}…", &text[..at + 3]));
        (name.to_string(), text)
    };
    headers.iter().map(one).collect()
}
