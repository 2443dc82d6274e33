//! What the detections have done since they were started, for metrics.

use std::fs;

use serde::{Deserialize, Serialize};

use super::state::{Position, State};
use crate::agent::layout::Layout;

/// Counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Counts {
    /// Events that were evaluated.
    pub(crate) events: u64,
    /// Findings that were recorded.
    pub(crate) findings: u64,
    /// Findings that said what had been said.
    pub(crate) repeated: u64,
    /// Findings beyond the rate, which one finding counts.
    pub(crate) held_back: u64,
    /// Findings that an output could not be told.
    pub(crate) untold: u64,
    /// Things that were forgotten to stay inside the memory limits.
    pub(crate) forgotten: u64,
}

/// A counter: its name, what it counts, and its value.
pub(crate) type Counter = (&'static str, &'static str, fn(&Counts) -> u64);

/// All of them; names stand behind `indelible_` and before `_total`.
pub(crate) const COUNTERS: [Counter; 6] = [
    (
        "detections_events",
        "Events that the detections evaluated since they were started",
        |counts| counts.events,
    ),
    (
        "detections_findings",
        "Findings that the detections recorded since they were started",
        |counts| counts.findings,
    ),
    (
        "detections_repeated_findings",
        "Findings that said what had been said",
        |counts| counts.repeated,
    ),
    (
        "detections_held_back_findings",
        "Findings beyond the rate, which one finding counts",
        |counts| counts.held_back,
    ),
    (
        "detections_untold_findings",
        "Findings that an output could not be told",
        |counts| counts.untold,
    ),
    (
        "detections_forgotten",
        "Processes, connections and the like that were forgotten to stay inside the memory limits",
        |counts| counts.forgotten,
    ),
];

/// What the detections of a spool last kept: their counters, and the next entry of a stream that they
/// read. `None` where none ever ran.
pub(crate) fn of_spool(layout: &Layout) -> Option<(Counts, impl Fn(&str) -> Option<u64> + use<>)> {
    let bytes = fs::read(State::file(layout.detections().folder())).ok()?;
    let state: State = serde_json::from_slice(&bytes).ok()?;
    let Position::Spool(positions) = state.position else {
        return None;
    };
    Some((state.counts, move |stream: &str| {
        positions.get(stream).copied()
    }))
}
