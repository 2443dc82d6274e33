//! The contexts of events (kind 9), read from a store or a spool when an event asks for its own.
//!
//! An entry speaks of a process from one event on, so the newest one that is not later than an event
//! is the event's. It may stand anywhere before it, or a little behind it. In a store the block
//! indexes tell which blocks hold contexts of a pid: for a few processes only those are unpacked.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use indelible_log::index::Blocks;
use indelible_log::limits::{BLOCK_ENTRIES, SEGMENT_BLOCKS};
use indelible_log::{EntryRef, Kind};
use indelible_query::criteria::Window;
use indelible_query::terms::{self, TermField};
use indelible_record::{Event, Stamp};

use super::Source;
use super::entries::{Lines, Opened, StoreAt};
use super::limits::{CONTEXT_LOOKUPS_MAX, CONTEXTS_MAX};
use super::remote::Beside;

use crate::payload::context::Context;
use crate::walk;

/// The contexts of some sources, read on demand from any thread.
#[derive(Default)]
pub(crate) struct Contexts {
    /// None where nobody asks.
    shelf: Option<Mutex<Shelf>>,
    /// What a collector elsewhere knows of the event that it sent last.
    beside: Option<Arc<Beside>>,
}

impl Contexts {
    /// Of what the sources hold; nothing is read yet.
    pub(crate) fn of_sources(sources: &[Source]) -> Self {
        let unread = sources.iter().flat_map(|source| match source {
            Source::Files(_) | Source::Collector(_) => Vec::new(),
            Source::Store(at) => vec![Place::Store(at.clone())],
            Source::Stores(several) => several.iter().cloned().map(Place::Store).collect(),
            Source::Spool(path) => vec![Place::Spool(path.clone())],
        });
        let shelf = Shelf {
            places: unread.collect(),
            ..Shelf::default()
        };
        let beside = sources.iter().find_map(|source| match source {
            Source::Collector(collector) => Some(collector.contexts()),
            _ => None,
        });
        Self {
            shelf: (!shelf.places.is_empty()).then(|| Mutex::new(shelf)),
            beside,
        }
    }

    /// What is known of the process that caused an event.
    pub(crate) fn of(&self, event: &Event) -> Option<Arc<str>> {
        if let Some(beside) = &self.beside {
            return beside.get();
        }
        let at = |stamp: Stamp| (stamp.ms(), stamp.serial);
        let at = at(event.stamp()?);
        let node = String::from_utf8_lossy(event.node().unwrap_or_default());
        let process = (node.as_ref().into(), event.pid()?);
        // What was read before a thread panicked is whole: one entry at a time.
        let shelf = self.shelf.as_ref()?.lock();
        let mut shelf = shelf.unwrap_or_else(PoisonError::into_inner);
        shelf.look_for(&process);
        shelf.known.at(&process, at)
    }
}

/// What was read, and where more is.
#[derive(Default)]
struct Shelf {
    known: Known,
    places: Vec<Place>,
    looked_for: HashSet<Process>,
    /// Something could not be read, and that was said.
    is_broken: bool,
}

enum Place {
    Spool(PathBuf),
    Store(StoreAt),
    Opened(Box<Store>),
}

impl Shelf {
    fn look_for(&mut self, process: &Process) {
        if self.is_broken || !self.looked_for.insert(process.clone()) {
            return;
        }
        let pid = (self.looked_for.len() <= CONTEXT_LOOKUPS_MAX).then_some(process.1);
        let given_way = self.known.given_way;
        if let Err(error) = self.read(pid) {
            self.is_broken = true;
            eprintln!("{error:#}; events are shown without their contexts");
        }
        if given_way == 0 && self.known.given_way > 0 {
            eprintln!(
                "there are more than {CONTEXTS_MAX} contexts: some events are shown without theirs"
            );
        }
    }

    /// Reads what may speak of a pid, or of any.
    fn read(&mut self, pid: Option<u32>) -> Result<()> {
        for place in std::mem::take(&mut self.places) {
            let mut store = match place {
                Place::Spool(path) => {
                    let known = &mut self.known;
                    walk::spool(&path, |entry| known.enter("", entry))?;
                    continue;
                }
                Place::Store(at) => Box::new(Store::of(at.open(Window::ALL)?)),
                Place::Opened(store) => store,
            };
            let read = store.read(pid, &mut self.known);
            read.with_context(|| format!("cannot read the store {}", store.opened.path.display()))?;
            self.places.push(Place::Opened(store));
        }
        self.known.sort();
        Ok(())
    }
}

