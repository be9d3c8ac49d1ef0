use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};

use super::connection::ConnectionFault;
use super::counters::{
    EndpointErrorLabels, EndpointFamilies, EndpointNumbers, LoginLabels, ProviderCounters, ProviderLabel, RequestLabels, RouteCounters,
};

type FloatGauge = Gauge<f64, AtomicU64>;

/// Every number the gateway tells Prometheus. One for each process; it outlives reloads.
///
/// No label comes from a client: routes, upstreams and providers are named by the configuration, the rest by this program.
/// What is counted on every request is fetched once as a handle.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    refusals: Family<ReasonLabel, Counter>,
    own_seconds: Histogram,
    upstream_seconds: Histogram,
    logins: Family<LoginLabels, Counter>,
    provider_seconds: Family<ProviderLabel, Histogram, fn() -> Histogram>,
    endpoints: EndpointFamilies,
    upstream_errors: Family<EndpointErrorLabels, Counter>,
    certificates: Family<CertificateLabel, FloatGauge>,
    /// How requests were decided.
    pub decisions: Decisions,
    /// Connections from clients.
    pub connections: ConnectionCounters,
    /// Access-log lines that could not be kept or written.
    pub log_lines_dropped: Counter,
    /// Tunnels and event streams open now.
    pub streams_open: Gauge,
    /// Tunnels open now, public ones too.
    pub tunnels_open: Gauge,
    /// Live sessions in the store.
    pub sessions: Gauge,
    /// The newest entry of the change log that acts here.
    pub change_log_position: Gauge,
    /// How long ago the view was last known to hold all that the store holds, in seconds.
    pub change_log_lag: FloatGauge,
    /// Ends that act in memory and that the store has not taken yet.
    pub ends_waiting: Gauge,
    /// Writes that wait for the store.
    pub store_queue: Gauge,
    /// Bytes that wait for the access log's disk.
    pub log_queue: Gauge,
    /// 1 while `/ready` says yes.
    pub ready: Gauge,
    /// Number of the configuration in use: 1 at start, one more with each reload that was taken.
    pub generation: Gauge,
    /// Reloads that were refused.
    pub reloads_refused: Counter,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct CertificateLabel {
    certificate: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct DecisionLabel {
    decision: &'static str,
}

/// How requests were decided: each request counts in exactly one of these.
#[derive(Clone, Debug)]
pub struct Decisions {
    /// Passed with an identity.
    pub admitted: Counter,
    /// Passed on a public route without one.
    pub public: Counter,
    /// Answered by an endpoint of ours.
    pub own: Counter,
    /// Refused; the reasons are counted by [`Metrics::refused`], which counts here too.
    pub refused: Counter,
}

/// Connections from clients, and how they went.
#[derive(Clone, Debug)]
pub struct ConnectionCounters {
    /// Accepted.
    pub accepted: Counter,
    /// Failures to accept: descriptors or memory ran out.
    pub accept_errors: Counter,
    /// Open now, TLS handshakes included.
    pub open: Gauge,
    /// TLS handshakes with a key exchange and a certificate.
    pub handshakes_full: Counter,
    /// TLS handshakes that took up an earlier session.
    pub handshakes_resumed: Counter,
    /// Cut at the end of a drain, with a request or a tunnel under way.
    pub cut: Counter,
    faults: [Counter; ConnectionFault::ALL.len()],
}

impl ConnectionCounters {
    /// Counts a connection that ended before a request could be judged.
    pub fn fault(&self, fault: ConnectionFault) {
        self.faults[fault as usize].inc();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All numbers at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("munjigi");
        let r = &mut registry;
        let decided: Family<DecisionLabel, Counter> = register(r, "decisions", "Requests by decision");
        let decision = |decision| decided.get_or_create_owned(&DecisionLabel { decision });
        Self {
            requests: register(r, "requests", "Requests answered, by route, kind of method and class of status"),
            refusals: register(r, "refusals", "Requests refused, by reason"),
            decisions: Decisions {
                admitted: decision("admitted"),
                public: decision("public"),
                own: decision("own"),
                refused: decision("refused"),
            },
            own_seconds: seconds(r, "request_own", "Time of a request spent in the gateway itself", Histogram::new(FAST)),
            upstream_seconds: seconds(r, "request_upstream", "Time of a request spent waiting for the upstream", Histogram::new(SLOW)),
            logins: register(r, "logins", "Login attempts, by provider and outcome"),
            provider_seconds: seconds(
                r,
                "provider_answer",
                "Time a provider took to answer a login",
                Family::new_with_constructor(|| Histogram::new(SLOW)),
            ),
            endpoints: endpoints(r),
            upstream_errors: register(r, "upstream_errors", "Requests that got no answer from their upstream, by what went wrong"),
            certificates: register(r, "certificate_expiry_timestamp_seconds", "When each certificate ends, in seconds since 1970"),
            connections: connections(r),
            log_lines_dropped: register(r, "log_lines_dropped", "Access-log lines that could not be kept or written"),
            streams_open: register(r, "streams_open", "Tunnels and event streams open now"),
            tunnels_open: register(r, "tunnels_open", "Tunnels open now"),
            sessions: register(r, "sessions", "Live sessions in the store"),
            change_log_position: register(r, "change_log_position", "Newest entry of the change log that acts here"),
            change_log_lag: register(r, "change_log_lag_seconds", "How long ago the view was last known to hold all that the store holds"),
            ends_waiting: register(r, "ends_waiting", "Ends that act in memory and wait for the store to take them"),
            store_queue: register(r, "store_queue", "Writes that wait for the store"),
            log_queue: register(r, "log_queue_bytes", "Bytes that wait for the access log's disk"),
            ready: register(r, "ready", "1 while /ready says yes"),
            generation: register(r, "configuration_generation", "Number of the configuration in use"),
            reloads_refused: register(r, "reloads_refused", "Reloads that were refused"),
            registry,
        }
    }

    /// The counters of one route, for as long as its configuration lives.
    pub fn route(&self, name: &str) -> RouteCounters {
        RouteCounters::fetch(&self.requests, name)
    }

    /// The counters of one provider.
    pub fn provider(&self, name: &str) -> ProviderCounters {
        let seconds = self.provider_seconds.get_or_create_owned(&ProviderLabel { provider: name.to_owned() });
        ProviderCounters::fetch(&self.logins, seconds, name)
    }

    /// Takes what the endpoints (by their addresses in the configuration) have counted, in place of what was known.
    pub fn set_endpoints<'a>(&self, all: impl IntoIterator<Item = (&'a str, EndpointNumbers)>) {
        self.endpoints.set(all);
    }

    /// Counts a request that got no answer from its upstream. `kind` is one of the words of the upstream's errors.
    pub fn upstream_failed(&self, endpoint: &str, kind: &'static str) {
        self.upstream_errors.get_or_create(&EndpointErrorLabels { endpoint: endpoint.to_owned(), kind }).inc();
    }

    /// Counts a refused request. `reason` is one of the stable words of the refusals.
    pub fn refused(&self, reason: &'static str) {
        self.decisions.refused.inc();
        self.refusals.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// Notes how long a request took: in the gateway itself, and waiting for the upstream.
    pub fn timing(&self, own: Duration, upstream: Option<Duration>) {
        self.own_seconds.observe(own.as_secs_f64());
        if let Some(upstream) = upstream {
            self.upstream_seconds.observe(upstream.as_secs_f64());
        }
    }

    /// Notes when the certificates end (name and seconds since 1970), and forgets those of before.
    pub fn set_certificates<'a>(&self, certificates: impl IntoIterator<Item = (&'a str, u64)>) {
        self.certificates.clear();
        for (name, ends) in certificates {
            #[expect(clippy::cast_precision_loss, reason = "seconds of this millennium are exact in a double")]
            self.certificates.get_or_create(&CertificateLabel { certificate: name.to_owned() }).set(ends as f64);
        }
    }

    /// Everything in the text format (`application/openmetrics-text; version=1.0.0; charset=utf-8`).
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(16 * 1024);
        if text::encode(&mut out, &self.registry).is_err() {
            // Writing to a string cannot fail; a metric that cannot be encoded ends the text, which Prometheus then refuses.
            tracing::error!("the metrics could not be encoded");
        }
        out
    }
}

