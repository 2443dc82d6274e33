//! What the threads of a search share: which job is next, and how far ahead they may be.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use indelible_query::scan::Gathered;

use super::limits::{BATCHES_MAX, PIECES_AHEAD_MAX};

/// A job for a thread.
pub(super) enum Job {
    /// Take the next piece and scan it.
    Scan,
    /// Make a part of these events.
    Make(Batch),
}

/// Events for one part, in order.
pub(super) struct Batch {
    pub(super) number: u64,
    pub(super) ends_events: bool,
    pub(super) events: Vec<Gathered>,
}

/// The jobs.
#[derive(Default)]
pub(super) struct Jobs {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    batches: VecDeque<Batch>,
    /// Pieces that are read and scanned, and not joined yet.
    ahead: usize,
    /// Somebody takes a piece; the next one comes after it.
    is_taking: bool,
    /// There are no more pieces.
    is_fed: bool,
    is_over: bool,
}

impl Jobs {
    /// The next job; none when all is done. Events come first, so that what is held gets less.
    pub(super) fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.is_over {
                return None;
            }
            if let Some(batch) = state.batches.pop_front() {
                return Some(Job::Make(batch));
            }
            if !state.is_fed && !state.is_taking && state.ahead < PIECES_AHEAD_MAX {
                state.is_taking = true;
                state.ahead += 1;
                return Some(Job::Scan);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A piece was taken; or there was none. One that nobody reads counts for nothing: dozens of them
    /// stand around each block that can match, and the next such block is another thread's.
    pub(super) fn taken(&self, is_fed: bool, is_read: bool) {
        let mut state = self.lock();
        state.is_taking = false;
        state.ahead -= usize::from(!is_read);
        state.is_fed |= is_fed;
        drop(state);
        self.changed.notify_one();
    }

    /// A piece that was read was joined.
    pub(super) fn joined(&self) {
        self.lock().ahead -= 1;
        self.changed.notify_one();
    }

    /// There are events for a part.
    pub(super) fn add(&self, batch: Batch) {
        self.lock().batches.push_back(batch);
        self.changed.notify_one();
    }

    /// No more jobs.
    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether so many unfinished batches are enough for now.
pub(super) fn is_enough(batches: u64) -> bool {
    batches >= BATCHES_MAX
}
