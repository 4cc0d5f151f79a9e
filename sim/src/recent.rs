//! The last so many of something, found by their keys at a cost that does not grow.
//!
//! An oracle's memory must not grow with the run, and what it asks for with every record must cost the
//! same at the end of a long run as at its beginning, which a tree does not give.

use foldhash::fast::FixedState;
#[expect(clippy::disallowed_types, reason = "never walked; fixed hasher; wrapped here only")]
use std::collections::HashMap;
use std::collections::VecDeque;
use std::fmt;
use std::hash::Hash;
use std::mem;

/// The last so many things.
pub(crate) struct Recent<K, V> {
    /// Each key's place in the order of all there ever were.
    #[expect(clippy::disallowed_types, reason = "never walked; fixed hasher")]
    places: HashMap<K, u64, FixedState>,
    /// Oldest first.
    things: VecDeque<(K, V)>,
    most: usize,
    forgotten: u64,
}

impl<K: Hash + Eq + Copy, V> Recent<K, V> {
    /// Nothing yet; at most so many will be kept.
    pub(crate) fn new(most: usize) -> Recent<K, V> {
        Recent { places: Default::default(), things: VecDeque::new(), most, forgotten: 0 }
    }

    /// What has that key, unless it is forgotten.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.at(self.place(key)?)
    }

    fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.at_mut(self.place(key)?)
    }

    /// Where the thing of that key is among all there ever were: whoever asks for it often asks by that.
    pub(crate) fn place(&self, key: &K) -> Option<u64> {
        self.places.get(key).copied()
    }

    /// What is at that place, unless it is forgotten.
    pub(crate) fn at(&self, place: u64) -> Option<&V> {
        self.things.get(self.index(place)?).map(|(_, value)| value)
    }

    /// What is at that place, to change it.
    pub(crate) fn at_mut(&mut self, place: u64) -> Option<&mut V> {
        let index = self.index(place)?;
        self.things.get_mut(index).map(|(_, value)| value)
    }

    fn index(&self, place: u64) -> Option<usize> {
        usize::try_from(place.checked_sub(self.forgotten)?).ok()
    }

    /// Keeps a thing, and returns what had its key before, whose place it takes.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(kept) = self.get_mut(&key) {
            return Some(mem::replace(kept, value));
        }
        // Before, and not after: a full ring that takes one more is a ring of twice the size.
        if self.things.len() >= self.most {
            self.forget_oldest();
        }
        self.places.insert(key, self.ever());
        self.things.push_back((key, value));
        None
    }

    /// The oldest thing.
    pub(crate) fn oldest(&self) -> Option<&V> {
        self.things.front().map(|(_, value)| value)
    }

    /// Forgets the oldest thing.
    pub(crate) fn forget_oldest(&mut self) {
        if let Some((oldest, _)) = self.things.pop_front() {
            self.places.remove(&oldest);
            self.forgotten += 1;
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.things.len()
    }

    /// How many there ever were.
    pub(crate) fn ever(&self) -> u64 {
        self.forgotten + self.things.len() as u64
    }

    /// Whether what has no such key may have had it once.
    pub(crate) fn forgets(&self) -> bool {
        self.forgotten > 0
    }
}

impl<K, V> fmt::Debug for Recent<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recent({} things)", self.things.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let mut recent = Recent::new(3);
        for key in 0..5_u64 {
            assert_eq!(recent.insert(key, key * 10), None);
        }
        assert_eq!((recent.len(), recent.ever(), recent.forgets()), (3, 5, true));
        assert_eq!(
            [0, 1, 2, 4].map(|key| recent.get(&key).copied()),
            [None, None, Some(20), Some(40)]
        );
        assert_eq!(recent.oldest(), Some(&20));
    }

    #[test]
    fn what_is_replaced_keeps_its_place() {
        let mut recent = Recent::new(2);
        recent.insert('a', 1);
        recent.insert('b', 2);
        assert_eq!(recent.insert('a', 3), Some(1));
        assert!(!recent.forgets());
        recent.insert('c', 4);
        assert_eq!((recent.get(&'a'), recent.get(&'b')), (None, Some(&2)));
    }
}
