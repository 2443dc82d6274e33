//! Entries of capture's put together to events, so that they pass or are left out as a whole.

use std::collections::{BTreeSet, HashMap};

use indelible_log::EntryRef;
use indelible_record::{Assembler, Event, Record, RecordType, Settings, Stamp};

/// The events of one stream that are not decided yet.
pub(super) struct Gather {
    assembler: Assembler,
    open: HashMap<Stamp, Open>,
    /// Sequence numbers of the first records of those.
    firsts: BTreeSet<u64>,
    line: Vec<u8>,
}

/// An event's entries, as they were captured.
#[derive(Debug, Default)]
struct Open {
    first: u64,
    payloads: Vec<Vec<u8>>,
}

/// Told of an event and the payloads of its entries.
pub(super) type Decide<'a> = &'a mut dyn FnMut(&Event, u64, Vec<Vec<u8>>);

impl Gather {
    pub(super) fn new() -> Self {
        Self {
            assembler: Assembler::new(Settings::LIVE),
            open: HashMap::new(),
            firsts: BTreeSet::new(),
            line: Vec::new(),
        }
    }

    /// Takes an audit record; true where it belongs to no event and passes by itself.
    pub(super) fn push(&mut self, now_ms: u64, entry: &EntryRef<'_>, decide: Decide<'_>) -> bool {
        let Some((kind, text)) = entry.audit() else {
            return true;
        };
        self.line.clear();
        if kind != 0 {
            let name = RecordType(kind).to_string();
            self.line.extend_from_slice(b"type=");
            self.line.extend_from_slice(name.as_bytes());
            self.line.extend_from_slice(b" msg=");
        }
        self.line.extend_from_slice(text);
        let record = Record::parse(&self.line);
        let Some(stamp) = record.stamp() else {
            return true;
        };
        let is_end = record.record_type() == RecordType::EOE;
        if is_end && !self.open.contains_key(&stamp) {
            // Its event was decided without it.
            return true;
        }
        let sequence = entry.header().sequence;
        let open = self.open.entry(stamp).or_insert_with(|| Open {
            first: sequence,
            payloads: Vec::new(),
        });
        self.firsts.insert(open.first);
        open.payloads.push(entry.payload().to_vec());
        let (opens, firsts) = (&mut self.open, &mut self.firsts);
        for event in self.assembler.push(now_ms, &record) {
            close(opens, firsts, &event, decide);
        }
        false
    }

    /// Lets time pass, or with `all` gives everything that is open.
    pub(super) fn tick(&mut self, now_ms: u64, all: bool, decide: Decide<'_>) {
        let (opens, firsts) = (&mut self.open, &mut self.firsts);
        let ready = match all {
            true => self.assembler.finish(),
            false => self.assembler.tick(now_ms),
        };
        for event in ready {
            close(opens, firsts, &event, decide);
        }
    }

    /// The first entry that belongs to an event which is not decided.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.firsts.first().copied()
    }
}

fn close(
    open: &mut HashMap<Stamp, Open>,
    firsts: &mut BTreeSet<u64>,
    event: &Event,
    decide: Decide<'_>,
) {
    // A record that comes after its event was decided is an event of its own.
    let held = event.stamp().and_then(|stamp| open.remove(&stamp));
    let held = held.unwrap_or_default();
    firsts.remove(&held.first);
    decide(event, held.first, held.payloads);
}

#[cfg(test)]
mod tests {
    use indelible_log::{Header, Kind, StreamId, entry};

    use super::*;

    fn push(
        gather: &mut Gather,
        sequence: u64,
        text: &str,
        given: &mut Vec<(u32, u64, usize)>,
    ) -> bool {
        let header = Header {
            kind: Kind::Audit,
            flags: 0,
            stream: StreamId([1; 16]),
            sequence,
            time_ns: 0,
        };
        let (kind, text) = text.split_once(' ').unwrap();
        let kind: u16 = kind.parse().unwrap();
        let mut bytes = Vec::new();
        entry::push(
            &mut bytes,
            &header,
            &[&kind.to_be_bytes(), text.as_bytes()].concat(),
        );
        let entry = EntryRef::parse(&bytes[2..]).unwrap();
        gather.push(0, &entry, &mut |event, first, payloads| {
            given.push((event.stamp().unwrap().serial, first, payloads.len()));
        })
    }

    #[test]
    fn an_event_comes_whole_with_its_entries() {
        let mut gather = Gather::new();
        let mut given = Vec::new();
        for (sequence, text) in [
            (5, "1300 audit(1.002:3): syscall=257 items=1"),
            (6, "1300 audit(1.002:4): syscall=257 items=0"),
            (7, "1302 audit(1.002:3): item=0"),
            (8, "1320 audit(1.002:3): "),
        ] {
            assert!(!push(&mut gather, sequence, text, &mut given));
        }
        assert_eq!(
            (given.as_slice(), gather.oldest()),
            (&[(3, 5, 3)][..], Some(6))
        );
        assert!(push(&mut gather, 9, "1320 audit(1.002:3): ", &mut given));
        assert!(push(&mut gather, 10, "1300 nonsense", &mut given));
        gather.tick(0, true, &mut |event, first, payloads| {
            given.push((event.stamp().unwrap().serial, first, payloads.len()));
        });
        assert_eq!((given[1], gather.oldest()), ((4, 6, 1), None));
    }
}
