//! How long to wait before the next connection: full jitter, so that ten thousand agents do not
//! come back in the same instant.

use std::time::Duration;

use crate::limits::{BACKOFF_FIRST, BACKOFF_MAX, BACKOFF_MIN};

/// Waits that grow with each failure.
#[derive(Debug, Clone)]
pub struct Backoff {
    /// State of SplitMix64 (Steele, Lea, Flood 2014): enough to spread waits, and for nothing else.
    random: u64,
    failures: u32,
}

impl Backoff {
    /// `seed`: anything that differs between agents.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: seed,
            failures: 0,
        }
    }

    /// The next wait: uniform from 0.1 s to 1 s after the first failure, to 2 s after the second,
    /// and so on up to 30 s.
    pub fn next_wait(&mut self) -> Duration {
        let highest = BACKOFF_FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(BACKOFF_MAX);
        self.failures = self.failures.saturating_add(1);
        let spread_us = u64::try_from((highest - BACKOFF_MIN).as_micros())
            .expect("invariant: at most 30 s in microseconds");
        BACKOFF_MIN + Duration::from_micros(self.next_random() % (spread_us + 1))
    }

    /// Forgets the failures: the connection did what it is for.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_within_bounds_and_start_over() {
        let mut backoff = Backoff::new(7);
        for failure in 0..100 {
            let wait = backoff.next_wait();
            assert!(
                (BACKOFF_MIN..=BACKOFF_MAX).contains(&wait),
                "{failure}: {wait:?}"
            );
        }
        backoff.succeeded();
        assert!(backoff.next_wait() <= BACKOFF_FIRST);
    }
}
