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
