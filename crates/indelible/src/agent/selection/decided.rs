//! What an earlier run of the selection decided beyond its kept position: after a crash those entries of
//! capture's are read again, and what was decided of them stands in the selection's own stream.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use indelible_log::dir::{Dir, RealDir};
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, Kind, StreamId, entry};
use indelible_record::Event;

use super::READ_BYTES;
use crate::config::outputs::NATIVE;
use crate::payload::Gap;

/// Events that stand in the own stream already.
#[derive(Debug, Default)]
pub(super) struct Decided {
    passed: HashSet<(u64, u32)>,
    left_out: HashSet<u32>,
}

impl Decided {
    /// Reads them from own streams: from `written` on in `before`, and all of `own` where that is
    /// another one by now.
    ///
    /// # Errors
    /// Streams that cannot be read.
    pub(super) fn read(
        streams: &Path,
        before: StreamId,
        written: u64,
        own: StreamId,
    ) -> Result<Self> {
        let dir: Arc<dyn Dir> = RealDir::open(streams)?;
        let mut decided = Self::default();
        for id in [before, own] {
            let Ok(mut reader) = SpoolReader::open(&dir, id) else {
                continue;
            };
            let (oldest, end) = reader.bounds()?;
            let from = if id == before { written } else { 0 };
            reader.seek(from.clamp(oldest, end))?;
            let mut entries = Vec::new();
            while reader.read(u32::MAX, READ_BYTES, &mut entries)?.is_some() {
                for entry in entry::split(&entries) {
                    decided.note(&EntryRef::parse(entry?)?);
                }
                entries.clear();
            }
            if id == own {
                break;
            }
        }
        Ok(decided)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.passed.is_empty() && self.left_out.is_empty()
    }

    /// Takes an entry of the own stream in.
    fn note(&mut self, entry: &EntryRef<'_>) {
        match entry.header().kind {
            Kind::Audit => {
                let stamp = entry
                    .audit()
                    .and_then(|(_, text)| indelible_record::stamp(text));
                self.passed
                    .extend(stamp.map(|stamp| (stamp.ms(), stamp.serial)));
            }
            Kind::Gap => {
                let Ok(gap) = serde_json::from_slice::<Gap>(entry.payload()) else {
                    return;
                };
                if gap.output.as_deref() == Some(NATIVE) {
                    let serials = gap.serials.iter().flat_map(|[first, last]| *first..=*last);
                    self.left_out.extend(serials.take(DECIDED_MAX));
                }
            }
            _ => {}
        }
    }

    /// Whether an event was decided; it is forgotten then.
    pub(super) fn take(&mut self, event: &Event) -> bool {
        let Some(stamp) = event.stamp() else {
            return false;
        };
        self.passed.remove(&(stamp.ms(), stamp.serial)) || self.left_out.remove(&stamp.serial)
    }
}

/// Serials of one gap entry that are remembered after a crash.
const DECIDED_MAX: usize = 1 << 20;
