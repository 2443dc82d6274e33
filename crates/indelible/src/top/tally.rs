//! Events and bytes by the values of three fields, in bounded memory.

use std::collections::HashMap;

use indelible_record::Event;

/// What came in one interval.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) all: Count,
    pub(super) keys: Values,
    pub(super) programs: Values,
    pub(super) hosts: Values,
}

/// Events, and the bytes of their records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) events: u64,
    pub(super) bytes: u64,
}

/// Counts by value.
#[derive(Debug, Default)]
pub(super) struct Values {
    counts: HashMap<Vec<u8>, Count>,
    /// Of values beyond the limit, together.
    others: Count,
}

impl Tally {
    /// Counts an event; `host` is where it is from if it does not say.
    pub(super) fn add(&mut self, event: &Event, host: &[u8]) {
        let bytes = event.bytes() as u64;
        self.all.add(bytes);
        let keys = event.keys();
        if keys.is_empty() {
            self.keys.add(NO_KEY, bytes);
        }
        for key in &keys {
            self.keys.add(key, bytes);
        }
        self.programs
            .add(event.exe().as_deref().unwrap_or(NO_PROGRAM), bytes);
        self.hosts.add(event.node().unwrap_or(host), bytes);
    }
}

impl Count {
    fn add(&mut self, bytes: u64) {
        self.events += 1;
        self.bytes += bytes;
    }
}

impl Values {
    fn add(&mut self, value: &[u8], bytes: u64) {
        if let Some(count) = self.counts.get_mut(value) {
            return count.add(bytes);
        }
        if self.counts.len() >= VALUES_MAX {
            return self.others.add(bytes);
        }
        self.counts.entry(value.to_vec()).or_default().add(bytes);
    }

    /// The values with the most events, most first; and what all others have together.
    pub(super) fn most(&self, lines: usize) -> (Vec<(&[u8], Count)>, Count) {
        let mut sorted: Vec<(&[u8], Count)> = self
            .counts
            .iter()
            .map(|(value, count)| (&**value, *count))
            .collect();
        sorted.sort_by(|(a, of_a), (b, of_b)| of_b.events.cmp(&of_a.events).then(a.cmp(b)));
        let mut others = self.others;
        for (_, count) in sorted.drain(lines.min(sorted.len())..) {
            others.events += count.events;
            others.bytes += count.bytes;
        }
        (sorted, others)
    }
}

const NO_KEY: &[u8] = b"(no key)";
const NO_PROGRAM: &[u8] = b"(no program)";
/// Values that are told apart.
const VALUES_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_come_first_and_the_rest_together() {
        let mut values = Values::default();
        for value in [&b"b"[..], b"a", b"c", b"a", b"b", b"d"] {
            values.add(value, 10);
        }
        let (most, others) = values.most(2);
        let of = |events| Count {
            events,
            bytes: events * 10,
        };
        assert_eq!(most, [(&b"a"[..], of(2)), (&b"b"[..], of(2))]);
        assert_eq!(others, of(2));
        for number in 0..2 * VALUES_MAX {
            values.add(&number.to_be_bytes(), 1);
        }
        assert_eq!(values.counts.len(), VALUES_MAX);
        let (most, others) = values.most(VALUES_MAX);
        let counted: u64 = most.iter().map(|(_, count)| count.events).sum();
        assert_eq!(counted + others.events, 6 + 2 * VALUES_MAX as u64);
    }
}
