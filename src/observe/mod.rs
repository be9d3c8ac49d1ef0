//! What is written down about what happens: one line per request, audit events, counters.
//!
//! Knows names and numbers. It must never be given a password, a token, a cookie value or a query string that may hold one,
//! and it never makes a worker wait: what cannot be written is dropped and counted.

mod access_log;
mod audit;
mod connection;
mod counters;
mod escape;
mod latencies;
mod line;
mod metrics;
mod operator;
mod request_id;
mod stamp;

pub use access_log::{AccessLog, LogFormat, LogTarget};
pub use audit::{AuditEvent, AuditKind, audit_log};
pub use connection::ConnectionFault;
pub use counters::{EndpointNumbers, LoginOutcome, MethodClass, ProviderCounters, RouteCounters};
pub use latencies::{Latencies, Quantiles};
pub use line::RequestLine;
pub use metrics::{ConnectionCounters, Decisions, Metrics};
pub use operator::{TracingError, init_tracing};
pub use request_id::RequestId;
