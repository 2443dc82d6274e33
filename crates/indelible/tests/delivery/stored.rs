//! What arrived: the kernel's records in a collector's store, counted by serial.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use indelible_log::dir::RealDir;
use indelible_log::{EntryRef, LogReader};

/// The account of one store.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) records: u64,
    /// Serials of the watched file's opens with each of their five records.
    pub(crate) complete_events: u64,
    pub(crate) incomplete_events: u64,
    /// Entries whose stream and sequence number were seen before, and records of one type that
    /// one serial has twice.
    pub(crate) duplicates: u64,
    /// Serials between the first and the last that no record has.
    pub(crate) missing_serials: u64,
}

impl Stored {
    /// Reads a store beside its writer; an absent one is empty.
    pub(crate) fn read(store: &Path) -> Self {
        let mut stored = Self::default();
        let Ok(dir) = RealDir::open(store) else {
            return stored;
        };
        let Ok(reader) = LogReader::open(dir) else {
            return stored;
        };
        let mut places = HashSet::new();
        let mut serials: BTreeMap<u32, Vec<u16>> = BTreeMap::new();
        let mut watched = HashSet::new();
        let mut next = 0;
        while let Some(part) = reader.part_at(next).unwrap() {
            for (_, entry) in reader.decode(&part).unwrap().iter_from(next) {
                let entry = EntryRef::parse(entry).unwrap();
                let header = entry.header();
                if !places.insert((header.stream, header.sequence)) {
                    stored.duplicates += 1;
                }
                let Some((kind, text)) = entry.audit() else {
                    continue;
                };
                stored.records += 1;
                let serial = indelible_record::stamp(text)
                    .expect("a kernel record has a stamp")
                    .serial;
                let kinds = serials.entry(serial).or_default();
                if kinds.contains(&kind) && kind != PATH {
                    stored.duplicates += 1;
                }
                kinds.push(kind);
                if text.windows(KEY.len()).any(|window| window == KEY) && kind == SYSCALL {
                    watched.insert(serial);
                }
            }
            next = part.end();
        }
        for serial in &watched {
            let kinds = &serials[serial];
            if EVENT.iter().all(|kind| kinds.contains(kind)) {
                stored.complete_events += 1;
            } else {
                stored.incomplete_events += 1;
            }
        }
        if let (Some((first, _)), Some((last, _))) =
            (serials.first_key_value(), serials.last_key_value())
        {
            stored.missing_serials = u64::from(last - first) + 1 - serials.len() as u64;
        }
        stored
    }
}

const KEY: &[u8] = b"key=\"indelible_test\"";
const SYSCALL: u16 = 1300;
const PATH: u16 = 1302;
/// SYSCALL, PATH, CWD, EOE, PROCTITLE.
const EVENT: [u16; 5] = [1300, 1302, 1307, 1320, 1327];
