use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;

use super::arrival::Arrivals;
use super::endpoints::Tickets;
use super::foreign::TURNS;
use super::renew::Renewed;
use super::reply::Attached;
use super::streams::Streams;
use crate::base::{Clock, Timestamp, TokenId};
use crate::observe::{AccessLog, AuditEvent, Latencies, Metrics, RouteCounters, audit_log};
use crate::store::{ChangeLog, Store, View};
use crate::throttle::Throttle;
use crate::token::{KeySource, Verified};
use crate::web::Tunnels;

/// What outlives a reload: every snapshot of the gateway works on the same one.
pub struct Shared {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The change log and the store behind it.
    pub log: Arc<ChangeLog>,
    /// The store itself: for what is no change of anybody's standing.
    pub store: Arc<dyn Store>,
    /// What every request is checked against.
    pub view: Arc<View>,
    /// The budgets of logging in.
    pub throttle: Throttle,
    /// The runtime for everything that is not the data path.
    pub services: Handle,
    /// Answers and tunnels that are still running.
    pub streams: Arc<Streams>,
    /// Where each request's line goes.
    pub access_log: AccessLog,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// How long account systems took to answer, hour by hour.
    pub(super) latencies: Latencies,
    /// Upgraded connections, for the drain.
    pub tunnels: Tunnels,
    /// Held from reading a person to writing them: two administrators at once must not undo each other's change.
    pub(super) changing: tokio::sync::Mutex<()>,
    pub(super) key_sources: Mutex<HashMap<String, Arc<KeySource>>>,
    /// Requests to our own endpoints.
    pub(super) own: RouteCounters,
    /// Requests that were refused before they had a route.
    pub(super) unrouted: RouteCounters,
    /// Who has just logged in and is on the way back.
    pub(super) arrivals: Arrivals,
    /// Logins that are being carried from the portal to another host.
    pub(super) tickets: Tickets,
    /// Whoever has a costly check to make waits here for the worker's turn.
    pub(super) turns: [tokio::sync::Mutex<()>; TURNS],
    pub(super) renewals: moka::future::Cache<TokenId, Arc<Renewed>>,
}

impl Shared {
    /// Puts the parts together.
    pub fn new(
        clock: Arc<dyn Clock>,
        log: Arc<ChangeLog>,
        throttle: Throttle,
        services: Handle,
        access_log: AccessLog,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        // Long enough for a page's requests to share one renewal, short enough that an old answer is never met again.
        let renewals = moka::future::Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(10)).build();
        let (store, view) = (Arc::clone(log.store()), Arc::clone(log.view()));
        let streams = Arc::new(Streams::default());
        // Routes are named by host and path, so no route has these names.
        let (own, unrouted) = (metrics.route("own"), metrics.route("none"));
        let (tunnels, arrivals) = (Tunnels::default(), Arrivals::default());
        Arc::new(Self {
            clock,
            log,
            store,
            view,
            throttle,
            services,
            streams,
            access_log,
            metrics,
            latencies: Latencies::default(),
            tunnels,
            own,
            unrouted,
            arrivals,
            tickets: Tickets::default(),
            changing: tokio::sync::Mutex::default(),
            key_sources: Mutex::default(),
            turns: std::array::from_fn(|_| tokio::sync::Mutex::default()),
            renewals,
        })
    }

    /// Notes that a token was used: its session lives on, and if a rotation made it, that rotation is confirmed.
    pub(super) fn used(&self, verified: &Arc<Verified>, now: Timestamp) {
        if verified.foreign.is_some() {
            return;
        }
        if let Some(generation) = verified.first_use_of_rotated() {
            // Queued at once, so that it comes before whatever this client asks next.
            let confirmed = self.store.confirm(verified.session, generation, now);
            let verified = Arc::clone(verified);
            self.services.spawn(async move {
                if confirmed.await.is_err() {
                    verified.was_not_confirmed();
                }
            });
        }
        if verified.is_worth_noting(now) {
            self.log.used(&verified.session, now);
        }
    }

    /// What ties a streamed answer to its session.
    pub(super) fn attach(&self, verified: &Arc<Verified>) -> Attached {
        Attached { streams: Arc::clone(&self.streams), view: Arc::clone(&self.view), verified: Arc::clone(verified), guard: None }
    }

    /// Writes an audit event to the log and the table. The table's writer has its own queue: nobody waits here.
    pub fn audit(&self, event: AuditEvent) {
        audit_log(&event);
        drop(self.store.audit(vec![event]));
    }
}
