//! Every bound of the receivers, with its reason.

use std::time::Duration;

/// Bytes of one read; a connection is handed on by that much at a time.
pub(super) const READ_BYTES: usize = 64 << 10;
/// Reads of all connections that may wait for the log's writer, in bytes. Entries, hashes and
/// framing make about three times as much of it.
pub(super) const QUEUED_BYTES_MAX: usize = 24 << 20;
/// The part of it that one peer may take, so that it cannot keep others waiting for long.
pub(super) const PEER_QUEUED_BYTES_MAX: usize = 2 << 20;
/// Bytes of unfinished messages that all connections hold together.
pub(super) const UNFINISHED_BYTES_MAX: usize = 32 << 20;
/// The part of it that one peer may hold, so that a few cannot take all of it.
pub(super) const PEER_UNFINISHED_BYTES_MAX: usize = 8 << 20;
/// An unfinished message that is shorter is not counted among them.
pub(super) const UNFINISHED_BYTES_FREE: usize = 4 << 10;
/// Entries of one batch: the protocol's bound is twice that.
pub(super) const BATCH_ENTRIES_WANTED: usize = 8_192;
/// Entry bytes of one batch: the log takes 4 MiB, and one more entry than wanted may come.
pub(super) const BATCH_BYTES_WANTED: usize = 2 << 20;
/// Streams that are kept apart by peer; the peers beyond share one per receiver. Half of what a log
/// can hold, so that agents always find room.
pub(super) const STREAMS_MAX: usize = 65_536;
/// Connections of one receiver at a time.
pub(super) const CONNECTIONS_MAX: usize = 10_000;
/// Connections of one address to one receiver at a time, unless configured.
pub(crate) const PEER_CONNECTIONS_MAX: usize = 256;
/// Messages of one peer per second, unless configured: more than one core takes in.
pub(crate) const PEER_MESSAGES_PER_SECOND: u64 = 1_000_000;
/// Bytes of one peer per second, unless configured: a fast network's worth.
pub(crate) const PEER_BYTES_PER_SECOND: u64 = 1 << 30;
/// How long a connection beyond it waits for its turn; as many again may wait.
pub(super) const ADMISSION_MAX: Duration = Duration::from_secs(10);
/// How long a peer may take for the TLS handshake, and for RELP's `open`.
pub(super) const GREETING_MAX: Duration = Duration::from_secs(30);
/// How long a message may take from its first byte to its last, or to each further
/// [`READ_BYTES`] of it.
pub(super) const UNFINISHED_MAX: Duration = Duration::from_secs(60);
/// How long a peer may refuse to read our answers.
pub(super) const WRITE_MAX: Duration = Duration::from_secs(30);
/// After a short read, how long to wait for more: the log takes many messages at once for little
/// more than one.
pub(super) const GATHER: Duration = Duration::from_millis(2);
/// A read from which on nothing is waited for.
pub(super) const GATHER_BYTES: usize = 16 << 10;
/// How long to wait after a failed accept.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long the UDP receiver waits for a datagram before it looks whether to stop, and at the
/// kernel's drops.
pub(super) const UDP_WAIT: Duration = Duration::from_millis(200);
/// How long it reads what its socket holds when the collector stops.
pub(super) const UDP_DRAIN_MAX: Duration = Duration::from_secs(2);
