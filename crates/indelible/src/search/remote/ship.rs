//! The collector's side of a search: the engine, whose parts are messages of an event stream.
//!
//! ```text
//! (none), lacks …   an event: its lines; what it lacks that they do not tell
//! context           the context of the next event, JSON
//! note              what there is to say of the store, for people
//! done              the end, with what was seen; without it the answer is cut short
//! failed            the end, and why
//! ```

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Result;
use indelible_record::{Event, Missing};
use indelible_wire::sse;
use serde::{Deserialize, Serialize};

use super::query::Understood;
use crate::search::context::Contexts;
use crate::search::engine::{self, Seen, Work};
use crate::search::{Source, follow};

/// Where messages go.
pub(crate) trait Outlet: Sync {
    /// Takes messages; waits while the reader is slow, and breaks off where there is none any more.
    fn give(&self, messages: Vec<u8>) -> ControlFlow<()>;

    /// Whether nobody wants more, or may have more; asked often.
    fn is_over(&self) -> bool;
}

/// What was seen, as it is told at the end.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Told {
    pub(super) events: u64,
    pub(super) asked: u64,
    pub(super) pieces: u64,
    pub(super) pieces_hit: u64,
    pub(super) bytes: u64,
    pub(super) lines: u64,
}

/// Searches a store, or follows it, and gives everything to the outlet, the end included.
pub(crate) fn ship(store: &Path, asked: &Understood, outlet: &dyn Outlet) {
    let end = match run(store, asked, outlet) {
        // Whoever broke it off knows why.
        Ok(_) if outlet.is_over() => return,
        Ok(seen) => ending(&seen),
        Err(error) => failed(&format!("{error:#}")),
    };
    let _ = outlet.give(end);
}

/// The message that says why there is no more.
pub(crate) fn failed(why: &str) -> Vec<u8> {
    let mut out = Vec::new();
    sse::push(FAILED, [why.as_bytes()], &mut out);
    out
}

fn run(store: &Path, asked: &Understood, outlet: &dyn Outlet) -> Result<Seen> {
    let sources = [Source::store(store)];
    let contexts = match asked.contexts {
        true => Contexts::of_sources(&sources),
        false => Contexts::default(),
    };
    let work = Ship { contexts, outlet };
    let sink = |part| Ok(outlet.give(part));
    let selection = asked.selection();
    if asked.follow {
        follow::follow(&sources, &selection, &work, sink, asked.settings.messages)?;
        return Ok(Seen::default());
    }
    engine::run(&sources, &selection, &work, sink, asked.settings)
}

fn ending(seen: &Seen) -> Vec<u8> {
    let mut out = Vec::new();
    for note in &seen.notes {
        sse::push(NOTE, [note.as_bytes()], &mut out);
    }
    let told = Told {
        events: seen.events,
        asked: seen.asked,
        pieces: seen.pieces,
        pieces_hit: seen.pieces_hit,
        bytes: seen.bytes,
        lines: seen.lines,
    };
    let told = serde_json::to_string(&told).unwrap_or_default();
    sse::push(DONE, [told.as_bytes()], &mut out);
    out
}

struct Ship<'a> {
    contexts: Contexts,
    outlet: &'a dyn Outlet,
}

impl Work for Ship<'_> {
    type Part = Vec<u8>;

    fn part(&self) -> Vec<u8> {
        Vec::new()
    }

    fn event(&self, event: &Event, part: &mut Vec<u8>) {
        if let Some(context) = self.contexts.of(event) {
            sse::push(CONTEXT, [context.as_bytes()], part);
        }
        let mut lacks = String::new();
        for missing in event.missing().iter().filter(|missing| is_told(**missing)) {
            lacks.push_str(if lacks.is_empty() { LACKS } else { " " });
            lacks.push_str(missing.name());
        }
        sse::push(&lacks, event.records().map(|record| record.raw()), part);
    }

    fn is_over(&self) -> bool {
        self.outlet.is_over()
    }
}

/// Whether an event's lines do not tell that this is missing.
fn is_told(missing: Missing) -> bool {
    TOLD.contains(&missing)
}

/// What may stand behind [`LACKS`].
pub(super) const TOLD: [Missing; 3] = [Missing::End, Missing::Cut, Missing::Evicted];
pub(super) const LACKS: &str = "lacks ";
pub(super) const CONTEXT: &str = "context";
pub(super) const NOTE: &str = "note";
pub(super) const DONE: &str = "done";
pub(super) const FAILED: &str = "failed";
