use std::time::Duration;

use ipnet::IpNet;

use super::bucket::Budget;
use crate::base::ClientAddr;

/// However many guesses an address made, it may try again after this.
const LONGEST_ADDRESS_WAIT: Duration = Duration::from_secs(3600);

/// What the operator wants of the throttle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Wrong attempts on one account that are free of waiting.
    pub account_burst: u32,
    /// After those, one attempt on the account per this span.
    pub account_every: Duration,
    /// For so long, at most, can strangers who guess keep an account's owner from trying.
    pub account_longest: Duration,
    /// Wrong attempts from one address (IPv6: one /64) that are free of waiting.
    pub address_burst: u32,
    /// After those, one attempt from the address per this span.
    pub address_every: Duration,
    /// Attempts from one address that may be under way at once before they count; a right one never counts after that.
    pub address_in_flight: u32,
    /// Networks behind each of whose addresses stand many people (a campus behind one address, a mobile operator).
    pub shared_addresses: Vec<IpNet>,
    /// How many times the budget of an ordinary address each of those has.
    pub shared_factor: u32,
    /// How many accounts, and as many addresses, are remembered. What was used least recently is forgotten first.
    pub capacity: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            account_burst: 10,
            account_every: Duration::from_secs(30),
            account_longest: Duration::from_secs(300),
            address_burst: 50,
            address_every: Duration::from_secs(3),
            // Two thousand people may press the button in the same second.
            address_in_flight: 2048,
            shared_addresses: Vec::new(),
            shared_factor: 10,
            capacity: 100_000,
        }
    }
}

impl Settings {
    pub(super) fn account_budget(&self) -> Budget {
        let full = self.account_every.saturating_mul(self.account_burst.max(1));
        Budget {
            burst: self.account_burst,
            every: self.account_every,
            free_in_flight: 0,
            most_debt: full.saturating_sub(self.account_every).saturating_add(self.account_longest),
        }
    }

    pub(super) fn address_budget(&self, address: ClientAddr) -> Budget {
        let shared = self.shared_addresses.iter().any(|net| net.contains(&address.ip()));
        let factor = if shared { self.shared_factor.max(1) } else { 1 };
        let (burst, every) = (self.address_burst.saturating_mul(factor), self.address_every / factor);
        let full = every.saturating_mul(burst.max(1));
        Budget {
            burst,
            every,
            free_in_flight: self.address_in_flight,
            most_debt: full.saturating_sub(every).saturating_add(LONGEST_ADDRESS_WAIT),
        }
    }

    /// After so long without an attempt a budget is full again, and nothing is lost by forgetting it.
    pub(super) fn forget_after(&self) -> Duration {
        let account = self.account_budget().most_debt;
        let address = self.address_every.saturating_mul(self.address_burst.max(1)).saturating_add(LONGEST_ADDRESS_WAIT);
        // moka refuses more than a thousand years.
        account.max(address).saturating_mul(2).clamp(Duration::from_secs(3600), Duration::from_secs(30 * 86_400))
    }
}
