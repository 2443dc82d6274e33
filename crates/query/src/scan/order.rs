//! The order of ausearch: each event waits until the log's own time is past it by the timeout, then
//! the oldest goes first.

use std::collections::{BTreeMap, VecDeque};

use indelible_record::Stamp;

/// Events in waiting, by time, serial and arrival.
#[derive(Debug)]
pub(super) struct Order {
    timeout_s: u64,
    /// How much log an event waits through at most, in bytes.
    hold: u64,
    waiting: BTreeMap<Place, Waiting>,
    /// Places by arrival; some are gone.
    arrived: VecDeque<(u64, Place)>,
    arrivals: u64,
}

type Place = (Stamp, u64);

#[derive(Clone, Copy, Debug)]
struct Waiting {
    slot: u64,
    /// What this one waits to see passed.
    until_sec: Option<u64>,
}

impl Order {
    pub(super) fn new(timeout_ms: u64, hold: u64) -> Self {
        Self {
            timeout_s: timeout_ms / 1000,
            hold,
            waiting: BTreeMap::new(),
            arrived: VecDeque::new(),
            arrivals: 0,
        }
    }

    /// An event came, at an offset. It waits for the log's time to pass its own; or, where it is
    /// `single` and so complete at once, that of the last older one that waits, if there is any.
    pub(super) fn insert(
        &mut self,
        stamp: Stamp,
        slot: u64,
        at: u64,
        single: Option<Option<Stamp>>,
    ) {
        self.arrivals += 1;
        let place = (stamp, self.arrivals);
        let until_sec = match single {
            None => Some(stamp.sec),
            Some(older) => older.filter(|older| *older < stamp).map(|older| older.sec),
        };
        self.waiting.insert(place, Waiting { slot, until_sec });
        self.arrived.push_back((at, place));
    }

    /// The log is at the offset `at`, and at its second `now_sec`: appends those whose turn it is.
    pub(super) fn advance(&mut self, now_sec: u64, at: u64, out: &mut VecDeque<u64>) {
        self.pop_due(now_sec, out);
        while let Some((arrived, place)) = self.arrived.front() {
            if !self.waiting.contains_key(place) {
                self.arrived.pop_front();
            } else if arrived.saturating_add(self.hold) < at {
                out.extend(self.pop());
                self.pop_due(now_sec, out);
            } else {
                break;
            }
        }
    }

    fn pop_due(&mut self, now_sec: u64, out: &mut VecDeque<u64>) {
        while let Some(first) = self.waiting.first_entry() {
            let until_sec = first.get().until_sec;
            if until_sec.is_some_and(|sec| sec.saturating_add(self.timeout_s) >= now_sec) {
                break;
            }
            out.push_back(first.remove().slot);
        }
    }

    /// The oldest, whether or not it is its turn.
    pub(super) fn pop(&mut self) -> Option<u64> {
        self.waiting.pop_first().map(|(_, waiting)| waiting.slot)
    }
}
