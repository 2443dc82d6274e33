//! Blocks: 4,096 entries, compressed, rebuilt byte for byte.
//!
//! ```text
//!  0  [u8;4]   "BLK1"
//!  4  u64      first index, a multiple of 4,096
//! 12  u32      entries = 4,096
//! 16  u8       encoding: 0 entries in order, 1 columns
//! 17  [u8;3]   zero
//! 20  u32      length of the payload before compression
//! 24  u32      length of the payload as stored (one zstd frame, no checksum)
//! 28  u64      smallest capture time        36  u64  largest capture time
//! 44  [u8;32]  root of the 4,096 leaves
//! 76  u32      CRC-32C of the block header above and of the stored payload
//! ```
//!
//! Encoding 0 is `(u16 length ‖ entry ‖ u32 check)*`, as in a write-ahead frame; encoding 1 is in
//! `columns.rs`. Decoding trusts nothing: it is bounded by the limits alone, so that `verify`
//! can use it on damaged files.

mod columns;
mod pack;
mod sieve;

use std::io::Read;

use crate::codec::Cursor;
use crate::hash::{Hash, check};
use crate::limits::{BLOCK_ENTRIES, BLOCK_RAW_BYTES_MAX};
use crate::wal::frame::split_framed;

pub use pack::{Packer, pack};
pub use sieve::{Needle, Sieve, Sieved};

/// Length of a block header.
pub const BLOCK_HEADER_BYTES: usize = 80;

/// A block's header read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    /// Index of the first entry.
    pub first: u64,
    /// Entries.
    pub entries: u32,
    /// How the payload is laid out.
    pub encoding: Encoding,
    /// Length of the payload before compression.
    pub raw_len: u32,
    /// Length of the payload as stored.
    pub stored_len: u32,
    /// Smallest capture time, ns since 1970.
    pub time_min_ns: u64,
    /// Largest capture time, ns since 1970.
    pub time_max_ns: u64,
    /// Root over the leaf hashes.
    pub root: Hash,
    /// Checksum over header and stored payload.
    pub crc: u32,
}

/// How a block's payload is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Encoding {
    /// One entry after the other.
    Rows = 0,
    /// Column-wise.
    Columns = 1,
}

impl BlockHeader {
    fn encode(&self) -> [u8; BLOCK_HEADER_BYTES] {
        let mut out = Vec::with_capacity(BLOCK_HEADER_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.first.to_be_bytes());
        out.extend_from_slice(&self.entries.to_be_bytes());
        out.extend_from_slice(&[self.encoding as u8, 0, 0, 0]);
        out.extend_from_slice(&self.raw_len.to_be_bytes());
        out.extend_from_slice(&self.stored_len.to_be_bytes());
        out.extend_from_slice(&self.time_min_ns.to_be_bytes());
        out.extend_from_slice(&self.time_max_ns.to_be_bytes());
        out.extend_from_slice(&self.root.0);
        out.extend_from_slice(&self.crc.to_be_bytes());
        out.try_into()
            .expect("the fields of a block header are 80 bytes")
    }

    /// Reads a header. The checksum is kept for [`BlockHeader::covers`], as it is over the stored
    /// payload too.
    pub fn parse(bytes: &[u8; BLOCK_HEADER_BYTES]) -> Option<Self> {
        let mut cursor = Cursor(bytes);
        if cursor.array() != Some(*MAGIC) {
            return None;
        }
        let (first, entries) = (cursor.u64()?, cursor.u32()?);
        let encoding = match cursor.array()? {
            [0, 0, 0, 0] => Encoding::Rows,
            [1, 0, 0, 0] => Encoding::Columns,
            _ => return None,
        };
        let header = Self {
            first,
            entries,
            encoding,
            raw_len: cursor.u32()?,
            stored_len: cursor.u32()?,
            time_min_ns: cursor.u64()?,
            time_max_ns: cursor.u64()?,
            root: cursor.hash()?,
            crc: cursor.u32()?,
        };
        let fits = entries > 0
            && u64::from(entries) <= BLOCK_ENTRIES
            && header.raw_len as usize <= BLOCK_RAW_BYTES_MAX
            && header.stored_len as usize <= BLOCK_RAW_BYTES_MAX;
        fits.then_some(header)
    }

    /// Whether the checksum is that of this header and `stored`.
    pub fn covers(&self, stored: &[u8]) -> bool {
        self.checksum(stored) == self.crc
    }

    fn checksum(&self, stored: &[u8]) -> u32 {
        let header = crc32c::crc32c(&self.encode()[..BLOCK_HEADER_BYTES - 4]);
        crc32c::crc32c_append(header, stored)
    }
}