/// Buckets for what takes tens of microseconds.
const FAST: [f64; 11] = [0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.01, 0.05, 0.25, 1.0];

/// Buckets for what waits for somebody else.
const SLOW: [f64; 12] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

fn register<M: Metric + Default + Clone>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

fn seconds<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
    metric
}

fn endpoints(registry: &mut Registry) -> EndpointFamilies {
    let families = EndpointFamilies::default();
    for ((name, help), family) in EndpointFamilies::GAUGES.into_iter().zip(&families.gauges) {
        registry.register(name, help, family.clone());
    }
    for ((name, help), family) in EndpointFamilies::COUNTERS.into_iter().zip(&families.counters) {
        registry.register(name, help, family.clone());
    }
    families
}

fn connections(registry: &mut Registry) -> ConnectionCounters {
    let faults: Family<ReasonLabel, Counter> = register(
        registry,
        "connection_faults",
        "Connections that ended before a request could be judged or its answer was taken, by reason",
    );
    ConnectionCounters {
        accepted: register(registry, "connections_accepted", "Connections accepted from clients"),
        accept_errors: register(registry, "accept_errors", "Connections that could not be accepted: descriptors or memory ran out"),
        open: register(registry, "connections_open", "Connections from clients open now"),
        handshakes_full: register(registry, "tls_handshakes_full", "TLS handshakes with a key exchange and a certificate"),
        handshakes_resumed: register(registry, "tls_handshakes_resumed", "TLS handshakes that took up an earlier session"),
        cut: register(registry, "connections_cut", "Connections and tunnels cut at the end of a drain"),
        faults: ConnectionFault::ALL.map(|fault| faults.get_or_create_owned(&ReasonLabel { reason: fault.as_str() })),
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};

    use super::super::counters::LoginOutcome;
    use super::*;

    #[test]
    fn what_was_counted_is_told() {
        let metrics = Metrics::new();
        let route = metrics.route("grades");
        route.count(&Method::GET, StatusCode::OK);
        route.count(&Method::HEAD, StatusCode::NO_CONTENT);
        route.count(&Method::POST, StatusCode::BAD_GATEWAY);
        route.count(&Method::from_bytes(b"BREW").unwrap(), StatusCode::from_u16(999).unwrap());
        metrics.refused("token_expired");
        metrics.provider("mju").login(LoginOutcome::Throttled);
        metrics.provider("mju").answered(Duration::from_millis(30));
        metrics.set_endpoints([("http://gone:1", EndpointNumbers::default())]);
        metrics.set_endpoints([("http://a:1", EndpointNumbers { made: 7, idle: 2, ..EndpointNumbers::default() })]);
        metrics.upstream_failed("http://a:1", "connect");
        metrics.connections.fault(ConnectionFault::HeadTimeout);
        metrics.timing(Duration::from_micros(40), Some(Duration::from_millis(3)));
        let text = metrics.render();
        for line in [
            r#"munjigi_requests_total{route="grades",method="read",status="2xx"} 2"#,
            r#"munjigi_requests_total{route="grades",method="write",status="5xx"} 1"#,
            r#"munjigi_requests_total{route="grades",method="other",status="5xx"} 1"#,
            r#"munjigi_decisions_total{decision="refused"} 1"#,
            r#"munjigi_refusals_total{reason="token_expired"} 1"#,
            r#"munjigi_logins_total{provider="mju",outcome="throttled"} 1"#,
            r#"munjigi_provider_answer_seconds_count{provider="mju"} 1"#,
            r#"munjigi_upstream_connections_made_total{endpoint="http://a:1"} 7"#,
            r#"munjigi_upstream_connections_idle{endpoint="http://a:1"} 2"#,
            r#"munjigi_upstream_errors_total{endpoint="http://a:1",kind="connect"} 1"#,
            r#"munjigi_connection_faults_total{reason="head_timeout"} 1"#,
            r#"munjigi_request_own_seconds_bucket{le="0.00005"} 1"#,
            r#"munjigi_request_upstream_seconds_bucket{le="0.0025"} 0"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line} not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n") && !text.contains("gone"));
    }

    #[test]
    fn a_replaced_certificate_is_forgotten() {
        let metrics = Metrics::new();
        metrics.set_certificates([("old.crt", 1_800_000_000)]);
        metrics.set_certificates([("new.crt", 1_900_000_000)]);
        let text = metrics.render();
        assert!(text.contains(r#"munjigi_certificate_expiry_timestamp_seconds{certificate="new.crt"} 1900000000"#), "{text}");
        assert!(!text.contains("old.crt"));
    }

    #[test]
    fn every_method_has_a_class() {
        use super::super::counters::MethodClass;
        assert_eq!(MethodClass::of(&Method::OPTIONS), MethodClass::Read);
        assert_eq!(MethodClass::of(&Method::DELETE), MethodClass::Write);
        assert_eq!(MethodClass::of(&Method::CONNECT), MethodClass::Other);
    }
}
