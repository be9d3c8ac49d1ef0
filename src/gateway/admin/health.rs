use std::sync::atomic::Ordering;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::Admin;
use crate::gateway::reply::{self, Reply};

/// The view looks three times a second. This far behind, ends of other processes may be missed.
const MOST_LAG: Duration = Duration::from_secs(10);

impl Admin {
    /// `/ready`: 200 while requests should be sent here, else 503 with the reasons.
    pub(super) fn ready(&self) -> Reply {
        let reasons = self.reasons();
        let ready = reasons.is_empty();
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let log = &self.shared.log;
        let body = json!({
            "ready": ready,
            "reasons": reasons,
            "draining": self.draining.load(Ordering::Relaxed),
            "store": { "trouble": log.trouble().map(|error| error.to_string()), "waiting": self.shared.store.waiting() },
            "view": { "position": self.shared.view.position().0, "lag_seconds": log.lag().as_secs_f64(), "ends_waiting": log.waiting() },
            "generation": self.shared.metrics.generation.get(),
            "certificates": self.certificates_left(),
        });
        reply::json(status, &body)
    }

    /// Why requests should not be sent here; nothing while they should.
    pub(super) fn reasons(&self) -> Vec<String> {
        let (log, now) = (&self.shared.log, self.shared.clock.now());
        let certificates = self.certificates.load();
        let draining = self.draining.load(Ordering::Relaxed).then(|| "the gateway is stopping".to_owned());
        let trouble = log.trouble().map(|error| error.to_string());
        let behind = (log.lag() > MOST_LAG).then(|| format!("the view of the change log is {} s behind", log.lag().as_secs()));
        let waiting =
            (log.waiting() > 0).then(|| format!("{} ends act here but are not written: the store does not take them", log.waiting()));
        let over = !certificates.is_empty() && certificates.iter().all(|info| info.ends <= now);
        let over = over.then(|| "every certificate has ended".to_owned());
        [draining, trouble, behind, waiting, over].into_iter().flatten().collect()
    }

    fn certificates_left(&self) -> Vec<Value> {
        let now = self.shared.clock.now();
        let left = |info: &crate::tls::CertificateInfo| json!({ "file": info.path.display().to_string(), "names": info.names, "ends": info.ends.secs(), "days_left": info.days_left(now) });
        self.certificates.load().iter().map(left).collect()
    }
}
