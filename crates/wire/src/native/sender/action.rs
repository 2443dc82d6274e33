//! What a sender asks of its caller, and what it tells.

use std::time::Duration;

use crate::native::{Checkpoint, Growth, Hash, LeafRange, Position, Span, StreamId};

/// What to do next. Actions are given in the order in which they are to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SenderAction {
    /// Read entries from the spool and answer with `batch`: at least one, from `first` on, at
    /// most so many and so many bytes in wire form.
    Need {
        /// The stream.
        stream: StreamId,
        /// Sequence number of the first entry.
        first: u64,
        /// Entries at most.
        entries_max: u32,
        /// Bytes of (u16 length ‖ entry)* at most; one entry always fits.
        bytes_max: usize,
    },
    /// Verify the signature of `growth.checkpoint` under the pinned key of the collector, and,
    /// where it is not smaller than `old`, the consistency proof. Answer with
    /// `checkpoint_verified`. Nothing is sent or released before.
    VerifyCheckpoint {
        /// The log's name, as the collector states it.
        origin: String,
        /// The checkpoint verified before it; [`Checkpoint::NONE`] if none.
        old: Checkpoint,
        /// The new checkpoint with the proof.
        growth: Growth,
    },
    /// The collector shows this verifier key, with those before it. Where the pinned one accepts it, use
    /// it, durably, from now on. Needs no answer.
    KeyShown(String),
    /// Compare the spool's chain head before sequence `next` with `head`; answer with
    /// `head_checked`.
    CheckHead(Position),
    /// Make the receipt durable, then call `receipt_stored`. Only then anything is released.
    Store(Receipt),
    /// Entries below `next` are durable at the collector and the receipt for them is durable here.
    Released {
        /// The stream.
        stream: StreamId,
        /// The new released position.
        next: u64,
    },
    /// Something that a person must see.
    Finding(Finding),
    /// Write what `transmit` still gives (for a second at most), close the socket, then call
    /// `disconnected`.
    Disconnect {
        /// Text for the journal.
        why: String,
    },
    /// Connect after this wait; then call `connected`, or `disconnected` if it failed.
    Reconnect {
        /// The wait.
        after: Duration,
    },
}

/// Proof that a collector holds entries durably. It outlives the entries it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The log.
    pub origin: String,
    /// The checkpoint under which all of it is durable; verified.
    pub checkpoint: Checkpoint,
    /// The streams that moved. Empty where only the checkpoint is new.
    pub streams: Vec<StreamReceipt>,
}

/// One stream of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamReceipt {
    /// The stream.
    pub stream: StreamId,
    /// Entries below are durable.
    pub next: u64,
    /// Where the newly acknowledged entries stand in the log; empty where the position was told
    /// at the start of a connection.
    pub leaves: Vec<LeafRange>,
}

/// Whether a stream can still have lost a tail that was sent but never reached the host's disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boot {
    /// The stream was opened in this boot: its spool holds everything that was ever sent.
    Current,
    /// The host went down since: what was not synced may be missing here and present there.
    Earlier,
}

/// A stream of the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spooled {
    /// What can be read.
    pub span: Span,
    /// When it was opened.
    pub boot: Boot,
    /// The released position that the newest stored receipt gives, 0 if none.
    pub released: u64,
}

/// The answer to [`SenderAction::Need`].
#[derive(Debug, Clone, Copy)]
pub struct Supply<'a> {
    /// The stream.
    pub stream: StreamId,
    /// Sequence number of the first entry, as asked.
    pub first: u64,
    /// Entries in `raw`, at least 1.
    pub entries: u32,
    /// Chain head before the first entry.
    pub head_before: Hash,
    /// Chain head after the last entry.
    pub head_after: Hash,
    /// (u16 length ‖ entry)*.
    pub raw: &'a [u8],
}

/// The answer to [`SenderAction::VerifyCheckpoint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Signature and proof hold. For a smaller size: the signature holds.
    Good,
    /// Not signed by the key that is pinned for this collector.
    BadSignature,
    /// Signed, but it does not continue the old one.
    Inconsistent,
}

/// Something wrong on one side or the other that no retry mends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The collector stores another chain under this stream. The stream is halted.
    Fork {
        /// The stream.
        stream: StreamId,
        /// Where the chains were compared.
        sequence: u64,
        /// What the collector says.
        detail: String,
    },
    /// The collector says that this stream belongs to another peer. The stream is halted.
    Denied {
        /// The stream.
        stream: StreamId,
        /// What the collector says.
        detail: String,
    },
    /// Entries that are not what they claim to be: quarantine `first..next`. The stream is halted.
    Poison {
        /// The stream.
        stream: StreamId,
        /// First entry of the batch.
        first: u64,
        /// After its last entry.
        next: u64,
        /// What is wrong.
        detail: String,
    },
    /// The collector's log is smaller than one it has signed. Sending has stopped.
    RolledBack {
        /// The checkpoint that we hold.
        held: Checkpoint,
        /// The checkpoint that it shows.
        shown: Checkpoint,
    },
    /// The collector's log does not continue one it has signed. Sending has stopped; both
    /// checkpoints together are the evidence.
    Rewritten {
        /// The checkpoint that we hold.
        held: Checkpoint,
        /// The checkpoint that it shows.
        shown: Checkpoint,
    },
    /// The collector shows a checkpoint that its pinned key did not sign. Sending has stopped.
    BadSignature {
        /// The checkpoint that it shows.
        shown: Checkpoint,
    },
    /// The collector states a position below one that it has acknowledged. The stream is halted.
    Regressed {
        /// The stream.
        stream: StreamId,
        /// Position of our receipt.
        released: u64,
        /// Position that it states.
        durable_next: u64,
    },
    /// The spool ends before what it had sent in this boot. The stream is halted.
    SpoolWiped {
        /// The stream.
        stream: StreamId,
        /// Where the spool ends now.
        spooled_next: u64,
        /// Up to where it had been sent.
        durable_next: u64,
    },
    /// The spool begins after what the collector holds: `durable_next..oldest` is lost to this
    /// collector. The stream is halted; a new one has to name it as predecessor.
    RetentionHole {
        /// The stream.
        stream: StreamId,
        /// What the collector holds.
        durable_next: u64,
        /// Where the spool begins.
        oldest: u64,
    },
}
