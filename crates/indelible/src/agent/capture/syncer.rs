//! The thread that makes durable what the reader wrote, so that the reader never waits for the disk.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use indelible_log::spool::SyncHandle;

use crate::agent::source_stream::SourceStream;

/// The running thread.
#[derive(Debug)]
pub(super) struct Syncer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<Result<()>>>,
    shared: Arc<Mutex<Synced>>,
    /// Of the stream's files.
    generation: u64,
}

#[derive(Debug)]
struct Synced {
    handle: SyncHandle,
    /// A failed sync is final for its handle: the stream must be opened again.
    failure: Option<String>,
}

impl Syncer {
    pub(super) fn start(stream: &SourceStream) -> Self {
        let (wake, woken) = sync_channel(1);
        let shared = Arc::new(Mutex::new(Synced {
            handle: stream.sync_handle(),
            failure: None,
        }));
        let theirs = shared.clone();
        let thread = std::thread::spawn(move || {
            sync_when_woken(&theirs, &woken);
            Ok(())
        });
        Self {
            wake: Some(wake),
            thread: Some(thread),
            shared,
            generation: stream.generation(),
        }
    }

    /// Goes on with the stream's present files.
    pub(super) fn follow(&mut self, stream: &SourceStream) {
        if stream.generation() != self.generation {
            self.generation = stream.generation();
            lock(&self.shared).handle = stream.sync_handle();
        }
    }

    /// Why a sync failed, once.
    pub(super) fn take_failure(&mut self) -> Option<String> {
        lock(&self.shared).failure.take()
    }

    /// Asks for a sync.
    pub(super) fn wake(&mut self) -> Result<()> {
        let Some(wake) = &self.wake else {
            return Ok(());
        };
        // Full means that a wake-up waits already.
        match wake.try_send(()) {
            Ok(()) | Err(std::sync::mpsc::TrySendError::Full(())) => Ok(()),
            Err(std::sync::mpsc::TrySendError::Disconnected(())) => self.finish(),
        }
    }

    /// Syncs what is left and ends.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.wake = None;
        match self.thread.take() {
            Some(thread) => thread
                .join()
                .unwrap_or_else(|_| anyhow::bail!("the syncing thread panicked")),
            None => Ok(()),
        }
    }
}

fn sync_when_woken(shared: &Mutex<Synced>, woken: &Receiver<()>) {
    let sync = || {
        // Not under the lock: a sync takes long, and the reader must not wait for it.
        let handle = lock(shared).handle.clone();
        match handle.sync() {
            // The answer for files that were opened again meanwhile says nothing.
            Ok(_) | Err(indelible_log::Error::Poisoned) => {}
            Err(error) => lock(shared).failure = Some(error.to_string()),
        }
    };
    while woken.recv().is_ok() {
        sync();
        std::thread::sleep(SYNC_EVERY);
    }
    sync();
}

fn lock(shared: &Mutex<Synced>) -> MutexGuard<'_, Synced> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shortest time between two syncs.
const SYNC_EVERY: Duration = Duration::from_millis(20);
