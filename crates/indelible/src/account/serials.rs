//! Which serials were seen: few ranges where the kernel's records come in order.

use std::collections::BTreeMap;

use serde::Serialize;

/// A set of serials as ranges. Beyond [`RANGES_MAX`] of them the smallest hole is closed and
/// counted as missing no more, which `inexact` says.
#[derive(Clone, Debug, Default)]
pub(super) struct Serials {
    /// First serial to last, without neighbours that touch.
    ranges: BTreeMap<u32, u32>,
    inexact: bool,
}

/// Serials that nobody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Hole {
    pub(crate) first: u32,
    pub(crate) last: u32,
}

impl Serials {
    pub(super) fn insert(&mut self, serial: u32) {
        let before = self.ranges.range(..=serial).next_back();
        let mut first = serial;
        let mut last = serial;
        if let Some((begin, end)) = before.map(|(begin, end)| (*begin, *end)) {
            if end >= serial {
                return;
            }
            if end + 1 == serial {
                first = begin;
            }
        }
        if let Some(after) = serial.checked_add(1)
            && let Some(end) = self.ranges.remove(&after)
        {
            last = end;
        }
        self.ranges.insert(first, last);
        if self.ranges.len() > RANGES_MAX {
            self.close_the_first_hole();
        }
    }

    fn close_the_first_hole(&mut self) {
        self.inexact = true;
        if let (Some((first, _)), Some((_, last))) =
            (self.ranges.pop_first(), self.ranges.pop_first())
        {
            self.ranges.insert(first, last);
        }
    }

    pub(super) fn first(&self) -> Option<u32> {
        self.ranges.first_key_value().map(|(first, _)| *first)
    }

    pub(super) fn last(&self) -> Option<u32> {
        self.ranges.last_key_value().map(|(_, last)| *last)
    }

    /// How many serials were seen.
    pub(super) fn count(&self) -> u64 {
        self.ranges
            .iter()
            .map(|(first, last)| u64::from(last - first) + 1)
            .sum()
    }

    /// What is missing between the first and the last.
    pub(super) fn holes(&self) -> impl Iterator<Item = Hole> {
        let nexts = self.ranges.keys().skip(1);
        self.ranges.values().zip(nexts).map(|(last, next)| Hole {
            first: last + 1,
            last: next - 1,
        })
    }

    pub(super) fn is_inexact(&self) -> bool {
        self.inexact
    }
}

/// Ranges that are kept, 16 bytes each and more.
const RANGES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_what_was_not_inserted() {
        let mut serials = Serials::default();
        // Every order of a small set: 5 steps through 0..19 visit all but what is left out.
        for serial in (0..19u32)
            .map(|step| step * 5 % 19)
            .filter(|s| ![0, 4, 5, 11, 18].contains(s))
        {
            serials.insert(serial + 100);
            serials.insert(serial + 100);
        }
        let holes: Vec<_> = serials
            .holes()
            .map(|hole| (hole.first, hole.last))
            .collect();
        assert_eq!(holes, [(104, 105), (111, 111)]);
        assert_eq!(
            (serials.first(), serials.last(), serials.count()),
            (Some(101), Some(117), 14)
        );
        serials.insert(u32::MAX);
        assert_eq!(serials.last(), Some(u32::MAX));
    }
}
