//! Every bound of this crate, in one place.

/// Byte strings that are searched for at once; with more, everything is parsed instead.
pub const NEEDLES_MAX: usize = 256;
