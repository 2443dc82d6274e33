//! The engine: from sources to the events that a filter means, given to some work on any core, and
//! the parts that come of it, in the order of the log, to one sink.
//!
//! ```text
//! sources ─ lines ─▶ assemble ─▶ filter.matches ─▶ work.event ─▶ part ─▶ sink
//! ```
//!
//! Whoever prints, counts or detects implements [`Work`]. For printing a part is bytes, for a
//! report a partial table that the sink adds to the whole one. Events come by time and serial, as
//! ausearch prints them, and with all of their records; put one after the other, the parts tell the
//! same as one thread would.

use std::ops::ControlFlow;

use anyhow::Result;
use indelible_query::criteria::Filter;
use indelible_record::{Assembler, Event, Record};

use super::{Source, entries, files};

/// What to do with the events that match.
pub(crate) trait Work: Sync {
    /// What comes of a run of events.
    type Part: Send;

    /// A part before its first event.
    fn part(&self) -> Self::Part;

    /// Takes an event that matches. The events of a part come in order, on one thread; parts are
    /// worked on by several threads at once.
    fn event(&self, event: &Event, part: &mut Self::Part);
}

/// How to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// How long an event waits for more records before a later one is given out: ausearch's
    /// `--eoe-timeout`, in milliseconds of the log's own time.
    pub(crate) timeout_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout_ms: indelible_record::limits::EVENT_TIMEOUT_MS,
        }
    }
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Events that matched.
    pub(crate) events: u64,
}

/// Gives the events of the sources that match to the work, and the parts to the sink, until it
/// breaks off.
///
/// # Errors
/// A source that cannot be read, and what the sink returns.
pub(crate) fn run<W: Work>(
    sources: &[Source],
    filter: &dyn Filter,
    work: &W,
    mut sink: impl FnMut(W::Part) -> Result<ControlFlow<()>>,
    settings: Settings,
) -> Result<Seen> {
    let mut pass = Pass {
        filter,
        work,
        sink: &mut sink,
        part: work.part(),
        in_part: 0,
        seen: Seen::default(),
    };
    for source in sources {
        let mut assembler = Assembler::new(indelible_record::Settings {
            timeout_ms: settings.timeout_ms,
            ..indelible_record::Settings::FILE
        });
        let mut line = |line: &[u8]| {
            let ready = assembler.push(0, &Record::parse(line));
            pass.events(ready)
        };
        let flow = match source {
            Source::Files(path) => files::read(path, &mut line)?,
            Source::Store(path) => entries::read_store(path, &mut line)?,
            Source::Spool(path) => entries::read_spool(path, &mut line)?,
        };
        if flow.is_break() || pass.events(assembler.finish())?.is_break() {
            return Ok(pass.seen);
        }
    }
    // Nothing is left to break off.
    let _end = pass.give()?;
    Ok(pass.seen)
}

/// A pass over the sources.
struct Pass<'a, W: Work, S> {
    filter: &'a dyn Filter,
    work: &'a W,
    sink: &'a mut S,
    part: W::Part,
    in_part: usize,
    seen: Seen,
}

impl<W: Work, S: FnMut(W::Part) -> Result<ControlFlow<()>>> Pass<'_, W, S> {
    fn events(&mut self, events: impl Iterator<Item = Event>) -> Result<ControlFlow<()>> {
        for event in events {
            if !self.filter.matches(&event) {
                continue;
            }
            self.seen.events += 1;
            self.work.event(&event, &mut self.part);
            self.in_part += 1;
            if self.in_part == PART_EVENTS_MAX && self.give()?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn give(&mut self) -> Result<ControlFlow<()>> {
        if self.in_part == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        self.in_part = 0;
        (self.sink)(std::mem::replace(&mut self.part, self.work.part()))
    }
}

/// Events of one part.
const PART_EVENTS_MAX: usize = 512;
