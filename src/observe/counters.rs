//! Handles to counters, fetched once when a configuration is built and used on every request without a look-up.

use std::array;
use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

/// What a method does, as the metrics tell methods apart: a method's own name comes from the client and is no label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MethodClass {
    /// GET, HEAD, OPTIONS, TRACE.
    Read,
    /// POST, PUT, PATCH, DELETE.
    Write,
    /// Any other.
    Other,
}

impl MethodClass {
    const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Other];

    /// The class of a method.
    pub fn of(method: &Method) -> Self {
        if method.is_safe() {
            Self::Read
        } else if matches!(*method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE) {
            Self::Write
        } else {
            Self::Other
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Other => "other",
        }
    }
}

/// The classes of status, by first digit. What never was answered (a client that went away) is 499, as nginx has it.
const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The labels of `requests`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) route: String,
    pub(super) method: &'static str,
    pub(super) status: &'static str,
}

/// The requests of one route.
#[derive(Clone, Debug)]
pub struct RouteCounters([[Counter; STATUS_CLASSES.len()]; MethodClass::ALL.len()]);

impl RouteCounters {
    pub(super) fn fetch(family: &Family<RequestLabels, Counter>, route: &str) -> Self {
        Self(MethodClass::ALL.map(|method| {
            STATUS_CLASSES
                .map(|status| family.get_or_create_owned(&RequestLabels { route: route.to_owned(), method: method.as_str(), status }))
        }))
    }

    /// Counts one answered request.
    pub fn count(&self, method: &Method, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, STATUS_CLASSES.len()) - 1;
        self.0[MethodClass::of(method) as usize][class].inc();
    }
}

/// How a login went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoginOutcome {
    /// A session began.
    Accepted,
    /// The provider said no.
    Refused,
    /// Too many attempts; nobody was asked.
    Throttled,
    /// The provider could not say.
    Failed,
}

impl LoginOutcome {
    const ALL: [Self; 4] = [Self::Accepted, Self::Refused, Self::Throttled, Self::Failed];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Failed => "failed",
        }
    }
}

/// The labels of `logins`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub(super) struct LoginLabels {
    pub(super) provider: String,
    pub(super) outcome: &'static str,
}

/// The label of what is counted for each provider.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub(super) struct ProviderLabel {
    pub(super) provider: String,
}

/// The logins at one provider.
#[derive(Clone, Debug)]
pub struct ProviderCounters {
    outcomes: [Counter; LoginOutcome::ALL.len()],
    seconds: Histogram,
}

impl ProviderCounters {
    pub(super) fn fetch(logins: &Family<LoginLabels, Counter>, seconds: Histogram, provider: &str) -> Self {
        let outcomes = LoginOutcome::ALL
            .map(|outcome| logins.get_or_create_owned(&LoginLabels { provider: provider.to_owned(), outcome: outcome.as_str() }));
        Self { outcomes, seconds }
    }

    /// Counts one login attempt.
    pub fn login(&self, outcome: LoginOutcome) {
        self.outcomes[outcome as usize].inc();
    }

    /// Notes how long the provider took to answer.
    pub fn answered(&self, after: Duration) {
        self.seconds.observe(after.as_secs_f64());
    }
}

/// The label of what is counted for each upstream.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub(super) struct UpstreamLabel {
    pub(super) upstream: String,
}

/// The families from which [`UpstreamCounters`] are fetched.
#[derive(Default)]
pub(super) struct UpstreamFamilies {
    pub(super) open: Family<UpstreamLabel, Gauge>,
    pub(super) counters: [Family<UpstreamLabel, Counter>; 6],
}

impl UpstreamFamilies {
    /// Name and help of each of `counters`, in order.
    pub(super) const NAMES: [(&'static str, &'static str); 6] = [
        ("upstream_connections_made", "Connections made to the upstream"),
        ("upstream_connections_reused", "Requests sent over a connection that was kept"),
        ("upstream_connect_errors", "Connections to the upstream that could not be made"),
        ("upstream_timeouts", "Answers of the upstream that did not come in time"),
        ("upstream_broken", "Connections that broke, and answers that were no HTTP"),
        ("upstream_retries", "Requests sent once more because they had come back unsent"),
    ];
}

/// What happens between us and one upstream.
#[derive(Clone, Debug)]
pub struct UpstreamCounters {
    /// Connections open now.
    pub open: Gauge,
    /// Connections made.
    pub made: Counter,
    /// Requests sent over a kept connection.
    pub reused: Counter,
    /// Connections that could not be made.
    pub connect_errors: Counter,
    /// Answers that did not come in time.
    pub timeouts: Counter,
    /// Connections that broke, and answers that were no HTTP.
    pub broken: Counter,
    /// Requests sent once more.
    pub retries: Counter,
}

impl UpstreamCounters {
    pub(super) fn fetch(families: &UpstreamFamilies, upstream: &str) -> Self {
        let label = UpstreamLabel { upstream: upstream.to_owned() };
        let [made, reused, connect_errors, timeouts, broken, retries] =
            array::from_fn(|at| families.counters[at].get_or_create_owned(&label));
        Self { open: families.open.get_or_create_owned(&label), made, reused, connect_errors, timeouts, broken, retries }
    }
}