/// A store whose contexts are read block by block.
struct Store {
    /// As whoever searches it has it open.
    opened: Arc<Opened>,
    lines: Lines,
    /// The blocks of each segment that were read.
    read: Vec<Blocks>,
    /// All that can be read of the segments was read.
    is_exhausted: bool,
    /// First leaf index that was not read of what was not sealed.
    next: u64,
}

impl Store {
    fn of(opened: Arc<Opened>) -> Self {
        Self {
            read: vec![0; opened.segments.len()],
            lines: opened.lines.clone(),
            is_exhausted: false,
            next: opened.after,
            opened,
        }
    }

    fn read(&mut self, pid: Option<u32>, known: &mut Known) -> Result<()> {
        if !self.is_exhausted {
            self.read_sealed(pid, known)?;
            self.is_exhausted = pid.is_none();
        }
        // Written while it is searched: what is new since the last look.
        let reader = &self.opened.reader;
        while let Some(part) = reader.part_at(self.next)? {
            for (_, entry) in reader.decode(&part)?.iter_from(self.next) {
                let entry = EntryRef::parse(entry)?;
                self.lines.note(&entry);
                known.of_host(&self.lines, &entry);
            }
            self.next = part.end();
        }
        Ok(())
    }

    fn read_sealed(&mut self, pid: Option<u32>, known: &mut Known) -> Result<()> {
        let pid = pid.map(|pid| pid.to_string());
        let field = TermField::Context.number();
        let Opened {
            reader, segments, ..
        } = &*self.opened;
        for (segment, read) in std::iter::zip(segments, &mut self.read) {
            let is_asked = |value: &[u8]| pid.as_ref().is_none_or(|pid| pid.as_bytes() == value);
            let holding = match &segment.index {
                Some(index) if terms::had(index.version(), field) == Some(true) => {
                    index.matching(field, &mut |value| is_asked(value))?
                }
                _ => Blocks::MAX,
            };
            let unread = holding & !*read;
            for block in (0..SEGMENT_BLOCKS).filter(|block| unread >> block & 1 == 1) {
                let part = reader.block_at(segment.first + block * BLOCK_ENTRIES);
                for (_, entry) in reader.decode(&part)?.iter() {
                    known.of_host(&self.lines, &EntryRef::parse(entry)?);
                }
            }
            *read |= unread;
        }
        Ok(())
    }
}

/// Contexts by host and process.
#[derive(Default)]
struct Known {
    /// Of each process, by time and serial.
    processes: HashMap<Process, Vec<From>>,
    /// In the order in which they were read: the oldest give way.
    order: VecDeque<Process>,
    unsorted: HashSet<Process>,
    given_way: u64,
}

/// Time in ms and serial from which on it holds, and the JSON object.
type From = ((u64, u32), Arc<str>);
/// The host's node name, empty in a spool, and the pid.
type Process = (Box<str>, u32);

impl Known {
    /// Enters an entry of a store, if it is a context.
    fn of_host(&mut self, lines: &Lines, entry: &EntryRef<'_>) {
        let host = lines.host(entry.header().stream);
        self.enter(host.map_or("", |(_, node)| node), entry);
    }

    fn enter(&mut self, node: &str, entry: &EntryRef<'_>) {
        if entry.header().kind != Kind::Context {
            return;
        }
        // Read and written anew: what a host sends is shown as JSON only if it is.
        let Ok(context) = serde_json::from_slice::<Context>(entry.payload()) else {
            return;
        };
        let Ok(text) = serde_json::to_string(&context) else {
            return;
        };
        if self.order.len() >= CONTEXTS_MAX
            && let Some(oldest) = self.order.pop_front()
            && let Some(entries) = self.processes.get_mut(&oldest)
            && !entries.is_empty()
        {
            entries.remove(0);
            self.given_way += 1;
        }
        let process = (node.into(), context.process.pid);
        self.order.push_back(process.clone());
        self.unsorted.insert(process.clone());
        let at = (context.time_ms, context.serial);
        let entries = self.processes.entry(process).or_default();
        entries.push((at, text.into()));
    }

    fn sort(&mut self) {
        for process in self.unsorted.drain() {
            if let Some(entries) = self.processes.get_mut(&process) {
                entries.sort_by_key(|(at, _)| *at);
            }
        }
    }

    fn at(&self, process: &Process, at: (u64, u32)) -> Option<Arc<str>> {
        let entries = self.processes.get(process)?;
        let after = entries.partition_point(|(begins, _)| *begins <= at);
        let (_, text) = entries.get(after.checked_sub(1)?)?;
        Some(Arc::clone(text))
    }
}
