//! The bounds of this room.

/// Bytes of a journal: far more rules than a kernel would walk on each system call.
pub(super) const JOURNAL_BYTES_MAX: u64 = 512 << 20;
/// Mount points that are read: more than any host that runs containers has.
pub(super) const MOUNTS_BYTES_MAX: u64 = 16 << 20;
/// Files of one folder of rules.
pub(super) const FOLDER_FILES_MAX: usize = 10_000;
/// How often the kernel's rules are put back before giving up, where another program keeps
/// changing them.
pub(super) const RESTORE_ROUNDS_MAX: usize = 3;
/// Keys that are counted one by one; a host has a few dozen.
pub(super) const VOLUME_KEYS_MAX: usize = 4096;
