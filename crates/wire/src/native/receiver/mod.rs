//! The collector's side of one connection of the native protocol.
//!
//! The receiver checks what can be checked without hashing: frames, bounds, that a batch is
//! consecutive and its entries carry their stream and number, that a stream belongs to the peer.
//! Chains are compared by the log, which answers each [`Append`]. Nothing is acknowledged before
//! a checkpoint covers it ([`committed`](Receiver::committed)): positions and receipts wait here
//! until then, so an answer may be given as soon as the log has taken the entries.

mod inbound;
mod outbound;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::liveness::{Liveness, Pulse};
use super::outbox::Outbox;
use super::{
    BatchUnpacker, Checkpoint, Close, CloseReason, FrameDecoder, Hash, LeafRange, Message,
    NakReason, Position, StreamId,
};
use crate::limits::{GREETING_MAX, UNANSWERED_BATCHES_MAX, UNANSWERED_BYTES_MAX};
use outbound::Settled;

/// What a receiver must know of its connection.
#[derive(Debug, Clone)]
pub struct ReceiverConfig {
    /// The peer name: the first DNS name of the agent's certificate.
    pub peer: String,
    /// Name of the log.
    pub origin: String,
    /// The newest durable checkpoint; [`Checkpoint::NONE`] for an empty log.
    pub checkpoint: Checkpoint,
}

/// What to do next. Actions are given in the order in which they are to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiverAction {
    /// The agent said who it is. For the journal.
    Greeted {
        /// `/etc/machine-id` of the host.
        machine_id: [u8; 16],
        /// Its boot id.
        boot_id: [u8; 16],
    },
    /// The agent holds a checkpoint that this log does not continue: larger, or of the same size
    /// with another root. If its signature is ours, our log was rolled back or rewritten.
    Contradicted {
        /// What the agent holds.
        held: Checkpoint,
    },
    /// Look the stream up, make this connection its writer (batches of an older connection are
    /// answered with NAK later from now on), and answer with `stream_state`.
    LookUp {
        /// The stream.
        stream: StreamId,
    },
    /// Append the entries and answer with `append_result`, in the order of these actions.
    Append(Append),
    /// Give the consistency proof between these sizes; answer with `proof`.
    NeedProof {
        /// Size of the checkpoint that the agent was last shown; at least 1.
        old_size: u64,
        /// Size of the checkpoint that it is shown now; larger.
        new_size: u64,
    },
    /// Write what `transmit` still gives (for a second at most) and close the socket.
    Disconnect {
        /// Text for the journal.
        why: String,
    },
}

/// Entries to append.
#[derive(Clone, PartialEq, Eq)]
pub struct Append {
    /// The stream.
    pub stream: StreamId,
    /// Sequence number of the first entry.
    pub first: u64,
    /// Entries.
    pub entries: u32,
    /// Chain head before the first entry: must be the log's there.
    pub head_before: Hash,
    /// Chain head after the last entry: must be what the log computes.
    pub head_after: Hash,
    /// (u16 length ‖ entry)*; framing, stream and numbers are checked already.
    pub raw: Vec<u8>,
}

/// Where a stream stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamState {
    /// Sequence number of the next entry.
    pub next: u64,
    /// Chain head before it.
    pub head: Hash,
    /// Name of the peer that opened it.
    pub peer: String,
    /// Size of the log when it stood there, committed or not: it is told to the agent once a
    /// checkpoint covers that size.
    pub log_size: u64,
}

/// The answer to [`ReceiverAction::Append`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendResult {
    /// Appended, or already there with the same chain.
    Accepted {
        /// Sequence number after the last entry of the batch.
        next: u64,
        /// Where the new ones stand; none if all were there.
        leaves: Option<LeafRange>,
        /// Size of the log after it: it is acknowledged once a checkpoint covers that size.
        log_size: u64,
    },
    /// Not appended.
    Refused {
        /// Why.
        reason: NakReason,
        /// Text for a person.
        detail: String,
    },
}

/// The collector's peer of one agent.
#[derive(Debug)]
pub struct Receiver {
    config: ReceiverConfig,
    link: Link,
    liveness: Liveness,
    unpacker: BatchUnpacker,
    decoder: FrameDecoder,
    outbox: Outbox,
    actions: VecDeque<ReceiverAction>,
    lines: BTreeMap<StreamId, Line>,
    /// Appends without an answer, in order.
    open: VecDeque<Open>,
    open_bytes: usize,
    /// Appended, not acknowledged: in the order of the log.
    settled: VecDeque<Settled>,
    greeting: Option<outbound::Greeting>,
    resuming: VecDeque<(Position, u64)>,
    /// The checkpoint that the agent was shown last.
    shown: Checkpoint,
    /// The newest that is durable.
    newest: Checkpoint,
    /// The checkpoint for which a proof was asked.
    proving: Option<Checkpoint>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// HELLO must come until this time.
    Waiting(Duration),
    /// HELLO came, WELCOME waits for the log.
    Greeting,
    Up,
    Ended,
}

