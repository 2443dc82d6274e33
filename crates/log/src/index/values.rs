//! The values of one field: sorted, each with the blocks that hold it.

use std::collections::HashMap;

use crate::codec::{Cursor, push_varint};
use crate::limits::{INDEX_VALUE_BYTES_MAX, INDEX_VALUES_BYTES_MAX};

use super::Blocks;

/// Values as they are collected.
#[derive(Debug, Default)]
pub(super) struct Values {
    known: HashMap<Box<[u8]>, Blocks>,
    recent: Recent,
    /// The long value before, which is mostly that of the next entry, too.
    last: Vec<u8>,
    last_block: Blocks,
    bytes: usize,
    /// Blocks that may hold any value.
    pub(super) open: Blocks,
}

impl Values {
    /// Whether nothing was said of the field.
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.open == 0
    }

    /// Adds a value of the block whose bit is `block`.
    pub(super) fn add(&mut self, value: &[u8], block: Blocks) {
        let short = Short::of(value);
        let is_known = match short {
            Some(short) => self.recent.saw(short, block),
            None => self.last_block == block && self.last == value,
        };
        if is_known {
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
        match short {
            Some(short) => self.recent.note(short, block),
            None => {
                self.last.clear();
                self.last.extend_from_slice(value);
                self.last_block = block;
            }
        }
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

/// Short values that were added of late, each in the place that its bytes say: most of what comes is
/// among them, and to know that costs a tenth of what the map does. Who chooses values that share a place
/// gains nothing: they go to the map, as all did.
#[derive(Debug, Default)]
struct Recent(Vec<(Short, Blocks)>);

impl Recent {
    /// Whether the value was added for the block.
    fn saw(&self, short: Short, block: Blocks) -> bool {
        self.0.get(short.place()) == Some(&(short, block))
    }

    fn note(&mut self, short: Short, block: Blocks) {
        self.0.resize(RECENT, (Short::default(), 0));
        self.0[short.place()] = (short, block);
    }
}

/// A value of few bytes: the bytes, zeros, and the length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Short([u64; SHORT_WORDS]);

impl Short {
    fn of(value: &[u8]) -> Option<Self> {
        let mut bytes = [0; SHORT_WORDS * 8];
        let (last, room) = bytes.split_last_mut()?;
        room.get_mut(..value.len())?.copy_from_slice(value);
        *last = value.len() as u8;
        let (words, _) = bytes.as_chunks::<8>();
        Some(Self(std::array::from_fn(|at| {
            u64::from_le_bytes(words[at])
        })))
    }

    fn place(self) -> usize {
        let mixed = self.0.iter().fold(0u64, |mixed, word| {
            (mixed ^ word).wrapping_mul(MIXER).rotate_left(MIXER_TURN)
        });
        (mixed.wrapping_mul(MIXER) >> (u64::BITS - RECENT.ilog2())) as usize
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

/// Values that are remembered of each field: more would not stay in the processor's nearest memory.
const RECENT: usize = 256;
/// Words of a value that is remembered, its length included.
const SHORT_WORDS: usize = 3;
/// 2^64 by the golden ratio.
const MIXER: u64 = 0x9e37_79b9_7f4a_7c15;
const MIXER_TURN: u32 = 29;
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

    /// Values that differ by length or by a zero alone are not taken for one another.
    #[test]
    fn short_values_are_told_apart() {
        let text = [b"ab\0".repeat(8), b"\0".repeat(30), b"x".repeat(30)];
        let all = || {
            text.iter()
                .flat_map(|text| (0..=text.len()).map(|len| &text[..len]))
        };
        let mut values = Values::default();
        let mut expect = std::collections::BTreeMap::new();
        for block in [1, 4] {
            for value in all().chain(all()) {
                values.add(value, block);
                *expect.entry(value.to_vec()).or_insert(0) |= block;
            }
        }
        let mut found = Vec::new();
        let section = values.encode();
        decode(&section, |value, blocks| {
            found.push((value.to_vec(), blocks));
        })
        .unwrap();
        assert_eq!(found, expect.into_iter().collect::<Vec<_>>());
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
