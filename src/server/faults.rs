use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::Version;

use super::activity::Activity;
use super::patient::is_impatience;
use crate::base::{ClientAddr, Clock};
use crate::observe::{AccessLog, ConnectionFault, Metrics, RequestId, RequestLine};
use crate::web::Peer;

/// Writes down what goes wrong with connections before a request can be judged.
#[derive(Clone)]
pub(super) struct FaultLog {
    pub(super) metrics: Arc<Metrics>,
    pub(super) access_log: AccessLog,
    pub(super) clock: Arc<dyn Clock>,
}

impl FaultLog {
    /// Counts a fault and writes a line without a request. The line goes to the access log, which never makes a worker
    /// wait and is bounded: a flood of faults must not fill the operator's log.
    pub(super) fn note(&self, fault: ConnectionFault, address: ClientAddr) {
        self.metrics.connections.fault(fault);
        self.access_log.write(&RequestLine {
            at: self.clock.now(),
            address,
            person: None,
            method: None,
            target: "",
            protocol: Version::HTTP_11,
            host: None,
            status: fault.status(),
            bytes_in: 0,
            bytes_out: 0,
            duration: Duration::ZERO,
            upstream: None,
            route: None,
            refusal: Some(fault.as_str()),
            id: RequestId::next(),
            user_agent: None,
            referer: None,
        });
    }

    /// Notes why a connection's task ended, if that was the peer's fault.
    pub(super) fn note_end(&self, error: &hyper::Error, activity: &Activity, peer: &Peer) {
        if let Some(fault) = fault_of(error, activity) {
            self.note(fault, peer.address);
        }
        tracing::debug!(client = %peer.address, error = %Chain(error), "a connection ended with an error");
    }
}

/// Which fault an error of hyper's is. None: the peer went away, an idle connection ended, or a body broke off, which the
/// handler knows best.
fn fault_of(error: &hyper::Error, activity: &Activity) -> Option<ConnectionFault> {
    if error.source().and_then(|source| source.downcast_ref::<io::Error>()).is_some_and(is_impatience) {
        return Some(ConnectionFault::SendTimeout);
    }
    if let Some(error) = error.source().and_then(|source| source.downcast_ref::<h2::Error>()) {
        if error.get_io().is_some_and(is_impatience) {
            return Some(ConnectionFault::SendTimeout);
        }
        let ours = error.is_library() && error.reason() != Some(h2::Reason::NO_ERROR);
        return ours.then_some(ConnectionFault::Http2);
    }
    if error.is_timeout() {
        return is_late_head(error, activity).then_some(ConnectionFault::HeadTimeout);
    }
    if error.is_parse_too_large() {
        return Some(ConnectionFault::HeadTooLarge);
    }
    error.is_parse().then_some(ConnectionFault::BadHead)
}

/// Whether a head that was begun did not end in time. The same timer of hyper's ends a connection that is merely not used.
pub(super) fn is_late_head(error: &hyper::Error, activity: &Activity) -> bool {
    error.is_timeout() && activity.mid_head()
}

/// An error with what caused it, on one line.
struct Chain<'a>(&'a hyper::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
