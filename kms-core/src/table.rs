//! A map with constant-cost lookup whose order never depends on a hash.
//!
//! Looking a key up among 100,000 must cost what it costs among 1,000, which a tree does not give;
//! listing keys must be in order, which a hash table does not give. So records sit in a slab, a hash
//! index with a fixed hasher finds them, and a tree of the keys alone is walked for lists.

use std::collections::BTreeSet;
#[expect(clippy::disallowed_types, reason = "never iterated; fixed hasher; wrapped here only")]
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::ops::Bound;

/// A multiply-and-fold hasher over machine words, the same in every process. The keys are ids that
/// this service drew at random, so nobody outside chooses collisions.
#[derive(Clone, Default)]
pub(crate) struct FixedHasher(u64);

impl Hasher for FixedHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_u64(&mut self, value: u64) {
        let product = u128::from(self.0 ^ value) * 0x9e37_79b9_7f4a_7c15_u128;
        let folded = (product >> 64) ^ product;
        #[expect(clippy::cast_possible_truncation, reason = "the low half of the fold is wanted")]
        let low = folded as u64;
        self.0 = low.rotate_left(23) ^ 0x2545_f491_4f6c_dd1d;
    }
}

/// The map.
#[derive(Clone)]
pub(crate) struct Table<K, V> {
    #[expect(clippy::disallowed_types, reason = "never iterated; fixed hasher")]
    records: HashMap<K, V, BuildHasherDefault<FixedHasher>>,
    order: BTreeSet<K>,
}

impl<K: Hash + Ord + Clone, V> Table<K, V> {
    /// An empty table.
    pub(crate) fn new() -> Table<K, V> {
        Table { records: Default::default(), order: BTreeSet::new() }
    }

    /// The record of that key.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.records.get(key)
    }

    /// The record of that key, to change it.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.records.get_mut(key)
    }

    /// Puts a record in, and returns the one it replaces.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.order.insert(key.clone());
        self.records.insert(key, value)
    }

    /// Takes a record out.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.order.remove(key);
        self.records.remove(key)
    }

    /// The records behind `from` in the order of their keys.
    pub(crate) fn range_after(&self, from: Option<&K>) -> impl Iterator<Item = (&K, &V)> {
        let start = from.map_or(Bound::Unbounded, Bound::Excluded);
        let keys = self.order.range((start, Bound::Unbounded));
        keys.filter_map(|key| self.records.get_key_value(key))
    }

    /// Every record in the order of its key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.range_after(None)
    }

    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }
}

impl<K, V> fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} records)", self.order.len())
    }
}

impl<K: Hash + Ord + Clone, V> Default for Table<K, V> {
    fn default() -> Table<K, V> {
        Table::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_order_and_resume_behind_a_key() {
        let mut table = Table::new();
        for key in [5_u64, 1, 9, 3] {
            table.insert(key, key * 10);
        }
        table.remove(&9);
        let keys: Vec<_> = table.iter().map(|(key, value)| (*key, *value)).collect();
        assert_eq!(keys, [(1, 10), (3, 30), (5, 50)]);
        let behind: Vec<_> = table.range_after(Some(&2)).map(|(key, _)| *key).collect();
        assert_eq!(behind, [3, 5]);
    }
}
