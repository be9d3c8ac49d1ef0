use rustix::process::{Resource, getrlimit, setrlimit};

/// Descriptors a connection takes at most: one to the client, one to an upstream.
const FOR_EACH: u64 = 2;

/// Descriptors for everything else: files, logs, the store, providers, runtimes.
const BESIDE: u64 = 256;

/// Raises the limit of open descriptors as far as this process may (a shell's 1024 are a few hundred clients), and says so
/// if that is not enough for the connections that are allowed. Failing to raise it is no reason not to serve.
pub(super) fn raise(max_connections: usize) {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => limit.current = limit.maximum,
            Err(error) => tracing::warn!(%error, "the limit of open descriptors cannot be raised"),
        }
    }
    let wanted = (max_connections as u64).saturating_mul(FOR_EACH).saturating_add(BESIDE);
    if let Some(descriptors) = limit.current.filter(|have| *have < wanted) {
        tracing::warn!(
            descriptors,
            wanted,
            "fewer open descriptors are allowed than max_connections needs; raise LimitNOFILE, or lower it"
        );
    }
}
