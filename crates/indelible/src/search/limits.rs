//! Every bound of searches, in one place.

/// Processes that a tree holds; the events of others are counted without a process.
pub(crate) const TREE_PROCESSES_MAX: usize = 100_000;
/// Bytes of a checkpoint file; a longer one is none.
pub(crate) const CHECKPOINT_BYTES_MAX: u64 = 4096;

/// Longest line of a log that a checkpoint is kept of.
pub(crate) const CHECKPOINT_LINE_BYTES_MAX: u64 = 1 << 20;
