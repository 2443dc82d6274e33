//! In which entries recent events stand.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use indelible_log::{Header, StreamId};
use indelible_record::Stamp;

use super::limits::EVENTS_MAX;
use crate::payload::finding::EntriesSeen;

/// Events by host and stamp, in two generations.
#[derive(Debug, Default)]
pub(super) struct Places {
    young: HashMap<u64, Place>,
    old: HashMap<u64, Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    stream: StreamId,
    first: u64,
    last: u64,
}

impl Places {
    /// An entry holds a record of an event.
    pub(super) fn note(&mut self, node: Option<&[u8]>, stamp: Stamp, header: &Header) {
        let key = key(node, stamp);
        let here = Place {
            stream: header.stream,
            first: header.sequence,
            last: header.sequence,
        };
        let mut place = self
            .young
            .get(&key)
            .or_else(|| self.old.get(&key))
            .filter(|known| known.stream == header.stream)
            .copied()
            .unwrap_or(here);
        place.last = place.last.max(header.sequence);
        if self.young.len() >= EVENTS_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, place);
    }

    /// Where an event stands, while that is remembered.
    pub(super) fn find(&self, node: Option<&[u8]>, stamp: Stamp) -> Option<EntriesSeen> {
        let key = key(node, stamp);
        let place = self.young.get(&key).or_else(|| self.old.get(&key))?;
        Some(EntriesSeen {
            stream: place.stream.to_string(),
            first: place.first,
            last: place.last,
        })
    }
}

fn key(node: Option<&[u8]>, stamp: Stamp) -> u64 {
    let mut hasher = DefaultHasher::new();
    (node, stamp.ms(), stamp.serial).hash(&mut hasher);
    hasher.finish()
}
