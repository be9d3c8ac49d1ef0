//! Asking once more for the password of somebody who is logged in. No session begins by it, and a guess here counts like a
//! guess at the login page.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use crate::base::Timestamp;
use crate::gateway::login::Asking;
use crate::gateway::record::Record;
use crate::gateway::{Gateway, Intake, Refusal};
use crate::provider::Provider;
use crate::token::Verified;

impl Gateway {
    /// Whether this is the password of whoever the token names: same throttle, same provider as at the login.
    ///
    /// # Errors
    /// [`Refusal::LoginRefused`] when it is not; else why nobody could be asked.
    pub(in crate::gateway) async fn confirm(
        &self,
        who: &Verified,
        password: SecretString,
        intake: &Intake,
        record: &mut Record,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if password.expose_secret().is_empty() {
            return Err(Refusal::LoginRefused { message: None });
        }
        let provider = self.provider_of(who).ok_or(Refusal::SessionOver)?;
        let asking = Asking { provider, user: &who.user, session: Some(who.session), purpose: ", password asked for again" };
        self.check_password(asking, password, intake, record, now).await.map(drop)
    }

    /// Who checks this person's password: the provider that did at the login, or, if a reload has taken it away
    /// since, another of the same realm. Ids mean the same throughout a realm.
    fn provider_of(&self, who: &Verified) -> Option<&Arc<dyn Provider>> {
        let same_realm = |provider: &&Arc<dyn Provider>| provider.realm() == who.user.realm();
        self.providers
            .iter()
            .filter(same_realm)
            .find(|provider| provider.is_called(who.provider.as_str()))
            .or_else(|| self.providers.iter().find(same_realm))
    }
}
