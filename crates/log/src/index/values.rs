//! The values of one field: sorted, each with the blocks that hold it.

use std::collections::HashMap;

use crate::codec::{Cursor, push_varint};
use crate::limits::{INDEX_VALUE_BYTES_MAX, INDEX_VALUES_BYTES_MAX};

use super::Blocks;

/// Values as they are collected.
#[derive(Debug, Default)]
pub(super) struct Values {
    known: HashMap<Box<[u8]>, Blocks>,
    /// The value before, which is mostly that of the next entry, too.
    last: Vec<u8>,
    last_block: Blocks,
    bytes: usize,
    /// Blocks that may hold any value.
    pub(super) open: Blocks,
}

impl Values {
    /// Adds a value of the block whose bit is `block`.
    pub(super) fn add(&mut self, value: &[u8], block: Blocks) {
        if self.last_block == block && self.last == value {
            return;
        }
        if let Some(blocks) = self.known.get_mut(value) {
            *blocks |= block;
        } else if value.len() > INDEX_VALUE_BYTES_MAX
            || self.bytes + value.len() > INDEX_VALUES_BYTES_MAX
        {
            self.open |= block;
            return;
        } else {
            // What a value costs beside its bytes counts, too.
            self.bytes += value.len() + VALUE_COST_BYTES;
            self.known.insert(value.into(), block);
        }
        self.last.clear();
        self.last.extend_from_slice(value);
        self.last_block = block;
    }

    /// The section.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut sorted: Vec<(&[u8], Blocks)> = self
            .known
            .iter()
            .map(|(value, blocks)| (&**value, *blocks))
            .collect();
        sorted.sort_unstable();
        let mut out = Vec::new();
        let mut before: &[u8] = b"";
        for (value, blocks) in sorted {
            let shared = std::iter::zip(before, value)
                .take_while(|(a, b)| a == b)
                .count();
            push_varint(&mut out, shared as u64);
            push_varint(&mut out, (value.len() - shared) as u64);
            out.extend_from_slice(&value[shared..]);
            out.extend_from_slice(&blocks.to_be_bytes());
            before = value;
        }
        out
    }
}

/// Gives each value of a section and its blocks; none where the section is not whole or not in
/// order.
pub(super) fn decode(section: &[u8], mut take: impl FnMut(&[u8], Blocks)) -> Option<()> {
    let mut cursor = Cursor(section);
    let mut value: Vec<u8> = Vec::new();
    let mut is_first = true;
    while !cursor.is_empty() {
        let shared = usize::try_from(cursor.varint()?).ok()?;
        let rest = usize::try_from(cursor.varint()?).ok()?;
        let rest = cursor.take(rest)?;
        let blocks = cursor.u16()?;
        let ascends = match value.get(shared) {
            // Shared bytes are all that are shared.
            Some(before) => rest.first().is_some_and(|next| next > before),
            None => shared == value.len() && (is_first || !rest.is_empty()),
        };
        if !ascends || blocks == 0 || shared + rest.len() > INDEX_VALUE_BYTES_MAX {
            return None;
        }
        is_first = false;
        value.truncate(shared);
        value.extend_from_slice(rest);
        take(&value, blocks);
    }
    Some(())
}

/// What a value costs in memory beside its bytes, roughly.
const VALUE_COST_BYTES: usize = 48;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_come_back(added in prop::collection::vec(
            (prop::collection::vec(0u8..3, 0..5), 0u16..16), 0..200)
        ) {
            let mut values = Values::default();
            let mut expect = std::collections::BTreeMap::new();
            for (value, block) in added {
                values.add(&value, 1 << block);
                *expect.entry(value).or_insert(0) |= 1 << block;
            }
            let mut found = Vec::new();
            let section = values.encode();
            prop_assert_eq!(decode(&section, |value, blocks| found.push((value.to_vec(), blocks))), Some(()));
            prop_assert_eq!(found, expect.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_too_much_is_open() {
        let mut values = Values::default();
        values.add(&vec![b'x'; INDEX_VALUE_BYTES_MAX + 1], 4);
        assert_eq!((values.open, values.encode()), (4, Vec::new()));
        for number in 0..=INDEX_VALUES_BYTES_MAX / 50 {
            values.add(&number.to_be_bytes(), 2);
        }
        assert_eq!(values.open, 6);
    }
}
