//! The file `removed`: where the streams of a log stood at the end of what was removed from it, and
//! how those began that began there.
//!
//! ```text
//! header of a write-ahead file, whose first index is that of the first entry that is still there
//! openings, where there is one: u16 length ‖ entry each, ascending by stream
//! ```
//!
//! Without the file nothing was removed. An opening says which host a stream is of; the entries behind
//! it would lose that with the segment that held it.

use std::collections::BTreeMap;

use crate::dir::{Dir, read_small};
use crate::entry::{EntryRef, StreamId, split};
use crate::error::{Error, Result};
use crate::limits::{REMOVED_BYTES_MAX, REMOVED_OPENINGS_BYTES_MAX, SEGMENT_ENTRIES};
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
    pub(crate) openings: Openings,
}

/// Entries 0 of the streams that were opened in what was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Openings {
    by_stream: BTreeMap<StreamId, Vec<u8>>,
    len_bytes: usize,
}

impl Openings {
    /// Takes an entry 0; one beyond what a file holds is left, and its stream goes on without a name.
    pub(crate) fn add(&mut self, entry: &EntryRef<'_>) {
        let len = LENGTH_BYTES + entry.bytes().len();
        if self.len_bytes + len > REMOVED_OPENINGS_BYTES_MAX {
            return;
        }
        let stream = entry.header().stream;
        if self
            .by_stream
            .insert(stream, entry.bytes().to_vec())
            .is_none()
        {
            self.len_bytes += len;
        }
    }

    fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut openings = Self::default();
        for entry in split(bytes) {
            let entry = entry.and_then(EntryRef::parse).map_err(|_| OPENING)?;
            if entry.header().sequence != 0 {
                return Err(OPENING);
            }
            openings.add(&entry);
        }
        Ok(openings)
    }
}

impl Removed {
    /// Reads the file of a store; nothing was removed where there is none.
    pub(crate) fn read(dir: &dyn Dir) -> Result<Self> {
        let bytes = match read_small(dir, REMOVED, REMOVED_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(Error::io("read", REMOVED)(error)),
        };
        Self::parse(&bytes).map_err(|what| Error::damaged(REMOVED, 0, what))
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let (header, rest) = WalHeader::split(bytes)?;
        let openings = Openings::parse(rest)?;
        match header.body {
            Body::Log(rows) if header.first > 0 && header.first.is_multiple_of(SEGMENT_ENTRIES) => {
                Ok(Self {
                    first: header.first,
                    rows,
                    openings,
                })
            }
            _ => Err("it does not say where a log begins"),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let header = WalHeader {
            first: self.first,
            body: Body::Log(self.rows.clone()),
        };
        let mut bytes = header.encode();
        for entry in self.openings.by_stream.values() {
            bytes.extend_from_slice(&(entry.len() as u16).to_be_bytes());
            bytes.extend_from_slice(entry);
        }
        bytes
    }
}

/// Index of the first entry that a store still has.
///
/// # Errors
/// Those of the disk, and damage.
pub fn first_entry(dir: &dyn Dir) -> Result<u64> {
    Ok(Removed::read(dir)?.first)
}

/// Entries 0 of the streams that were opened in what a store removed: what they say of a stream is true of
/// its entries that are still there.
///
/// # Errors
/// Those of the disk, and damage.
pub fn carried_openings(dir: &dyn Dir) -> Result<Vec<Vec<u8>>> {
    let openings = Removed::read(dir)?.openings;
    Ok(openings.by_stream.into_values().collect())
}

const OPENING: &str = "the openings of its streams cannot be read";
const LENGTH_BYTES: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Header, Kind, push};
    use crate::hash::Hash;

    fn entry(stream: u8, sequence: u64) -> Vec<u8> {
        let header = Header {
            kind: Kind::StreamOpened,
            flags: 0,
            stream: StreamId([stream; 16]),
            sequence,
            time_ns: 7,
        };
        let mut bytes = Vec::new();
        push(&mut bytes, &header, b"{\"v\":1}");
        bytes
    }

    #[test]
    fn streams_and_openings_come_back() {
        let row = |stream| StreamRow {
            id: StreamId([stream; 16]),
            next: 5,
            head: Hash([1; 32]),
            peer: "a".to_owned(),
        };
        let mut removed = Removed {
            first: SEGMENT_ENTRIES,
            rows: vec![row(1), row(2)],
            openings: Openings::default(),
        };
        // As it was written before openings were kept.
        assert_eq!(Removed::parse(&removed.encode()), Ok(removed.clone()));
        let table = removed.encode();
        for stream in [2, 1, 2] {
            let bytes = entry(stream, 0);
            removed.openings.add(&EntryRef::parse(&bytes[2..]).unwrap());
        }
        let bytes = removed.encode();
        assert_eq!(bytes, [&table[..], &entry(1, 0), &entry(2, 0)].concat());
        assert_eq!(Removed::parse(&bytes), Ok(removed));
        for cut in 1..entry(2, 0).len() {
            assert!(Removed::parse(&bytes[..bytes.len() - cut]).is_err());
        }
        let other = [&table[..], &entry(1, 3)].concat();
        assert_eq!(Removed::parse(&other), Err(OPENING));
    }
}
