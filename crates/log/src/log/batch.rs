//! A batch ready to be appended: checked, framed and hashed, away from the thread that owns the
//! log.

use crate::entry::{EntryError, EntryRef, Header, Kind, StreamId, push, split};
use crate::hash::{Hash, chain_head};
use crate::limits::{BATCH_BYTES_MAX, BATCH_ENTRIES_MAX};
use crate::wal::frame::{CHECK_BYTES, ENTRY_FRAMING_BYTES, check_entry_at, push_framed_entry};

/// Consecutive entries of one stream.
#[derive(Clone, Debug)]
pub struct Batch {
    stream: StreamId,
    first: u64,
    head_before: Hash,
    head_after: Hash,
    /// `(u16 length ‖ entry ‖ u32 check)*`, as it goes into a frame.
    framed: Vec<u8>,
    /// Where each entry ends in `framed`.
    ends: Vec<u32>,
    leaves: Vec<Hash>,
}

impl Batch {
    /// Checks and hashes a batch, `(u16 length ‖ entry)*`: pure, so any thread can do it.
    ///
    /// # Errors
    /// What no log accepts, to be answered with NAK poison: an entry that does not parse, is of
    /// another stream or out of sequence; entry 0 of a stream that does not open it; a batch
    /// that is empty or beyond the limits of the protocol.
    pub fn prepare(
        stream: StreamId,
        first: u64,
        head_before: Hash,
        entries: &[u8],
    ) -> Result<Self, BatchError> {
        if entries.len() > BATCH_BYTES_MAX {
            return Err(BatchError::Bytes(entries.len()));
        }
        let mut batch = Self::begin(stream, first, head_before);
        batch
            .framed
            .reserve_exact(entries.len() + entries.len() / 32);
        for entry in split(entries) {
            let entry = batch.check(entry)?;
            let leaf = push_framed_entry(&mut batch.framed, entry);
            batch.chain(leaf);
        }
        batch.finished()
    }

    /// A batch without entries yet, which [`Batch::compose`] adds.
    pub(super) fn begin(stream: StreamId, first: u64, head_before: Hash) -> Self {
        Self {
            stream,
            first,
            head_before,
            head_after: head_before,
            framed: Vec::new(),
            ends: Vec::new(),
            leaves: Vec::new(),
        }
    }

    /// Makes room for as much as another batch holds.
    pub(super) fn reserve_as(&mut self, other: &Self) {
        self.framed.reserve(other.framed.len());
        self.ends.reserve(other.ends.len());
        self.leaves.reserve(other.leaves.len());
    }

    /// Adds an entry, made in the place where it stays; one that no log accepts is left out.
    ///
    /// # Errors
    /// Those of [`Batch::prepare`].
    pub(super) fn compose(&mut self, header: &Header, payload: &[u8]) -> Result<(), BatchError> {
        let at = self.framed.len();
        push(&mut self.framed, header, payload);
        match self.check(Ok(&self.framed[at + 2..])) {
            Ok(_) => {
                let leaf = check_entry_at(&mut self.framed, at);
                self.chain(leaf);
                Ok(())
            }
            Err(error) => {
                self.framed.truncate(at);
                Err(error)
            }
        }
    }

    /// The batch, if it is one.
    pub(super) fn finished(self) -> Result<Self, BatchError> {
        let bytes = self.framed.len() - self.leaves.len() * CHECK_BYTES;
        match self.leaves.is_empty() {
            true => Err(BatchError::Empty),
            false if bytes > BATCH_BYTES_MAX => Err(BatchError::Bytes(bytes)),
            false => Ok(self),
        }
    }

