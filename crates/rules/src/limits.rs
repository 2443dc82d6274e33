//! The bounds of this crate, in one place. Those that mirror the kernel or auditctl say so.

/// Fields in one rule that the kernel's structure has room for; `AUDIT_MAX_FIELDS`, linux/audit.h.
pub const FIELDS_MAX: usize = 64;
/// Fields in one rule that auditctl accepts: its check stops one short of the structure.
pub const FIELDS_WRITTEN_MAX: usize = 63;
/// Words of 32 bits in a syscall mask; `AUDIT_BITMASK_SIZE`, linux/audit.h.
pub const MASK_WORDS: usize = 64;
/// Bytes of the key field, all keys of a rule joined; `AUDIT_MAX_KEY_LEN`, linux/audit.h.
pub const KEY_BYTES_MAX: usize = 256;
/// Bytes of any other text field; `PATH_MAX`.
pub const TEXT_BYTES_MAX: usize = 4096;
/// Bytes of a path's last component; `NAME_MAX`.
pub const NAME_BYTES_MAX: usize = 255;
/// Bytes of all text fields of one rule: the structure must fit into one netlink message, and
/// the kernel's own limit on a message is far above what any rule needs.
pub const RULE_TEXT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one line of a rules file. auditctl reads into a buffer of this size.
pub const LINE_BYTES_MAX: usize = 6144;
/// Bytes of one rules file.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Words on one line of a rules file.
pub const WORDS_MAX: usize = LINE_BYTES_MAX / 2;
/// Rules in a set up to which the linter compares each with each.
pub const LINT_RULES_MAX: usize = 5_000;
/// Rounds of mending, each of which may make a rule that the next one mends.
pub const FIX_ROUNDS_MAX: usize = 8;
