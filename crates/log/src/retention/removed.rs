//! The file `removed`: where the streams of a log stood at the end of what was removed from it.
//!
//! It has the form of the header of a write-ahead file whose first index is that of the first entry
//! that is still there. Without the file nothing was removed.

use crate::dir::{Dir, read_small};
use crate::error::{Error, Result};
use crate::limits::{SEGMENT_ENTRIES, WAL_BODY_BYTES_MAX};
use crate::wal::header::{Body, StreamRow, WalHeader};

/// Name of the file.
pub(crate) const REMOVED: &str = "removed";

/// What a file `removed` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    /// Index of the first entry that is still there, a multiple of 65,536.
    pub(crate) first: u64,
    /// The streams before it, ascending by id.
    pub(crate) rows: Vec<StreamRow>,
}

impl Removed {
    /// Reads the file of a store; nothing was removed where there is none.
    pub(crate) fn read(dir: &dyn Dir) -> Result<Self> {
        let bytes = match read_small(dir, REMOVED, WAL_BODY_BYTES_MAX + 64) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(Error::io("read", REMOVED)(error)),
        };
        Self::parse(&bytes).map_err(|what| Error::damaged(REMOVED, 0, what))
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let header = WalHeader::parse(bytes)?;
        match header.body {
            Body::Log(rows) if header.first > 0 && header.first.is_multiple_of(SEGMENT_ENTRIES) => {
                Ok(Self {
                    first: header.first,
                    rows,
                })
            }
            _ => Err("it does not say where a log begins"),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        WalHeader {
            first: self.first,
            body: Body::Log(self.rows.clone()),
        }
        .encode()
    }
}

/// Index of the first entry that a store still has.
///
/// # Errors
/// Those of the disk, and damage.
pub fn first_entry(dir: &dyn Dir) -> Result<u64> {
    Ok(Removed::read(dir)?.first)
}
