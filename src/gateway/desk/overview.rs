use std::time::Duration;

use http::StatusCode;

use super::Clerk;
use crate::base::Timestamp;
use crate::gateway::reply::Reply;
use crate::gateway::{Gateway, Refusal};
use crate::observe::RouteCounters;
use crate::pages::{Hour, OverviewPage, RouteFigures};
use crate::store::Figures;

const HOUR: u64 = 60 * 60;

impl Gateway {
    /// What goes on: the last day by the hour, and the requests of each route since the start.
    pub(super) async fn overview(&self, clerk: &Clerk<'_>) -> Result<Reply, Refusal> {
        let span = OverviewPage::MOST_HOURS;
        let this_hour = Timestamp::from_secs(clerk.now.secs() / HOUR * HOUR);
        let since = this_hour.minus(Duration::from_secs((span as u64 - 1) * HOUR));
        let (live, figures) = (self.shared.store.live_sessions(clerk.now), self.shared.store.figures(since, span));
        let live_sessions = live.await?;
        let mut hours: Vec<Hour> = figures.await?.into_iter().enumerate().map(|(index, of)| self.hour(since, index, of)).collect();
        // The end of this hour is still to come.
        if let Some(hour) = hours.last_mut() {
            hour.sessions = live_sessions;
        }
        let routes = self.requests();
        let routes: Vec<RouteFigures<'_>> = routes.iter().map(|(name, counts)| figures_of(name, *counts)).collect();
        let page = OverviewPage { console: clerk.console(), live_sessions, hours: &hours, routes: &routes };
        Ok(self.own_page(StatusCode::OK, clerk.lang, self.pages.overview(clerk.lang, &page)))
    }

    fn hour(&self, since: Timestamp, index: usize, figures: Figures) -> Hour {
        let start = since.plus(Duration::from_secs(index as u64 * HOUR));
        let latency = self.shared.latencies.of(start);
        Hour {
            start,
            logins: figures.logins,
            refusals: figures.refusals,
            sessions: figures.sessions,
            latency_median: latency.map(|latency| latency.median),
            latency_slow: latency.map(|latency| latency.slow),
        }
    }

    /// The routes with the most requests, by class of status, and all others in one row without a name.
    fn requests(&self) -> Vec<(String, [u64; 5])> {
        let counted = |name: String| {
            let counts = self.shared.metrics.route(&name).by_class();
            (name, counts)
        };
        let mut routes: Vec<_> = self.settings.routes.iter().map(|route| counted(route.name())).collect();
        routes.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.iter().sum::<u64>()));
        routes.dedup_by(|one, other| one.0 == other.0);
        let rest = routes.split_off(routes.len().min(OverviewPage::MOST_ROUTES - 1));
        let own = [&self.shared.own, &self.shared.unrouted].map(RouteCounters::by_class);
        let mut others = [0; 5];
        for counts in rest.iter().map(|(_, counts)| counts).chain(&own) {
            for (sum, count) in others.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        routes.push((String::new(), others));
        routes
    }
}

const fn figures_of(route: &str, [informed, fine, redirected, refused, failed]: [u64; 5]) -> RouteFigures<'_> {
    RouteFigures { route, fine: informed + fine, redirected, refused, failed }
}
