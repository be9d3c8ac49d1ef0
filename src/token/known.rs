use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::{TokenFault, Verified};
use crate::base::{AccessToken, Timestamp};

/// Access tokens that were found good under the keys of now, under their whole text, so that no two can be taken for one
/// another. Only good ones are put in, and they are forgotten with the keys.
pub(super) struct KnownTokens(Cache<Box<[u8]>, Arc<Verified>, ByEnd>);

impl KnownTokens {
    /// Room for so many, each kept for so long.
    pub(super) fn new(most: u64, kept: Duration) -> Self {
        Self(Cache::builder().max_capacity(most).time_to_live(kept).build_with_hasher(ByEnd::default()))
    }

    /// What is known of a token; `None` when nothing is.
    pub(super) fn get(&self, token: &AccessToken, now: Timestamp) -> Option<Result<Arc<Verified>, TokenFault>> {
        let verified = self.0.get(token.bytes())?;
        // The times are the one thing about a remembered token that changes.
        Some(if now < verified.expires { Ok(verified) } else { Err(TokenFault::Expired) })
    }

    /// Remembers a token that is good.
    pub(super) fn insert(&self, token: &AccessToken, verified: &Arc<Verified>) {
        self.0.insert(token.bytes().into(), Arc::clone(verified));
    }
}

/// Bytes at the end of a token that say in which bucket it lies: a good part of its signature. Nobody who has no key can make
/// good tokens that end alike, and a whole token takes many times as long to hash as to compare.
const END: usize = 32;

/// Hashes no more than the end of a text, with a key of this process (`SipHash`).
#[derive(Clone, Default)]
struct ByEnd(RandomState);

struct EndHasher(DefaultHasher);

impl BuildHasher for ByEnd {
    type Hasher = EndHasher;

    fn build_hasher(&self) -> EndHasher {
        EndHasher(self.0.build_hasher())
    }
}

impl Hasher for EndHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(&bytes[bytes.len().saturating_sub(END)..]);
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_told_by_the_end_and_by_the_length() {
        let hasher = ByEnd::default();
        let (one, other) = ([&[b'a'; 300][..], &[b'z'; END]].concat(), [&[b'b'; 300][..], &[b'z'; END]].concat());
        assert_eq!(hasher.hash_one(&one[..]), hasher.hash_one(&other[..]));
        assert_ne!(hasher.hash_one(&one[..]), hasher.hash_one(&one[..one.len() - 1]));
        assert_ne!(hasher.hash_one(&one[..]), hasher.hash_one([&one[..one.len() - 1], b"y"].concat().as_slice()));
        assert_ne!(hasher.hash_one(&one[..]), ByEnd::default().hash_one(&one[..]), "the key is made anew");
    }
}
