//! The product: what happens to a request, in the order in which it happens.
//!
//! ```text
//! intake ─ route ─ admit ─ forward ─ reply          every way to say no is a Refusal, worded in one place
//! ```
//!
//! Order is carried by types: only [`Gateway::intake`] makes an [`Intake`], only [`Gateway::admit`] an [`Admission`], and
//! [`Gateway::forward`] takes both. Nothing on this road waits for a disk or a network other than the upstream's, but for
//! the one request that renews a cookie.

mod accounts;
mod admin;
mod admit;
mod arrival;
mod build;
mod desk;
mod endpoints;
mod explain;
mod flask;
mod foreign;
mod forward;
mod frames;
mod groups;
mod intake;
mod library;
mod login;
mod office;
mod portal;
mod record;
mod refusal;
mod renew;
mod reply;
mod self_service;
mod settings;
mod shared;
mod streams;
#[cfg(test)]
mod tests;
mod tunnel;
mod voice;
mod words;

use std::sync::Arc;

use http::header::STRICT_TRANSPORT_SECURITY;
use http::{HeaderValue, Request};
use hyper::body::Incoming;

pub use accounts::AccountRefusal;
pub use admin::{Admin, Entrance};
pub use admit::Admission;
pub use build::{BuildError, Parts, Route};
pub use explain::{Explanation, Refused, Sent};
pub use foreign::{Others, Scope, ScopedKey};
pub use groups::FileGroups;
pub use intake::Intake;
pub use library::{LibrarySettings, TokenPlaces};
pub use portal::reset_link;
pub use refusal::{HostFault, Refusal};
pub use reply::{Reply, ReplyBody, ReplyFault};
pub use settings::{AliasSettings, Rotation, SessionSettings, Settings};
pub use shared::Shared;
pub use streams::Streams;

use crate::pages::Pages;
use crate::provider::Provider;
use crate::routing::RouteTable;
use crate::token::{Asserter, KeyRing, TokenIssuer, TokenVerifier};
use crate::web::{IdentityHeaders, Peer, Seen, SessionCookies};
use record::Record;
use voice::Asker;

/// One built configuration. Immutable: a reload makes a new one, and each request is served by the one it met first.
pub struct Gateway {
    settings: Settings,
    routes: RouteTable<Route>,
    keys: Arc<KeyRing>,
    asserter: Option<Arc<Asserter>>,
    issuer: TokenIssuer,
    verifier: TokenVerifier,
    providers: Vec<Arc<dyn Provider>>,
    cookies: SessionCookies,
    identity_headers: IdentityHeaders,
    pages: Pages,
    hsts: Option<HeaderValue>,
    foreigners: foreign::Foreigners,
    shared: Arc<Shared>,
}

impl Gateway {
    /// Answers one request. This is the outer half: it writes down and words what the inner half decides.
    ///
    /// What needs no waiting is done here and not in the future: it would carry room for the request in several places, and be
    /// moved about with it.
    pub fn handle(self: Arc<Self>, request: Request<Incoming>, peer: &Peer) -> impl Future<Output = Reply> + Send + use<> {
        let seen = Seen::of(request.headers());
        let mut record = Box::new(Record::begin(&self.shared, &request, seen, self.client(request.headers(), peer)));
        let secure = self.is_secure(request.headers(), peer);
        let asker = Box::new(Asker::of(&request, seen).with(self.facts(&request)));
        let reader = self.cors_origin(request.uri().path(), request.headers());
        let (head, body) = request.into_parts();
        let intake = self.intake(head, seen, Some(body), peer).map(Box::new);
        async move {
            let mut reply = match self.answer(intake, &mut record).await {
                Ok(reply) => reply,
                Err(refusal) => self.refuse(&refusal, &asker, &mut record),
            };
            let headers = reply.headers_mut();
            headers.insert(forward::REQUEST_ID, record.id_header.clone());
            if !secure {
                // RFC 6797, section 7.2: never said without TLS.
                headers.remove(STRICT_TRANSPORT_SECURITY);
            }
            library::share(headers, reader);
            record.answered(reply.status());
            reply.body_mut().carry(record);
            reply
        }
    }

    async fn answer(&self, intake: Result<Box<Intake>, Refusal>, record: &mut Record) -> Result<Reply, Refusal> {
        let (mut intake, now) = (intake?, record.began);
        record.aliases = intake.aliases;
        if let Some(endpoint) = self.own_endpoint(&intake) {
            // In a box of its own: it is large, and room for it in every request's future would have to be moved about.
            return Box::pin(self.serve(endpoint?, *intake, record, now)).await;
        }
        let route = self.route(&intake, record)?;
        let admission = self.admit(&mut intake, route, now).await?;
        record.person = admission.identity().map(|identity| Arc::clone(identity.subject));
        self.forward(intake, admission, route, record).await
    }
}
