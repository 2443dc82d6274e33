//! Closed events that wait for their turn: given out by stamp, and where stamps are equal as they
//! were closed.
//!
//! Nearly all events are closed in the order of their stamps, so most of them stand in a queue; only
//! those that are late are sorted in.

use std::collections::{BTreeMap, VecDeque};

use crate::event::Event;
use crate::stamp::Stamp;

#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Ascending.
    queue: VecDeque<(Turn, Event)>,
    late: BTreeMap<Turn, Event>,
    count: u64,
}

/// Stamp and number of closing; events without a stamp come first.
type Turn = (Option<Stamp>, u64);

impl Turns {
    /// Takes an event.
    pub(super) fn insert(&mut self, event: Event) {
        self.count += 1;
        let turn = (event.stamp(), self.count);
        if self.queue.back().is_none_or(|(last, _)| *last < turn) {
            self.queue.push_back((turn, event));
        } else {
            self.late.insert(turn, event);
        }
    }

    /// The stamp of the first event.
    pub(super) fn first(&self) -> Option<Option<Stamp>> {
        let queued = self.queue.front().map(|(turn, _)| *turn);
        let late = self.late.first_key_value().map(|(turn, _)| *turn);
        let first = match (queued, late) {
            (Some(queued), Some(late)) => queued.min(late),
            (queued, late) => queued.or(late)?,
        };
        Some(first.0)
    }

    /// Gives out the first event.
    pub(super) fn pop(&mut self) -> Option<Event> {
        match (self.queue.front(), self.late.first_key_value()) {
            (Some((queued, _)), Some((late, _))) if late < queued => self.pop_late(),
            (None, _) => self.pop_late(),
            _ => self.queue.pop_front().map(|(_, event)| event),
        }
    }

    fn pop_late(&mut self) -> Option<Event> {
        self.late.pop_first().map(|(_, event)| event)
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len() + self.late.len()
    }
}
