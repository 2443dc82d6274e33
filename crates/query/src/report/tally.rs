//! Counting: how often each value occurs, in the order in which they occurred first.

use std::collections::{BTreeMap, HashMap};

/// Texts and how often each occurred.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Index into `counts`, which is also the order of first occurrence.
    indexes: HashMap<Box<[u8]>, u32>,
    counts: Vec<u64>,
    bytes: usize,
    cut: Cut,
}

/// What a tally no longer had room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    /// Occurrences of values that are not in the tally.
    pub(super) occurrences: u64,
}

impl Tally {
    /// Counts one occurrence.
    pub(super) fn add(&mut self, text: &[u8]) {
        self.add_many(text, 1, usize::MAX);
    }

    /// Counts occurrences; a value that is new and does not fit into the limit is counted as cut.
    fn add_many(&mut self, text: &[u8], count: u64, bytes_max: usize) {
        if let Some(index) = self.indexes.get(text) {
            self.counts[*index as usize] += count;
            return;
        }
        let bytes = self.bytes + text.len() + ENTRY_BYTES;
        // Once full it stays full, so that what is in it does not depend on the values' lengths.
        if bytes > bytes_max || self.cut.occurrences > 0 {
            self.cut.occurrences += count;
            return;
        }
        self.bytes = bytes;
        self.indexes.insert(text.into(), self.counts.len() as u32);
        self.counts.push(count);
    }

    /// Adds what came later. As long as all of it fits, this is the same as if it had been counted
    /// here; and it is so for what fits even if not all does, because a value's place in the order
    /// decides, not the part it came in.
    pub(super) fn absorb(&mut self, later: Tally, bytes_max: usize) {
        let mut entries: Vec<(u32, Box<[u8]>)> = later
            .indexes
            .into_iter()
            .map(|(text, index)| (index, text))
            .collect();
        entries.sort_unstable_by_key(|(index, _)| *index);
        for (index, text) in entries {
            self.add_many(&text, later.counts[index as usize], bytes_max);
        }
        self.cut.occurrences += later.cut.occurrences;
    }

    /// How many different values.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    pub(super) fn cut(&self) -> Cut {
        self.cut
    }

    /// The values, the most frequent first; among equals the one that occurred first.
    pub(super) fn ranked(&self) -> Vec<(&[u8], u64)> {
        let mut entries: Vec<(u32, &[u8])> = self
            .indexes
            .iter()
            .map(|(text, index)| (*index, &**text))
            .collect();
        entries.sort_unstable_by_key(|(index, _)| {
            (std::cmp::Reverse(self.counts[*index as usize]), *index)
        });
        entries
            .into_iter()
            .map(|(index, text)| (text, self.counts[index as usize]))
            .collect()
    }
}

/// Numbers and how often each occurred.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers(BTreeMap<u32, u64>);

impl Numbers {
    pub(super) fn add(&mut self, number: u32) {
        *self.0.entry(number).or_default() += 1;
    }

    pub(super) fn absorb(&mut self, later: &Numbers) {
        for (number, count) in &later.0 {
            *self.0.entry(*number).or_default() += count;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The numbers, the most frequent first; among equals the smallest.
    pub(super) fn ranked(&self) -> Vec<(u32, u64)> {
        let mut entries: Vec<(u32, u64)> = self.0.iter().map(|(n, count)| (*n, *count)).collect();
        entries.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        entries
    }
}

/// What an entry takes besides its text, about: its place in the table, its length, its count.
pub(super) const ENTRY_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(texts: &[&str]) -> Tally {
        let mut tally = Tally::default();
        texts.iter().for_each(|text| tally.add(text.as_bytes()));
        tally
    }

    fn shown(tally: &Tally) -> Vec<(String, u64)> {
        let text = |(text, count): (&[u8], u64)| (String::from_utf8_lossy(text).into(), count);
        tally.ranked().into_iter().map(text).collect()
    }

    #[test]
    fn equals_stay_in_order_of_occurrence() {
        let texts = ["b", "a", "c", "a", "d", "c", "c"];
        let whole = shown(&tally(&texts));
        assert_eq!(whole[0], ("c".into(), 3));
        assert_eq!(whole[2], ("b".into(), 1));
        for split in 0..texts.len() {
            let mut first = tally(&texts[..split]);
            first.absorb(tally(&texts[split..]), usize::MAX);
            assert_eq!(shown(&first), whole, "split at {split}");
        }
    }

    #[test]
    fn what_does_not_fit_is_counted_however_it_is_split() {
        let texts = ["a", "b", "a", "c", "b", "d", "a"];
        let limit = 2 * (ENTRY_BYTES + 1);
        for split in 0..texts.len() {
            let mut all = Tally::default();
            all.absorb(tally(&texts[..split]), limit);
            all.absorb(tally(&texts[split..]), limit);
            assert_eq!(shown(&all), [("a".into(), 3), ("b".into(), 2)]);
            assert_eq!(all.cut(), Cut { occurrences: 2 }, "split at {split}");
        }
    }
}
