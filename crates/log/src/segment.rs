//! Segments: 65,536 entries in 16 blocks, written once and never changed.
//!
//! ```text
//!  0  [u8;8]   "INDLSEG1"
//!  8  u64      first index
//! 16  u32      blocks = 16
//! 20  u32      CRC-32C of the above
//! 24  blocks: header and payload each
//! ```

use crate::block::{BLOCK_HEADER_BYTES, BlockHeader, Entries, Sieve, Sieved, unpack, unpack_some};
use crate::dir::{Dir, File};
use crate::error::{Error, Result};
use crate::limits::{BLOCK_ENTRIES, SEGMENT_BLOCKS};
use crate::wal::parse_name;

/// Length of the file header.
pub(crate) const FILE_HEADER_BYTES: usize = 24;

/// Path of the segment that begins at index `first`.
pub(crate) fn path(first: u64) -> String {
    format!("segments/{first:020}{SUFFIX}")
}

/// First index from the name of a segment file.
pub(crate) fn parse_file_name(name: &str) -> Option<u64> {
    parse_name(name, SUFFIX)
}

/// The file header.
pub(crate) fn file_header(first: u64) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&first.to_be_bytes());
    out.extend_from_slice(&(SEGMENT_BLOCKS as u32).to_be_bytes());
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_be_bytes());
    out
}

/// Reads the header of block `block` (0 to 15) and where its payload stands.
pub(crate) fn locate(
    file: &dyn File,
    path: &str,
    first: u64,
    block: u64,
) -> Result<(BlockHeader, u64)> {
    let mut at = FILE_HEADER_BYTES as u64;
    for number in 0..=block {
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        let got = file
            .read_at(&mut bytes, at)
            .map_err(Error::io("read", path))?;
        let header = Some(&bytes)
            .filter(|_| got == bytes.len())
            .and_then(BlockHeader::parse);
        let expect = first + number * BLOCK_ENTRIES;
        let header = header
            .filter(|header| header.first == expect && u64::from(header.entries) == BLOCK_ENTRIES)
            .ok_or_else(|| Error::damaged(path, at, "a block header makes no sense"))?;
        at += BLOCK_HEADER_BYTES as u64;
        if number == block {
            return Ok((header, at));
        }
        at += u64::from(header.stored_len);
    }
    unreachable!("the loop ends at the block that is asked for")
}

/// Reads and unpacks a block.
pub(crate) fn read_block(dir: &dyn Dir, first: u64, block: u64) -> Result<Entries> {
    read_stored(dir, first, block, unpack)
}

/// The same of what a sieve keeps, as [`unpack_some`] does.
pub(crate) fn read_some(
    dir: &dyn Dir,
    first: u64,
    block: u64,
    sieve: &Sieve,
    take: &mut dyn FnMut(Sieved<'_>),
) -> Result<Option<Entries>> {
    read_stored(dir, first, block, |header, stored| {
        unpack_some(header, stored, sieve, take)
    })
}

fn read_stored<T>(
    dir: &dyn Dir,
    first: u64,
    block: u64,
    unpack: impl FnOnce(&BlockHeader, &[u8]) -> Result<T, &'static str>,
) -> Result<T> {
    let path = path(first);
    let file = dir.open_read(&path).map_err(Error::io("open", &path))?;
    let (header, at) = locate(&*file, &path, first, block)?;
    let len = file.len().map_err(Error::io("read", &path))?;
    if u64::from(header.stored_len) > len.saturating_sub(at) {
        return Err(Error::damaged(path, at, "a block is cut short"));
    }
    let mut stored = Vec::new();
    file.read_onto(&mut stored, header.stored_len as usize, at)
        .map_err(Error::io("read", &path))?;
    if !header.covers(&stored) {
        return Err(Error::damaged(
            path,
            at,
            "a block's checksum does not match",
        ));
    }
    unpack(&header, &stored).map_err(|what| Error::damaged(path, at, what))
}

const MAGIC: &[u8; 8] = b"INDLSEG1";
const SUFFIX: &str = ".seg";
