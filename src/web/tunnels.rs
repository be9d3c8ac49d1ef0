use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What outlives the request that began it: upgraded connections, whose task hyper no longer knows.
///
/// Whoever starts a tunnel spawns its task through `running` and ends it when `close` is cancelled. Made by `app`, given to
/// the gateway and to the server.
#[derive(Clone, Default)]
pub struct Tunnels {
    /// The tasks. The drain waits for all of them.
    pub running: TaskTracker,
    /// Cancelled when the drain's deadline has come: say goodbye and end within two seconds.
    pub close: CancellationToken,
}
