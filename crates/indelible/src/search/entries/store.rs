//! A collector's store: its sealed blocks, of which only those are unpacked that can match, on any core;
//! then what is not sealed yet, run by run.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use indelible_log::EntryRef;
use indelible_log::block::{Sieve, Sieved};
use indelible_log::index::Serials;
use indelible_log::limits::{BLOCK_ENTRIES, SEGMENT_ENTRIES};
use indelible_log::read::Decoded;
use indelible_query::criteria::Window;
use indelible_query::scan::Excerpt;
use indelible_query::terms::Wants;
use indelible_record::{RecordType, Stamp};

use super::opened::{Opened, StoreAt};
use super::run::{Rest, Run};
use super::{Lines, plan};
use crate::search::limits::COARSE_BLOCKS_MAX;

/// A store as it is read: what of it can match.
pub(in crate::search) struct Store {
    shared: Arc<Shared>,
    planned: VecDeque<Planned>,
    /// What is not sealed.
    rest: Rest,
    ends_events: Option<bool>,
}

/// What comes next.
#[derive(Clone, Debug)]
pub(in crate::search) enum Planned {
    /// A block that can match.
    Wanted(Block, u64),
    /// A block that cannot, near one that can: an event may have lines in both.
    Near(Block, u64),
    /// So many bytes of blocks that are of no matter, and the latest second in them.
    Far(u64, u64),
}

/// What all blocks of a store share.
pub(super) struct Shared {
    pub(super) store: Arc<Opened>,
    pub(super) lines: Lines,
    /// The serials of each segment's blocks, read when somebody asks.
    serials: Vec<OnceLock<Option<Serials>>>,
    /// Entries met whose payload was erased.
    pub(super) erased: Arc<AtomicU64>,
    /// Blocks that could not be sieved: after some, hardly another one can.
    coarse: AtomicU64,
}

/// What is read of a block.
pub(in crate::search) enum Read {
    /// All lines.
    Whole(Vec<u8>),
    /// Those of the events that may be looked for.
    Excerpt(Excerpt),
}

/// A block that is unpacked when somebody asks for it.
#[derive(Clone)]
pub(in crate::search) struct Block {
    shared: Arc<Shared>,
    place: Place,
    /// Bytes of its lines, roughly.
    pub(in crate::search) bytes: u64,
    /// Latest second, and the last stamp of a record that waits for others.
    pub(in crate::search) last_sec: u64,
    pub(in crate::search) last_waiting: Option<Stamp>,
}

#[derive(Clone, Debug)]
enum Place {
    /// The number of the segment, and the first leaf index.
    Sealed(usize, u64),
    Unsealed(Arc<Run>),
}

impl std::fmt::Debug for Block {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Block({:?})", self.place)
    }
}

impl Store {
    /// Finds out what must be read. Every audit record is a line under the name of its host, every
    /// message too, if those are asked for.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub(in crate::search) fn open(
        at: &StoreAt,
        messages: bool,
        wants: &Wants,
        window: Window,
    ) -> Result<Self> {
        let opened = at.open(window)?;
        let plan = plan::of(&opened.segments, wants, window, &opened.lines);
        let ends_events = plan::ends_events(&opened.segments);
        let shared = Arc::new(Shared {
            lines: opened.lines.with_messages(messages),
            serials: opened.segments.iter().map(|_| OnceLock::new()).collect(),
            store: opened,
            erased: Arc::default(),
            coarse: AtomicU64::new(0),
        });
        let mut store = Self {
            rest: Rest::of(&shared),
            shared,
            planned: VecDeque::new(),
            ends_events,
        };
        for (segment, blocks) in plan.iter().enumerate() {
            store.add(segment, blocks);
        }
        Ok(store)
    }

    fn add(&mut self, segment: usize, blocks: &[plan::Block; plan::BLOCKS]) {
        let of = &self.shared.store.segments[segment];
        let first = of.first;
        let facts = of.index.as_ref().map(|index| *index.facts());
        for (number, planned) in blocks.iter().enumerate() {
            let facts = facts.map(|facts| facts[number]);
            let last_sec = facts.map_or(0, |facts| facts.time_max_ms / 1000);
            let (ms, serial) = facts.map_or((0, 0), |facts| facts.waiting);
            let block = || Block {
                shared: Arc::clone(&self.shared),
                place: Place::Sealed(segment, first + number as u64 * BLOCK_ENTRIES),
                bytes: planned.bytes,
                last_sec,
                last_waiting: (ms > 0).then_some(Stamp {
                    sec: ms / 1000,
                    milli: (ms % 1000) as u16,
                    serial,
                }),
            };
            match (planned.place, self.planned.back_mut()) {
                (plan::Place::Wanted, _) => {
                    self.planned
                        .push_back(Planned::Wanted(block(), planned.bytes));
                }
                (plan::Place::Near, _) => {
                    self.planned
                        .push_back(Planned::Near(block(), planned.bytes));
                }
                (plan::Place::Far, Some(Planned::Far(bytes, latest_sec))) => {
                    *bytes += planned.bytes;
                    *latest_sec = last_sec.max(*latest_sec);
                }
                (plan::Place::Far, _) => {
                    self.planned
                        .push_back(Planned::Far(planned.bytes, last_sec));
                }
            }
        }
    }

    /// Whether the records tell when an event is over, where an index says so.
    pub(in crate::search) fn ends_events(&self) -> Option<bool> {
        self.ends_events
    }

    /// Counts the entries met whose payload was erased.
    pub(in crate::search) fn erased(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.shared.erased)
    }

    /// What comes next; none at the end.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub(in crate::search) fn next(&mut self) -> Result<Option<Planned>> {
        if let Some(planned) = self.planned.pop_front() {
            return Ok(Some(planned));
        }
        let Some(run) = self.rest.next(&self.shared)? else {
            return Ok(None);
        };
        let bytes = run.bytes();
        let block = Block {
            shared: Arc::clone(&self.shared),
            place: Place::Unsealed(Arc::new(run)),
            bytes,
            last_sec: 0,
            last_waiting: None,
        };
        Ok(Some(Planned::Wanted(block, bytes)))
    }
}

