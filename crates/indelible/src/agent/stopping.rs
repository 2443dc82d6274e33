//! When to stop: SIGTERM, SIGINT, or for a supervised process the end of standard input (of
//! standard output, where the input carries records).

use std::io::Read;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};

/// A flag that plain threads look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stopping(Arc<AtomicBool>);

impl Stopping {
    /// Set by SIGTERM and SIGINT.
    pub(crate) fn on_signals() -> Result<Self> {
        let stopping = Self::default();
        for signal in [SIGTERM, SIGINT] {
            signal_hook::flag::register(signal, stopping.0.clone())
                .context("cannot handle signals")?;
        }
        Ok(stopping)
    }

    /// Also set when standard input ends, which is when the supervisor does.
    pub(crate) fn or_end_of_input(self) -> Self {
        let flag = self.0.clone();
        std::thread::spawn(move || {
            wait_for_end_of_input();
            flag.store(true, Ordering::Release);
        });
        self
    }

    /// Also set when nobody reads standard output any more: for a supervised process whose standard
    /// input carries records.
    pub(crate) fn or_lost_reader(self) -> Self {
        let flag = self.0.clone();
        std::thread::spawn(move || {
            let output = std::io::stdout();
            while matches!(
                indelible_sys::wait::wait_for_lost_reader(output.as_fd(), LOOK_EVERY),
                Ok(false)
            ) {}
            flag.store(true, Ordering::Release);
        });
        self
    }

    /// Asks to stop.
    pub(crate) fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// True from the first request to stop on.
    pub(crate) fn requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How long one wait for a lost reader lasts.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// Returns when standard input has ended.
pub(crate) fn wait_for_end_of_input() {
    let mut rest = [0; 64];
    let mut input = std::io::stdin();
    while !matches!(input.read(&mut rest), Ok(0) | Err(_)) {}
}
