//! One output: reads the spool, shapes messages, hands them over, and moves its positions on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use indelible_log::{EntryRef, Kind, entry};
use indelible_record::{Event, NoNames, write};
use indelible_wire::native::Backoff;

use super::batch::{Batch, Marks};
use super::connection::Secured;
use super::cursors::Cursors;
use super::events::Events;
use super::exit::{self, Exit};
use super::feed::{Feed, Origin, Part, Skipped};
use super::filter::Filter;
use super::form::Shape;
use super::growth::Growth;
use super::limits::{BATCH_BYTES_MAX, BATCH_MESSAGES_MAX, MARKS_MAX};
use super::notes::Notes;
use super::released::Released;
use super::state::State;
use crate::agent::stopping::Stopping;
use crate::config::outputs::{Destination, OutputFormat, OutputFraming};
use crate::payload::{Gap, GapReason};

/// Everything that one output runs with.
pub(super) struct Output {
    pub(super) name: String,
    pub(super) to: Vec<Destination>,
    pub(super) framing: OutputFraming,
    pub(super) secured: Option<Secured>,
    pub(super) shape: Shape,
    pub(super) filter: Option<Filter>,
    /// Put together where events are sent, or looked at.
    pub(super) events: Option<Events>,
    pub(super) feed: Feed,
    pub(super) cursors: Cursors,
    pub(super) notes: Notes,
    /// Where the spool is held for it: its number there.
    pub(super) released: Option<(Arc<Released>, usize)>,
    pub(super) state: Arc<State>,
    pub(super) state_file: PathBuf,
    pub(super) stopping: Stopping,
    pub(super) seed: u64,
}

/// What lives as long as one way to a destination.
struct Way {
    exit: Box<dyn Exit>,
    batch: Batch,
    marks: Marks,
}

impl Output {
    /// Runs until asked to stop, and then for a few seconds more as long as something is left.
    pub(super) fn run(mut self) {
        let growth = Growth::new();
        let mut backoff = Backoff::new(self.seed);
        let mut at = 0;
        let mut stop_at = None;
        while !self.is_over(&mut stop_at) {
            let to = self.to[at % self.to.len()].clone();
            let sent_before = self.state.shown().messages;
            let outcome = exit::open(&to, self.framing, self.secured.as_ref()).and_then(|exit| {
                tracing::info!(output = self.name, %to, "connected");
                self.state.connected();
                self.serve(exit, &growth, &mut stop_at)
            });
            let Err(error) = outcome else {
                break;
            };
            if self.state.shown().messages > sent_before {
                // It worked: the first destination comes first again.
                backoff.succeeded();
                at = 0;
            } else {
                at += 1;
            }
            // Once per kind of trouble; the state has the rest.
            if self.state.shown().error != Some(format!("{error:#}")) {
                tracing::warn!(output = self.name, %to, "{error:#}");
            }
            self.state.failed(&error);
            self.state.save(&self.state_file);
            if at % self.to.len() == 0 {
                self.pause(backoff.next_wait());
            }
        }
        if let Err(error) = self.cursors.sync() {
            tracing::warn!(output = self.name, "{error:#}");
        }
        tracing::info!(
            output = self.name,
            unsent = self.feed.lag_entries(&self.cursors),
            "stopped"
        );
        self.state.save(&self.state_file);
    }

    /// Sends over one way until it breaks (an error) or the time to stop has come.
    fn serve(
        &mut self,
        exit: Box<dyn Exit>,
        growth: &Growth,
        stop_at: &mut Option<Instant>,
    ) -> Result<()> {
        let mut way = Way {
            exit,
            batch: Batch::default(),
            marks: Marks::default(),
        };
        if let Some(events) = &mut self.events {
            events.clear();
        }
        let skipped = self.feed.rewind(&self.cursors)?;
        self.note(skipped)?;
        let mut entries = Vec::new();
        let mut looked_at = Instant::now();
        loop {
            let skipped = self.feed.look(&mut self.cursors, growth)?;
            self.note(skipped)?;
            self.state.lags(self.feed.lag_entries(&self.cursors));
            if looked_at.elapsed() >= LOOK_EVERY {
                looked_at = Instant::now();
                self.state.save(&self.state_file);
                self.tell_left_out(false)?;
            }
            let read = self.fill(&mut way, &mut entries)?;
            if way.batch.len() > 0 {
                way.exit.send(&way.batch)?;
                self.state.sent(way.batch.len() as u64);
                way.batch.clear();
            }
            self.advance(&mut way)?;
            if read {
                while way.marks.len() >= MARKS_MAX {
                    way.exit.settle(IDLE_WAIT)?;
                    self.advance(&mut way)?;
                }
                continue;
            }
            if self.is_over(stop_at) {
                way.exit.settle(LAST_WAIT)?;
                self.advance(&mut way)?;
                return self.tell_left_out(true);
            }
            if way.marks.len() > 0 {
                way.exit.settle(SETTLE_WAIT)?;
                self.advance(&mut way)?;
            } else {
                way.exit.settle(Duration::ZERO)?;
                let is_waiting = self.events.as_ref().is_some_and(Events::is_waiting);
                let wait = if is_waiting { SETTLE_WAIT } else { IDLE_WAIT };
                growth.wait(way.exit.descriptor(), wait);
            }
        }
    }

