//! What the collector says, and what it means.
//!
//! WELCOME, RESUME and ACK all tell how the log grew. They are worked off strictly one after the
//! other: verify the checkpoint, compare heads. Meanwhile no further message is read, while batches
//! still go out. What was verified while a receipt is being stored goes into one further receipt,
//! so that a slow disk costs fewer writes and not throughput.

use std::collections::BTreeSet;
use std::time::Duration;

use super::line::{LineState, Placement};
use super::{Finding, Link, Receipt, Sender, SenderAction, StreamReceipt, Verdict};
use crate::native::{
    Ack, AckedStream, CloseReason, FrameDecoder, Growth, LeafRange, Message, Nak, NakReason,
    Position, StreamId, Welcome,
};

/// Where the message stands that is being worked off.
#[derive(Debug)]
pub(super) enum Step {
    /// There is none.
    Idle,
    /// The caller verifies its checkpoint.
    Verifying(Told),
    /// The caller compares these heads for it.
    Comparing {
        receipt: Receipt,
        waiting: Vec<Position>,
    },
}

/// What WELCOME, RESUME and ACK have in common.
#[derive(Debug)]
pub(super) struct Told {
    growth: Growth,
    /// Where streams begin on this connection.
    positions: Vec<Position>,
    /// What was acknowledged on this connection.
    acked: Vec<AckedStream>,
}

impl Sender {
    /// Reads messages until one has to wait for the caller.
    pub(super) fn read(&mut self, now: Duration) {
        // Taken out while a message borrows from it.
        let mut decoder = std::mem::take(&mut self.decoder);
        while self.wants_bytes() {
            match decoder.poll() {
                Ok(Some(message)) => self.hear(now, message),
                Ok(None) => break,
                Err(error) => self.end(now, CloseReason::ProtocolError, &error.to_string()),
            }
        }
        self.store();
        self.decoder = match self.link {
            Link::Greeting(_) | Link::Up => decoder,
            Link::Down | Link::Ending => FrameDecoder::default(),
        };
        self.offer();
    }

    /// The answer to [`SenderAction::VerifyCheckpoint`].
    pub fn checkpoint_verified(&mut self, now: Duration, verdict: Verdict) {
        let told = match std::mem::replace(&mut self.step, Step::Idle) {
            Step::Verifying(told) => told,
            other => {
                self.step = other;
                return;
            }
        };
        let held = self.seen;
        let shown = told.growth.checkpoint;
        match verdict {
            Verdict::BadSignature => self.distrust(now, Finding::BadSignature { shown }),
            Verdict::Good | Verdict::Inconsistent if shown.size < held.size => {
                self.distrust(now, Finding::RolledBack { held, shown });
            }
            Verdict::Inconsistent => self.distrust(now, Finding::Rewritten { held, shown }),
            Verdict::Good if shown.size == held.size && shown.root != held.root => {
                self.distrust(now, Finding::Rewritten { held, shown });
            }
            Verdict::Good => {
                self.believe(now, told);
                self.go_on(now);
                self.read(now);
            }
        }
    }

    /// The answer to [`SenderAction::CheckHead`].
    pub fn head_checked(&mut self, now: Duration, stream: StreamId, same: bool) {
        let Step::Comparing { receipt, waiting } = &mut self.step else {
            return;
        };
        let Some(index) = waiting.iter().position(|at| at.stream == stream) else {
            return;
        };
        let position = waiting.swap_remove(index);
        let line = self.lines.get_mut(&stream);
        // Otherwise it was withdrawn or halted while the caller compared.
        if let Some(line) = line.filter(|line| line.state == LineState::Comparing) {
            if same {
                line.flow_from(&position);
                receipt.note(line.spooled.released, stream, position.next, Vec::new());
                self.enqueue(stream);
            } else {
                let finding = Finding::Fork {
                    stream,
                    sequence: position.next,
                    detail: "the collector holds another chain".to_owned(),
                };
                self.halt(stream, finding);
            }
        }
        self.go_on(now);
        self.read(now);
    }

    /// The receipt of [`SenderAction::Store`] is durable.
    pub fn receipt_stored(&mut self, now: Duration) {
        let Some(receipt) = self.storing.take() else {
            return;
        };
        self.config.held = receipt.checkpoint;
        for StreamReceipt { stream, next, .. } in receipt.streams {
            if let Some(line) = self.lines.get_mut(&stream) {
                line.spooled.released = line.spooled.released.max(next);
            }
            self.actions
                .push_back(SenderAction::Released { stream, next });
        }
        self.liveness.heard(now);
        self.read(now);
    }