/// The entries of a block or frame, in one piece of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    bytes: Vec<u8>,
    spans: Vec<(u32, u16)>,
    /// Start of each entry's leaf hash: 4 bytes of it (rows), 1 byte (columns), or nothing.
    checks: Vec<u8>,
}

impl Entries {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Bytes of memory that the entries take.
    pub(crate) fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The bytes of the entry at a position, counted from 0.
    ///
    /// # Panics
    /// When there is no such entry.
    pub fn bytes(&self, at: usize) -> &[u8] {
        let (offset, len) = self.spans[at];
        &self.bytes[offset as usize..][..usize::from(len)]
    }

    /// The bytes of all entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|at| self.bytes(at))
    }

    /// Where the entries from one position up to another stand, with what is between them.
    pub(crate) fn region(&self, from: usize, to: usize) -> &[u8] {
        let end = |(at, len): &(u32, u16)| *at as usize + usize::from(*len);
        let spans = self.spans.get(from..to).unwrap_or_default();
        let (first, last) = (spans.first(), spans.last());
        first.zip(last).map_or(&[], |(first, last)| {
            &self.bytes[first.0 as usize..end(last)]
        })
    }

    /// Whether the stored check of the entry agrees with its leaf hash.
    pub fn check_holds(&self, at: usize, leaf: &Hash) -> bool {
        let width = self.checks.len() / self.len();
        self.checks[at * width..][..width] == check(leaf)[..width]
    }

    /// Adds an entry, without a check.
    pub fn push(&mut self, entry: &[u8]) {
        self.spans
            .push((self.bytes.len() as u32, entry.len() as u16));
        self.bytes.extend_from_slice(entry);
    }

    /// Empties it, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.checks.clear();
    }

    /// Takes the entries of a frame's payload, openings cut off.
    pub(crate) fn from_framed(payload: Vec<u8>, openings_len: usize) -> Result<Self, &'static str> {
        let mut entries = Self::default();
        for part in split_framed(payload.get(openings_len..).ok_or("openings are too long")?) {
            let (at, entry, check) = part?;
            entries
                .spans
                .push(((openings_len + at) as u32, entry.len() as u16));
            entries.checks.extend_from_slice(&check);
        }
        entries.bytes = payload;
        Ok(entries)
    }
}

/// Unpacks a stored payload.
///
/// # Errors
/// What is wrong with it; the checksum is not looked at.
pub fn unpack(header: &BlockHeader, stored: &[u8]) -> Result<Entries, &'static str> {
    entries(header, decompress(stored, header.raw_len as usize)?)
}

fn entries(header: &BlockHeader, raw: Vec<u8>) -> Result<Entries, &'static str> {
    let entries = match header.encoding {
        Encoding::Rows => Entries::from_framed(raw, 0)?,
        Encoding::Columns => columns::decode(&raw, header.entries as usize)?,
    };
    if entries.len() == header.entries as usize {
        Ok(entries)
    } else {
        Err("the entry count is wrong")
    }
}

/// Unpacks of a stored payload what the sieve keeps, and gives it to `take`; all entries where it
/// cannot be sieved, and then nothing was given.
///
/// # Errors
/// What is wrong with it; the checksum is not looked at.
pub fn unpack_some(
    header: &BlockHeader,
    stored: &[u8],
    sieve: &Sieve,
    take: &mut dyn FnMut(Sieved<'_>),
) -> Result<Option<Entries>, &'static str> {
    let raw = decompress(stored, header.raw_len as usize)?;
    if header.encoding == Encoding::Columns
        && sieve.columns(&raw, header.entries as usize, take).is_some()
    {
        return Ok(None);
    }
    entries(header, raw).map(Some)
}

fn decompress(stored: &[u8], raw_len: usize) -> Result<Vec<u8>, &'static str> {
    const WHAT: &str = "the payload cannot be decompressed";
    if raw_len > BLOCK_RAW_BYTES_MAX {
        return Err("the payload is too long");
    }
    if raw_len <= FIRST_ALLOCATION_BYTES {
        return crate::codec::decompress(stored, raw_len).ok_or(WHAT);
    }
    // Memory grows with what really comes out, not with what a header claims.
    let decoder = zstd::stream::read::Decoder::with_buffer(stored).map_err(|_| WHAT)?;
    let mut raw = Vec::with_capacity(raw_len.min(FIRST_ALLOCATION_BYTES));
    let got = decoder
        .single_frame()
        .take(raw_len as u64 + 1)
        .read_to_end(&mut raw);
    if got.map_err(|_| WHAT)? != raw_len {
        return Err("the payload has another length");
    }
    Ok(raw)
}

const MAGIC: &[u8; 4] = b"BLK1";
const FIRST_ALLOCATION_BYTES: usize = 4 << 20;