    /// Reads entries and shapes messages until the batch is full; false where nothing was read.
    fn fill(&mut self, way: &mut Way, entries: &mut Vec<u8>) -> Result<bool> {
        let mut any = false;
        while way.batch.len() < BATCH_MESSAGES_MAX && way.batch.bytes() < BATCH_BYTES_MAX {
            entries.clear();
            let Some(part) = self.feed.read(entries)? else {
                break;
            };
            any = true;
            let before = way.batch.len();
            for entry in entry::split(entries) {
                self.shape_entry(&EntryRef::parse(entry?)?, &part, &mut way.batch);
            }
            let added = (way.batch.len() - before) as u64;
            let next = match &self.events {
                Some(events) => events.position(part.stream, part.next),
                None => part.next,
            };
            way.marks.push(added, part.stream, next);
        }
        if let Some(events) = &mut self.events {
            let before = way.batch.len();
            let (shape, filter, state) = (&self.shape, &mut self.filter, &self.state);
            let batch = &mut way.batch;
            let moved = events.tick(&mut |event, origin| {
                give(event, origin, shape, filter, state, batch);
            });
            let mut added = (way.batch.len() - before) as u64;
            for stream in moved {
                let next = events.position(stream, events.read_to(stream));
                way.marks.push(std::mem::take(&mut added), stream, next);
            }
        }
        Ok(any)
    }

    fn shape_entry(&mut self, entry: &EntryRef<'_>, part: &Part, batch: &mut Batch) {
        let (Some(events), Kind::Audit) = (&mut self.events, entry.header().kind) else {
            return batch.push(|out| self.shape.push(entry, &part.origin, out));
        };
        let mut line = Vec::new();
        self.shape.push_record_line(entry, &mut line);
        let (shape, filter, state) = (&self.shape, &mut self.filter, &self.state);
        events.push(entry, &part.origin, &line, &mut |event, origin| {
            give(event, origin, shape, filter, state, batch);
        });
    }

    /// Moves the positions on over what was taken.
    fn advance(&mut self, way: &mut Way) -> Result<()> {
        let taken = way.exit.taken();
        while let Some((stream, next)) = way.marks.pop(taken) {
            self.cursors.pass(stream, next)?;
            if let Some((released, number)) = &self.released {
                released.passed(*number, stream, next)?;
            }
        }
        Ok(())
    }

    /// Records what was gone before it was read.
    fn note(&self, skipped: Vec<Skipped>) -> Result<()> {
        for Skipped { stream, from, to } in skipped {
            let count = to.map(|to| to.saturating_sub(from));
            let name = &self.name;
            let detail = format!(
                "output {name} lagged: entries of stream {stream} from {from} on were gone"
            );
            tracing::warn!(output = name, %stream, from, count, "skipped");
            self.state.skipped(count.unwrap_or(0));
            let mut gap = Gap::new(GapReason::Skipped, count, detail);
            gap.output = Some(name.clone());
            self.notes.gap(&gap)?;
        }
        Ok(())
    }

    fn tell_left_out(&mut self, all: bool) -> Result<()> {
        let due = self
            .filter
            .as_mut()
            .map(|filter| filter.due(Instant::now(), all));
        for gap in due.unwrap_or_default() {
            self.notes.gap(&gap)?;
        }
        Ok(())
    }

    /// Whether a stop was asked for and its time is over, or nothing is left.
    fn is_over(&self, stop_at: &mut Option<Instant>) -> bool {
        if !self.stopping.requested() {
            return false;
        }
        let until = *stop_at.get_or_insert_with(|| Instant::now() + DRAIN_TIMEOUT);
        self.feed.lag_entries(&self.cursors) == 0 || Instant::now() >= until
    }

    fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        while Instant::now() < until && !self.stopping.requested() {
            std::thread::sleep(SETTLE_WAIT.min(wait));
        }
    }
}

/// Adds an event's messages, where it passes.
fn give(
    event: &Event,
    origin: &Origin,
    shape: &Shape,
    filter: &mut Option<Filter>,
    state: &State,
    batch: &mut Batch,
) {
    if let Some(filter) = filter
        && !filter.passes(event, Instant::now())
    {
        state.left_out(1);
        return;
    }
    if shape.format == OutputFormat::Ndjson {
        return batch.push(|out| {
            write::ndjson(event, &NoNames, out);
            if out.last() == Some(&b'\n') {
                out.pop();
            }
        });
    }
    for record in event.records() {
        batch.push(|out| shape.push_record(record.raw(), None, origin, out));
    }
}

/// How long an idle output waits for growth.
const IDLE_WAIT: Duration = Duration::from_millis(500);
/// How long it waits while an answer or a record is awaited.
const SETTLE_WAIT: Duration = Duration::from_millis(50);
/// How long the last answers may take.
const LAST_WAIT: Duration = Duration::from_millis(500);
/// How long a stopping output goes on sending.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the state is shown.
const LOOK_EVERY: Duration = Duration::from_secs(1);
