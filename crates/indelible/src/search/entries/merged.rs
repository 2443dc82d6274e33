//! Several stores as one log: their entries by the time at which they were captured, each once.
//!
//! After an agent has turned to another collector and back, a stream can stand in two logs, and an
//! event's host in both (ADR 10). Entries of the same stream and sequence number are the same entry: the
//! first store that comes to it gives it.
//!
//! Blocks are left out that cannot match by their indexes; what is read is unpacked here, on one core.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use indelible_log::read::Decoded;
use indelible_log::{EntryRef, StreamId};
use indelible_query::criteria::Window;
use indelible_query::terms::Wants;

use super::opened::{Opened, StoreAt};
use super::{EntryLines, Lines, plan};

/// The stores' entries as lines of an audit log; messages too, if those are asked for. What is erased is
/// counted.
///
/// # Errors
/// A store that cannot be read.
pub(in crate::search) fn of_stores(
    stores: &[StoreAt],
    messages: bool,
    wants: &Wants,
    window: Window,
) -> Result<(Box<dyn EntryLines>, Arc<AtomicU64>)> {
    let opened = stores.iter().map(|store| store.open(window));
    let opened: Vec<Arc<Opened>> = opened.collect::<Result<_>>()?;
    let plans = opened
        .iter()
        .map(|store| plan::of(&store.segments, wants, window, &store.lines))
        .collect();
    let segments: Vec<_> = opened.iter().map(|store| &store.segments[..]).collect();
    let blocks = plan::of_several(&segments, plans);
    let erased: Arc<AtomicU64> = Arc::default();
    let cursors = std::iter::zip(opened, blocks).map(|(store, blocks)| Cursor {
        lines: store.lines.with_messages(messages),
        blocks: blocks.into(),
        after: store.after,
        store,
        entries: None,
        next: 0,
        erased: Arc::clone(&erased),
    });
    let merged = Merged {
        cursors: cursors.collect(),
        given: Given::default(),
        number: 0,
    };
    Ok((Box::new(merged), erased))
}

struct Merged {
    cursors: Vec<Cursor>,
    given: Given,
    /// Number of the next message: leaf indexes tell those of one store apart.
    number: u32,
}

/// How far a store was read.
struct Cursor {
    store: Arc<Opened>,
    lines: Lines,
    /// Sealed blocks that are to be read, by their first leaf indexes.
    blocks: VecDeque<u64>,
    /// Where what was not sealed goes on.
    after: u64,
    /// What was unpacked, read up to leaf index `next`.
    entries: Option<Decoded>,
    next: u64,
    erased: Arc<AtomicU64>,
}

impl EntryLines for Merged {
    fn fill(&mut self, text: &mut Vec<u8>) -> Result<bool> {
        // The store whose next entry is the oldest, and how far it is that.
        let mut oldest: Option<(u64, usize)> = None;
        let mut until_ns = u64::MAX;
        for (number, cursor) in self.cursors.iter_mut().enumerate() {
            let store = Arc::clone(&cursor.store);
            let shown = || format!("cannot read the store {}", store.path.display());
            let Some(next_ns) = cursor.next_ns().with_context(shown)? else {
                continue;
            };
            match oldest {
                Some((oldest_ns, _)) if next_ns >= oldest_ns => until_ns = until_ns.min(next_ns),
                before => {
                    until_ns = until_ns.min(before.map_or(u64::MAX, |(ns, _)| ns));
                    oldest = Some((next_ns, number));
                }
            }
        }
        let Some((_, number)) = oldest else {
            return Ok(false);
        };
        let cursor = &mut self.cursors[number];
        cursor.take(until_ns, &mut self.given, &mut self.number, text)?;
        Ok(true)
    }
}

impl Cursor {
    /// When the next entry was captured; none at the end.
    fn next_ns(&mut self) -> Result<Option<u64>> {
        loop {
            if let Some(entries) = &self.entries
                && let Some((index, bytes)) = entries.iter_from(self.next).next()
            {
                self.next = index;
                return Ok(Some(EntryRef::parse(bytes)?.header().time_ns));
            }
            if !self.unpack()? {
                return Ok(None);
            }
        }
    }

    /// Unpacks what comes next; no at the end.
    fn unpack(&mut self) -> Result<bool> {
        let reader = &self.store.reader;
        let part = match self.blocks.pop_front() {
            Some(first) => {
                self.next = first;
                reader.block_at(first)
            }
            None => {
                let Some(part) = reader.part_at(self.after)? else {
                    self.entries = None;
                    return Ok(false);
                };
                self.next = self.after;
                self.after = part.end();
                part
            }
        };
        let entries = reader.decode(&part)?;
        let erased = entries.erased_from(self.next).count() as u64;
        self.erased.fetch_add(erased, Ordering::Relaxed);
        self.entries = Some(entries);
        Ok(true)
    }

    /// Gives the entries at hand that were captured up to a time, and are not given yet; at least one is
    /// passed.
    fn take(
        &mut self,
        until_ns: u64,
        given: &mut Given,
        number: &mut u32,
        text: &mut Vec<u8>,
    ) -> Result<()> {
        let Some(entries) = &self.entries else {
            return Ok(());
        };
        let first = self.next;
        for (index, bytes) in entries.iter_from(first) {
            let entry = EntryRef::parse(bytes)?;
            let header = entry.header();
            if index > first && header.time_ns > until_ns {
                break;
            }
            self.next = index + 1;
            self.lines.note(&entry);
            if given.is_new(header.stream, header.sequence)
                && self.lines.line(&entry, *number, text)
            {
                *number = number.wrapping_add(1);
            }
        }
        Ok(())
    }
}

/// Which entries were given: of each stream the ranges of sequence numbers. A store holds a stream in
/// order and without holes but for blocks that are left out, so there are few.
#[derive(Debug, Default)]
pub(in crate::search) struct Given {
    streams: HashMap<StreamId, Vec<Range<u64>>>,
}

impl Given {
    /// Whether an entry was not given yet; it is now.
    pub(in crate::search) fn is_new(&mut self, stream: StreamId, sequence: u64) -> bool {
        let ranges = self.streams.entry(stream).or_default();
        let at = ranges.partition_point(|range| range.end < sequence);
        let Some(range) = ranges.get_mut(at) else {
            ranges.push(sequence..sequence + 1);
            return true;
        };
        if range.contains(&sequence) {
            return false;
        }
        if range.end == sequence {
            range.end += 1;
            let end = range.end;
            if ranges.get(at + 1).is_some_and(|next| next.start == end) {
                let next = ranges.remove(at + 1);
                ranges[at].end = next.end;
            }
        } else if range.start == sequence + 1 {
            range.start = sequence;
        } else {
            ranges.insert(at, sequence..sequence + 1);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_entry_is_new_once() {
        let seed = u64::from(std::process::id());
        println!("seed {seed}");
        let mut state = seed | 1;
        let mut below = |limit: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % limit
        };
        let mut given = Given::default();
        let mut oracle = HashSet::new();
        for _ in 0..20_000 {
            let (stream, begin) = (below(3) as u8, below(400));
            for sequence in begin..begin + below(6) {
                let is_new = given.is_new(StreamId([stream; 16]), sequence);
                assert_eq!(is_new, oracle.insert((stream, sequence)));
            }
        }
        for ranges in given.streams.values() {
            assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
