//! A record that is too long for one entry and comes in parts: what is kept of it.
//!
//! ```
//! use indelible_log::{cut::Cut, entry::CUT_BY_US, limits::PAYLOAD_BYTES_MAX};
//!
//! let mut cut = Cut::default();
//! for _ in 0..100 {
//!     cut.push(&[b'x'; 1_000]);
//! }
//! let (flags, payload) = cut.finish();
//! assert_eq!((flags, payload.len()), (CUT_BY_US, PAYLOAD_BYTES_MAX));
//! ```

use aws_lc_rs::digest::{Context, SHA256};

use crate::entry::CUT_BY_US;
use crate::limits::{CUT_TRAILER_BYTES, PAYLOAD_BYTES_MAX};

/// Holds at most [`PAYLOAD_BYTES_MAX`] bytes, however long the record.
#[derive(Clone)]
pub struct Cut {
    kept: Vec<u8>,
    len_bytes: u64,
    hash: Context,
}

impl Default for Cut {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            len_bytes: 0,
            hash: Context::new(&SHA256),
        }
    }
}

impl Cut {
    /// Takes the next part.
    pub fn push(&mut self, part: &[u8]) {
        let room = PAYLOAD_BYTES_MAX - self.kept.len();
        self.kept.extend_from_slice(&part[..part.len().min(room)]);
        self.len_bytes += part.len() as u64;
        self.hash.update(part);
    }

    /// Flags and payload of the entry; cut as [`CUT_BY_US`] says where the record is too long.
    #[must_use]
    pub fn finish(mut self) -> (u16, Vec<u8>) {
        if self.len_bytes <= PAYLOAD_BYTES_MAX as u64 {
            return (0, self.kept);
        }
        self.kept.truncate(PAYLOAD_BYTES_MAX - CUT_TRAILER_BYTES);
        let len = u32::try_from(self.len_bytes).unwrap_or(u32::MAX);
        self.kept.extend_from_slice(&len.to_be_bytes());
        self.kept.extend_from_slice(self.hash.finish().as_ref());
        (CUT_BY_US, self.kept)
    }
}

impl std::fmt::Debug for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cut")
            .field("len_bytes", &self.len_bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{self, EntryRef, Header, Kind, StreamId};

    #[test]
    fn parts_give_the_entry_of_the_whole() {
        for len in [0, 1, PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MAX + 1, 200_000] {
            let record: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let header = Header {
                kind: Kind::Syslog,
                flags: 0,
                stream: StreamId([1; 16]),
                sequence: 1,
                time_ns: 2,
            };
            let (mut whole, mut parts) = (Vec::new(), Vec::new());
            entry::push(&mut whole, &header, &record);
            let mut cut = Cut::default();
            record.chunks(777).for_each(|part| cut.push(part));
            let (flags, payload) = cut.finish();
            entry::push(&mut parts, &Header { flags, ..header }, &payload);
            assert_eq!(whole, parts, "{len}");
            EntryRef::parse(&parts[2..]).unwrap();
        }
    }
}
