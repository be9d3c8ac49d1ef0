use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper_util::rt::TokioIo;

use super::connection::Connection;
use super::connector::{ConnectFault, Connector};
use super::health::Health;
use super::pool::{Counters, Shard, count};
use super::{Breakage, SendError};

/// One address of an upstream: its connections, its counts and its health. It outlives reloads as long as a configuration
/// names it, and belongs to all upstreams that name it.
pub struct Endpoint {
    label: Arc<str>,
    connector: Connector,
    shards: Box<[Arc<Shard>]>,
    pub(super) health: Health,
}

impl Endpoint {
    pub(super) fn new(label: &str, connector: Connector, workers: usize) -> Self {
        let label: Arc<str> = label.into();
        let shards = (0..workers.max(1)).map(|_| Shard::new(Arc::clone(&label))).collect();
        Self { label, connector, shards, health: Health::new() }
    }

    /// Its address as configured.
    pub fn label(&self) -> &str {
        &self.label
    }

    pub(super) fn shared_label(&self) -> Arc<str> {
        Arc::clone(&self.label)
    }

    /// Whether it is left alone because it did not do its part lately.
    pub fn is_resting(&self) -> bool {
        self.health.is_resting()
    }

    /// What has happened, over all workers.
    pub fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        for shard in &self.shards {
            sum += shard.counters();
        }
        sum
    }

    /// Requests being answered now, over all workers.
    pub(super) fn in_flight(&self) -> u64 {
        self.shards.iter().map(|shard| shard.counts.in_flight.load(Ordering::Relaxed)).sum()
    }

    /// What `worker` keeps of this endpoint.
    pub(super) fn shard(&self, worker: usize) -> &Arc<Shard> {
        &self.shards[worker % self.shards.len()]
    }

    /// A new connection for `worker`, on whose runtime this is called.
    pub(super) async fn connect(&self, worker: usize, within: Duration) -> Result<Connection, SendError> {
        let counts = &self.shard(worker).counts;
        match self.connector.connect(within).await {
            Ok(transport) => {
                count(&counts.opened);
                Connection::over(TokioIo::new(transport), self.shared_label(), self.connector.is_named())
                    .await
                    .map_err(|error| SendError::Broken { endpoint: self.shared_label(), cause: Breakage::Http(error) })
            }
            Err(fault) => {
                count(&counts.failed);
                let error = self.unreachable(fault, within);
                self.failed(&error);
                Err(error)
            }
        }
    }

    /// It did not do its part in a request.
    pub(super) fn failed(&self, error: &SendError) {
        let refused = matches!(error, SendError::Connect { source, .. } if source.kind() == io::ErrorKind::ConnectionRefused);
        if self.health.bad(refused) {
            tracing::warn!(%error, "an endpoint is left alone for a while");
        }
    }

    fn unreachable(&self, fault: ConnectFault, within: Duration) -> SendError {
        let endpoint = self.shared_label();
        match fault {
            ConnectFault::Io(source) => SendError::Connect { endpoint, source },
            ConnectFault::Timeout => SendError::ConnectTimeout { endpoint, within },
            ConnectFault::Tls(source) => SendError::Tls { endpoint, source },
        }
    }
}
