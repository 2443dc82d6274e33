//! Streams of the collector itself: time marks, gaps, and messages that its listeners receive.

use crate::entry::{self, Header, Kind, StreamId};
use crate::hash::Hash;

use super::batch::{Batch, BatchError};
use super::streams::StreamState;

/// The peer that opens the collector's own streams: nobody else can have the empty name.
pub const LOCAL_PEER: &str = "";

/// Numbers and collects the entries of a local stream into batches.
///
/// The stream moves with the batch that [`LocalStream::take`] gives, so each batch must be
/// appended, in order, with the peer [`LOCAL_PEER`].
#[derive(Debug)]
pub struct LocalStream {
    id: StreamId,
    /// Position before the entries that are collected.
    first: u64,
    head: Hash,
    entries: Vec<u8>,
    next: u64,
}

impl LocalStream {
    /// A new stream. Its first entry must be of kind [`Kind::StreamOpened`].
    pub fn new(id: StreamId) -> Self {
        Self {
            id,
            first: 0,
            head: Hash::ZERO,
            entries: Vec::new(),
            next: 0,
        }
    }

    /// Goes on with a stream that the log holds.
    pub fn resume(state: &StreamState) -> Self {
        let StreamState { id, next, head, .. } = *state;
        Self {
            id,
            first: next,
            head,
            entries: Vec::new(),
            next,
        }
    }

    /// The stream.
    pub fn id(&self) -> StreamId {
        self.id
    }

    /// Sequence number of the next entry.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Bytes collected since the last batch.
    pub fn len_bytes(&self) -> usize {
        self.entries.len()
    }

    /// Collects an entry and returns its sequence number.
    pub fn push(&mut self, kind: Kind, flags: u16, time_ns: u64, payload: &[u8]) -> u64 {
        let sequence = self.next;
        let header = Header {
            kind,
            flags,
            stream: self.id,
            sequence,
            time_ns,
        };
        entry::push(&mut self.entries, &header, payload);
        self.next += 1;
        sequence
    }

    /// The entries collected since the last batch, ready to be appended.
    ///
    /// # Errors
    /// Those of [`Batch::prepare`]: nothing collected, or more than one batch can hold. The
    /// entries are then gone and the position is where it was.
    pub fn take(&mut self) -> Result<Batch, BatchError> {
        let entries = std::mem::take(&mut self.entries);
        let batch = Batch::prepare(self.id, self.first, self.head, &entries);
        match &batch {
            Ok(batch) => (self.first, self.head) = (batch.end(), batch.head_after()),
            Err(_) => self.next = self.first,
        }
        batch
    }
}
