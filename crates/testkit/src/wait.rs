//! Waiting for what other processes do.

use std::time::{Duration, Instant};

/// Looks again and again until it is so.
///
/// # Panics
/// If it is not so after `patience`; the message names `what`.
pub fn wait_for(patience: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < patience, "{what} did not come");
        std::thread::sleep(LOOK_EVERY);
    }
}

const LOOK_EVERY: Duration = Duration::from_millis(10);
