use sd_notify::NotifyState;

/// Tells the service manager that connections are answered. Each of these says nothing when nobody asked (`NOTIFY_SOCKET`).
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Tells it that a reload began; [`ready`] follows, whether the new configuration was taken or not.
///
/// systemd 253 and newer compares the time with that of its own signal (`Type=notify-reload`); older ones skip the line.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!("cannot tell the service manager of the reload: {error}"),
    }
}

/// Tells it that the end has begun, so that it waits for the last requests and not for a sign of life.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    // Nothing depends on this but what the service manager shows: an error is told and passed over.
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("cannot reach the service manager: {error}");
    }
}
