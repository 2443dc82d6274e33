//! Holes in the serials of one boot's events, while the events are arriving.
//!
//! Events come nearly in order: a hole counts once records are there that are so much newer that
//! nothing of it can still be under way.

use serde::{Deserialize, Serialize};

/// The serials seen so far.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Serials {
    /// The one that is due next.
    next: Option<u32>,
    newest_ms: u64,
    open: Vec<Hole>,
}

/// Serials that have not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hole {
    pub(super) first: u32,
    pub(super) last: u32,
    /// Time of the newest record when it was seen.
    seen_ms: u64,
}

impl Hole {
    /// Events.
    pub(super) fn count(&self) -> u64 {
        u64::from(self.last.wrapping_sub(self.first)) + 1
    }
}

impl Serials {
    /// The serial that is due next, once one was seen.
    pub(super) fn due(&self) -> Option<u32> {
        self.next
    }

    /// Takes the serial of a record; answers the holes that will not be filled any more.
    pub(super) fn note(&mut self, serial: u32, ms: u64) -> Vec<Hole> {
        self.newest_ms = self.newest_ms.max(ms);
        let next = *self.next.get_or_insert(serial);
        let ahead = serial.wrapping_sub(next);
        if ahead < 1 << 31 {
            if ahead > 0 {
                self.open.push(Hole {
                    first: next,
                    last: serial.wrapping_sub(1),
                    seen_ms: self.newest_ms,
                });
            }
            self.next = Some(serial.wrapping_add(1));
        } else {
            self.fill(serial);
        }
        self.settled()
    }

    fn fill(&mut self, serial: u32) {
        let within =
            |hole: &Hole| serial.wrapping_sub(hole.first) <= hole.last.wrapping_sub(hole.first);
        let Some(at) = self.open.iter().position(within) else {
            return;
        };
        let hole = self.open.remove(at);
        if serial != hole.last {
            let after = Hole {
                first: serial.wrapping_add(1),
                ..hole
            };
            self.open.insert(at, after);
        }
        if serial != hole.first {
            let before = Hole {
                last: serial.wrapping_sub(1),
                ..hole
            };
            self.open.insert(at, before);
        }
    }

    fn settled(&mut self) -> Vec<Hole> {
        let newest = self.newest_ms;
        let surplus = self.open.len().saturating_sub(OPEN_MAX);
        let old = self
            .open
            .iter()
            .take_while(|hole| hole.seen_ms + ARRIVING_MS < newest);
        let count = old.count().max(surplus);
        self.open.drain(..count).collect()
    }
}

/// How long before the newest record an event's records may still be arriving.
const ARRIVING_MS: u64 = 2_000;
/// Holes that are waited for.
const OPEN_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(serials: &[(u32, u64)], expect: &[(u32, u32)]) {
        let mut seen = Serials::default();
        let holes = serials
            .iter()
            .flat_map(|(serial, ms)| seen.note(*serial, *ms));
        let holes: Vec<_> = holes.collect::<Vec<_>>();
        let holes: Vec<_> = holes.iter().map(|hole| (hole.first, hole.last)).collect();
        assert_eq!(holes, expect, "{serials:?}");
    }

    #[test]
    fn holes_settle_when_newer_records_are_there() {
        check(&[(5, 0), (6, 10), (9, 20)], &[]);
        check(&[(5, 0), (9, 20), (10, 2_100)], &[(6, 8)]);
        // Late, but under way.
        check(&[(5, 0), (9, 20), (7, 30), (10, 2_100)], &[(6, 6), (8, 8)]);
        check(&[(5, 0), (8, 20), (7, 30), (6, 40), (9, 9_000)], &[]);
        check(&[(5, 0), (5, 1), (4, 2), (6, 9_000)], &[]);
        let max = u32::MAX;
        check(&[(max - 1, 0), (1, 10), (2, 9_000)], &[(max, 0)]);
    }

    #[test]
    fn no_more_holes_are_kept_than_the_limit() {
        let mut seen = Serials::default();
        let count: usize = (0..4_000).map(|step| seen.note(step * 2, 0).len()).sum();
        assert_eq!((count, seen.open.len()), (3_999 - OPEN_MAX, OPEN_MAX));
    }
}
