//! What is remembered by key, in two generations: when the young one is full it becomes the old
//! one, and what was not asked for since then is forgotten and counted. So memory is bounded
//! whatever the number of processes, and what is in use stays.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A hash of a host's name (or of whatever tells findings apart), and a process.
pub(super) type Key = (u64, u32);

/// A bounded map.
#[derive(Debug)]
pub(super) struct Table<V> {
    young: HashMap<Key, V>,
    old: HashMap<Key, V>,
    generation_max: usize,
    /// Entries that were forgotten.
    pub(super) evicted: u64,
}

impl<V> Table<V> {
    /// Holds at most twice `generation_max` entries.
    pub(super) fn new(generation_max: usize) -> Table<V> {
        Table {
            young: HashMap::new(),
            old: HashMap::new(),
            generation_max,
            evicted: 0,
        }
    }

    pub(super) fn find(&mut self, key: Key) -> Option<&mut V> {
        if let Some(value) = self.old.remove(&key) {
            self.put(key, value);
        }
        self.young.get_mut(&key)
    }

    pub(super) fn put(&mut self, key: Key, value: V) {
        self.old.remove(&key);
        if self.young.len() >= self.generation_max && !self.young.contains_key(&key) {
            self.evicted += self.old.len() as u64;
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<V> {
        self.young.remove(&key).or_else(|| self.old.remove(&key))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// A hash that tells hosts, or findings, apart.
pub(super) fn hash(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_is_counted() {
        let mut table = Table::new(100);
        for pid in 0..1000 {
            table.put((0, pid), pid);
            assert!(table.find((0, 0)).is_some(), "{pid}");
            assert!(table.len() <= 200);
        }
        assert!(table.find((0, 1)).is_none());
        assert_eq!(table.evicted as usize, 1000 - table.len());
        assert_eq!(table.remove((0, 0)), Some(0));
    }
}
