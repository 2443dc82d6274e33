//! What the collector says, each time with the checkpoint that covers it.
//!
//! WELCOME, RESUME and ACK wait until the newest durable checkpoint covers them, then for the
//! proof from the checkpoint that the agent was shown before. One ACK takes everything that the
//! checkpoint covers. Proofs are asked one at a time; what becomes durable meanwhile goes with
//! the next.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{AppendResult, Line, Link, Receiver, ReceiverAction, StreamState};
use crate::native::{
    Ack, AckedStream, Checkpoint, Growth, Hash, LeafRange, Message, NakReason, Position, Resume,
    Span, StreamId, Welcome,
};

/// Appended and not acknowledged.
#[derive(Debug)]
pub(super) struct Settled {
    stream: StreamId,
    next: u64,
    leaves: Option<LeafRange>,
    log_size: u64,
}

/// A WELCOME in the making.
#[derive(Debug)]
pub(super) struct Greeting {
    /// In the order of HELLO.
    streams: Vec<(StreamId, Found)>,
    missing: usize,
    log_size: u64,
}

#[derive(Debug)]
enum Found {
    NotYet,
    At(Position),
    /// Answered by NAK after WELCOME.
    Denied,
}

impl Greeting {
    pub(super) fn new(streams: &[Span]) -> Self {
        Self {
            streams: streams
                .iter()
                .map(|span| (span.stream, Found::NotYet))
                .collect(),
            missing: streams.len(),
            log_size: 0,
        }
    }

    /// Takes an answer; false if HELLO did not name the stream.
    fn found(&mut self, stream: StreamId, found: Found, log_size: u64) -> bool {
        let slot = self.streams.iter_mut().find(|(named, _)| *named == stream);
        let Some((_, slot @ Found::NotYet)) = slot else {
            return false;
        };
        *slot = found;
        self.missing -= 1;
        self.log_size = self.log_size.max(log_size);
        true
    }
}

impl Receiver {
    /// The answer to [`ReceiverAction::LookUp`]; `None` for a stream that the log does not have.
    pub fn stream_state(&mut self, now: Duration, stream: StreamId, state: Option<StreamState>) {
        if self.lines.get(&stream) != Some(&Line::LookingUp) {
            return;
        }
        let denied = state
            .as_ref()
            .is_some_and(|state| state.peer != self.config.peer);
        let (position, log_size) = match state {
            Some(state) => (
                Position {
                    stream,
                    next: state.next,
                    head: state.head,
                },
                state.log_size,
            ),
            None => (
                Position {
                    stream,
                    next: 0,
                    head: [0; 32],
                },
                0,
            ),
        };
        let found = match denied {
            true => Found::Denied,
            false => Found::At(position),
        };
        let named_by_hello = self
            .greeting
            .as_mut()
            .is_some_and(|greeting| greeting.found(stream, found, log_size));
        if named_by_hello {
            return self.tell(now);
        }
        if denied {
            self.deny(now, stream);
        } else {
            self.resuming.push_back((position, log_size));
            self.tell(now);
        }
    }

    /// The answer to the oldest open [`ReceiverAction::Append`].
    pub fn append_result(&mut self, now: Duration, result: AppendResult) {
        let Some(open) = self.open.pop_front() else {
            return;
        };
        self.open_bytes -= open.raw_bytes;
        match result {
            AppendResult::Accepted {
                next,
                leaves,
                log_size,
            } => self.settled.push_back(Settled {
                stream: open.stream,
                next,
                leaves,
                log_size,
            }),
            AppendResult::Refused { reason, detail } => {
                self.refuse(now, open.stream, open.first, reason, detail);
            }
        }
        self.tell(now);
        self.read(now);
    }

    /// Everything below `checkpoint.size` is durable and the checkpoint is signed. Older ones
    /// than the newest are ignored.
    pub fn committed(&mut self, now: Duration, checkpoint: Checkpoint) {
        if checkpoint.size > self.newest.size {
            self.newest = checkpoint;
            self.tell(now);
            self.read(now);
        }
    }

    /// The log has another key than agents may know: tells it, before any checkpoint that the key signs.
    pub fn show_key(&mut self, now: Duration, key: String) {
        if !matches!(self.link, Link::Ended) {
            self.say(now, &Message::Key(key));
        }
    }

    /// The answer to [`ReceiverAction::NeedProof`].
    pub fn proof(&mut self, now: Duration, proof: Vec<Hash>) {
        let Some(checkpoint) = self.proving.take() else {
            return;
        };
        let growth = Growth {
            old_size: self.shown.size,
            checkpoint,
            proof,
        };
        self.speak(now, growth);
        self.tell(now);
        self.read(now);
    }

