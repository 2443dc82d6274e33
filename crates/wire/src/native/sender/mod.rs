//! The agent's side of the native protocol.
//!
//! The sender decides, the caller performs: it connects, moves bytes, reads the spool, verifies
//! signatures and proofs, and stores receipts. One sender serves one collector for the life of
//! the process, over any number of connections. It never holds entries: what is in flight stays
//! in the spool, and is read again after a broken connection.
//!
//! The order of things is the promise: nothing is sent before the collector's checkpoint is
//! verified and the stream's head compared; nothing is released before the receipt is verified
//! and stored.

mod action;
mod inbound;
mod line;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

pub use action::{Boot, Finding, Receipt, SenderAction, Spooled, StreamReceipt, Supply, Verdict};
use inbound::Step;
use line::{Flight, Landed, Line, LineState};

use super::batch::{RawBatch, check_entries};
use super::liveness::{Liveness, Pulse};
use super::outbox::Outbox;
use super::{
    Backoff, BatchPacker, Checkpoint, Close, CloseReason, FrameDecoder, Hello, Message, StreamId,
};
use crate::WireError;
use crate::limits::{
    BATCH_ENTRIES_MAX, BATCH_RAW_BYTES_WANTED, DISTRUST_WAIT, GREETING_MAX, RECEIPT_MAX,
    RECEIPT_PARTS_MAX, STREAMS_MAX, WINDOW_BATCHES, WINDOW_BYTES,
};

/// What a sender must know of its host.
#[derive(Debug, Clone)]
pub struct SenderConfig {
    /// `/etc/machine-id`.
    pub machine_id: [u8; 16],
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: [u8; 16],
    /// The checkpoint of the newest stored receipt of this collector.
    pub held: Checkpoint,
    /// zstd level, 1 to 22. 1 keeps an agent cheap.
    pub level: i32,
    /// Spreads reconnections; anything that differs between agents.
    pub seed: u64,
}

/// The agent's peer of one collector.
#[derive(Debug)]
pub struct Sender {
    config: SenderConfig,
    packer: BatchPacker,
    backoff: Backoff,
    link: Link,
    liveness: Liveness,
    decoder: FrameDecoder,
    outbox: Outbox,
    actions: VecDeque<SenderAction>,
    lines: BTreeMap<StreamId, Line>,
    /// Streams with something to send, in turn.
    ready: VecDeque<StreamId>,
    /// The batch that was asked for and has not come.
    need: Option<(StreamId, u64)>,
    in_flight: Landed,
    /// When the collector last acknowledged something, or the first batch went into flight.
    answered_at: Duration,
    step: Step,
    /// The receipt that the caller is storing. It outlives the connection: it stays true.
    storing: Option<Receipt>,
    /// What was verified since; it goes into the next receipt.
    unstored: Option<Receipt>,
    origin: String,
    /// The newest verified checkpoint of this connection; the base of the next proof.
    seen: Checkpoint,
    /// What a collector with another history was last reported for: the same is not told twice.
    distrusted: Option<Finding>,
    wait: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Down,
    /// HELLO is out; the time is the latest for WELCOME.
    Greeting(Duration),
    Up,
    /// Disconnect was asked for.
    Ending,
}

impl Sender {
    /// A sender without a connection: connect, then call [`connected`](Self::connected).
    #[must_use]
    pub fn new(config: SenderConfig) -> Self {
        Self {
            packer: BatchPacker::new(config.level),
            backoff: Backoff::new(config.seed),
            link: Link::Down,
            liveness: Liveness::new(Duration::ZERO),
            decoder: FrameDecoder::default(),
            outbox: Outbox::default(),
            actions: VecDeque::new(),
            lines: BTreeMap::new(),
            ready: VecDeque::new(),
            need: None,
            in_flight: Landed::default(),
            answered_at: Duration::ZERO,
            step: Step::Idle,
            storing: None,
            unstored: None,
            origin: String::new(),
            seen: config.held,
            distrusted: None,
            wait: None,
            config,
        }
    }

