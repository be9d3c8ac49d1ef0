//! Handles to counters, fetched once when a configuration is built and used on every request without a look-up.

use std::sync::Arc;
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

/// The requests of one route. Cheap to clone: each request has one.
#[derive(Clone, Debug)]
pub struct RouteCounters(Arc<[[Counter; STATUS_CLASSES.len()]; MethodClass::ALL.len()]>);

impl RouteCounters {
    pub(super) fn fetch(family: &Family<RequestLabels, Counter>, route: &str) -> Self {
        Self(Arc::new(MethodClass::ALL.map(|method| {
            STATUS_CLASSES
                .map(|status| family.get_or_create_owned(&RequestLabels { route: route.to_owned(), method: method.as_str(), status }))
        })))
    }

    /// How many were answered, by the first digit of the status.
    pub fn by_class(&self) -> [u64; STATUS_CLASSES.len()] {
        std::array::from_fn(|class| self.0.iter().map(|counters| counters[class].get()).sum())
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

/// The label of what is counted for each endpoint: its address as it stands in the configuration.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub(super) struct EndpointLabel {
    pub(super) endpoint: String,
}

/// The labels of `upstream_errors`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub(super) struct EndpointErrorLabels {
    pub(super) endpoint: String,
    pub(super) kind: &'static str,
}

/// What has happened between us and one endpoint of an upstream. The connections themselves count; this is read off them
/// when somebody asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EndpointNumbers {
    /// Requests and tunnels under way now.
    pub in_flight: u64,
    /// Connections that wait for a request now.
    pub idle: u64,
    /// Whether it is left alone for a while because it did not do its part.
    pub resting: bool,
    /// Connections made.
    pub made: u64,
    /// Connections that could not be made.
    pub connect_errors: u64,
    /// Requests sent over a kept connection.
    pub reused: u64,
    /// Requests sent once more, because a kept connection turned out to be closed.
    pub retries: u64,
    /// Requests lost with a kept connection that turned out to be closed.
    pub lost: u64,
}

/// The numbers of all endpoints.
#[derive(Default)]
pub(super) struct EndpointFamilies {
    pub(super) gauges: [Family<EndpointLabel, Gauge>; 3],
    pub(super) counters: [Family<EndpointLabel, Counter>; 5],
}

impl EndpointFamilies {
    /// Name and help of each of `gauges`, in order.
    pub(super) const GAUGES: [(&'static str, &'static str); 3] = [
        ("upstream_requests_in_flight", "Requests and tunnels under way at the endpoint now"),
        ("upstream_connections_idle", "Connections to the endpoint that wait for a request now"),
        ("upstream_resting", "1 while the endpoint is left alone because it did not do its part"),
    ];

    /// Name and help of each of `counters`, in order.
    pub(super) const COUNTERS: [(&'static str, &'static str); 5] = [
        ("upstream_connections_made", "Connections made to the endpoint"),
        ("upstream_connect_errors", "Connections to the endpoint that could not be made"),
        ("upstream_connections_reused", "Requests sent over a connection that was kept"),
        ("upstream_retries", "Requests sent once more because a kept connection turned out to be closed"),
        ("upstream_lost", "Requests lost with a kept connection that turned out to be closed"),
    ];

    /// Takes the numbers of the endpoints there are, and forgets those of endpoints that are gone.
    pub(super) fn set<'a>(&self, all: impl IntoIterator<Item = (&'a str, EndpointNumbers)>) {
        self.gauges.iter().for_each(Family::clear);
        self.counters.iter().for_each(Family::clear);
        for (endpoint, numbers) in all {
            let EndpointNumbers { in_flight, idle, resting, made, connect_errors, reused, retries, lost } = numbers;
            let label = EndpointLabel { endpoint: endpoint.to_owned() };
            // Two upstreams may trust different authorities for one address: these are two endpoints under one label.
            for (gauge, number) in self.gauges.iter().zip([in_flight, idle, u64::from(resting)]) {
                gauge.get_or_create(&label).inc_by(i64::try_from(number).unwrap_or(i64::MAX));
            }
            for (counter, number) in self.counters.iter().zip([made, connect_errors, reused, retries, lost]) {
                counter.get_or_create(&label).inc_by(number);
            }
        }
    }
}
