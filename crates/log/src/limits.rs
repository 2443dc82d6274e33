//! Every bound of this crate, in one place. Sizes in bytes unless the name says otherwise.

/// Bytes of an entry before its payload.
pub const ENTRY_HEADER_BYTES: usize = 36;
/// Longest payload of one entry.
pub const PAYLOAD_BYTES_MAX: usize = 65_000;
/// Longest entry; below the 65,535 that a C2SP entry bundle can hold.
pub const ENTRY_BYTES_MAX: usize = ENTRY_HEADER_BYTES + PAYLOAD_BYTES_MAX;
/// What a payload cut by us ends in: `u32` original length and SHA-256 of the original.
pub const CUT_TRAILER_BYTES: usize = 4 + 32;

/// Entries of one block.
pub const BLOCK_ENTRIES: u64 = 4_096;
/// Blocks of one segment.
pub const SEGMENT_BLOCKS: u64 = 16;
/// Entries of one segment, of one write-ahead file of a log, of one tile of level 1.
pub const SEGMENT_ENTRIES: u64 = BLOCK_ENTRIES * SEGMENT_BLOCKS;
/// Longest block payload before compression: every entry of the longest, with its framing and
/// the few bytes per entry that columns can cost over it.
pub const BLOCK_RAW_BYTES_MAX: usize = BLOCK_ENTRIES as usize * (ENTRY_BYTES_MAX + 64);

/// Longest value that a block index keeps; a block with a longer one may hold any.
pub const INDEX_VALUE_BYTES_MAX: usize = 4_096;
/// Values of one field that the index of a segment keeps, in bytes with what they cost in memory;
/// blocks with more of them may hold any.
pub const INDEX_VALUES_BYTES_MAX: usize = 4 << 20;
/// Longest section of an index before compression: that of the openings, were every entry one.
pub const INDEX_SECTION_BYTES_MAX: usize = SEGMENT_ENTRIES as usize * (PAYLOAD_BYTES_MAX + 22);

/// Byte strings that are looked for at once in the columns of a block.
pub const SIEVE_NEEDLES_MAX: usize = 8;

/// An index shorter than this is held whole: to read what is asked of it costs more than to keep it.
pub const INDEX_HELD_BYTES_MAX: usize = 16 << 10;
/// Bytes of indexes that a reader holds so; of more, what is asked for is read.
pub const INDEXES_HELD_BYTES_MAX: usize = 16 << 20;

/// Longest payload of one write-ahead frame; a reader allocates at most this for one.
pub const FRAME_PAYLOAD_BYTES_MAX: usize = 16 << 20;
/// Longest header body of a write-ahead file.
pub const WAL_BODY_BYTES_MAX: usize = 64 << 20;
/// Streams of one log. The table of them stands in each write-ahead header.
pub const STREAMS_MAX: usize = 131_072;
/// Longest name of a peer: a DNS name.
pub const PEER_BYTES_MAX: usize = 255;

/// Entries of one batch, as in docs/protocol.md.
pub const BATCH_ENTRIES_MAX: usize = 16_384;
/// Bytes of one batch in its `u16 length ‖ entry` form, as in docs/protocol.md.
pub const BATCH_BYTES_MAX: usize = 4 << 20;
/// Batch boundaries whose chain heads a log remembers per stream, to recognise a re-sent range.
pub const HEADS_KEPT: usize = 32;
/// Bytes that a log holds appended but not committed; more is refused with "later".
pub const PENDING_BYTES_MAX: usize = 64 << 20;
/// Full write-ahead files that may wait for sealing before a commit waits for it.
pub const UNSEALED_FILES_MAX: usize = 2;
/// Newest segments whose level-0 hashes stay in memory (4 MiB each, inner nodes included).
pub const HOT_SEGMENTS: usize = 4;

/// Longest small text file (keys, checkpoint) that is read.
pub const TEXT_BYTES_MAX: usize = 64 << 10;
/// Longest origin or key name.
pub const ORIGIN_BYTES_MAX: usize = 255;
/// Hashes in a proof: one per level of a tree of 2^63 leaves.
pub const PROOF_HASHES_MAX: usize = 63;

/// Default size at which a spool file is rotated.
pub const SPOOL_FILE_BYTES: u64 = 16 << 20;
/// Roots of tiles that a reader of the published log keeps, 40 bytes each.
pub const NODES_KEPT: usize = 65_536;

/// Parts behind a segment without an entry of the collector's own in which one is looked for.
pub const MARK_PARTS_MAX: usize = 64;
/// Hashes that are kept of a removed segment: as many as its tree has below level 8.
pub const KEPT_NODES_MAX: usize = 2 * SEGMENT_ENTRIES as usize;
/// Bytes of the openings of streams that a store carries on from what it removed.
pub const REMOVED_OPENINGS_BYTES_MAX: usize = 32 << 20;
/// Longest file of what was removed: a table of streams, and openings.
pub const REMOVED_BYTES_MAX: usize = WAL_BODY_BYTES_MAX + REMOVED_OPENINGS_BYTES_MAX + 64;
/// Erased entries that a verification holds against their declarations.
pub const ERASED_MAX: usize = 1_000_000;
/// Longest file that says where a verification ended: a row per stream.
pub const MARK_BYTES_MAX: usize = 64 << 20;
/// Unreadable bundles after which a verification of what a log shows gives up.
pub const PROBLEM_BUNDLES_MAX: u64 = 1_000;

/// Hosts' chains of keys that a verification knows.
pub const SIGNERS_MAX: usize = 131_072;
/// Epochs of one host that a verification knows: a century of hours.
pub const EPOCHS_MAX: usize = 1_000_000;

/// Keys that a log can have had: with lines of 900 bytes at most they fit a text file.
pub const KEYS_MAX: usize = 64;
