//! What arrived: the kernel's records in a collector's store, counted by serial.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use indelible_log::dir::RealDir;
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, LogReader, StreamId, entry};

/// The account of one store.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) records: u64,
    /// Entries of any kind.
    pub(crate) entries: u64,
    /// Records of the watched file's opens whose SYSCALL record is there, and of events that lack it.
    pub(crate) watched_records: u64,
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
        let mut count = Count::default();
        let Ok(dir) = RealDir::open(store) else {
            return count.stored;
        };
        let Ok(reader) = LogReader::open(dir) else {
            return count.stored;
        };
        let mut next = 0;
        while let Some(part) = reader.part_at(next).unwrap() {
            for (_, entry) in reader.decode(&part).unwrap().iter_from(next) {
                count.enter(&EntryRef::parse(entry).unwrap());
            }
            next = part.end();
        }
        count.close()
    }

    /// Reads what capture wrote into a spool.
    pub(crate) fn read_spool(spool: &Path) -> Self {
        let mut count = Count::default();
        let streams = RealDir::open(spool.join("capture/streams")).unwrap();
        for id in SpoolReader::streams(&*streams).unwrap() {
            let mut reader = SpoolReader::open(&streams, id).unwrap();
            let mut bytes = Vec::new();
            while reader
                .read(u32::MAX, 1 << 20, &mut bytes)
                .unwrap()
                .is_some()
            {
                for entry in entry::split(&bytes) {
                    count.enter(&EntryRef::parse(entry.unwrap()).unwrap());
                }
                bytes.clear();
            }
        }
        count.close()
    }
}

/// While it is being read.
#[derive(Default)]
struct Count {
    stored: Stored,
    places: HashSet<(StreamId, u64)>,
    serials: BTreeMap<u32, Vec<u16>>,
    watched: HashSet<u32>,
}

impl Count {
    fn enter(&mut self, entry: &EntryRef<'_>) {
        let header = entry.header();
        self.stored.entries += 1;
        if !self.places.insert((header.stream, header.sequence)) {
            self.stored.duplicates += 1;
        }
        let Some((kind, text)) = entry.audit() else {
            return;
        };
        self.stored.records += 1;
        let serial = indelible_record::stamp(text)
            .expect("a kernel record has a stamp")
            .serial;
        let kinds = self.serials.entry(serial).or_default();
        if kinds.contains(&kind) && kind != PATH {
            self.stored.duplicates += 1;
        }
        kinds.push(kind);
        if text.windows(KEY.len()).any(|window| window == KEY) && kind == SYSCALL {
            self.watched.insert(serial);
        }
    }

    fn close(self) -> Stored {
        let Self {
            mut stored,
            serials,
            watched,
            ..
        } = self;
        for (serial, kinds) in &serials {
            let of_an_open =
                !kinds.contains(&SYSCALL) && kinds.iter().all(|kind| EVENT.contains(kind));
            if watched.contains(serial) || of_an_open {
                stored.watched_records += kinds.len() as u64;
            }
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
