//! How fast one peer may be: beyond its rate it is not read from, so that it waits and loses nothing.
//!
//! Pure: time is a parameter. Each rate lets a second's worth through at once.

use std::time::{Duration, Instant};

use crate::config::receivers::PeerLimits;

/// The pace of one peer.
#[derive(Debug)]
pub(super) struct Pace {
    messages: Rate,
    bytes: Rate,
}

/// One rate: when what was taken so far would be due if it came evenly.
#[derive(Debug)]
struct Rate {
    per_second: u64,
    due: Instant,
}

impl Pace {
    pub(super) fn new(limits: PeerLimits, now: Instant) -> Self {
        Self {
            messages: Rate::new(limits.messages_per_second, now),
            bytes: Rate::new(limits.bytes_per_second, now),
        }
    }

    /// Notes what was taken from the peer; how long not to read from it.
    pub(super) fn take(&mut self, messages: usize, bytes: usize, now: Instant) -> Duration {
        let messages = self.messages.take(messages as u64, now);
        messages.max(self.bytes.take(bytes as u64, now))
    }
}

impl Rate {
    fn new(per_second: u64, now: Instant) -> Self {
        Self {
            per_second: per_second.max(1),
            due: now.checked_sub(BURST).unwrap_or(now),
        }
    }

    fn take(&mut self, count: u64, now: Instant) -> Duration {
        let nanoseconds = u128::from(count) * 1_000_000_000 / u128::from(self.per_second);
        let cost =
            Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)).min(WAIT_MAX);
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        self.due = self.due.max(earliest) + cost;
        self.due.saturating_duration_since(now).min(WAIT_MAX)
    }
}

/// What may come at once after a pause, as time at the full rate.
const BURST: Duration = Duration::from_secs(1);
/// Longest pause for one read, whatever was configured: a third of what either side of a connection
/// waits for the other.
const WAIT_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_at_once_and_then_the_rate() {
        let limits = PeerLimits {
            messages_per_second: 100,
            bytes_per_second: 10_000,
        };
        let start = Instant::now() + Duration::from_secs(10);
        let mut pace = Pace::new(limits, start);
        assert_eq!(pace.take(100, 0, start), Duration::ZERO);
        assert_eq!(pace.take(50, 0, start), Duration::from_millis(500));
        // Bytes are counted apart, and the longer wait counts.
        assert_eq!(pace.take(0, 20_000, start), Duration::from_secs(1));
        let later = start + Duration::from_secs(3);
        assert_eq!(pace.take(100, 100, later), Duration::ZERO);
        assert_eq!(pace.take(usize::MAX, 0, later), WAIT_MAX);
    }
}
