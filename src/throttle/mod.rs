//! Slows down guessing and spares the SSO: budgets per account and per address that every entrance shares.
//!
//! It must never let a stranger lock an account's owner out for longer than configured, never charge an address for a
//! right password, and never grow with the number of made-up ids.

mod bucket;
mod settings;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::base::{ClientAddr, Timestamp};
use crate::identity::UserId;
use bucket::Bucket;

pub use settings::Settings;

/// The budgets. One for the whole process: the JSON login, the form and every other entrance ask the same one
/// (Tinyauth PR #555 had an entrance of its own), and it outlives reloads.
///
/// Each attempt takes its unit *before* anybody is asked, so that a hundred parallel guesses are a hundred guesses.
pub struct Throttle {
    settings: ArcSwap<Settings>,
    accounts: Cache<UserId, Shared>,
    addresses: Cache<IpAddr, Shared>,
    waiting: Cache<(UserId, IpAddr), Timestamp>,
}

type Shared = Arc<Mutex<Bucket>>;

/// Too many attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts {over}; worth another try in {retry_after:?}")]
pub struct Throttled {
    /// When another attempt is worth making; more than zero.
    pub retry_after: Duration,
    /// Which budget is used up: for the audit trail, not for the person, whom it would tell about others.
    pub over: Over,
}

/// Which budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// That of the account.
    Account,
    /// That of the address.
    Address,
}

impl std::fmt::Display for Over {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Account => "on the account",
            Self::Address => "from the address",
        })
    }
}

/// Leave for one attempt. Say how it ended; one that is dropped unsaid counts as wrong, since a caller who goes away
/// before the answer may have made a guess.
#[must_use]
pub struct Attempt {
    account: Share,
    address: Share,
    started: Timestamp,
    charge: bool,
}

struct Share {
    bucket: Shared,
    every: Duration,
    most_debt: Duration,
}

impl Throttle {
    /// Full budgets for everybody.
    pub fn new(settings: Settings) -> Self {
        let forget_after = settings.forget_after();
        Self {
            accounts: cache(settings.capacity, forget_after),
            addresses: cache(settings.capacity, forget_after),
            waiting: cache(settings.capacity, forget_after),
            settings: ArcSwap::from_pointee(settings),
        }
    }

    /// Takes other budgets from now on; what has been used up stays used up. The capacity stays as it was.
    pub fn reconfigure(&self, settings: Settings) {
        self.settings.store(Arc::new(settings));
    }

    /// Takes one unit from both budgets.
    ///
    /// # Errors
    /// When one of them is used up. Then nobody may be asked about the password, and nothing was taken.
    pub fn attempt(&self, user: &UserId, address: ClientAddr, now: Timestamp) -> Result<Attempt, Throttled> {
        let settings = self.settings.load();
        let key = address.budget_key();
        let of_address = settings.address_budget(address);
        let address =
            Share { bucket: self.addresses.get_with(key, Shared::default), every: of_address.every, most_debt: of_address.most_debt };
        lock(&address.bucket).take(&of_address, now).map_err(|retry_after| Throttled { retry_after, over: Over::Address })?;

        let of_account = settings.account_budget();
        let account = Share {
            bucket: self.accounts.get_with(user.clone(), Shared::default),
            every: of_account.every,
            most_debt: of_account.most_debt,
        };
        let taken = lock(&account.bucket).take(&of_account, now);
        if let Err(wait) = taken {
            if let Err(retry_after) = self.wait_in_turn(user, key, wait, &settings, now) {
                lock(&address.bucket).give_back();
                return Err(Throttled { retry_after, over: Over::Account });
            }
            lock(&account.bucket).take_regardless();
        } else {
            self.waiting.invalidate(&(user.clone(), key));
        }
        Ok(Attempt { account, address, started: now, charge: true })
    }

    /// Somebody who guesses on an account all the time would use up each unit as it comes, and its owner would never get
    /// one. So whoever keeps coming from another address gets one attempt when the longest wait is over, come what may.
    fn wait_in_turn(&self, user: &UserId, address: IpAddr, wait: Duration, settings: &Settings, now: Timestamp) -> Result<(), Duration> {
        let turn = (user.clone(), address);
        let waited = now.since(self.waiting.get_with(turn.clone(), || now));
        let longest = settings.account_longest;
        // Removing decides between two who come at the same moment.
        if waited >= longest && self.waiting.remove(&turn).is_some() {
            return Ok(());
        }
        Err(wait.min(longest.saturating_sub(waited)).max(Duration::from_millis(1)))
    }
}

impl Attempt {
    /// The password was right: costs nothing.
    pub fn right(self) {
        self.unanswered();
    }

    /// It was wrong: costs a unit of both budgets. The same as dropping this.
    pub fn wrong(self) {
        drop(self);
    }

    /// Nobody could say (the SSO is down, its queue is full): costs nothing, since nothing was learnt.
    pub fn unanswered(mut self) {
        self.charge = false;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        for share in [&self.account, &self.address] {
            let mut bucket = lock(&share.bucket);
            bucket.give_back();
            if self.charge {
                bucket.charge(self.started, share.every, share.most_debt);
            }
        }
    }
}

fn lock(bucket: &Shared) -> MutexGuard<'_, Bucket> {
    bucket.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The least recently used entry goes first: under a flood of made-up ids, those who are at it right now stay counted.
fn cache<K, V>(capacity: u64, forget_after: Duration) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder().max_capacity(capacity).eviction_policy(EvictionPolicy::lru()).time_to_idle(forget_after).build()
}
