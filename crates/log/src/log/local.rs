//! Streams of the collector itself: time marks, gaps, and messages that its listeners receive.

use crate::entry::{Header, Kind, StreamId};
use crate::hash::Hash;

use super::batch::{Batch, BatchError};
use super::streams::StreamState;

/// The peer that opens the collector's own streams: nobody else can have the empty name.
pub const LOCAL_PEER: &str = "";

/// Numbers, hashes and collects the entries of a local stream into batches.
///
/// The stream moves with the batch that [`LocalStream::take`] gives, so each batch must be
/// appended, in order, with the peer [`LOCAL_PEER`].
#[derive(Debug)]
pub struct LocalStream {
    /// The entries that are collected, at the stream's position.
    batch: Batch,
    /// Why it can never be appended.
    failed: Option<BatchError>,
}

impl LocalStream {
    /// A new stream. Its first entry must be of kind [`Kind::StreamOpened`].
    pub fn new(id: StreamId) -> Self {
        Self::at(id, 0, Hash::ZERO)
    }

    /// Goes on with a stream that the log holds.
    pub fn resume(state: &StreamState) -> Self {
        Self::at(state.id, state.next, state.head)
    }

    fn at(id: StreamId, next: u64, head: Hash) -> Self {
        Self {
            batch: Batch::begin(id, next, head),
            failed: None,
        }
    }

    /// The stream.
    pub fn id(&self) -> StreamId {
        self.batch.stream()
    }

    /// Sequence number of the next entry.
    pub fn next(&self) -> u64 {
        self.batch.end()
    }

    /// Bytes collected since the last batch.
    pub fn len_bytes(&self) -> usize {
        self.batch.len_bytes()
    }

    /// Collects an entry and returns its sequence number.
    pub fn push(&mut self, kind: Kind, flags: u16, time_ns: u64, payload: &[u8]) -> u64 {
        let sequence = self.next();
        let header = Header {
            kind,
            flags,
            stream: self.id(),
            sequence,
            time_ns,
        };
        if let Err(error) = self.batch.compose(&header, payload) {
            self.failed.get_or_insert(error);
        }
        sequence
    }

    /// The entries collected since the last batch, ready to be appended.
    ///
    /// # Errors
    /// Those of [`Batch::prepare`]: nothing collected, or more than one batch can hold. The
    /// entries are then gone and the position is where it was.
    pub fn take(&mut self) -> Result<Batch, BatchError> {
        let before = Batch::begin(self.id(), self.batch.first(), self.batch.head_before());
        let after = Batch::begin(self.id(), self.next(), self.batch.head_after());
        let batch = std::mem::replace(&mut self.batch, before);
        match self.failed.take() {
            Some(error) => Err(error),
            None => {
                let batch = batch.finished()?;
                self.batch = after;
                // The next one will be about as long.
                self.batch.reserve_as(&batch);
                Ok(batch)
            }
        }
    }
}
