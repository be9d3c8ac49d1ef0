use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::KeyRing;
use crate::base::Timestamp;

/// The keys another issuer publishes (RFC 7517), as last fetched. Outlives a reload, and what was fetched once stays in
/// use however long its server is away.
///
/// Nothing here waits for a network: a request that meets an unknown `kid` is refused, and asks for a fetch behind it.
pub struct KeySource {
    url: String,
    keys: ArcSwapOption<KeyRing>,
    times: Mutex<Times>,
    /// When the hour is over, in milliseconds: looked at without a lock.
    stale: AtomicU64,
}

#[derive(Default)]
struct Times {
    asked: Option<Timestamp>,
    got: Option<Timestamp>,
}

/// A set is fetched again after this.
const KEPT: Duration = Duration::from_secs(3600);
/// And never sooner than this after the last attempt, whatever `kid` strangers invent.
const PAUSE: Duration = Duration::from_secs(30);

/// Why a document gives no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Not a JSON object with `keys`.
    #[error("it is no key set (RFC 7517)")]
    NotASet,
    /// No key in it is a public key for signatures of an algorithm known here.
    #[error("it has no public key that can check signatures here")]
    NoKeys,
}

impl KeySource {
    /// A source with nothing fetched yet.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), keys: ArcSwapOption::empty(), times: Mutex::default(), stale: AtomicU64::new(0) }
    }

    /// Where the keys are published.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The keys as last fetched.
    pub(super) fn keys(&self) -> Option<Arc<KeyRing>> {
        self.keys.load_full()
    }

    /// Whether a fetch should begin now; whoever hears yes does it. `wanted`: somebody met a key that is not here.
    pub fn is_due(&self, wanted: bool, now: Timestamp) -> bool {
        if !wanted && now.millis() < self.stale.load(Ordering::Relaxed) {
            return false;
        }
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let rested = times.asked.is_none_or(|asked| now.since(asked) >= PAUSE);
        let due = rested && (wanted || times.got.is_none_or(|got| now.since(got) >= KEPT));
        if due {
            times.asked = Some(now);
        }
        due
    }

    /// Takes up a fetched document; one that is no good changes nothing.
    ///
    /// # Errors
    /// Why it is no good.
    pub fn put(&self, document: &[u8], now: Timestamp) -> Result<usize, KeySetError> {
        let ring = KeyRing::from_key_set(document)?;
        let count = ring.len();
        self.keys.store(Some(Arc::new(ring)));
        self.times.lock().unwrap_or_else(PoisonError::into_inner).got = Some(now);
        self.stale.store(now.plus(KEPT).millis(), Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_is_due_at_first_then_hourly_and_for_unknown_keys_at_most_every_half_minute() {
        let source = KeySource::new("https://idp.test/jwks");
        let at = |secs: u64| Timestamp::from_secs(1_000 + secs);
        assert!(source.is_due(false, at(0)));
        assert!(!source.is_due(true, at(29)), "a failed fetch is not repeated at once");
        assert!(source.is_due(false, at(30)));
        crate::token::install_crypto();
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let setting = crate::token::KeySettings {
            kid: "e1".into(),
            algorithm: crate::token::Algorithm::Es256,
            material: crate::token::KeyMaterial::Public(key.public_key_pem()),
            sign_from: None,
            verify_only: true,
            for_tokens_without_kid: false,
        };
        let document = serde_json::to_vec(&KeyRing::checking(&[setting]).unwrap().public()).unwrap();
        assert_eq!(source.put(&document, at(30)), Ok(1));
        assert!(!source.is_due(false, at(3_000)));
        assert!(source.is_due(true, at(3_000)));
        assert!(!source.is_due(true, at(3_029)), "kids that strangers invent");
        assert!(source.is_due(false, at(3_630)));
        assert_eq!(source.put(b"<html>", at(3_631)), Err(KeySetError::NotASet));
        assert_eq!(source.put(br#"{"keys":[{"kty":"oct","kid":"s","k":"AAAA"}]}"#, at(3_631)), Err(KeySetError::NoKeys));
        assert!(source.keys().is_some(), "stale keys are better than none");
    }
}