impl Block {
    /// Its lines, or what a sieve keeps of them; the first time that somebody reads them.
    ///
    /// # Errors
    /// A block that cannot be read.
    pub(in crate::search) fn read(&self, sieve: Option<&Sieve>) -> Result<Read> {
        let coarse = self.shared.coarse.load(Ordering::Relaxed);
        let Some(sieve) = sieve.filter(|_| coarse < COARSE_BLOCKS_MAX) else {
            return self.lines(true).map(Read::Whole);
        };
        let read = match &self.place {
            Place::Sealed(_, first) => self.sieve(*first, sieve, true)?,
            Place::Unsealed(run) => run.sieve(&self.shared, sieve)?,
        };
        if matches!(read, Read::Whole(_)) {
            self.shared.coarse.fetch_add(1, Ordering::Relaxed);
        }
        Ok(read)
    }

    /// The lines of the events with these stamps; none where it cannot be told which these are.
    ///
    /// # Errors
    /// A block that cannot be read.
    pub(in crate::search) fn excerpt(&self, stamps: &[Stamp]) -> Result<Option<Excerpt>> {
        let first = match &self.place {
            Place::Sealed(_, first) => *first,
            Place::Unsealed(run) => return run.excerpt(&self.shared, stamps),
        };
        let stamps = stamps.iter().map(|stamp| (stamp.ms(), stamp.serial));
        match self.sieve(first, &Sieve::stamps(stamps.collect()), false)? {
            Read::Excerpt(excerpt) => Ok(Some(excerpt)),
            Read::Whole(_) => Ok(None),
        }
    }

    fn sieve(&self, first: u64, sieve: &Sieve, counts: bool) -> Result<Read> {
        let shared = &self.shared;
        // Messages have neither type nor stamp in the columns.
        if shared.lines.messages.is_some() {
            return self.lines(counts).map(Read::Whole);
        }
        let shown = || format!("cannot read the store {}", shared.store.path.display());
        let reader = &shared.store.reader;
        let part = reader.block_at(first);
        let (mut excerpt, mut erased, mut broken) = (Excerpt::default(), 0, None);
        let mut take = |sieved: Sieved<'_>| match sieved {
            Sieved::Kept { at, entry } => match EntryRef::parse(entry) {
                Ok(entry) => {
                    let place = u64::from(at) * self.bytes / BLOCK_ENTRIES;
                    excerpt.keep(place as u32, |text| {
                        shared.lines.line(&entry, 0, text);
                    });
                }
                Err(error) => broken = Some(error),
            },
            Sieved::Left {
                record_type,
                ms,
                serial,
            } => {
                let (sec, milli) = (ms / 1000, (ms % 1000) as u16);
                let stamp = Stamp { sec, milli, serial };
                excerpt.leave(RecordType(record_type), stamp);
            }
            Sieved::Erased => erased += 1,
        };
        let whole = reader.sieve(&part, sieve, &mut take).with_context(shown)?;
        if let Some(error) = broken {
            return Err(error).with_context(shown);
        }
        match whole {
            Some(entries) => self.lines_of(first, &entries, counts).map(Read::Whole),
            None => {
                if counts {
                    shared.erased.fetch_add(erased, Ordering::Relaxed);
                }
                Ok(Read::Excerpt(excerpt))
            }
        }
    }

    /// Its lines, again.
    ///
    /// # Errors
    /// A block that cannot be read.
    pub(in crate::search) fn text(&self) -> Result<Vec<u8>> {
        self.lines(false)
    }

    fn lines(&self, counts: bool) -> Result<Vec<u8>> {
        let shared = &self.shared;
        let store = &shared.store;
        let shown = || format!("cannot read the store {}", store.path.display());
        let first = match &self.place {
            Place::Sealed(_, first) => *first,
            Place::Unsealed(run) => return run.text(shared),
        };
        let part = store.reader.block_at(first);
        let entries = store.reader.decode(&part).with_context(shown)?;
        self.lines_of(first, &entries, counts)
    }

    fn lines_of(&self, first: u64, entries: &Decoded, counts: bool) -> Result<Vec<u8>> {
        let shared = &self.shared;
        let shown = || format!("cannot read the store {}", shared.store.path.display());
        if counts {
            let erased = entries.erased_from(first).count() as u64;
            shared.erased.fetch_add(erased, Ordering::Relaxed);
        }
        let mut text = Vec::with_capacity(entries.len_bytes() + entries.len_bytes() / 4);
        for (index, entry) in entries.iter() {
            let entry = EntryRef::parse(entry).with_context(shown)?;
            shared.lines.line(&entry, index as u32, &mut text);
        }
        Ok(text)
    }

    /// Whether a record of an event with this stamp can be in it.
    pub(in crate::search) fn may_hold(&self, stamp: Stamp) -> bool {
        let Place::Sealed(segment, first) = self.place else {
            return true;
        };
        let Some(index) = &self.shared.store.segments[segment].index else {
            return true;
        };
        let read = self.shared.serials[segment].get_or_init(|| index.serials().ok());
        let block = first % SEGMENT_ENTRIES / BLOCK_ENTRIES;
        read.as_ref()
            .is_none_or(|serials| serials.holds(block as usize, stamp.serial))
    }
}
