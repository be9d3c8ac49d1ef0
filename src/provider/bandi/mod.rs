//! The provider kind `bandi-sso`: the login of today at Myongji University, walked as a browser walks it.
//!
//! It gets the sign-in page, encrypts the password as the page's script does, posts it, and follows what comes back just
//! far enough to see an address of the service with a code: that is the proof, and the service itself is not visited.
//! Nothing is read about the person beyond that. It must never take a code for a proof that came before the password,
//! with another state, or to another place; and never ask a host that is not allowed.
//!
//! What it cannot help: the SSO keeps one session per account, so a login here ends the person's session elsewhere. The
//! session it opens is ended again at once where a logout path is known.

mod browser;
mod crypto;
mod page;
mod script;
mod settings;
mod site;
mod trace;
mod turns;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use super::lane::Lane;
use super::reach::Wire;
use super::{Breaker, Checking, Login, Provider, ProviderFault, SetupFault, Verdict};
use crate::base::Clock;
use crate::identity::{IdRule, ProviderName, Realm};
use site::Site;
use turns::{Turn, Turns};
use walk::Walk;

pub(super) use browser::Sink;
pub use settings::{BandiSsoSettings, PageParts};
pub(super) use trace::masked;
pub use trace::{Finding, Means, Step};

/// Logs in at a BandiSSO of the second generation with the person's own password.
pub struct BandiSso {
    name: ProviderName,
    realm: Realm,
    id_rule: IdRule,
    site: Arc<Site>,
    wire: Arc<Wire>,
    lane: Lane,
    turns: Turns,
    person_wait: Duration,
    clock: Arc<dyn Clock>,
}

impl BandiSso {
    /// A provider that walks as `settings` say.
    ///
    /// # Errors
    /// When the settings cannot work; see [`SetupFault`].
    pub fn new(settings: BandiSsoSettings, clock: Arc<dyn Clock>) -> Result<Self, SetupFault> {
        Ok(Self {
            site: Arc::new(Site::new(&settings)?),
            wire: Arc::new(Wire::new(&settings.reach, &[&settings.auth_url])?),
            lane: Lane::new(settings.name.clone(), &settings.reach, clock.clone()),
            turns: Turns::new(),
            person_wait: settings.person_wait,
            name: settings.name,
            realm: settings.realm,
            id_rule: settings.id_rule,
            clock,
        })
    }

    /// Logs in and tells each step of the way as it is taken, for `munjigi sso test`. Secrets are not among what is told.
    ///
    /// # Errors
    /// As [`Provider::check`].
    pub async fn trace(&self, login: Login, step: &mut (dyn FnMut(Step) + Send)) -> Result<Verdict, ProviderFault> {
        let (verdict, walk, _turn) = self.go(login, step).await?;
        if opened_a_session(&verdict) {
            walk.log_out().await;
        }
        Ok(verdict)
    }

    async fn go<'a>(&self, login: Login, sink: Sink<'a>) -> Result<(Verdict, Walk<'a>, Turn), ProviderFault> {
        let Some(turn) = self.turns.take(&login, self.person_wait).await else {
            return Err(ProviderFault::Overloaded(format!("another login of the same person did not end within {:?}", self.person_wait)));
        };
        let user = login.user.clone();
        let mut walk = Walk::new(self.site.clone(), self.wire.clone(), sink);
        let verdict = self.lane.run(&user, walk.log_in(login, &*self.clock)).await?;
        Ok((verdict, walk, turn))
    }
}

impl Provider for BandiSso {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn realm(&self) -> &Realm {
        &self.realm
    }

    fn id_rule(&self) -> &IdRule {
        &self.id_rule
    }

    fn check(&self, login: Login) -> Checking<'_> {
        Box::pin(async move {
            let mut nobody = |_| {};
            let (verdict, walk, turn) = self.go(login, &mut nobody).await?;
            if opened_a_session(&verdict) {
                let cookies = walk.into_cookies();
                let (site, wire) = (self.site.clone(), self.wire.clone());
                // The person does not wait for this, but the person's next login does: it holds the turn.
                tokio::spawn(async move {
                    let (_turn, mut nobody) = (turn, |_| {});
                    Walk::resumed(site, wire, cookies, &mut nobody).log_out().await;
                });
            }
            Ok(verdict)
        })
    }

    fn breaker(&self) -> Option<&Breaker> {
        Some(self.lane.breaker())
    }
}

/// Whether the password was taken, so that a session stands open at the SSO.
const fn opened_a_session(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Right { .. } | Verdict::NotYet { .. } => true,
        Verdict::Wrong { .. } => false,
    }
}
