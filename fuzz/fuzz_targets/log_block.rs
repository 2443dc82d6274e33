//! Blocks: arbitrary payloads unpack or are refused, and entries come back from a packed block, those
//! with a needle through a sieve, too.
#![no_main]

use indelible_log::block::{
    BLOCK_HEADER_BYTES, BlockHeader, Encoding, Entries, Sieve, Sieved, pack, unpack, unpack_some,
};
use indelible_log::{EntryRef, Hash, entry};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for encoding in [Encoding::Rows, Encoding::Columns] {
        let stored = zstd::bulk::compress(data, 1).expect("compressing to memory");
        let entries = u32::from(data.first().copied().unwrap_or(0));
        let header = BlockHeader {
            first: 0,
            entries,
            encoding,
            raw_len: data.len() as u32,
            stored_len: stored.len() as u32,
            time_min_ns: 0,
            time_max_ns: 0,
            root: Hash::ZERO,
            crc: 0,
        };
        if let Ok(unpacked) = unpack(&header, &stored) {
            assert_eq!(unpacked.len(), entries as usize);
        }
        if let Some(sieve) = Sieve::needles([&data[..data.len().min(2)]]) {
            let _ = unpack_some(&header, &stored, &sieve, &mut |_| ());
        }
    }
    let mut entries = Entries::default();
    let mut leaves = Vec::new();
    for bytes in entry::split(data).flatten() {
        if let Ok(parsed) = EntryRef::parse(bytes) {
            entries.push(bytes);
            leaves.push(parsed.leaf_hash());
        }
    }
    if entries.is_empty() || entries.len() > 4_096 {
        return;
    }
    let block = pack(0, &entries, &leaves, Hash::ZERO);
    let (header, stored) = block.split_first_chunk::<BLOCK_HEADER_BYTES>().expect("a header");
    let header = BlockHeader::parse(header).expect("our own header");
    assert!(header.covers(stored));
    let again = unpack(&header, stored).expect("our own block");
    assert!(again.iter().eq(entries.iter()));
    assert!(leaves.iter().enumerate().all(|(at, leaf)| again.check_holds(at, leaf)));
    let needle = &data[data.len() - data.len().min(3)..];
    let Some(sieve) = Sieve::needles([needle]) else {
        return;
    };
    let mut kept = Vec::new();
    let mut take = |sieved: Sieved<'_>| {
        if let Sieved::Kept { at, entry } = sieved {
            assert_eq!(entry, entries.bytes(at as usize));
            kept.push(at as usize);
        }
    };
    let whole = unpack_some(&header, stored, &sieve, &mut take).expect("our own block");
    let holds = |at: &usize| {
        let entry = EntryRef::parse(entries.bytes(*at)).expect("our own entry");
        let text = entry.audit().map(|(_, text)| text).unwrap_or_default();
        text.windows(needle.len()).any(|part| part == needle)
    };
    let is_found = |at: usize| whole.is_some() || kept.contains(&at);
    assert!((0..entries.len()).filter(holds).all(is_found));
});
