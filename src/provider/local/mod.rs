//! The provider kind `local`: accounts of our own, in the store.
//!
//! Refusals must not tell whether an id exists, neither by their words nor by their time. Hashing takes long by intention:
//! it never runs on a worker, and only so many at a time.

mod floor;
pub(super) mod hash;
mod rules;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use zeroize::Zeroizing;

use super::{Checking, Login, Provider, ProviderFault, Verdict};
use crate::base::{Clock, TokenId};
use crate::identity::{IdRule, Profile, ProviderName, Realm, UserId};
use crate::store::{Account, AccountStatus, Fields, NewAccount, PersonState, Store, StoreError, TokenHash};

use floor::Floor;

pub use rules::PasswordFault;
pub use settings::{FieldSettings, LocalSettings, Registration};

/// How long a one-time link is good.
const RESET: Duration = Duration::from_secs(24 * 60 * 60);

/// As many hashes at a time as there are cores, for the whole process: each takes 19 MiB and a core.
static HASHING: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, std::num::NonZero::get)));

/// Outlives reloads, as the hashes do.
static FLOOR: Floor = Floor::new();

/// Checks passwords against the accounts in the store, and makes and changes those.
#[derive(Clone)]
pub struct Local {
    settings: LocalSettings,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

/// Why an account was not made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountFault {
    /// Somebody has this id.
    #[error("the id is taken")]
    Taken,
    /// Accounts are made by administrators only.
    #[error("nobody may make an account for themselves here")]
    Closed,
    /// The new password.
    #[error("{0}")]
    Password(#[from] PasswordFault),
    /// The old password is not right, or there is no such account.
    #[error("the old password is wrong")]
    Wrong,
    /// The link was used, is too old, or never was.
    #[error("the one-time link is not good, or no longer")]
    Link,
    /// The store could not do it.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Hashing failed.
    #[error("the password could not be hashed")]
    Hashing,
}

impl Local {
    /// Longest password in characters.
    pub const LONGEST_PASSWORD: usize = rules::LONGEST;

    /// Accounts in `store`.
    pub fn new(settings: LocalSettings, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { settings, store, clock }
    }

    /// What the operator wants.
    pub const fn settings(&self) -> &LocalSettings {
        &self.settings
    }

    /// Makes an account for somebody who asks for one.
    ///
    /// # Errors
    /// Why not.
    pub async fn sign_up(
        &self,
        user: UserId,
        profile: Profile,
        fields: Fields,
        password: SecretString,
    ) -> Result<AccountStatus, AccountFault> {
        let status = match self.settings.registration {
            Registration::Open => AccountStatus::Active,
            Registration::Approval => AccountStatus::Awaiting,
            Registration::Closed => return Err(AccountFault::Closed),
        };
        let hash = self.new_hash(&user, &profile, password).await?;
        // Somebody an administrator entered beforehand, perhaps with a role, is nobody else's to become.
        if self.store.person(user.clone()).await?.is_some() {
            return Err(AccountFault::Taken);
        }
        let state = PersonState { disabled: false, profile: Arc::new(profile) };
        let new = NewAccount { user, state, account: Account { status, password: hash, fields } };
        let taken = self.store.add_accounts(vec![new], self.clock.now()).await?;
        if taken.is_empty() { Ok(status) } else { Err(AccountFault::Taken) }
    }

    /// Makes an account for somebody whom an administrator enters, ready for use: with this password, or with one that
    /// nobody knows, to be set by a one-time link.
    ///
    /// # Errors
    /// Why not.
    pub async fn enter(&self, user: UserId, state: PersonState, password: Option<SecretString>) -> Result<(), AccountFault> {
        let hash = match password {
            Some(chosen) => self.new_hash(&user, &state.profile, chosen).await?,
            // Made as any other, so that a login here takes as long as elsewhere.
            None => slowly(|| hash::make(&TokenId::random().to_string())).await.flatten().ok_or(AccountFault::Hashing)?,
        };
        let account = Account { status: AccountStatus::Active, password: hash, fields: Fields::default() };
        let taken = self.store.add_accounts(vec![NewAccount { user, state, account }], self.clock.now()).await?;
        if taken.is_empty() { Ok(()) } else { Err(AccountFault::Taken) }
    }

    /// Sets a new password for somebody who knows the old one. Ending the other sessions is the caller's part.
    ///
    /// # Errors
    /// Why not.
    pub async fn change_password(&self, user: UserId, old: SecretString, new: SecretString) -> Result<(), AccountFault> {
        let account = self.verified(&user, old).await?.ok_or(AccountFault::Wrong)?;
        let profile = self.store.person(user.clone()).await?.map(|person| person.state.profile).unwrap_or_default();
        let hash = self.new_hash(&user, &profile, new).await?;
        // Changed in between, or removed: then the old one is not the old one any more.
        if self.store.set_password(user, account.password, hash).await? { Ok(()) } else { Err(AccountFault::Wrong) }
    }

    /// A one-time link's secret for somebody who forgot the password, good for 24 hours and once; an earlier one is not
    /// good any more. Shown once: only its hash is kept. `None` when there is no such account.
    ///
    /// # Errors
    /// When the store cannot keep it.
    pub async fn make_reset(&self, user: UserId) -> Result<Option<TokenId>, StoreError> {
        let secret = TokenId::random();
        let kept = self.store.put_reset(user, TokenHash::of(&secret), self.clock.now().plus(RESET)).await?;
        Ok(kept.then_some(secret))
    }

