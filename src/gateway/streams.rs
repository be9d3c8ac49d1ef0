use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::base::{Clock, SessionId, Timestamp};
use crate::store::{ChangeLog, Ending, Notice, View};
use crate::token::Verified;

/// Answers and tunnels that are still running, by session: a session that ends takes them with it.
///
/// An answer enters only when it has to wait for its upstream, so that the short ones, which are nearly all, cost nothing.
#[derive(Default)]
pub struct Streams {
    live: Mutex<HashMap<SessionId, Vec<Live>>>,
    entered: AtomicU64,
    /// How long they go on past their session's own end, in milliseconds.
    grace: AtomicU64,
}

/// How often it is looked for sessions that have reached their own end.
const SWEEP: Duration = Duration::from_secs(1);

struct Live {
    number: u64,
    verified: Arc<Verified>,
    cut: CancellationToken,
    /// The session may have reached its own end then, and not before.
    may_end: Timestamp,
}

/// One stream's place among the live ones; leaves with the stream.
pub(super) struct StreamGuard {
    streams: Arc<Streams>,
    session: SessionId,
    number: u64,
    cut: CancellationToken,
    waiting: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Streams {
    /// Enters a stream. It is checked against the view once more: its session may have ended between admission and now.
    pub(super) fn enter(self: &Arc<Self>, verified: &Arc<Verified>, view: &View) -> StreamGuard {
        let cut = CancellationToken::new();
        let number = self.entered.fetch_add(1, Ordering::Relaxed);
        // No token outlives its session, so before this one's end there is nothing to ask.
        let live = Live { number, verified: Arc::clone(verified), cut: cut.clone(), may_end: verified.expires };
        self.live().entry(verified.session).or_default().push(live);
        if !stands(view, verified) {
            cut.cancel();
        }
        let waiting = Box::pin(cut.clone().cancelled_owned());
        StreamGuard { streams: Arc::clone(self), session: verified.session, number, cut, waiting }
    }

    /// Cuts streams as their sessions end. Runs as long as the view lives.
    pub async fn follow(self: Arc<Self>, view: Arc<View>) {
        let mut endings = view.watch();
        while let Some(notice) = endings.next().await {
            match notice {
                Notice::Ended(Ending::Session { session, .. }) => {
                    for live in self.live().get(&session).into_iter().flatten() {
                        live.cut.cancel();
                    }
                }
                Notice::Ended(Ending::Token { .. } | Ending::Person { .. } | Ending::Everybody { .. }) | Notice::Missed => {
                    self.check_all(&view);
                }
            }
        }
    }

    /// How long streams go on past their session's own end.
    pub(super) fn set_grace(&self, grace: Duration) {
        self.grace.store(u64::try_from(grace.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Cuts streams whose session has reached its absolute end or its idle limit: nobody announces those. Never ends.
    pub async fn sweep(self: Arc<Self>, log: Arc<ChangeLog>, clock: Arc<dyn Clock>) -> Infallible {
        let mut tick = tokio::time::interval(SWEEP);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.sweep_once(&log, clock.now()).await;
        }
    }

    /// Asks the store about the sessions whose end may have passed, which are few: tokens are renewed before.
    pub(super) async fn sweep_once(&self, log: &ChangeLog, now: Timestamp) {
        let grace = Duration::from_millis(self.grace.load(Ordering::Relaxed));
        let over = |end: Timestamp| end.plus(grace) <= now;
        let due = |live: &&Vec<Live>| live.iter().any(|live| over(live.may_end));
        let asked: Vec<SessionId> = self.live().iter().filter(|(_, live)| due(live)).map(|(session, _)| *session).collect();
        for session in asked {
            // A store that cannot be asked now is asked again in a second.
            let Ok(record) = log.session(session).await else { continue };
            let own_end = record.filter(|record| record.ended.is_none()).map(|record| record.own_end());
            for live in self.live().get_mut(&session).into_iter().flatten() {
                match own_end {
                    Some(end) if !over(end) => live.may_end = end,
                    Some(_) | None => live.cut.cancel(),
                }
            }
        }
    }

    /// How many are live.
    pub fn count(&self) -> usize {
        self.live().values().map(Vec::len).sum()
    }

    fn check_all(&self, view: &View) {
        for live in self.live().values().flatten() {
            if !stands(view, &live.verified) {
                live.cut.cancel();
            }
        }
    }

    fn live(&self) -> MutexGuard<'_, HashMap<SessionId, Vec<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stands(view: &View, verified: &Verified) -> bool {
    view.check(&verified.user, &verified.session, &verified.id, verified.position).is_ok()
}

impl StreamGuard {
    /// Ready when the stream's session has ended.
    pub(super) fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.waiting.as_mut().poll(cx)
    }

    /// Waits until the stream's session has ended.
    pub(super) async fn cut(&self) {
        self.cut.cancelled().await;
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        let mut live = self.streams.live();
        if let Some(list) = live.get_mut(&self.session) {
            list.retain(|entry| entry.number != self.number);
            if list.is_empty() {
                live.remove(&self.session);
            }
        }
    }
}
