//! The context of events (kind 9), gathered from a store or a spool before its events are shown.
//!
//! An entry speaks of a process from one event on, so the newest one that is not later than an event
//! is the event's. It may stand anywhere before it, or a little behind it.

use std::collections::{HashMap, VecDeque};

use anyhow::{Context as _, Result};
use indelible_log::dir::RealDir;
use indelible_log::{EntryRef, Kind, LogReader, StreamId, entry};
use indelible_record::{Event, Stamp};

use super::Source;
use super::entries::{Rooms, node_name};
use crate::payload::StreamOpened;
use crate::payload::context::Context;

/// Contexts by host and process.
#[derive(Debug, Default)]
pub(crate) struct Contexts {
    /// Of each process, by time and serial.
    processes: HashMap<Process, Vec<Known>>,
    /// In the order in which they were read: the oldest give way.
    order: VecDeque<Process>,
    given_way: u64,
}

/// Time in ms and serial from which on it holds, and the JSON object.
type Known = ((u64, u32), Box<str>);
/// The host's node name, empty in a spool, and the pid.
type Process = (Box<str>, u32);

impl Contexts {
    /// Reads what the sources hold.
    pub(crate) fn gather(sources: &[Source]) -> Result<Self> {
        let mut contexts = Self::default();
        for source in sources {
            match source {
                Source::Files(_) => {}
                Source::Store(path) => contexts.store(path)?,
                Source::Spool(path) => contexts.spool(path)?,
            }
        }
        if contexts.given_way > 0 {
            tracing::warn!(
                left_out = contexts.given_way,
                "too many contexts: events before the newest {CONTEXTS_MAX} are shown without"
            );
        }
        for entries in contexts.processes.values_mut() {
            entries.sort_by_key(|(at, _)| *at);
        }
        Ok(contexts)
    }

    fn store(&mut self, path: &std::path::Path) -> Result<()> {
        let shown = || format!("cannot read the store {}", path.display());
        let reader =
            LogReader::open(RealDir::open(path).with_context(shown)?).with_context(shown)?;
        let mut nodes: HashMap<StreamId, Box<str>> = HashMap::new();
        let mut next = 0;
        while let Some(part) = reader.part_at(next).with_context(shown)? {
            for (_, entry) in reader.decode(&part).with_context(shown)?.iter_from(next) {
                let entry = EntryRef::parse(entry).with_context(shown)?;
                let header = entry.header();
                if header.kind == Kind::StreamOpened
                    && let Ok(opened) = serde_json::from_slice::<StreamOpened>(entry.payload())
                {
                    nodes.insert(header.stream, node_name(&opened.host).into());
                }
                if header.kind == Kind::Context {
                    let node = nodes.get(&header.stream).cloned().unwrap_or_default();
                    self.enter(node, &entry);
                }
            }
            next = part.end();
        }
        Ok(())
    }

    fn spool(&mut self, path: &std::path::Path) -> Result<()> {
        let shown = || format!("cannot read the spool {}", path.display());
        for found in Rooms::at(path).streams()? {
            let Some(mut reader) = found.open().with_context(shown)? else {
                continue;
            };
            let mut bytes = Vec::new();
            while reader
                .read(u32::MAX, READ_BYTES, &mut bytes)
                .with_context(shown)?
                .is_some()
            {
                for entry in entry::split(&bytes) {
                    let entry = entry.and_then(EntryRef::parse).with_context(shown)?;
                    if entry.header().kind == Kind::Context {
                        self.enter(Box::default(), &entry);
                    }
                }
                bytes.clear();
            }
        }
        Ok(())
    }

    fn enter(&mut self, node: Box<str>, entry: &EntryRef<'_>) {
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
        let process = (node, context.process.pid);
        self.order.push_back(process.clone());
        let at = (context.time_ms, context.serial);
        self.processes
            .entry(process)
            .or_default()
            .push((at, text.into()));
    }

    /// What is known of the process that caused an event.
    pub(crate) fn of(&self, event: &Event) -> Option<&str> {
        let at = |stamp: Stamp| (stamp.ms(), stamp.serial);
        let at = at(event.stamp()?);
        let node = String::from_utf8_lossy(event.node().unwrap_or_default());
        let entries = self.processes.get(&(node.as_ref().into(), event.pid()?))?;
        let after = entries.partition_point(|(begins, _)| *begins <= at);
        let (_, text) = entries.get(after.checked_sub(1)?)?;
        Some(text)
    }
}

/// Contexts that are held at a time, each about 500 bytes.
const CONTEXTS_MAX: usize = 256 << 10;
/// Bytes of entries per read.
const READ_BYTES: usize = 1 << 20;