    /// What the person was asked when the account was made, and answered.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn answers_of(&self, user: UserId) -> Result<Fields, StoreError> {
        Ok(self.store.account(user).await?.map(|account| account.fields).unwrap_or_default())
    }

    /// Whose one-time link this is, while it is good.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn reset_of(&self, secret: &TokenId) -> Result<Option<UserId>, StoreError> {
        let user = self.store.reset_of(TokenHash::of(secret), self.clock.now()).await?;
        Ok(user.filter(|user| user.realm() == &self.settings.realm))
    }

    /// Sets a new password by a one-time link. A password that is refused leaves the link as it was. Ending the sessions is
    /// the caller's part.
    ///
    /// # Errors
    /// Why not.
    pub async fn use_reset(&self, secret: &TokenId, new: SecretString) -> Result<UserId, AccountFault> {
        let user = self.reset_of(secret).await?.ok_or(AccountFault::Link)?;
        let profile = self.store.person(user.clone()).await?.map(|person| person.state.profile).unwrap_or_default();
        let hash = self.new_hash(&user, &profile, new).await?;
        self.store.use_reset(TokenHash::of(secret), hash, self.clock.now()).await?.ok_or(AccountFault::Link)
    }

    /// Whether a password may be chosen by somebody of whom this much is known.
    ///
    /// # Errors
    /// Why not.
    pub async fn judge(&self, about: Vec<String>, password: SecretString) -> Result<(), AccountFault> {
        let least = self.settings.shortest_password;
        slowly(move || judged(&password, least, &about).map(drop)).await.ok_or(AccountFault::Hashing)?
    }

    /// The hash of a password that may be chosen.
    async fn new_hash(&self, user: &UserId, profile: &Profile, password: SecretString) -> Result<SecretString, AccountFault> {
        let least = self.settings.shortest_password;
        let mut about = vec![user.id().to_owned()];
        about.extend(profile.name.iter().map(|name| name.as_str().to_owned()));
        about.extend(profile.email.iter().map(|email| email.as_str().to_owned()));
        slowly(move || hash::make(&judged(&password, least, &about)?).ok_or(AccountFault::Hashing)).await.ok_or(AccountFault::Hashing)?
    }

    /// The account, if this is its password. Its hash is made anew when it is an old one.
    async fn verified(&self, user: &UserId, password: SecretString) -> Result<Option<Account>, AccountFault> {
        let account = self.store.account(user.clone()).await?;
        let known = account.as_ref().map(|account| account.password.clone());
        let work = move || {
            let began = std::time::Instant::now();
            let Some(prepared) = rules::prepared(password.expose_secret()) else { return (false, None, Duration::ZERO) };
            let Some(known) = known else {
                hash::pretend(&prepared);
                return (false, None, began.elapsed());
            };
            let right = hash::is_right(&prepared, known.expose_secret());
            let took = began.elapsed();
            FLOOR.note(took);
            let anew = if right && hash::is_outdated(known.expose_secret()) { hash::make(&prepared) } else { None };
            (right, anew, took)
        };
        let (right, anew, took) = slowly(work).await.ok_or(AccountFault::Hashing)?;
        let Some(mut account) = account.filter(|_| right) else {
            // Hashes from an import take another time than ours, and ids that nobody has none of their own.
            sleep(FLOOR.rest(took)).await;
            return Ok(None);
        };
        if let Some(anew) = anew {
            // Whether it could be stored or not: the password is right.
            if self.store.set_password(user.clone(), account.password.clone(), anew.clone()).await.is_ok_and(|done| done) {
                account.password = anew;
            }
        }
        Ok(Some(account))
    }

    async fn answer(&self, login: Login) -> Result<Verdict, ProviderFault> {
        let refused = |fault: AccountFault| ProviderFault::NotUnderstood(fault.to_string());
        match self.verified(&login.user, login.password).await.map_err(refused)? {
            Some(Account { status: AccountStatus::Active, .. }) => Ok(Verdict::Right { notice: None }),
            // Only who knows the password hears of it.
            Some(Account { status: AccountStatus::Awaiting, .. }) => Ok(Verdict::NotYet { message: Some(AWAITING.to_owned()) }),
            None => Ok(Verdict::Wrong { message: None }),
        }
    }
}

/// A password as it is hashed, if it may be chosen.
fn judged(password: &SecretString, least: usize, about: &[String]) -> Result<Zeroizing<String>, AccountFault> {
    let prepared = rules::prepared(password.expose_secret()).ok_or(PasswordFault::TooLong)?;
    // Both halves of an address, too.
    let about: Vec<&str> = about.iter().flat_map(|text| text.split('@')).collect();
    rules::judge(&prepared, least, &about)?;
    Ok(prepared)
}

const AWAITING: &str = "관리자의 승인을 기다리는 계정입니다. This account waits for an administrator's approval.";

/// Runs what takes long away from everything else, in its turn. `None` when it panicked.
async fn slowly<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    // The semaphore is never closed. The permit goes with the work, which goes on when nobody waits for it any more.
    let turn = HASHING.acquire().await.ok()?;
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    })
    .await
    .ok()
}

impl Provider for Local {
    fn name(&self) -> &ProviderName {
        &self.settings.name
    }

    fn realm(&self) -> &Realm {
        &self.settings.realm
    }

    fn id_rule(&self) -> &IdRule {
        &self.settings.id_rule
    }

    fn check(&self, login: Login) -> Checking<'_> {
        Box::pin(self.answer(login))
    }

    fn accounts(&self) -> Option<&Local> {
        Some(self)
    }
}
