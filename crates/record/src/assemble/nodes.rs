//! The nodes that records name, by number, and what is known of each: its clock, and whether it
//! ends its events.

use std::collections::HashMap;

use crate::limits;
use crate::record_type::RecordType;
use crate::stamp::Stamp;

/// The nodes seen, by number.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    numbers: HashMap<Box<[u8]>, u32>,
    known: Vec<Node>,
    /// The node of the previous record: mostly it is that of the next, too.
    latest: u32,
}

#[derive(Debug)]
struct Node {
    name: Box<[u8]>,
    /// What to add to the node's clock to get stream time, in milliseconds.
    offset_ms: Option<i64>,
    /// Whether a PROCTITLE or EOE has been seen, so that one can be missed.
    ends_events: bool,
}

impl Nodes {
    /// Whether a record of this node would be of one node too many.
    pub(super) fn is_full(&self, name: Option<&[u8]>) -> bool {
        self.known.len() >= limits::NODES_MAX
            && !self.numbers.contains_key(name.unwrap_or_default())
    }

    /// The number of a node; records without one have the empty name.
    pub(super) fn number(&mut self, name: Option<&[u8]>) -> u32 {
        let name = name.unwrap_or_default();
        let latest = self.known.get(self.latest as usize);
        if latest.is_some_and(|node| *node.name == *name) {
            return self.latest;
        }
        self.latest = match self.numbers.get(name) {
            Some(number) => *number,
            None => {
                let number = self.known.len() as u32;
                self.numbers.insert(name.into(), number);
                self.known.push(Node {
                    name: name.into(),
                    offset_ms: None,
                    ends_events: false,
                });
                number
            }
        };
        self.latest
    }

    /// The stamp's time on the common clock.
    pub(super) fn aligned_ms(&mut self, node: u32, stamp: Stamp, now_ms: u64) -> u64 {
        let node = &mut self.known[node as usize];
        let ms = i64::try_from(stamp.ms()).unwrap_or(i64::MAX);
        let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
        let offset = *node.offset_ms.get_or_insert(now_ms.saturating_sub(ms));
        u64::try_from(ms.saturating_add(offset)).unwrap_or_default()
    }

    /// Notes what a record of the node says of it.
    pub(super) fn note(&mut self, node: u32, record_type: RecordType) {
        if matches!(record_type, RecordType::PROCTITLE | RecordType::EOE) {
            self.known[node as usize].ends_events = true;
        }
    }

    /// Whether the node writes the records that end an event.
    pub(super) fn ends_events(&self, node: u32) -> bool {
        self.known[node as usize].ends_events
    }
}
