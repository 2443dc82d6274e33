//! Every bound of searches, in one place.

/// Processes that a tree holds; the events of others are counted without a process.
pub(crate) const TREE_PROCESSES_MAX: usize = 100_000;
/// Bytes of a checkpoint file; a longer one is none.
pub(crate) const CHECKPOINT_BYTES_MAX: u64 = 4096;

/// Longest line of a log that a checkpoint is kept of.
pub(crate) const CHECKPOINT_LINE_BYTES_MAX: u64 = 1 << 20;

/// Pieces of a log that are read and scanned, and not joined to those before them yet.
pub(crate) const PIECES_AHEAD_MAX: usize = 6;

/// Blocks of a store that could not be sieved, after which no more are tried.
pub(crate) const COARSE_BLOCKS_MAX: u64 = 16;

/// Bytes of a piece of a file, but for its last line: few enough that what is made of them stays in the
/// memory of the core that reads them.
pub(crate) const FILE_PIECE_BYTES: u64 = 256 << 10;

/// Batches of events that are made into parts, or wait to be.
pub(crate) const BATCHES_MAX: u64 = 8;

/// Bytes of the events of one batch, but for the last event.
pub(crate) const BATCH_BYTES: usize = 256 << 10;

/// Pieces that the events of one batch come from, while there are few events: each holds its piece.
pub(crate) const BATCH_PIECES_MAX: usize = 4;

/// Contexts that are held at a time, each about 500 bytes.
pub(crate) const CONTEXTS_MAX: usize = 256 << 10;

/// Processes whose contexts are looked for one by one; with more, all contexts of the store are read.
pub(crate) const CONTEXT_LOOKUPS_MAX: usize = 64;

/// Stores that are read as one log: of each a block is held unpacked, about 1 MiB.
pub(crate) const STORES_MAX: usize = 16;