    /// The TLS connection stands.
    pub fn connected(&mut self, now: Duration) {
        self.link = Link::Greeting(now + GREETING_MAX);
        self.liveness = Liveness::new(now);
        self.seen = self.config.held;
        let streams = self
            .lines
            .values()
            .filter(|line| line.state == LineState::Unplaced)
            .map(|line| line.spooled.span)
            .collect();
        let hello = Hello {
            machine_id: self.config.machine_id,
            boot_id: self.config.boot_id,
            held: self.config.held,
            streams,
        };
        self.say(now, &Message::Hello(hello));
    }

    /// Bytes of the collector. Read them only while [`wants_bytes`](Self::wants_bytes): that
    /// bounds what the sender buffers to one frame and one read.
    pub fn received(&mut self, now: Duration, bytes: &[u8]) {
        if matches!(self.link, Link::Down | Link::Ending) {
            return;
        }
        self.liveness.heard(now);
        self.decoder.feed(bytes);
        self.read(now);
    }

    /// False while an answer of the caller is awaited, or without a connection.
    #[must_use]
    pub fn wants_bytes(&self) -> bool {
        let unstored = self.unstored.as_ref().map_or(0, Receipt::parts);
        matches!(self.link, Link::Greeting(_) | Link::Up)
            && matches!(self.step, Step::Idle)
            && unstored < RECEIPT_PARTS_MAX
    }