    /// Whether an entry may be the next one.
    fn check<'a>(&self, entry: Result<&'a [u8], EntryError>) -> Result<&'a [u8], BatchError> {
        if self.leaves.len() == BATCH_ENTRIES_MAX {
            return Err(BatchError::Entries);
        }
        let sequence = self
            .first
            .checked_add(self.leaves.len() as u64)
            .filter(|sequence| *sequence < u64::MAX)
            .ok_or(BatchError::Sequence {
                wanted: u64::MAX,
                found: self.first,
            })?;
        let entry = entry
            .and_then(EntryRef::parse)
            .map_err(|source| BatchError::Entry { sequence, source })?;
        let header = entry.header();
        if header.stream != self.stream {
            return Err(BatchError::Stream { sequence });
        }
        if header.sequence != sequence {
            return Err(BatchError::Sequence {
                wanted: sequence,
                found: header.sequence,
            });
        }
        if (sequence == 0) != (header.kind == Kind::StreamOpened) {
            return Err(BatchError::Opening { sequence });
        }
        Ok(entry.bytes())
    }

    /// Notes an entry that was framed.
    fn chain(&mut self, leaf: Hash) {
        self.head_after = chain_head(&self.head_after, &leaf);
        self.leaves.push(leaf);
        self.ends.push(self.framed.len() as u32);
    }

    /// The stream.
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// Sequence number of the first entry.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// One past the last sequence number.
    pub fn end(&self) -> u64 {
        self.first + self.leaves.len() as u64
    }

    /// Entries.
    pub fn entries(&self) -> u32 {
        self.leaves.len() as u32
    }

    /// Bytes that the log holds for it until the next commit.
    pub fn len_bytes(&self) -> usize {
        self.framed.len()
    }

    /// The chain head that the sender says stands before the first entry.
    pub fn head_before(&self) -> Hash {
        self.head_before
    }

    /// The chain head after the last entry, computed. A BATCH that claims another is poison.
    pub fn head_after(&self) -> Hash {
        self.head_after
    }

    /// Leaf hashes of the entries.
    pub fn leaves(&self) -> &[Hash] {
        &self.leaves
    }

    /// The chain head before the entry `sequence`, which lies in the batch or just after it.
    pub(crate) fn head_at(&self, sequence: u64) -> Hash {
        if sequence == self.end() {
            return self.head_after;
        }
        let before = &self.leaves[..(sequence - self.first) as usize];
        before
            .iter()
            .fold(self.head_before, |head, leaf| chain_head(&head, leaf))
    }

    /// The framed bytes of the entries `from..to` of the batch, counted from 0.
    pub(crate) fn framed(&self, from: usize, to: usize) -> &[u8] {
        let offset = |at: usize| {
            if at == 0 {
                0
            } else {
                self.ends[at - 1] as usize
            }
        };
        &self.framed[offset(from)..offset(to)]
    }

    /// Entries from `from` on whose framed bytes fit into `room` bytes.
    pub(crate) fn fitting(&self, from: usize, room: usize) -> usize {
        let begin = if from == 0 {
            0
        } else {
            self.ends[from - 1] as usize
        };
        self.ends[from..].partition_point(|end| *end as usize - begin <= room)
    }
}

/// Why no log accepts a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// No entry.
    #[error("a batch has at least one entry")]
    Empty,
    /// Too many entries.
    #[error("a batch has at most {BATCH_ENTRIES_MAX} entries")]
    Entries,
    /// Too many bytes.
    #[error("a batch of {0} bytes is too long")]
    Bytes(usize),
    /// An entry that does not parse.
    #[error("entry {sequence} cannot be read")]
    Entry {
        /// Sequence number that was due.
        sequence: u64,
        /// Why.
        source: EntryError,
    },
    /// An entry of another stream.
    #[error("entry {sequence} is of another stream")]
    Stream {
        /// Sequence number that was due.
        sequence: u64,
    },
    /// An entry out of sequence.
    #[error("entry {found} stands where {wanted} is due")]
    Sequence {
        /// Sequence number that was due.
        wanted: u64,
        /// The entry's.
        found: u64,
    },
    /// Entry 0 that does not open the stream, or a later one that does.
    #[error("entry {sequence}: entry 0 of a stream opens it, and no other does")]
    Opening {
        /// Its sequence number.
        sequence: u64,
    },
}

const _: () = assert!(
    BATCH_BYTES_MAX + BATCH_ENTRIES_MAX * ENTRY_FRAMING_BYTES < u32::MAX as usize,
    "offsets in a batch fit into u32"
);
