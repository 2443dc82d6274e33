//! What of a store is not sealed yet: read part by part and in order, because the names of hosts stand in
//! it, and given in runs of entries, which become lines on any core.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use indelible_log::block::Sieve;
use indelible_log::read::{Decoded, Part};
use indelible_log::{EntryError, EntryRef, Kind};
use indelible_query::scan::Excerpt;
use indelible_record::{RecordType, Stamp, stamp};

use super::plan::LINE_HEAD_BYTES;
use super::store::{Read, Shared};
use super::{Lines, WHOLE_LINE};

/// How far what is not sealed was given.
pub(super) struct Rest {
    /// Leaf index of the next entry.
    next: u64,
    lines: Arc<Lines>,
    /// The part at hand.
    part: Option<(Part, Arc<Decoded>)>,
}

/// Entries of a part.
pub(super) struct Run {
    part: Part,
    /// Leaf indexes of the first one, and after the last.
    from: u64,
    to: u64,
    bytes: u64,
    /// With the names of the hosts whose streams began up to here.
    lines: Arc<Lines>,
    /// The part as it was read, for the first who asks.
    entries: Mutex<Option<Arc<Decoded>>>,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Run({}..{})", self.from, self.to)
    }
}

impl Rest {
    pub(super) fn of(shared: &Shared) -> Self {
        Self {
            next: shared.store.after,
            lines: Arc::new(shared.lines.clone()),
            part: None,
        }
    }

    /// The next run; none at the end.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub(super) fn next(&mut self, shared: &Shared) -> Result<Option<Run>> {
        let shown = || format!("cannot read the store {}", shared.store.path.display());
        let reader = &shared.store.reader;
        let (part, entries) = match self.part.take() {
            Some(part) => part,
            None => {
                let Some(part) = reader.part_at(self.next).with_context(shown)? else {
                    return Ok(None);
                };
                let entries = reader.decode(&part).with_context(shown)?;
                let erased = entries.erased_from(self.next).count() as u64;
                shared.erased.fetch_add(erased, Ordering::Relaxed);
                (part, Arc::new(entries))
            }
        };
        let (from, mut to, mut bytes) = (self.next, part.end(), 0);
        for (index, entry) in entries.iter_from(from) {
            if bytes >= RUN_BYTES {
                to = index;
                break;
            }
            let entry = EntryRef::parse(entry).with_context(shown)?;
            bytes += entry.payload().len() as u64 + LINE_HEAD_BYTES;
            if entry.header().kind == Kind::StreamOpened {
                Arc::make_mut(&mut self.lines).note(&entry);
            }
        }
        self.next = to;
        self.part = (to < part.end()).then(|| (part, Arc::clone(&entries)));
        Ok(Some(Run {
            part,
            from,
            to,
            bytes,
            lines: Arc::clone(&self.lines),
            entries: Mutex::new(Some(entries)),
        }))
    }
}

impl Run {
    /// Bytes of its lines, roughly.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its lines.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub(super) fn text(&self, shared: &Shared) -> Result<Vec<u8>> {
        let entries = self.entries(shared)?;
        self.lines_of(&entries).with_context(|| shown(shared))
    }

    /// The lines of the events that may be looked for; all where that cannot be told.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub(super) fn sieve(&self, shared: &Shared, sieve: &Sieve) -> Result<Read> {
        let entries = self.entries(shared)?;
        let mut stamps = Vec::new();
        // Mostly there is none in all of it.
        if sieve.may_be_in(entries.region(self.from, self.to)) {
            let holding = self.each(&entries).filter_map(|(_, entry)| {
                let (_, text) = entry.ok()?.audit()?;
                sieve.may_be_in(text).then(|| stamp(text)).flatten()
            });
            stamps.extend(holding);
        }
        let is_worth_it = stamps.len() as u64 * WORTH_IT <= self.to - self.from;
        let excerpt = match is_worth_it {
            true => self.excerpt_of(&entries, &stamps),
            false => Ok(None),
        };
        match excerpt.with_context(|| shown(shared))? {
            Some(excerpt) => Ok(Read::Excerpt(excerpt)),
            None => {
                let lines = self.lines_of(&entries);
                Ok(Read::Whole(lines.with_context(|| shown(shared))?))
            }
        }
    }

    /// The lines of the events with these stamps; none where it cannot be told which these are.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub(super) fn excerpt(&self, shared: &Shared, stamps: &[Stamp]) -> Result<Option<Excerpt>> {
        let entries = self.entries(shared)?;
        self.excerpt_of(&entries, stamps)
            .with_context(|| shown(shared))
    }

    fn excerpt_of(
        &self,
        entries: &Decoded,
        stamps: &[Stamp],
    ) -> Result<Option<Excerpt>, EntryError> {
        if self.lines.messages.is_some() {
            return Ok(None);
        }
        let (mut excerpt, mut place) = (Excerpt::default(), 0);
        for (_, entry) in self.each(entries) {
            let entry = entry?;
            if let Some((record_type, text)) = entry.audit() {
                // As the kernel writes it, so that the line can have no other stamp.
                let is_plain = record_type != WHOLE_LINE && text.starts_with(b"audit(");
                let Some(stamp) = stamp(text).filter(|_| is_plain) else {
                    return Ok(None);
                };
                match stamps.contains(&stamp) {
                    true => excerpt.keep(place as u32, |text| {
                        self.lines.line(&entry, 0, text);
                    }),
                    false => excerpt.leave(RecordType(record_type), stamp),
                }
            }
            place += entry.payload().len() as u64 + LINE_HEAD_BYTES;
        }
        Ok(Some(excerpt))
    }

    fn lines_of(&self, entries: &Decoded) -> Result<Vec<u8>, EntryError> {
        let mut text = Vec::with_capacity(self.bytes as usize);
        for (index, entry) in self.each(entries) {
            self.lines.line(&entry?, index as u32, &mut text);
        }
        Ok(text)
    }

    fn each<'e>(
        &self,
        entries: &'e Decoded,
    ) -> impl Iterator<Item = (u64, Result<EntryRef<'e>, EntryError>)> {
        let to = self.to;
        let entries = entries.iter_from(self.from);
        let entries = entries.take_while(move |(index, _)| *index < to);
        entries.map(|(index, entry)| (index, EntryRef::parse(entry)))
    }

    fn entries(&self, shared: &Shared) -> Result<Arc<Decoded>> {
        let read = self.entries.lock();
        let read = read.unwrap_or_else(PoisonError::into_inner).take();
        match read {
            Some(entries) => Ok(entries),
            None => {
                let entries = shared.store.reader.decode(&self.part);
                Ok(Arc::new(entries.with_context(|| shown(shared))?))
            }
        }
    }
}

fn shown(shared: &Shared) -> String {
    format!("cannot read the store {}", shared.store.path.display())
}

/// Bytes of the lines of a run.
const RUN_BYTES: u64 = 512 << 10;
/// Where more than one in so many records has a needle, all become lines at once.
const WORTH_IT: u64 = 16;