/// A stream on this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    LookingUp,
    /// The next batch begins here.
    Open {
        expected: u64,
    },
    /// Refused once: what was in flight behind it is dropped without a further answer.
    Refused,
}

/// An append without an answer.
#[derive(Debug)]
struct Open {
    stream: StreamId,
    first: u64,
    raw_bytes: usize,
}

impl Receiver {
    /// A receiver for a connection whose TLS handshake is done.
    #[must_use]
    pub fn new(now: Duration, config: ReceiverConfig) -> Self {
        Self {
            link: Link::Waiting(now + GREETING_MAX),
            liveness: Liveness::new(now),
            unpacker: BatchUnpacker::new(),
            decoder: FrameDecoder::default(),
            outbox: Outbox::default(),
            actions: VecDeque::new(),
            lines: BTreeMap::new(),
            open: VecDeque::new(),
            open_bytes: 0,
            settled: VecDeque::new(),
            greeting: None,
            resuming: VecDeque::new(),
            shown: Checkpoint::NONE,
            newest: config.checkpoint,
            proving: None,
            config,
        }
    }

    /// Bytes of the agent. Read them only while [`wants_bytes`](Self::wants_bytes): that bounds
    /// what the receiver buffers to one frame and one read.
    pub fn received(&mut self, now: Duration, bytes: &[u8]) {
        if self.link == Link::Ended {
            return;
        }
        self.liveness.heard(now);
        self.decoder.feed(bytes);
        self.read(now);
    }

    /// False while the log or the socket is behind, and after the end: leave the agent's bytes in
    /// the socket then.
    #[must_use]
    pub fn wants_bytes(&self) -> bool {
        self.link != Link::Ended
            && self.open.len() + self.settled.len() < UNANSWERED_BATCHES_MAX
            && self.open_bytes < UNANSWERED_BYTES_MAX
            && !self.outbox.is_full()
    }

    /// The next frame for the socket. Take it when the socket has room, not before.
    pub fn transmit(&mut self, now: Duration) -> Option<Vec<u8>> {
        let frame = self.outbox.pop(now)?;
        self.tell(now);
        self.read(now);
        Some(frame)
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<ReceiverAction> {
        self.actions.pop_front()
    }

    /// When to call [`timer`](Self::timer) at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let hello = match self.link {
            Link::Ended => return None,
            Link::Waiting(until) => Some(until),
            Link::Greeting | Link::Up => None,
        };
        [
            hello,
            self.outbox.stalls_at(),
            Some(self.liveness.deadline(self.wants_bytes())),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Time has passed.
    pub fn timer(&mut self, now: Duration) {
        match self.link {
            Link::Ended => return,
            Link::Waiting(until) if now >= until => {
                return self.end(now, CloseReason::ProtocolError, "no HELLO came");
            }
            Link::Waiting(_) | Link::Greeting | Link::Up => {}
        }
        if self.outbox.stalls_at().is_some_and(|at| now >= at) {
            return self.end(now, CloseReason::Done, "the agent reads nothing");
        }
        match self.liveness.pulse(now, self.wants_bytes()) {
            Pulse::Fine => {}
            Pulse::PingDue => self.say(now, &Message::Ping(0)),
            Pulse::Dead => self.end(now, CloseReason::Done, "the agent is silent"),
        }
    }

    /// The collector stops: says goodbye and asks for the disconnection.
    pub fn shut_down(&mut self, now: Duration) {
        if self.link != Link::Ended {
            self.end(now, CloseReason::ShuttingDown, "the collector stops");
        }
    }

    fn say(&mut self, now: Duration, message: &Message<'_>) {
        self.liveness.sent(now);
        self.outbox.push(now, message);
    }

    fn break_off(&mut self, now: Duration, why: &str) {
        self.end(now, CloseReason::ProtocolError, why);
    }

    fn end(&mut self, now: Duration, reason: CloseReason, why: &str) {
        let detail = why.to_owned();
        self.say(now, &Message::Close(Close { reason, detail }));
        self.hang_up(why);
    }

    fn hang_up(&mut self, why: &str) {
        self.link = Link::Ended;
        self.decoder = FrameDecoder::default();
        self.actions.push_back(ReceiverAction::Disconnect {
            why: why.to_owned(),
        });
    }
}

impl std::fmt::Debug for Append {
    /// Without the entries: they are up to 4 MiB of somebody's secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Append")
            .field("stream", &self.stream)
            .field("first", &self.first)
            .field("entries", &self.entries)
            .finish_non_exhaustive()
    }
}
