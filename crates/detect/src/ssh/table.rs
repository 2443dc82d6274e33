//! A map of bounded size: when it is full, the quarter that matters least goes, and is counted.

use std::collections::HashMap;
use std::hash::Hash;

/// What is kept longer than other things.
pub(crate) trait Weight {
    /// Greater stays: first by this, then by the time of the last sight.
    fn weight(&self) -> (u64, u64);
}

/// A bounded map.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    entries: HashMap<K, V>,
    max: usize,
}

impl<K: Hash + Eq + Clone, V: Weight + Default> Table<K, V> {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            entries: HashMap::new(),
            max: max.max(4),
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    /// The entry of a key, made where there is none; what had to go for it is given to `evicted`.
    pub(crate) fn entry(&mut self, key: K, evicted: impl FnMut(K, V)) -> &mut V {
        if self.entries.len() >= self.max && !self.entries.contains_key(&key) {
            self.evict(evicted);
        }
        self.entries.entry(key).or_default()
    }

    fn evict(&mut self, mut evicted: impl FnMut(K, V)) {
        let mut weights: Vec<(u64, u64)> = self.entries.values().map(Weight::weight).collect();
        let count = self.max / 4;
        let (_, limit, _) = weights.select_nth_unstable(count);
        let limit = *limit;
        let mut left = count.max(1);
        let mut gone: Vec<K> = Vec::with_capacity(left);
        // All that weigh less; of those that weigh the same, as many as are needed.
        for equal in [false, true] {
            for (key, value) in &self.entries {
                let weight = value.weight();
                let takes = if equal {
                    weight == limit
                } else {
                    weight < limit
                };
                if takes && left > 0 {
                    left -= 1;
                    gone.push(key.clone());
                }
            }
        }
        for key in gone {
            if let Some(value) = self.entries.remove(&key) {
                evicted(key, value);
            }
        }
    }

    /// Keeps what it is said of.
    pub(crate) fn retain(&mut self, mut stays: impl FnMut(&V) -> bool) {
        self.entries.retain(|_, value| stays(value));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.entries.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen(u64);

    impl Weight for Seen {
        fn weight(&self) -> (u64, u64) {
            (self.0, 0)
        }
    }

    #[test]
    fn what_matters_least_goes_first() {
        let mut table = Table::<u64, Seen>::new(100);
        let mut gone = Vec::new();
        for key in 0..100 {
            table.entry(key, |_, _| unreachable!()).0 = if key % 2 == 0 { 9 } else { key };
        }
        table.entry(1_000, |key, _| gone.push(key)).0 = 1;
        assert_eq!(table.iter().count(), 76);
        assert_eq!(gone.len(), 25);
        assert!(gone.iter().all(|key| key % 2 == 0 || *key <= 9), "{gone:?}");
        assert!(gone.contains(&1) && !gone.contains(&99));
    }
}