    fn hear(&mut self, now: Duration, message: Message<'_>) {
        let greeting = matches!(self.link, Link::Greeting(_));
        match message {
            // A peer that asks and never reads gets no answer: its pings must not fill memory.
            Message::Ping(_) if self.outbox.is_full() => {}
            Message::Ping(number) => self.say(now, &Message::Pong(number)),
            Message::Pong(_) => {}
            Message::Key(key) => self.actions.push_back(SenderAction::KeyShown(key)),
            Message::Close(close) => {
                self.hang_up(&format!("the collector closed: {}", close.detail));
            }
            Message::Welcome(welcome) if greeting => self.welcome(now, welcome),
            Message::Resume(resume) if !greeting => {
                self.learn(
                    now,
                    Told {
                        growth: resume.growth,
                        positions: vec![resume.position],
                        acked: Vec::new(),
                    },
                );
            }
            Message::Ack(ack) if !greeting => self.ack(now, ack),
            Message::Nak(nak) if !greeting => self.nak(now, nak),
            Message::Hello(_)
            | Message::Welcome(_)
            | Message::Stream(_)
            | Message::Resume(_)
            | Message::Batch(_)
            | Message::Ack(_)
            | Message::Nak(_) => self.break_off(now, "message out of place"),
        }
    }

    fn welcome(&mut self, now: Duration, welcome: Welcome) {
        self.link = Link::Up;
        self.origin = welcome.origin;
        self.learn(
            now,
            Told {
                growth: welcome.growth,
                positions: welcome.streams,
                acked: Vec::new(),
            },
        );
    }

    fn ack(&mut self, now: Duration, ack: Ack) {
        let size = ack.growth.checkpoint.size;
        for acked in &ack.streams {
            let sent = self.lines.get(&acked.stream).is_some_and(|line| {
                (line.acked..=line.sent).contains(&acked.next) || line.state == LineState::Withdrawn
            });
            if !sent {
                return self.break_off(now, "ACK of what was not sent");
            }
            if acked.leaves.iter().any(|leaves| leaves.end() > size) {
                return self.break_off(now, "ACK of leaves beyond its checkpoint");
            }
        }
        self.learn(
            now,
            Told {
                growth: ack.growth,
                positions: Vec::new(),
                acked: ack.streams,
            },
        );
    }

    fn nak(&mut self, now: Duration, nak: Nak) {
        let Nak {
            stream,
            sequence,
            reason,
            detail,
        } = nak;
        let Some(line) = self.lines.get(&stream) else {
            return self.break_off(now, "NAK of a stream that was not named");
        };
        if matches!(line.state, LineState::Halted | LineState::Withdrawn) {
            return;
        }
        let finding = match reason {
            NakReason::Later => return self.end(now, CloseReason::Done, "asked to come later"),
            NakReason::Fork => Finding::Fork {
                stream,
                sequence,
                detail,
            },
            NakReason::Denied => Finding::Denied { stream, detail },
            NakReason::Poison => {
                let Some(flight) = line.flights.iter().find(|flight| flight.first == sequence)
                else {
                    return self.break_off(now, "NAK of what was not sent");
                };
                Finding::Poison {
                    stream,
                    first: sequence,
                    next: flight.next,
                    detail,
                }
            }
        };
        self.halt(stream, finding);
    }

    /// First step: is the history that this message shows the one that we know?
    fn learn(&mut self, now: Duration, told: Told) {
        let growth = &told.growth;
        let covers_something =
            !told.acked.is_empty() || told.positions.iter().any(|position| position.next > 0);
        if let Some(why) = self.misplaced(&told.positions) {
            return self.break_off(now, why);
        }
        if growth.checkpoint == self.seen && growth.old_size == self.seen.size {
            if self.seen.is_none() && covers_something {
                return self.break_off(now, "entries without a checkpoint");
            }
            self.believe(now, told);
            return self.go_on(now);
        }
        if growth.checkpoint.is_none() {
            let (held, shown) = (self.seen, growth.checkpoint);
            return self.distrust(now, Finding::RolledBack { held, shown });
        }
        if growth.old_size != self.seen.size {
            return self.break_off(now, "proof from a checkpoint that was not shown");
        }
        self.actions.push_back(SenderAction::VerifyCheckpoint {
            origin: self.origin.clone(),
            old: self.seen,
            growth: growth.clone(),
        });
        self.step = Step::Verifying(told);
    }

