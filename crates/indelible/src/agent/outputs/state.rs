//! How an output is: counters for the metrics, and a small file for `indelible status`.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Counters of one output since the worker started.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) name: String,
    pub(crate) required: bool,
    connected: AtomicBool,
    messages: AtomicU64,
    lag_entries: AtomicU64,
    skipped_entries: AtomicU64,
    left_out_events: AtomicU64,
    failures: AtomicU64,
    error: Mutex<Option<String>>,
}

/// The same as it stands in `worker/outputs/NAME.json`, replaced once a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) v: u8,
    /// Whether the spool is held for it.
    pub(crate) required: bool,
    /// Whether there is a way to its destination.
    pub(crate) connected: bool,
    /// Messages that were handed over since the worker started.
    pub(crate) messages: u64,
    /// Entries that were gone before they were read.
    pub(crate) skipped_entries: u64,
    /// Audit events that its condition or rates left out.
    pub(crate) left_out_events: u64,
    /// What went wrong last, until it works again.
    pub(crate) error: Option<String>,
}

impl State {
    pub(super) fn new(name: &str, required: bool) -> Self {
        Self {
            name: name.to_owned(),
            required,
            ..Self::default()
        }
    }

    /// Of the collector, which the spool is held for.
    pub(crate) fn collector() -> Self {
        Self::new("collector", true)
    }

    pub(crate) fn connected(&self) {
        self.connected.store(true, Ordering::Relaxed);
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn failed(&self, error: &anyhow::Error) {
        self.connected.store(false, Ordering::Relaxed);
        self.failures.fetch_add(1, Ordering::Relaxed);
        let text = format!("{error:#}");
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    pub(super) fn sent(&self, messages: u64) {
        self.messages.fetch_add(messages, Ordering::Relaxed);
    }

    pub(super) fn skipped(&self, entries: u64) {
        self.skipped_entries.fetch_add(entries, Ordering::Relaxed);
    }

    pub(super) fn left_out(&self, events: u64) {
        self.left_out_events.fetch_add(events, Ordering::Relaxed);
    }

    pub(crate) fn lags(&self, entries: u64) {
        self.lag_entries.store(entries, Ordering::Relaxed);
    }

    /// Entries that it does not have yet.
    pub(crate) fn lag_entries(&self) -> u64 {
        self.lag_entries.load(Ordering::Relaxed)
    }

    /// Ways that broke or could not be opened.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(crate) fn shown(&self) -> Shown {
        Shown {
            v: 1,
            required: self.required,
            connected: self.connected.load(Ordering::Relaxed),
            messages: self.messages.load(Ordering::Relaxed),
            skipped_entries: self.skipped_entries.load(Ordering::Relaxed),
            left_out_events: self.left_out_events.load(Ordering::Relaxed),
            error: self
                .error
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }

    /// Replaces the file. Nobody depends on it: one that cannot be written is left alone.
    pub(super) fn save(&self, path: &Path) {
        let temporary = path.with_extension("json.new");
        let saved = serde_json::to_vec(&self.shown())
            .map_err(std::io::Error::from)
            .and_then(|text| std::fs::write(&temporary, text))
            .and_then(|()| std::fs::rename(&temporary, path));
        if let Err(error) = saved {
            tracing::debug!("cannot write {}: {error}", path.display());
        }
    }
}
