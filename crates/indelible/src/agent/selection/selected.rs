//! The selection's own stream: events that pass are written into it, and what is left out is accounted
//! for in it.

use std::time::Instant;

use indelible_log::Kind;
use indelible_record::Event;
use indelible_sys::clock::realtime_ns;

use super::decided::Decided;
use crate::agent::outputs::filter::Filter;
use crate::agent::source_stream::SourceStream;

/// The stream, and what decides which events stand in it.
pub(super) struct Selected {
    pub(super) stream: SourceStream,
    filter: Filter,
    /// What an earlier run decided beyond the kept position.
    pub(super) decided: Decided,
    /// First entry of the events that were left out and are not told yet.
    untold: Option<u64>,
}

impl Selected {
    pub(super) fn new(stream: SourceStream, filter: Filter) -> Self {
        Self {
            stream,
            filter,
            decided: Decided::default(),
            untold: None,
        }
    }

    /// Writes an event that passes, and notes one that does not. `first` is the sequence number of its
    /// first entry among capture's.
    pub(super) fn decide(&mut self, event: &Event, first: u64, payloads: &[Vec<u8>]) {
        if !self.decided.is_empty() && self.decided.take(event) {
            return;
        }
        if self.filter.passes(event, Instant::now()) {
            let now_ns = realtime_ns();
            for payload in payloads {
                self.stream.push_payload(Kind::Audit, 0, payload, now_ns);
            }
        } else {
            self.untold = Some(self.untold.map_or(first, |before| before.min(first)));
        }
    }

    /// Writes what was left out, where that is due; with `all`, whether it is or not.
    pub(super) fn tell(&mut self, all: bool) {
        let gaps = self.filter.due(Instant::now(), all);
        if !gaps.is_empty() {
            let now_ns = realtime_ns();
            for gap in gaps {
                self.stream.push_json(Kind::Gap, &gap, now_ns);
            }
            self.untold = None;
        }
    }

    /// The first of capture's entries whose event was left out without being told.
    pub(super) fn untold(&self) -> Option<u64> {
        self.untold
    }
}
