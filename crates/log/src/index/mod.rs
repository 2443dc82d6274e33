//! The block index: beside each segment, what its blocks hold, so that a search unpacks only those
//! that can match.
//!
//! It is a view: built from the entries when a segment is sealed, rebuilt from them at any time, and
//! compared with them by `verify`. This crate knows nothing of records: what of an entry can be
//! looked for comes from a function of the caller's ([`Terms`]).
//!
//! ```text
//! segments/<first>.idx
//!  0  [u8;8]   "INDLIDX1"
//!  8  u64      first index
//! 16  u16      version of the terms
//! 18  u16      sections, n
//! 20  blocks: 16 times
//!      0  u64   smallest time of a record or message, ms since 1970 (all ones: there is none)
//!      8  u64   largest time, ms (0: there is none)
//!     16  u64   time of the last record that waits for others, ms (0: there is none)
//!     24  u32   its serial
//!     28  u32   bytes of the payloads
//!  …  sections, n times, ascending by field
//!      0  u8    field       1  u8  zero
//!      2  u16   open: bit b is set where block b may hold any value of the field
//!      4  u32   length before compression       8  u32  length as stored
//!     12  u32   CRC-32C of the section as stored
//!  …  u32      CRC-32C of everything above
//!  …  the sections as stored, one after the other: a zstd frame each
//!
//! field 0   openings: u32 position in the segment ‖ [u8;16] stream ‖ u16 length ‖ payload
//! field 1   streams: [u8;16] id ‖ u16 blocks, ascending by id
//! field 2   serials: per block varint count ‖ varint the first ‖ varint differences, ascending
//! field 16… values of the caller's fields, ascending: varint bytes shared with the one before ‖
//!           varint length of the rest ‖ rest ‖ u16 blocks
//! ```
//!
//! *blocks* is a set of the segment's 16 blocks, bit b for block b.

mod build;
mod read;
mod rebuild;
mod values;

use std::fmt::Debug;

use crate::entry::EntryRef;
use crate::limits::SEGMENT_BLOCKS;

pub use build::{Builder, Found};
pub use read::{Opening, SegmentIndex, Serials};
pub(crate) use rebuild::rebuild_one;
pub use rebuild::{Rebuilt, rebuild};

/// Says what of an entry can be looked for.
///
/// For the same entry it says the same always; what it says of a kind of entries may change with
/// [`Terms::version`] alone. An older index stays of use for what [`Terms::had`] says.
pub trait Terms: Debug + Send + Sync {
    /// Raised with each change of what [`Terms::of`] says.
    fn version(&self) -> u16;

    /// Whether indexes of a version have a field; they say of it what today's say. None of those that
    /// are of no use any more.
    fn had(&self, version: u16, _field: u8) -> Option<bool> {
        (version == self.version()).then_some(true)
    }

    /// Tells the values of an entry.
    fn of(&self, entry: &EntryRef<'_>, found: &mut Found<'_>);
}

/// A set of a segment's blocks.
pub type Blocks = u16;

/// What is known of one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockFacts {
    /// Smallest time of its records and messages, ms since 1970; larger than the largest where it
    /// has none.
    pub time_min_ms: u64,
    /// Largest time.
    pub time_max_ms: u64,
    /// Time (ms) and serial of the last record that waits for others of its event.
    pub waiting: (u64, u32),
    /// Bytes of all payloads.
    pub payload_bytes: u32,
}

impl BlockFacts {
    /// Of a block without records and messages.
    const NONE: BlockFacts = BlockFacts {
        time_min_ms: u64::MAX,
        time_max_ms: 0,
        waiting: (0, 0),
        payload_bytes: 0,
    };
}

/// The first field of the caller's.
pub const FIELD_MIN: u8 = 16;

/// Path of the index of the segment that begins at index `first`.
pub(crate) fn path(first: u64) -> String {
    format!("segments/{first:020}{SUFFIX}")
}

const SUFFIX: &str = ".idx";
const MAGIC: &[u8; 8] = b"INDLIDX1";
const HEAD_BYTES: usize = 20;
const FACTS_BYTES: usize = 32;
const SECTION_BYTES: usize = 16;
const BLOCKS: usize = SEGMENT_BLOCKS as usize;
const OPENINGS: u8 = 0;
const STREAMS: u8 = 1;
const SERIALS: u8 = 2;
