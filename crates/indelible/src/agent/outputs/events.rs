//! Records put together to events, for outputs that need whole ones: JSON, conditions and rates.
//!
//! The position of such an output is the oldest record that belongs to an event which is not given
//! out yet: a crash loses no half-built event.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use indelible_log::{EntryRef, StreamId};
use indelible_record::{Assembler, Event, Record, RecordType, Settings, Stamp};

use super::feed::Origin;

/// The open events of all streams.
#[derive(Debug)]
pub(super) struct Events {
    streams: BTreeMap<StreamId, Open>,
    began: Instant,
}

#[derive(Debug)]
struct Open {
    origin: Arc<Origin>,
    assembler: Assembler,
    /// The first record of each event that is not given out.
    firsts: HashMap<Stamp, u64>,
    /// The same numbers in order.
    order: BTreeSet<u64>,
    /// After the last record.
    next: u64,
}

impl Events {
    pub(super) fn new() -> Self {
        Self {
            streams: BTreeMap::new(),
            began: Instant::now(),
        }
    }

    /// Takes a record's line and gives the events that it closes.
    pub(super) fn push(
        &mut self,
        entry: &EntryRef<'_>,
        origin: &Arc<Origin>,
        line: &[u8],
        give: &mut dyn FnMut(&Event, &Origin),
    ) {
        let header = entry.header();
        let now_ms = self.now_ms();
        let open = self.streams.entry(header.stream).or_insert_with(|| Open {
            origin: origin.clone(),
            assembler: Assembler::new(Settings::LIVE),
            firsts: HashMap::new(),
            order: BTreeSet::new(),
            next: 0,
        });
        let record = Record::parse(line);
        if let Some(stamp) = record.stamp()
            && record.record_type() != RecordType::EOE
            && !open.firsts.contains_key(&stamp)
        {
            open.firsts.insert(stamp, header.sequence);
            open.order.insert(header.sequence);
        }
        open.next = header.sequence + 1;
        for event in open.assembler.push(now_ms, &record) {
            give(&event, &open.origin);
            if let Some(first) = event.stamp().and_then(|stamp| open.firsts.remove(&stamp)) {
                open.order.remove(&first);
            }
        }
    }

    /// Lets time pass: gives the events that have waited long enough, and the streams whose position
    /// has moved.
    pub(super) fn tick(&mut self, give: &mut dyn FnMut(&Event, &Origin)) -> Vec<StreamId> {
        let now_ms = self.now_ms();
        let mut moved = Vec::new();
        for (stream, open) in &mut self.streams {
            let before = open.order.len();
            for event in open.assembler.tick(now_ms) {
                give(&event, &open.origin);
                if let Some(first) = event.stamp().and_then(|stamp| open.firsts.remove(&stamp)) {
                    open.order.remove(&first);
                }
            }
            if open.order.len() < before {
                moved.push(*stream);
            }
        }
        moved
    }

    /// The position in a stream that was read up to `next`.
    pub(super) fn position(&self, stream: StreamId, next: u64) -> u64 {
        let open = self.streams.get(&stream);
        open.and_then(|open| open.order.first().copied())
            .unwrap_or(next)
    }

    /// After the last record of a stream.
    pub(super) fn read_to(&self, stream: StreamId) -> u64 {
        self.streams.get(&stream).map_or(0, |open| open.next)
    }

    /// Whether an event waits for more records.
    pub(super) fn is_waiting(&self) -> bool {
        self.streams.values().any(|open| !open.order.is_empty())
    }

    /// What was read is read again.
    pub(super) fn clear(&mut self) {
        self.streams.clear();
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use indelible_log::{Header, Kind, entry};

    use super::*;

    #[test]
    fn an_open_event_holds_the_position() {
        let stream = StreamId([1; 16]);
        let mut events = Events::new();
        let mut given = Vec::new();
        let mut push = |events: &mut Events, sequence: u64, line: &str| {
            let header = Header {
                kind: Kind::Audit,
                flags: 0,
                stream,
                sequence,
                time_ns: 0,
            };
            let mut bytes = Vec::new();
            entry::push(&mut bytes, &header, &[b"\0\0", line.as_bytes()].concat());
            let entry = EntryRef::parse(&bytes[2..]).unwrap();
            events.push(&entry, &Arc::default(), line.as_bytes(), &mut |event, _| {
                given.push(event.stamp().unwrap().serial);
            });
            events.position(stream, sequence + 1)
        };
        assert_eq!(
            push(&mut events, 5, "type=SYSCALL msg=audit(1.002:3): items=1"),
            5
        );
        assert_eq!(
            push(&mut events, 6, "type=SYSCALL msg=audit(1.002:4): items=0"),
            5
        );
        assert_eq!(
            push(&mut events, 7, "type=PATH msg=audit(1.002:3): item=0"),
            5
        );
        assert_eq!(push(&mut events, 8, "type=EOE msg=audit(1.002:3): "), 6);
        assert_eq!(push(&mut events, 9, "type=EOE msg=audit(1.002:4): "), 10);
        assert_eq!(push(&mut events, 10, "type=EOE msg=audit(1.002:4): "), 11);
        assert_eq!(given, [3, 4]);
        assert!(!events.is_waiting());
    }
}
