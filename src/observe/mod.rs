//! What is written down about what happens: one line per request, audit events, counters.
//!
//! Knows names and numbers. It must never be given a password, a token, a cookie value or a query string that may hold one.

mod audit;

pub use audit::{AuditEvent, AuditKind};
