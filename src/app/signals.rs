use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Failure;

/// What a signal asks for. The words are nginx's, because Munjigi is deployed as nginx is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    /// HUP: take up the changed configuration.
    Reload,
    /// No signal: certificate files have changed, and are watched.
    Certificates,
    /// USR1: open the log files anew.
    Reopen,
    /// TERM, INT, QUIT: finish what was begun, then end.
    Stop,
    /// INT, which somebody at a keyboard sends again when waiting is too long.
    Interrupt,
}

/// The signals, listened to from the moment this is made.
pub(super) struct Signals {
    hup: Signal,
    usr1: Signal,
    term: Signal,
    int: Signal,
    quit: Signal,
}

impl Signals {
    /// Has to be called on a runtime.
    pub(super) fn listen() -> Result<Self, Failure> {
        let on = |kind| signal(kind).map_err(|source| Failure::System { what: "cannot listen to signals", source });
        Ok(Self {
            hup: on(SignalKind::hangup())?,
            usr1: on(SignalKind::user_defined1())?,
            term: on(SignalKind::terminate())?,
            int: on(SignalKind::interrupt())?,
            quit: on(SignalKind::quit())?,
        })
    }

    /// The next wish.
    pub(super) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.hup.recv() => Wish::Reload,
            _ = self.usr1.recv() => Wish::Reopen,
            _ = self.term.recv() => Wish::Stop,
            _ = self.int.recv() => Wish::Interrupt,
            _ = self.quit.recv() => Wish::Stop,
        }
    }
}
