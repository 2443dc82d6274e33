//! One stream on its way to the collector.

use std::collections::VecDeque;

use super::{Boot, Spooled};
use crate::native::{Hash, Position};

/// A stream and how far it got on this connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) spooled: Spooled,
    pub(super) state: LineState,
    /// Sequence number of the next entry to send.
    pub(super) sent: u64,
    /// Chain head before entry `sent`.
    pub(super) head: Hash,
    /// Position that the collector has confirmed on this connection.
    pub(super) acked: u64,
    /// Batches sent and not confirmed, in order.
    pub(super) flights: VecDeque<Flight>,
    /// Stands in the sender's queue of streams that have something to send.
    pub(super) queued: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineState {
    /// Its position at the collector is not known on this connection.
    Unplaced,
    /// Its head is being compared.
    Comparing,
    /// Batches may be sent.
    Flowing,
    /// The collector has all of it and more: a stream of an earlier boot.
    Complete,
    /// A finding stopped it, until the process ends.
    Halted,
    /// The caller took it back. It is forgotten when the connection ends.
    Withdrawn,
}

/// One batch in flight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flight {
    pub(super) first: u64,
    pub(super) next: u64,
    pub(super) raw_bytes: usize,
}

/// Where a stream goes on, as far as its numbers tell.
#[derive(Debug)]
pub(super) enum Placement {
    /// Continue there, once the head is compared (at 0 there is nothing to compare).
    Continue,
    /// The collector has all of it and more.
    Complete,
    /// The collector has more than a spool of this boot: the spool lost what it had.
    SpoolWiped,
    /// The collector has less than it gave a receipt for.
    Regressed,
    /// The collector has less than the spool begins with.
    RetentionHole,
}

impl Line {
    pub(super) fn new(spooled: Spooled) -> Self {
        Self {
            spooled,
            state: LineState::Unplaced,
            sent: 0,
            head: [0; 32],
            acked: 0,
            flights: VecDeque::new(),
            queued: false,
        }
    }

    /// Rule 2 of docs/protocol.md, as far as it needs no head.
    pub(super) fn place(&self, durable_next: u64) -> Placement {
        let Spooled {
            span,
            boot,
            released,
        } = self.spooled;
        if durable_next > span.next {
            match boot {
                Boot::Earlier => Placement::Complete,
                Boot::Current => Placement::SpoolWiped,
            }
        } else if durable_next < released {
            Placement::Regressed
        } else if durable_next < span.oldest {
            Placement::RetentionHole
        } else {
            Placement::Continue
        }
    }

    /// Sending starts at `position`, whose head is ours.
    pub(super) fn flow_from(&mut self, position: &Position) {
        self.state = LineState::Flowing;
        self.sent = position.next;
        self.head = position.head;
        self.acked = position.next;
    }

    pub(super) fn has_more(&self) -> bool {
        self.state == LineState::Flowing && self.sent < self.spooled.span.next
    }

    /// Takes the flights below `next` off; the raw bytes and batches that they held.
    pub(super) fn land(&mut self, next: u64) -> Landed {
        self.acked = next;
        let mut landed = Landed::default();
        while let Some(flight) = self.flights.front().filter(|flight| flight.next <= next) {
            landed.bytes += flight.raw_bytes;
            landed.batches += 1;
            self.flights.pop_front();
        }
        landed
    }

    /// Stops for good; what its flights held.
    pub(super) fn halt(&mut self) -> Landed {
        self.state = LineState::Halted;
        let landed = Landed {
            bytes: self.flights.iter().map(|flight| flight.raw_bytes).sum(),
            batches: self.flights.len(),
        };
        self.flights.clear();
        landed
    }

    /// The connection is gone.
    pub(super) fn unplace(&mut self) {
        if self.state != LineState::Halted {
            self.state = LineState::Unplaced;
        }
        self.sent = 0;
        self.acked = 0;
        self.flights.clear();
        self.queued = false;
    }
}

/// Room in the window that was given back.
#[derive(Debug, Default)]
pub(super) struct Landed {
    pub(super) bytes: usize,
    pub(super) batches: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::{Span, StreamId};

    #[test]
    fn what_a_receipt_covers_is_held_against_the_collector_and_what_is_gone_here_is_a_hole() {
        let place = |released, durable_next| {
            let span = Span {
                stream: StreamId([1; 16]),
                oldest: 10,
                next: 20,
            };
            let line = Line::new(Spooled {
                span,
                boot: Boot::Current,
                released,
            });
            line.place(durable_next)
        };
        assert!(matches!(place(0, 5), Placement::RetentionHole));
        assert!(matches!(place(5, 5), Placement::RetentionHole));
        assert!(matches!(place(10, 5), Placement::Regressed));
        assert!(matches!(place(15, 12), Placement::Regressed));
        assert!(matches!(place(10, 10), Placement::Continue));
        assert!(matches!(place(15, 20), Placement::Continue));
        assert!(matches!(place(15, 21), Placement::SpoolWiped));
    }
}
