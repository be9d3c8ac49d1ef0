use std::time::{Duration, Instant};

use http::StatusCode;

use super::Admin;
use crate::gateway::reply::{self, Reply};
use crate::observe::EndpointNumbers;
use crate::upstream::Endpoint;

/// The store's sessions are counted no more often than this: the count reads all of them.
const COUNT_EVERY: Duration = Duration::from_secs(10);

impl Admin {
    /// `/metrics`: what is counted on the way, and what is read off the parts now.
    pub(super) async fn numbers(&self) -> Reply {
        let (shared, metrics) = (&self.shared, &self.shared.metrics);
        // One at a time: what is read off is set in several steps.
        let mut counted = self.counted.lock().await;
        if counted.is_none_or(|at| at.elapsed() >= COUNT_EVERY)
            && let Ok(sessions) = shared.store.live_sessions(shared.clock.now()).await
        {
            metrics.sessions.set(whole(sessions));
            *counted = Some(Instant::now());
        }
        metrics.change_log_position.set(whole(shared.view.position().0));
        metrics.change_log_lag.set(shared.log.lag().as_secs_f64());
        metrics.ends_waiting.set(whole(shared.log.waiting() as u64));
        metrics.store_queue.set(whole(shared.store.waiting()));
        metrics.log_queue.set(whole(shared.access_log.waiting() as u64));
        metrics.tunnels_open.set(whole(shared.tunnels.running.len() as u64));
        metrics.ready.set(i64::from(self.reasons().is_empty()));
        let endpoints = self.endpoints.all();
        metrics.set_endpoints(endpoints.iter().map(|endpoint| (endpoint.label(), numbers_of(endpoint))));
        reply::own(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", metrics.render())
    }
}

fn numbers_of(endpoint: &Endpoint) -> EndpointNumbers {
    let counters = endpoint.counters();
    EndpointNumbers {
        in_flight: counters.in_flight,
        idle: counters.idle,
        resting: endpoint.is_resting(),
        made: counters.opened,
        connect_errors: counters.failed,
        reused: counters.reused,
        retries: counters.retried,
        lost: counters.lost,
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
