use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::Shared;
use crate::token::Verified;

impl Shared {
    /// Joins a client and an upstream that have both switched protocols, for as long as both want and the session lives.
    pub(super) fn tunnel(&self, client: OnUpgrade, upstream: OnUpgrade, verified: Option<&Arc<Verified>>) {
        let guard = verified.map(|verified| self.streams.enter(verified, &self.view));
        let close = self.tunnels.close.clone();
        self.tunnels.running.spawn(async move {
            let cut = async {
                match &guard {
                    Some(guard) => guard.cut().await,
                    None => std::future::pending().await,
                }
            };
            // Either end may go away at any byte; that is how tunnels end.
            tokio::select! {
                () = join(client, upstream) => {}
                () = cut => {}
                () = close.cancelled() => {}
            }
        });
    }
}

async fn join(client: OnUpgrade, upstream: OnUpgrade) {
    let (Ok(client), Ok(upstream)) = tokio::join!(client, upstream) else { return };
    let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(upstream)).await;
}
