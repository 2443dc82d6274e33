//! Every bound of this crate, in one place.
//!
//! What a record says about itself (argument counts, lengths, indexes) is never used as a size:
//! memory follows the bytes that are really there, and these limits cap it.

/// Longest record that an [`crate::Assembler`] keeps whole, in bytes. The kernel's own limit is
/// `MAX_AUDIT_MESSAGE_LENGTH` (8,970); user-space relays exceed it. The rest is cut and counted.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;

/// How far into a line the stamp `audit(…)` is looked for when the line does not begin as
/// audit.log lines do (syslog and printk prefixes), in bytes.
pub const PREFIX_BYTES_MAX: usize = 512;

/// Events that an [`crate::Assembler`] holds open at once.
pub const PENDING_EVENTS_MAX: usize = 4096;

/// Bytes of records that an [`crate::Assembler`] holds open at once.
pub const PENDING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Places of closed events that an [`crate::Assembler`] keeps for later ones.
pub(crate) const SPARE_EVENTS_MAX: usize = 64;

/// Records of one event; what arrives after that starts a fragment that is marked incomplete. An
/// `execve` with 2 MiB of arguments makes about 300 EXECVE records.
pub const EVENT_RECORDS_MAX: usize = 4096;

/// Bytes of one event's records.
pub const EVENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Node names that an [`crate::Assembler`] tells apart at once.
pub const NODES_MAX: usize = 4096;

/// How long an event may wait for more records, in milliseconds: the `end_of_event_timeout` of
/// auditd.conf(5), two seconds.
pub const EVENT_TIMEOUT_MS: u64 = 2_000;

/// The same for who says that records are missing, in milliseconds: a host that is short of processor
/// time has been seen to pause in the middle of an event for longer than two seconds.
pub const ACCOUNT_TIMEOUT_MS: u64 = 60_000;

/// Names that auditd appended to a record, of which one field's is looked for. auditd appends about
/// a dozen.
pub const ENRICHED_FIELDS_MAX: usize = 64;

/// Arguments that [`crate::Event::argv`] returns; further ones are counted as missing.
pub const ARGUMENTS_MAX: usize = 16 * 1024;

/// Missing parts that an event names one by one.
pub const MISSING_MAX: usize = 64;

/// Interpreted records that later ones are compared with.
pub(crate) const REPLAY_RECORDS_MAX: usize = 16;

/// Longest of them, from the text on.
pub(crate) const REPLAY_BYTES_MAX: usize = 2048;
