//! Packing blocks.

use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use crate::entry::EntryRef;
use crate::hash::{Hash, check};
use crate::limits::BLOCK_RAW_BYTES_MAX;

use super::columns::{self, Columns};
use super::{BlockHeader, Encoding, Entries};

/// Packs blocks one after the other, in memory that it keeps: what a block needs is what the one before
/// did, and to ask the system for it each time costs as much as a good part of the work.
#[derive(Default)]
pub struct Packer {
    compressor: Option<Compressor<'static>>,
    columns: Columns,
    raw: Vec<u8>,
    stored: Vec<u8>,
    out: Vec<u8>,
}

impl Packer {
    /// Packs entries, whose leaf hashes have `root`, in columns.
    ///
    /// # Panics
    /// When an entry does not parse: a log takes no others.
    pub fn pack(&mut self, first: u64, entries: &Entries, leaves: &[Hash], root: Hash) -> &[u8] {
        if self.raw.capacity() > KEPT_BYTES_MAX {
            *self = Self::default();
        }
        let (mut time_min_ns, mut time_max_ns) = (u64::MAX, 0);
        self.columns.clear();
        for (bytes, leaf) in entries.iter().zip(leaves) {
            let entry = EntryRef::parse_stored(bytes).expect("a log holds entries that parse");
            let time_ns = entry.header().time_ns;
            time_min_ns = time_ns.min(time_min_ns);
            time_max_ns = time_ns.max(time_max_ns);
            self.columns.push(&entry, leaf);
        }
        self.raw.clear();
        self.columns.finish(&mut self.raw);
        // What is written has been read back before.
        let encoding = if rebuilds(&self.raw, entries) {
            Encoding::Columns
        } else {
            self.raw.clear();
            rows(entries, leaves, &mut self.raw);
            Encoding::Rows
        };
        self.compress();
        let mut header = BlockHeader {
            first,
            entries: entries.len() as u32,
            encoding,
            raw_len: self.raw.len() as u32,
            stored_len: self.stored.len() as u32,
            time_min_ns: time_min_ns.min(time_max_ns),
            time_max_ns,
            root,
            crc: 0,
        };
        header.crc = header.checksum(&self.stored);
        self.out.clear();
        self.out.extend_from_slice(&header.encode());
        self.out.extend_from_slice(&self.stored);
        &self.out
    }

    fn compress(&mut self) {
        const WHAT: &str = "compressing to memory cannot fail";
        let compressor = self.compressor.get_or_insert_with(|| {
            let mut compressor = Compressor::new(COMPRESSION_LEVEL).expect(WHAT);
            let table = CParameter::HashLog(HASH_TABLE_LOG);
            compressor.set_parameter(table).expect(WHAT);
            compressor
        });
        self.stored.clear();
        self.stored
            .reserve(zstd::zstd_safe::compress_bound(self.raw.len()));
        compressor
            .compress_to_buffer(&self.raw, &mut self.stored)
            .expect(WHAT);
    }
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Packer")
    }
}

/// Packs a block, as [`Packer::pack`] does.
///
/// # Panics
/// When an entry does not parse: a log takes no others.
pub fn pack(first: u64, entries: &Entries, leaves: &[Hash], root: Hash) -> Vec<u8> {
    let mut packer = Packer::default();
    packer.pack(first, entries, leaves, root);
    packer.out
}

fn rebuilds(columns: &[u8], entries: &Entries) -> bool {
    columns.len() <= BLOCK_RAW_BYTES_MAX && columns::rebuild(columns, entries)
}

fn rows(entries: &Entries, leaves: &[Hash], out: &mut Vec<u8>) {
    for (entry, leaf) in entries.iter().zip(leaves) {
        out.extend_from_slice(&(entry.len() as u16).to_be_bytes());
        out.extend_from_slice(entry);
        out.extend_from_slice(&check(leaf));
    }
}

/// Columns of audit text come out as small at 1 as at 3, for half the time.
const COMPRESSION_LEVEL: i32 = 1;
/// Half of the level's own table, four bytes for each of its 2^13 places: so it fits into the processor's
/// nearest memory, which saves a tenth of the time. Records come out as small, messages a fortieth larger.
const HASH_TABLE_LOG: u32 = 13;
/// A block with more than this before compression is rare: its memory is given back.
const KEPT_BYTES_MAX: usize = 8 << 20;
