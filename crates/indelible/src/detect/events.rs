//! The events of sources, all and in their order, for what remembers some of them.

use std::ops::ControlFlow;

use anyhow::Result;
use indelible_query::criteria::Filter;
use indelible_record::{Event, Stamp};

use crate::search::Source;
use crate::search::engine::{self, Settings, Work};

/// Gives each event to `take`, with its own time, in ms; returns how many there were.
///
/// Parents, windows and connections need the events in their order, so this is one thread's.
///
/// # Errors
/// A source that cannot be read, and what `take` returns.
pub(super) fn each(
    sources: &[Source],
    mut take: impl FnMut(&Event, u64) -> Result<()>,
) -> Result<u64> {
    let seen = engine::run(
        sources,
        &Everything,
        &Collect,
        |events: Vec<Event>| {
            for event in &events {
                take(event, event.stamp().map_or(0, Stamp::ms))?;
            }
            Ok(ControlFlow::Continue(()))
        },
        Settings::default(),
    )?;
    Ok(seen.events)
}

/// Every event may be what a rule is about, or the parent of one.
struct Everything;

impl Filter for Everything {
    fn matches(&self, _: &Event) -> bool {
        true
    }
}

/// Gives the events on as they are.
struct Collect;

impl Work for Collect {
    type Part = Vec<Event>;

    fn part(&self) -> Vec<Event> {
        Vec::new()
    }

    fn event(&self, event: &Event, part: &mut Vec<Event>) {
        part.push(event.clone());
    }
}
