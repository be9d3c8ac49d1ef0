use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::base::{SessionId, TokenId};
use crate::identity::UserId;

/// Enough that workers on many cores seldom meet on one lock.
const SHARDS: usize = 64;

/// A hash map that many threads read at once and few write. An empty one, which is the usual case for ended tokens,
/// costs a look-up one load; an insert touches one shard and copies nothing.
pub(super) struct Shards<K, V> {
    shards: Box<[RwLock<HashMap<K, V>>]>,
    filled: AtomicUsize,
}

/// Spreads keys over shards. It need not be hard to predict: a shard is a hash map with a keyed hash of its own.
pub(super) trait Spread {
    fn spread(&self) -> usize;
}

impl Spread for SessionId {
    fn spread(&self) -> usize {
        usize::from(self.bytes()[15])
    }
}

impl Spread for TokenId {
    fn spread(&self) -> usize {
        usize::from(self.bytes()[15])
    }
}

impl Spread for UserId {
    fn spread(&self) -> usize {
        self.id().bytes().fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)))
    }
}

impl<K: Hash + Eq + Spread, V> Shards<K, V> {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| RwLock::default()).collect(), filled: AtomicUsize::new(0) }
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.filled.load(Ordering::Acquire)
    }

    /// What `read` makes of the entry under `key`; `None` when there is none.
    pub(super) fn get<R>(&self, key: &K, read: impl FnOnce(&V) -> R) -> Option<R> {
        if self.len() == 0 {
            return None;
        }
        self.shard(key).read().unwrap_or_else(PoisonError::into_inner).get(key).map(read)
    }

    /// Changes the whole shard that `key` lives in, under its lock.
    pub(super) fn write<R>(&self, key: &K, change: impl FnOnce(&mut HashMap<K, V>) -> R) -> R {
        self.write_shard(self.shard(key), change)
    }

    /// Keeps the entries that `keep` says so of.
    pub(super) fn retain(&self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        for shard in &self.shards {
            self.write_shard(shard, |map| {
                map.retain(|key, value| keep(key, value));
                // A burst should not cost memory for ever.
                if map.capacity() > 64 && map.capacity() / 8 > map.len() {
                    map.shrink_to_fit();
                }
            });
        }
    }

    /// Makes room for so many more, evenly spread: growing step by step leaves holes behind.
    pub(super) fn reserve(&self, more: usize) {
        for shard in &self.shards {
            self.write_shard(shard, |map| map.reserve(more / SHARDS));
        }
    }

    /// Takes everything out.
    pub(super) fn take(&self) -> Vec<(K, V)> {
        if self.len() == 0 {
            return Vec::new();
        }
        self.shards.iter().flat_map(|shard| self.write_shard(shard, std::mem::take)).collect()
    }

    fn shard(&self, key: &K) -> &RwLock<HashMap<K, V>> {
        &self.shards[key.spread() % SHARDS]
    }

    fn write_shard<R>(&self, shard: &RwLock<HashMap<K, V>>, change: impl FnOnce(&mut HashMap<K, V>) -> R) -> R {
        let mut map = shard.write().unwrap_or_else(PoisonError::into_inner);
        let before = map.len();
        let result = change(&mut map);
        // Counted under the lock, so that whoever sees the change sees the count.
        if map.len() >= before {
            self.filled.fetch_add(map.len() - before, Ordering::Release);
        } else {
            self.filled.fetch_sub(before - map.len(), Ordering::Release);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_found_counted_and_taken_out() {
        let shards = Shards::new();
        let ids: Vec<SessionId> = (0..1000).map(|_| SessionId::random()).collect();
        assert_eq!(shards.get(&ids[0], |v: &usize| *v), None);
        for (n, id) in ids.iter().enumerate() {
            shards.write(id, |map| map.insert(*id, n));
        }
        assert_eq!(shards.len(), 1000);
        assert_eq!(shards.get(&ids[7], |v| *v), Some(7));
        shards.retain(|_, n| *n < 10);
        assert_eq!((shards.len(), shards.get(&ids[7], |v| *v), shards.get(&ids[10], |v| *v)), (10, Some(7), None));
        assert_eq!(shards.take().len(), 10);
        assert_eq!(shards.len(), 0);
    }

    /// Held for ever, one shard holds up nobody whose key lives in another: nothing is copied or locked as a whole.
    #[test]
    fn an_insert_touches_one_shard() {
        let shards = Shards::new();
        let id = |last: u8| {
            let mut bytes = [0; 16];
            bytes[15] = last;
            SessionId::from_bytes(bytes)
        };
        shards.write(&id(0), |map| map.insert(id(0), 0));
        shards.write(&id(0), |_| {
            for last in 1..u8::try_from(SHARDS).unwrap() {
                shards.write(&id(last), |map| map.insert(id(last), usize::from(last)));
                assert_eq!(shards.get(&id(last), |value| *value), Some(usize::from(last)));
            }
        });
        assert_eq!(shards.len(), SHARDS);
    }
}
