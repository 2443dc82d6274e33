//! Every bound of live detection, in one place.

use std::time::Duration;

/// Entries before the cursor that are read again at a start, so that parents, connections and the
/// like are known.
pub(super) const WARM_UP_ENTRIES: u64 = 65_536;
/// Events whose entries are remembered; at most twice as many are held, of about 100 bytes each.
pub(super) const EVENTS_MAX: usize = 16 * 1024;
/// Findings remembered so that they are not told again; at most twice as many.
pub(super) const TOLD_MAX: usize = 16 * 1024;
/// How long a finding is not told again that says the same of the same host, ms.
pub(super) const REPEAT_MS: u64 = 10 * 60 * 1000;
/// Pairs of host and detection whose findings are counted; beyond these all are recorded.
pub(super) const COUNTED_MAX: usize = 4096;
/// Hosts whose silence waits to be told, and whose names are remembered.
pub(super) const HOSTS_MAX: usize = 16 * 1024;
/// Suppressions that count.
pub(super) const SUPPRESSIONS_MAX: usize = 1024;
/// Longest file of a suppression, in bytes.
pub(super) const SUPPRESSION_BYTES_MAX: u64 = 16 * 1024;
/// Bytes of a finding's reason.
pub(super) const WHY_BYTES_MAX: usize = 4096;
/// Bytes of one of its other values.
pub(super) const VALUE_BYTES_MAX: usize = 1024;
/// Bytes of the commands that a finding about a session shows.
pub(super) const COMMANDS_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a finding as it is written; one that is longer loses its fields.
pub(super) const FINDING_BYTES_MAX: usize = 48 * 1024;
/// How deep below the folders that detections look at others are looked for at a start, and how many files
/// and folders the detections are told; they learn of further ones from records.
pub(super) const FOLDER_DEPTH: usize = 2;
/// See [`FOLDER_DEPTH`].
pub(super) const INODES_MAX: usize = 4096;
/// Findings that wait for an output.
pub(super) const QUEUE_MAX: usize = 1024;
/// How long a program that is told may take.
pub(super) const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);
/// Runs of a program that took longer and do not end; beyond these it is not run again.
pub(super) const HUNG_RUNS_MAX: usize = 16;
/// Bytes of a finding that a relay takes.
pub(super) const RELAYED_BYTES_MAX: u64 = 256 * 1024;
/// How long telling a server may take.
pub(super) const POST_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a server that does not answer is tried.
pub(super) const TRIES_MAX: u32 = 3;
/// The pause before the second try; it doubles.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often it is looked for new entries.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often the position is kept while nothing is found.
pub(super) const KEEP_EVERY: Duration = Duration::from_secs(5);
/// How often suppressions are looked for.
pub(super) const SUPPRESSIONS_EVERY: Duration = Duration::from_secs(1);
/// Bytes of a server's answer that are shown where it takes nothing.
pub(super) const ANSWER_BYTES_MAX: u64 = 2048;
/// Bytes of entries that are read from a stream at a time.
pub(super) const READ_BYTES: usize = 1 << 20;
