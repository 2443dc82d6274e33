//! What is missing, as the collector sees it: holes in serials and streams, events that lack records,
//! losses that a host did not account for, silence, clocks that were set, broken chains of keys.
//! Each becomes a gap entry of the collector's own stream, and a finding where somebody should look.
//!
//! A thread of its own reads the log behind the writer, so nothing that it does holds up anybody. Its
//! state is kept beside the log every few seconds; after a crash it reads on from there, and what it
//! had told since stands in the log itself.

mod boot;
mod note;
mod serials;
mod watcher;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::dir::{Dir, RealDir, read_small, replace};
use indelible_log::{Checkpoint, EntryRef, Kind, LogReader, StreamId};
use indelible_sys::clock::realtime_ns;
use indelible_sys::process;
use tokio::sync::watch;

use super::peers::Peers;
use super::writer::{Request, Wanted};
use crate::payload::{About, Gap, to_bytes};
use note::Note;
use watcher::Watcher;

/// The reader of the log that finds what is missing.
pub(super) struct Gaps {
    dir: Arc<dyn Dir>,
    reader: LogReader,
    watcher: Watcher,
    clock: Clock,
    /// Size of the log when it was opened, and the collector's own stream.
    opened: (u64, StreamId),
    /// The size at which the state was kept last, and when.
    kept: (u64, Instant),
}

impl Gaps {
    /// Goes on from the state that is kept in a store of `size` entries. `own` is the collector's own
    /// stream, `peers` say who sends the others.
    ///
    /// # Errors
    /// Those of the disk, and damage.
    pub(super) fn open(store: &Path, size: u64, own: StreamId, peers: Peers) -> Result<Self> {
        let dir = RealDir::open(store)?;
        let reader = LogReader::open(dir.clone())?;
        let text = match read_small(&*dir, STATE, STATE_BYTES_MAX) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read {STATE}")),
        };
        let kept = text.and_then(|text| Watcher::parse(&text));
        let mut watcher = kept
            .filter(|watcher| watcher.next <= size)
            .unwrap_or_else(|| Watcher::new(size));
        watcher.peers = peers;
        watcher.resume(realtime_ns());
        Ok(Self {
            dir,
            reader,
            kept: (watcher.next, Instant::now()),
            watcher,
            clock: Clock::now(),
            opened: (size, own),
        })
    }

    /// Reads in a thread of its own until the collector stops.
    pub(super) fn start(
        mut self,
        requests: Sender<Request>,
        newest: watch::Receiver<Checkpoint>,
        stopping: watch::Receiver<bool>,
    ) -> Result<()> {
        thread::Builder::new().name("gaps".into()).spawn(move || {
            process::give_way();
            if let Err(error) = self.read_what_was_told() {
                tracing::warn!("gaps may be told twice: {error:#}");
            }
            while !*stopping.borrow() && stopping.has_changed().is_ok() {
                let size = newest.borrow().size;
                let Some(told) = self.step(size, &requests) else {
                    return;
                };
                if let Err(error) = told {
                    tracing::warn!("cannot look for gaps: {error:#}");
                    thread::sleep(PAUSE_AFTER_ERROR);
                }
                thread::sleep(TICK);
            }
        })?;
        Ok(())
    }

    /// Reads what has come, and looks at the clock. Nothing where the writer is gone.
    fn step(&mut self, size: u64, requests: &Sender<Request>) -> Option<Result<()>> {
        let mut notes = Vec::new();
        let read = self.read(size, &mut notes);
        if let Some((from_ns, to_ns)) = self.clock.step() {
            notes.push(Note::clock_step(About::default(), from_ns, to_ns));
        }
        if read.is_ok() {
            notes.extend(self.watcher.waited(realtime_ns()));
        }
        for (kind, payload) in notes.iter().flat_map(Note::entries) {
            let entry = Wanted::Own(vec![(kind, payload)]);
            requests.send(Request::unanswered(entry)).ok()?;
        }
        Some(read.and_then(|()| self.keep()))
    }

    fn read(&mut self, size: u64, notes: &mut Vec<Note>) -> Result<()> {
        while self.watcher.next < size {
            let from = self.watcher.next;
            // What has just come was heard now; what came while nobody read, when it was marked.
            let live = size - from < LIVE_ENTRIES;
            let Some(part) = self.reader.part_at(from)? else {
                return Ok(());
            };
            for (index, bytes) in self.reader.decode(&part)?.iter_from(from) {
                let entry = EntryRef::parse(bytes)?;
                // What was removed or erased is passed over.
                self.watcher.next = index;
                notes.extend(self.watcher.enter(&entry, live.then(realtime_ns)));
            }
            self.watcher.next = part.end();
            // A turn of the scheduler is longer than a commit, and being nice does not shorten it.
            thread::yield_now();
            if notes.len() > NOTES_AT_ONCE {
                return Ok(());
            }
        }
        Ok(())
    }

    /// What stands in the log beyond the state was told already, if it is of the collector.
    fn read_what_was_told(&mut self) -> Result<()> {
        let (size, own) = self.opened;
        let mut next = self.watcher.next;
        if self.watcher.is_silent_below(size) {
            return Ok(());
        }
        while next < size {
            let Some(part) = self.reader.part_at(next)? else {
                break;
            };
            for (index, bytes) in self.reader.decode(&part)?.iter_from(next) {
                let entry = EntryRef::parse(bytes)?;
                let header = entry.header();
                if header.stream == own
                    && header.kind == Kind::Gap
                    && let Ok(gap) = serde_json::from_slice::<Gap>(entry.payload())
                {
                    self.watcher.already_told(&gap);
                }
                next = index + 1;
            }
        }
        Ok(())
    }

    /// Keeps the state, not too often.
    fn keep(&mut self) -> Result<()> {
        let (size, at) = self.kept;
        if self.watcher.next == size || at.elapsed() < KEEP_EVERY {
            return Ok(());
        }
        replace(&*self.dir, "", STATE, &to_bytes(&self.watcher))
            .with_context(|| format!("cannot write {STATE}"))?;
        self.kept = (self.watcher.next, Instant::now());
        Ok(())
    }
}

/// The collector's own clock, held to one that nobody sets.
#[derive(Debug)]
struct Clock {
    realtime_ns: u64,
    at: Instant,
}

impl Clock {
    fn now() -> Self {
        Self {
            realtime_ns: realtime_ns(),
            at: Instant::now(),
        }
    }

    /// Where the clock should stand and where it stands, if it was set since the last call.
    fn step(&mut self) -> Option<(u64, u64)> {
        let before = std::mem::replace(self, Self::now());
        let passed = self.at.saturating_duration_since(before.at).as_nanos();
        let due = before.realtime_ns.saturating_add(passed as u64);
        (due.abs_diff(self.realtime_ns) > CLOCK_STEP_NS).then_some((due, self.realtime_ns))
    }
}

/// The file of the state.
const STATE: &str = "gaps.json";
const STATE_BYTES_MAX: usize = 64 << 20;
/// How often the log is looked at.
const TICK: Duration = Duration::from_millis(200);
/// How often the state is kept.
const KEEP_EVERY: Duration = Duration::from_secs(10);
/// After the log could not be read or the state not be written.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(5);
/// So close to the end of the log, entries have just come.
const LIVE_ENTRIES: u64 = 20_000;
/// Notes that are handed over before more is read.
const NOTES_AT_ONCE: usize = 1_000;
/// A clock that deviates by more than this between two looks was set.
const CLOCK_STEP_NS: u64 = 1_000_000_000;