    /// The next frame for the socket. Take it when the socket has room, not before: frames that
    /// wait here hold the sender back.
    pub fn transmit(&mut self, now: Duration) -> Option<Vec<u8>> {
        let frame = self.outbox.pop(now)?;
        self.offer();
        Some(frame)
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<SenderAction> {
        self.actions.pop_front()
    }

    /// A stream exists, or has grown, or its old files are gone. Error: more than
    /// [`STREAMS_MAX`] streams; withdraw released ones of earlier boots.
    pub fn stream_available(&mut self, now: Duration, spooled: Spooled) -> Result<(), WireError> {
        let stream = spooled.span.stream;
        if let Some(line) = self.lines.get_mut(&stream) {
            let known_next = line.spooled.span.next;
            if spooled.span.next < known_next {
                let finding = Finding::SpoolWiped {
                    stream,
                    spooled_next: spooled.span.next,
                    durable_next: known_next,
                };
                self.halt(stream, finding);
                return Ok(());
            }
            line.spooled.span = spooled.span;
            self.enqueue(stream);
            self.offer();
            return Ok(());
        }
        if self.lines.len() >= STREAMS_MAX {
            return Err(WireError::TooManyStreams(STREAMS_MAX));
        }
        self.lines.insert(stream, Line::new(spooled));
        if matches!(self.link, Link::Greeting(_) | Link::Up) {
            self.say(now, &Message::Stream(spooled.span));
        }
        Ok(())
    }

    /// The caller is done with a stream: released and deleted.
    pub fn withdraw(&mut self, stream: StreamId) {
        if self.link == Link::Down {
            self.lines.remove(&stream);
        } else if let Some(line) = self.lines.get_mut(&stream) {
            let landed = line.halt();
            line.state = LineState::Withdrawn;
            self.give_back(landed);
        }
    }

    /// The answer to [`SenderAction::Need`]. One that nobody waits for any more is ignored.
    pub fn batch(&mut self, now: Duration, supply: &Supply<'_>) {
        if self.need != Some((supply.stream, supply.first)) {
            return;
        }
        self.need = None;
        let Some(line) = self.lines.get_mut(&supply.stream) else {
            return;
        };
        line.queued = false;
        if line.state == LineState::Flowing {
            match sendable(line, supply) {
                Ok(()) => self.send(now, supply),
                Err(detail) => {
                    let finding = Finding::Poison {
                        stream: supply.stream,
                        first: supply.first,
                        next: supply.first.saturating_add(supply.entries.into()),
                        detail,
                    };
                    self.halt(supply.stream, finding);
                }
            }
        }
        self.enqueue(supply.stream);
        self.offer();
    }

    /// The spool cannot be read where [`SenderAction::Need`] asked: the answer instead of `batch`.
    /// The stream is halted; the spool's reader knows more and tells its own finding.
    pub fn unreadable(&mut self, stream: StreamId) {
        if self.need.is_some_and(|(asked, _)| asked == stream) {
            self.need = None;
        }
        if let Some(line) = self.lines.get_mut(&stream) {
            let landed = line.halt();
            self.give_back(landed);
        }
        self.offer();
    }

    /// What the collector has confirmed on this connection, its receipt stored or not: each stream and
    /// the sequence number after its last durable entry.
    pub fn confirmed(&self) -> impl Iterator<Item = (StreamId, u64)> {
        self.lines
            .iter()
            .map(|(stream, line)| (*stream, line.acked))
    }

    /// What the collector has shown of its log: the checkpoint of the newest stored receipt, and the newest
    /// that was verified.
    #[must_use]
    pub fn shown(&self) -> [Checkpoint; 2] {
        [self.config.held, self.seen]
    }

    /// When to call [`timer`](Self::timer) at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let greeting = match self.link {
            Link::Down | Link::Ending => return None,
            Link::Greeting(until) => Some(until),
            Link::Up => None,
        };
        [
            greeting,
            self.outbox.stalls_at(),
            self.receipt_deadline(),
            Some(self.liveness.deadline(self.wants_bytes())),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Time has passed.
    pub fn timer(&mut self, now: Duration) {
        let passed = |deadline: Option<Duration>| deadline.is_some_and(|at| now >= at);
        match self.link {
            Link::Down | Link::Ending => return,
            Link::Greeting(until) if now >= until => {
                return self.end(now, CloseReason::ProtocolError, "no WELCOME came");
            }
            Link::Greeting(_) | Link::Up => {}
        }
        if passed(self.outbox.stalls_at()) {
            return self.end(now, CloseReason::Done, "the collector reads nothing");
        }
        if passed(self.receipt_deadline()) {
            return self.end(now, CloseReason::Done, "no receipt came");
        }
        match self.liveness.pulse(now, self.wants_bytes()) {
            Pulse::Fine => {}
            Pulse::PingDue => self.say(now, &Message::Ping(0)),
            Pulse::Dead => self.end(now, CloseReason::Done, "the collector is silent"),
        }
    }

    /// The connection is gone, or could not be made. Questions that were asked before and are not
    /// answered yet must not be answered after this; only a receipt may still be stored.
    pub fn disconnected(&mut self, _now: Duration) {
        self.link = Link::Down;
        self.decoder = FrameDecoder::default();
        self.outbox.clear();
        self.ready.clear();
        self.need = None;
        self.in_flight = Landed::default();
        self.lines
            .retain(|_, line| line.state != LineState::Withdrawn);
        self.lines.values_mut().for_each(Line::unplace);
        self.step = Step::Idle;
        self.actions.retain(|action| {
            matches!(
                action,
                SenderAction::Store(_) | SenderAction::Released { .. } | SenderAction::Finding(_)
            )
        });
        let after = self.wait.take().unwrap_or_else(|| self.backoff.next_wait());
        self.actions.push_back(SenderAction::Reconnect { after });
    }

    /// The agent stops: says goodbye and asks for the disconnection.
    pub fn shut_down(&mut self, now: Duration) {
        if matches!(self.link, Link::Greeting(_) | Link::Up) {
            self.end(now, CloseReason::ShuttingDown, "the agent stops");
        }
    }

    fn say(&mut self, now: Duration, message: &Message<'_>) {
        self.liveness.sent(now);
        self.outbox.push(now, message);
    }

    fn send(&mut self, now: Duration, supply: &Supply<'_>) {
        let frame = self.packer.pack(&RawBatch {
            stream: supply.stream,
            first: supply.first,
            entries: supply.entries,
            head_before: supply.head_before,
            head_after: supply.head_after,
            raw: supply.raw,
        });
        self.liveness.sent(now);
        self.outbox.push_frame(now, frame);
        if self.in_flight.batches == 0 {
            self.answered_at = now;
        }
        self.in_flight.batches += 1;
        self.in_flight.bytes += supply.raw.len();
        let line = self
            .lines
            .get_mut(&supply.stream)
            .expect("invariant: batch() has found the stream");
        let next = supply.first + u64::from(supply.entries);
        line.flights.push_back(Flight {
            first: supply.first,
            next,
            raw_bytes: supply.raw.len(),
        });
        line.sent = next;
        line.head = supply.head_after;
        line.spooled.span.next = line.spooled.span.next.max(next);
    }

    fn enqueue(&mut self, stream: StreamId) {
        if let Some(line) = self.lines.get_mut(&stream)
            && !line.queued
            && line.has_more()
        {
            line.queued = true;
            self.ready.push_back(stream);
        }
    }

    /// Asks for the next batch, if window, socket and streams allow one.
    fn offer(&mut self) {
        let room = self.link == Link::Up
            && self.need.is_none()
            && !self.outbox.is_full()
            && self.in_flight.batches < WINDOW_BATCHES
            && self.in_flight.bytes + BATCH_RAW_BYTES_WANTED <= WINDOW_BYTES;
        while room && let Some(stream) = self.ready.pop_front() {
            let Some(line) = self.lines.get_mut(&stream) else {
                continue;
            };
            if !line.has_more() {
                line.queued = false;
                continue;
            }
            self.need = Some((stream, line.sent));
            self.actions.push_back(SenderAction::Need {
                stream,
                first: line.sent,
                entries_max: BATCH_ENTRIES_MAX,
                bytes_max: BATCH_RAW_BYTES_WANTED,
            });
            return;
        }
    }

    fn halt(&mut self, stream: StreamId, finding: Finding) {
        if let Some(line) = self.lines.get_mut(&stream) {
            let landed = line.halt();
            self.give_back(landed);
        }
        self.actions.push_back(SenderAction::Finding(finding));
    }

    fn give_back(&mut self, landed: Landed) {
        self.in_flight.bytes -= landed.bytes;
        self.in_flight.batches -= landed.batches;
    }

    fn receipt_deadline(&self) -> Option<Duration> {
        (self.in_flight.batches > 0).then(|| self.answered_at + RECEIPT_MAX)
    }

    /// Stops sending to a collector that shows another history, and asks it again later: it may
    /// have been a stale replica. Whatever it shows then is verified before anything is sent.
    fn distrust(&mut self, now: Duration, finding: Finding) {
        if self.distrusted.as_ref() != Some(&finding) {
            self.distrusted = Some(finding.clone());
            self.actions.push_back(SenderAction::Finding(finding));
        }
        self.wait = Some(DISTRUST_WAIT);
        self.end(
            now,
            CloseReason::Done,
            "the collector shows another history",
        );
    }

    fn end(&mut self, now: Duration, reason: CloseReason, why: &str) {
        let detail = why.to_owned();
        self.say(now, &Message::Close(Close { reason, detail }));
        self.hang_up(why);
    }

    fn hang_up(&mut self, why: &str) {
        self.link = Link::Ending;
        self.actions.push_back(SenderAction::Disconnect {
            why: why.to_owned(),
        });
    }
}

/// Our own invariants, asserted before anything is written: the supply continues the chain that
/// was compared with the collector.
fn sendable(line: &Line, supply: &Supply<'_>) -> Result<(), String> {
    if supply.head_before != line.head {
        return Err("the spool's chain does not continue what was sent".to_owned());
    }
    if supply.raw.len() > BATCH_RAW_BYTES_WANTED {
        return Err("the spool gave more than was asked for".to_owned());
    }
    check_entries(supply.stream, supply.first, supply.entries, supply.raw)
        .map_err(|error| error.to_string())
}
