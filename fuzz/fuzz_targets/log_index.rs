//! Any bytes as a block index: no panic, bounded memory. With the checksum of the head put right, so
//! that what lies behind it is reached; and the index of entries that the bytes make says of each
//! block what stands in it.
#![no_main]

use indelible_log::dir::{Dir, SimDir};
use indelible_log::index::{Builder, Found, SegmentIndex, Terms};
use indelible_log::limits::{BLOCK_ENTRIES, SEGMENT_ENTRIES};
use indelible_log::{EntryRef, Header, Kind, StreamId, entry};
use libfuzzer_sys::fuzz_target;

/// The payload as it is, under its first byte's field.
#[derive(Debug)]
struct Whole;

impl Terms for Whole {
    fn version(&self) -> u16 {
        1
    }

    fn of(&self, entry: &EntryRef<'_>, found: &mut Found<'_>) {
        let payload = entry.payload();
        found.record(u64::from(payload[2]), u32::from(payload[2]), payload[2] % 2 == 0);
        found.value(16 + payload[2] % 4, &payload[2..]);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let disk = SimDir::new(1);
    let dir = disk.dir();
    read(&*dir, bytes);
    let mut righted = bytes.to_vec();
    if let Some(count) = righted.get(18..20) {
        let sections = usize::from(u16::from_be_bytes([count[0], count[1]]));
        let end = 20 + 16 * 32 + sections * 16;
        if righted.len() >= end + 4 {
            let crc = crc32c::crc32c(&righted[..end]).to_be_bytes();
            righted[end..end + 4].copy_from_slice(&crc);
            read(&*dir, &righted);
        }
    }
    round_trip(&*dir, bytes);
});

fn read(dir: &dyn Dir, bytes: &[u8]) {
    let path = format!("segments/{:020}.idx", 0);
    let _ = dir.create_dir("segments");
    dir.create(&path).expect("a file").append(bytes).expect("room");
    let Ok(Some(index)) = SegmentIndex::open(dir, 0) else {
        return;
    };
    let _ = (index.openings(), index.serials(), index.of_streams(|_| true));
    for field in 0..=255 {
        let _ = index.matching(field, &mut |value| value.len() % 2 == 0);
    }
}

fn round_trip(dir: &dyn Dir, bytes: &[u8]) {
    let values: Vec<&[u8]> = bytes
        .split(|byte| *byte == 0)
        .filter(|value| !value.is_empty() && value.len() < 1000)
        .take(64)
        .collect();
    if values.is_empty() {
        return;
    }
    let mut builder = Builder::new(&Whole, 0);
    let value_at = |at: u64| values[(at / BLOCK_ENTRIES) as usize % values.len()];
    for at in 0..SEGMENT_ENTRIES {
        let header = Header {
            kind: Kind::Audit,
            flags: 0,
            stream: StreamId([1; 16]),
            sequence: at,
            time_ns: 0,
        };
        let mut out = Vec::new();
        entry::push(&mut out, &header, &[&[0, 0], value_at(at)].concat());
        builder.push(&EntryRef::parse(&out[2..]).expect("an entry"));
    }
    let written = builder.finish().expect("a whole segment");
    let path = format!("segments/{:020}.idx", 0);
    dir.create(&path).expect("a file").append(&written).expect("room");
    let index = SegmentIndex::open(dir, 0).expect("sound").expect("there");
    let serials = index.serials().expect("sound");
    for block in 0..16 {
        let value = value_at(block as u64 * BLOCK_ENTRIES);
        let holds = index.matching(16 + value[0] % 4, &mut |found| found == value);
        assert!(holds.expect("sound") >> block & 1 == 1);
        assert!(serials.holds(block, u32::from(value[0])));
        assert_eq!(index.facts()[block].time_min_ms, u64::from(value[0]));
    }
}
