//! Every bound of this crate, with its reason.

use std::time::Duration;

/// Type and body of one native frame. A larger one ends the connection.
pub const FRAME_BYTES_MAX: usize = 2 * 1024 * 1024;
/// What a frame decoder keeps allocated while it is empty, so that ten thousand idle connections
/// do not hold ten thousand frames.
pub const DECODER_BYTES_KEPT: usize = 64 * 1024;
/// Streams in one HELLO. 4,096 positions of 32 bytes fit a frame sixteen times.
pub const STREAMS_MAX: usize = 4_096;
/// Nodes in a consistency proof: RFC 6962 needs at most 63 for a tree below 2^63 leaves.
pub const PROOF_HASHES_MAX: usize = 63;
/// Bytes of an origin, as of a DNS name.
pub const ORIGIN_BYTES_MAX: usize = 255;
/// Bytes of a verifier key with those before it: 64 lines of 900.
pub const KEY_BYTES_MAX: usize = 60_000;
/// Bytes of the detail in NAK and CLOSE.
pub const DETAIL_BYTES_MAX: usize = 1_024;
/// Leaf ranges per stream in one ACK.
pub const ACK_RANGES_MAX: usize = 1_024;
/// Streams in one ACK.
pub const ACK_STREAMS_MAX: usize = STREAMS_MAX;

/// Entries in one batch.
pub const BATCH_ENTRIES_MAX: u32 = 16_384;
/// Bytes of a batch before compression: the bound of every decompression.
pub const BATCH_RAW_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What a sender asks for at once. zstd cannot make it larger than a frame, whatever it holds.
pub const BATCH_RAW_BYTES_WANTED: usize = 1024 * 1024;
/// Header of an entry: formats.md, Entry v1.
pub const ENTRY_HEADER_BYTES: usize = 36;
/// Header and payload of an entry.
pub const ENTRY_BYTES_MAX: usize = ENTRY_HEADER_BYTES + 65_000;

/// Raw bytes that an agent keeps unacknowledged.
pub const WINDOW_BYTES: usize = 8 * 1024 * 1024;
/// Batches that an agent keeps unacknowledged: many small ones would fit the window by bytes.
pub const WINDOW_BATCHES: usize = 512;
/// Streams and leaf ranges in the receipt that an agent gathers while it stores another; at that
/// many it stops reading.
pub const RECEIPT_PARTS_MAX: usize = 4 * STREAMS_MAX;
/// Encoded bytes that wait for the socket before a peer makes more.
pub const OUTBOX_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Batches that a receiver holds between reading and acknowledging before it stops reading. An
/// agent that keeps to its window never reaches it.
pub const UNANSWERED_BATCHES_MAX: usize = WINDOW_BATCHES + 1;
/// Raw bytes that a receiver has handed out and not seen appended before it stops reading.
pub const UNANSWERED_BYTES_MAX: usize = WINDOW_BYTES + BATCH_RAW_BYTES_MAX;
/// Streams that one connection may name, in HELLO and after it.
pub const LINES_MAX: usize = 2 * STREAMS_MAX;

/// Silence of our own after which we send PING.
pub const KEEPALIVE: Duration = Duration::from_secs(10);
/// Silence of the peer after which the connection is dead.
pub const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long bytes may wait for a socket that takes none.
pub const STALL_MAX: Duration = Duration::from_secs(30);
/// From the connection to HELLO, and from HELLO to WELCOME.
pub const GREETING_MAX: Duration = Duration::from_secs(30);
/// How long a sent batch may stay without an answer before the agent tries a new connection.
pub const RECEIPT_MAX: Duration = Duration::from_secs(60);
/// Shortest wait before a reconnection.
pub const BACKOFF_MIN: Duration = Duration::from_millis(100);
/// Longest wait before a reconnection.
pub const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// Upper end of the first wait; it doubles with each failure.
pub const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// Wait before an agent asks again a collector that showed another history.
pub const DISTRUST_WAIT: Duration = Duration::from_secs(300);

/// Longest syslog message that is passed on whole: what an entry's payload can hold. A longer one
/// is passed on in parts, and stays one message.
pub const SYSLOG_MESSAGE_BYTES_MAX: usize = 65_000;
/// Length at which a message counts as endless and ends its connection.
pub const SYSLOG_FRAME_BYTES_MAX: u64 = 1 << 30;
/// Digits of an octet count: those of [`SYSLOG_FRAME_BYTES_MAX`].
pub const SYSLOG_COUNT_DIGITS_MAX: usize = 10;
/// What a framer keeps allocated while no message is incomplete.
pub const FRAMER_BYTES_KEPT: usize = 4 * 1024;

/// Largest transaction number of RELP; 1 follows it.
pub const RELP_TXNR_MAX: u32 = 999_999_999;
/// Digits of a transaction number and of a data length.
pub const RELP_DIGITS_MAX: usize = 9;
/// Letters of a RELP command.
pub const RELP_COMMAND_BYTES_MAX: usize = 32;
/// Data of RELP commands other than `syslog`: offers and answers are a few hundred bytes.
pub const RELP_CONTROL_BYTES_MAX: usize = 32 * 1024;
/// Messages that a RELP server holds unanswered before it stops reading; far above the windows
/// that clients use (128 by default), so that only a runaway client reaches it.
pub const RELP_UNANSWERED_MAX: usize = 16_384;
/// Messages that a RELP client keeps unanswered, as librelp's default.
pub const RELP_WINDOW_DEFAULT: usize = 128;
/// How long a RELP server may take to answer: as librelp's default.
pub const RELP_ANSWER_MAX: Duration = Duration::from_secs(90);
/// Statements that are read of one file of rsyslog's configuration.
pub const RSYSLOG_STATEMENTS_MAX: usize = 4_096;
/// Blocks within blocks there.
pub const RSYSLOG_DEPTH_MAX: usize = 64;

/// Longest line of an event stream: a line of a log with every byte escaped.
pub const SSE_LINE_BYTES_MAX: usize = 5 << 20;
/// Data of one message of an event stream, unescaped: an audit event of the largest size, and its context.
pub const SSE_DATA_BYTES_MAX: usize = 9 << 20;
/// Data lines of one message: an audit event has at most 4,096 records.
pub const SSE_LINES_MAX: usize = 4_352;
