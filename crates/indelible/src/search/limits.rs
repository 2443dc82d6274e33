//! Every bound of searches, in one place.

/// Processes that a tree holds; the events of others are counted without a process.
pub(crate) const TREE_PROCESSES_MAX: usize = 100_000;