    /// Second step: the checkpoint is good, so what it covers holds.
    fn believe(&mut self, now: Duration, told: Told) {
        self.seen = told.growth.checkpoint;
        self.distrusted = None;
        let mut receipt = Receipt {
            origin: self.origin.clone(),
            checkpoint: self.seen,
            streams: Vec::new(),
        };
        for AckedStream {
            stream,
            next,
            leaves,
        } in told.acked
        {
            let Some(line) = self.lines.get_mut(&stream) else {
                continue;
            };
            let landed = line.land(next);
            receipt.note(line.spooled.released, stream, next, leaves);
            self.give_back(landed);
            self.answered_at = now;
            self.backoff.succeeded();
        }
        let waiting = told
            .positions
            .into_iter()
            .filter(|position| self.place(position, &mut receipt))
            .collect();
        self.step = Step::Comparing { receipt, waiting };
    }

    /// Judges where a stream begins; true if its head has to be compared first.
    fn place(&mut self, position: &Position, receipt: &mut Receipt) -> bool {
        let stream = position.stream;
        let Some(line) = self
            .lines
            .get_mut(&stream)
            .filter(|line| line.state == LineState::Unplaced)
        else {
            return false;
        };
        let spooled = line.spooled;
        let durable_next = position.next;
        let finding = match line.place(durable_next) {
            Placement::Continue if durable_next == 0 => {
                line.flow_from(position);
                self.enqueue(stream);
                return false;
            }
            Placement::Continue => {
                line.state = LineState::Comparing;
                self.actions.push_back(SenderAction::CheckHead(*position));
                return true;
            }
            Placement::Complete => {
                line.state = LineState::Complete;
                receipt.note(spooled.released, stream, durable_next, Vec::new());
                return false;
            }
            Placement::SpoolWiped => Finding::SpoolWiped {
                stream,
                spooled_next: spooled.span.next,
                durable_next,
            },
            Placement::Regressed => Finding::Regressed {
                stream,
                released: spooled.released,
                durable_next,
            },
            Placement::RetentionHole => Finding::RetentionHole {
                stream,
                durable_next,
                oldest: spooled.span.oldest,
            },
        };
        self.halt(stream, finding);
        false
    }

    /// Third step: once every head is compared, what was told is true, and waits for the store.
    fn go_on(&mut self, now: Duration) {
        match std::mem::replace(&mut self.step, Step::Idle) {
            Step::Comparing { receipt, waiting } if waiting.is_empty() => {
                self.liveness.heard(now);
                match &mut self.unstored {
                    Some(unstored) => unstored.absorb(receipt),
                    None => self.unstored = Some(receipt),
                }
            }
            other => self.step = other,
        }
    }

    /// Asks for the store of what is verified, if it says anything new, nothing else is being
    /// stored and no further message is being worked off that could go with it.
    fn store(&mut self) {
        if self.storing.is_some() || !matches!(self.step, Step::Idle) {
            return;
        }
        let Some(mut receipt) = self.unstored.take() else {
            return;
        };
        receipt.streams.retain(|moved| {
            let line = self.lines.get(&moved.stream);
            line.is_none_or(|line| moved.next > line.spooled.released)
        });
        if !receipt.streams.is_empty() || receipt.checkpoint != self.config.held {
            self.actions.push_back(SenderAction::Store(receipt.clone()));
            self.storing = Some(receipt);
        }
    }

    /// Why these positions cannot be meant for us.
    fn misplaced(&self, positions: &[Position]) -> Option<&'static str> {
        let mut seen = BTreeSet::new();
        for position in positions {
            if !self.lines.contains_key(&position.stream) {
                return Some("position of a stream that was not named");
            }
            if !seen.insert(position.stream) {
                return Some("two positions of one stream");
            }
        }
        None
    }

    fn break_off(&mut self, now: Duration, why: &str) {
        self.end(now, CloseReason::ProtocolError, why);
    }
}

impl Receipt {
    /// Streams and leaf ranges: what a receipt takes in memory.
    pub(super) fn parts(&self) -> usize {
        let parts = |moved: &StreamReceipt| 1 + moved.leaves.len();
        self.streams.iter().map(parts).sum()
    }

    /// Takes a newer receipt in.
    fn absorb(&mut self, newer: Self) {
        self.origin = newer.origin;
        self.checkpoint = newer.checkpoint;
        for moved in newer.streams {
            let known = self
                .streams
                .iter_mut()
                .find(|known| known.stream == moved.stream);
            match known {
                Some(known) => {
                    known.next = known.next.max(moved.next);
                    known.leaves.extend(moved.leaves);
                }
                None => self.streams.push(moved),
            }
        }
    }

    /// Adds a stream, if it moved.
    fn note(&mut self, released: u64, stream: StreamId, next: u64, leaves: Vec<LeafRange>) {
        if next > released {
            self.streams.push(StreamReceipt {
                stream,
                next,
                leaves,
            });
        }
    }
}
