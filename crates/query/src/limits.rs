//! Every bound of this crate, in one place.

/// Byte strings that are searched for at once; with more, everything is parsed instead.
pub const NEEDLES_MAX: usize = 256;

/// Longest `--where` text, in bytes.
pub const WHERE_BYTES_MAX: usize = 64 * 1024;

/// How deep parentheses and negations may stand in each other.
pub const NESTING_MAX: usize = 64;

/// Tests of one expression.
pub const TESTS_MAX: usize = 4096;

/// Memory that a compiled regular expression may take, in bytes; and as much again for what is
/// built while it runs.
pub const REGEX_BYTES_MAX: usize = 1 << 20;

/// How deep groups and repetitions may stand in each other in a regular expression.
pub const REGEX_NESTING_MAX: u32 = 64;

/// Shortest byte string that is worth looking for.
pub const NEEDLE_BYTES_MIN: usize = 2;

/// Longest line that is kept whole, in bytes; the rest of a longer one is skipped. A kernel record
/// has at most 8,970 bytes, its enrichment as many.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// Bytes of a piece, but for its last line.
pub const PIECE_BYTES: usize = 1 << 20;

/// How far a line of an event may be from the one before, in bytes of the log: some 600 events of
/// five records.
pub const NEAR_BYTES: u64 = 1 << 20;

/// How far the last line of an event may be from its first where those near do not make it whole:
/// some 10,000 events.
pub const FAR_BYTES: u64 = 16 << 20;

/// Log that an event waits through at most for older ones that come later.
pub const HOLD_BYTES: u64 = 12 << 20;

/// Events that are held at once, whole or not.
pub const HELD_EVENTS_MAX: usize = 32 * 1024;

/// Events of which a piece is asked whether it holds a line, before it is unpacked without asking.
pub const ASKED_FOR_MAX: usize = 4096;

/// Events of one search for whose beginning the log before them is read again.
pub const LOOK_BACKS_MAX: u32 = 256;

/// Files, and keys, of one event that a report counts.
pub const REPORT_FILES_MAX: usize = 4096;

/// Decisions of SELinux in one event that a report counts.
pub const REPORT_DECISIONS_MAX: usize = 1024;

/// Types of records of one event that a report looks at.
pub const REPORT_TYPES_MAX: usize = 64;

/// Bytes of different values that a report counts; what is new after that is counted together and
/// said to be cut. With what the engine holds this stays under 64 MiB.
pub const REPORT_BYTES_MAX: usize = 24 << 20;

/// Login sessions that are open at once; with more, the end of the oldest is not waited for.
pub const REPORT_SESSIONS_MAX: usize = 4096;

/// Hosts whose kernel's version is remembered for their next boot.
pub const REPORT_KERNELS_MAX: usize = 4096;

/// Patterns of secrets that are looked for at once.
pub const MASKS_MAX: usize = 64;
