//! Names and positions of streams.

use std::fmt;

use super::Hash;

/// Random name of a stream: one writer, one source, one host.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash)]
pub struct StreamId(pub [u8; 16]);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a spool still holds of a stream: the sequence numbers `oldest..next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The stream.
    pub stream: StreamId,
    /// Oldest sequence number that can still be read.
    pub oldest: u64,
    /// Sequence number that the next entry will have.
    pub next: u64,
}

/// Where a stream stands at the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The stream.
    pub stream: StreamId,
    /// Every entry below this sequence number is durable.
    pub next: u64,
    /// Chain head after entry `next - 1`; zero where `next` is 0.
    pub head: Hash,
}