    /// Says what the newest checkpoint covers, or asks for the proof that it needs first.
    pub(super) fn tell(&mut self, now: Duration) {
        while self.proving.is_none() && !self.outbox.is_full() && self.has_covered() {
            let (old_size, new_size) = (self.shown.size, self.newest.size);
            // A smaller checkpoint has no proof: the agent sees by its size what happened.
            if old_size > 0 && new_size > old_size {
                self.proving = Some(self.newest);
                self.actions
                    .push_back(ReceiverAction::NeedProof { old_size, new_size });
                return;
            }
            let growth = Growth {
                old_size,
                checkpoint: self.newest,
                proof: Vec::new(),
            };
            self.speak(now, growth);
        }
    }

    /// Is there something to say that the newest checkpoint covers?
    fn has_covered(&self) -> bool {
        let covers = |log_size: u64| log_size <= self.newest.size;
        match self.link {
            Link::Waiting(_) | Link::Ended => false,
            Link::Greeting => self
                .greeting
                .as_ref()
                .is_some_and(|greeting| greeting.missing == 0 && covers(greeting.log_size)),
            Link::Up => {
                let settled = self.settled.front().map(|settled| settled.log_size);
                let resuming = self.resuming.front().map(|(_, log_size)| *log_size);
                settled.is_some_and(covers) || resuming.is_some_and(covers)
            }
        }
    }

    /// Says one message under this growth.
    fn speak(&mut self, now: Duration, growth: Growth) {
        let size = growth.checkpoint.size;
        self.shown = growth.checkpoint;
        match self.link {
            Link::Waiting(_) | Link::Ended => {}
            Link::Greeting => self.welcome(now, growth),
            Link::Up => match self.resuming.pop_front_if(|(_, at)| *at <= size) {
                Some((position, _)) => self.resume(now, position, growth),
                None => self.acknowledge(now, growth),
            },
        }
    }

    fn welcome(&mut self, now: Duration, growth: Growth) {
        let Some(greeting) = self.greeting.take() else {
            return;
        };
        self.link = Link::Up;
        let (mut positions, mut denied) = (Vec::new(), Vec::new());
        for (stream, found) in greeting.streams {
            match found {
                Found::At(position) => positions.push(position),
                Found::Denied | Found::NotYet => denied.push(stream),
            }
        }
        for position in &positions {
            self.open_line(position);
        }
        let welcome = Welcome {
            origin: self.config.origin.clone(),
            growth,
            streams: positions,
        };
        self.say(now, &Message::Welcome(welcome));
        for stream in denied {
            self.deny(now, stream);
        }
    }

    fn resume(&mut self, now: Duration, position: Position, growth: Growth) {
        self.open_line(&position);
        self.say(now, &Message::Resume(Resume { position, growth }));
    }

    fn acknowledge(&mut self, now: Duration, growth: Growth) {
        let mut streams: BTreeMap<StreamId, AckedStream> = BTreeMap::new();
        let size = growth.checkpoint.size;
        while let Some(settled) = self
            .settled
            .pop_front_if(|settled| settled.log_size <= size)
        {
            let acked = streams.entry(settled.stream).or_insert(AckedStream {
                stream: settled.stream,
                next: 0,
                leaves: Vec::new(),
            });
            acked.next = acked.next.max(settled.next);
            push_leaves(&mut acked.leaves, settled.leaves);
        }
        let ack = Ack {
            streams: streams.into_values().collect(),
            growth,
        };
        self.say(now, &Message::Ack(ack));
    }

    fn open_line(&mut self, position: &Position) {
        let expected = position.next;
        self.lines.insert(position.stream, Line::Open { expected });
    }

    fn deny(&mut self, now: Duration, stream: StreamId) {
        let detail = "the stream belongs to another peer".to_owned();
        self.refuse(now, stream, 0, NakReason::Denied, detail);
    }
}

/// Ranges that touch are one range.
fn push_leaves(ranges: &mut Vec<LeafRange>, leaves: Option<LeafRange>) {
    let Some(leaves) = leaves.filter(|leaves| leaves.count > 0) else {
        return;
    };
    if let Some(last) = ranges.last_mut()
        && last.end() == leaves.first
        && let Some(count) = last.count.checked_add(leaves.count)
    {
        last.count = count;
    } else {
        ranges.push(leaves);
    }
}
