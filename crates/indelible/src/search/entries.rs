//! Audit records in a collector's store and in a host's spool.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, Result};
use indelible_log::dir::RealDir;
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, Kind, LogReader, StreamId, entry};
use indelible_record::RecordType;

use super::files::TakeLine;
use crate::agent::layout::Layout;
use crate::payload::StreamOpened;

/// Gives every audit record of the store as a line, under the name of its host.
pub(super) fn read_store(path: &Path, take: &mut TakeLine<'_>) -> Result<ControlFlow<()>> {
    let shown = || format!("cannot read the store {}", path.display());
    let dir = RealDir::open(path).with_context(shown)?;
    let reader = LogReader::open(dir).with_context(shown)?;
    let mut lines = Lines::default();
    let mut next = 0;
    while let Some(part) = reader.part_at(next).with_context(shown)? {
        for (_, entry) in reader.decode(&part).with_context(shown)?.iter_from(next) {
            let entry = EntryRef::parse(entry).with_context(shown)?;
            if lines.entry(&entry, take)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        next = part.end();
    }
    Ok(ControlFlow::Continue(()))
}

/// Gives every audit record of the spool as a line, stream by stream.
pub(super) fn read_spool(path: &Path, take: &mut TakeLine<'_>) -> Result<ControlFlow<()>> {
    let shown = || format!("cannot read the spool {}", path.display());
    let streams = RealDir::open(Layout::at(path).streams()).with_context(shown)?;
    let mut lines = Lines {
        without_node: true,
        ..Lines::default()
    };
    for id in SpoolReader::streams(&*streams).with_context(shown)? {
        let mut reader = SpoolReader::open(&streams, id).with_context(shown)?;
        let mut bytes = Vec::new();
        while reader
            .read(u32::MAX, READ_BYTES, &mut bytes)
            .with_context(shown)?
            .is_some()
        {
            for entry in entry::split(&bytes) {
                let entry = entry.and_then(EntryRef::parse).with_context(shown)?;
                if lines.entry(&entry, take)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            bytes.clear();
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Makes lines of an audit log from entries: a store's records are told apart by their node.
#[derive(Default)]
struct Lines {
    /// Names of hosts by stream.
    nodes: HashMap<StreamId, String>,
    without_node: bool,
    line: Vec<u8>,
}

impl Lines {
    fn entry(&mut self, entry: &EntryRef<'_>, take: &mut TakeLine<'_>) -> Result<ControlFlow<()>> {
        let stream = entry.header().stream;
        if entry.header().kind == Kind::StreamOpened
            && let Ok(opened) = serde_json::from_slice::<StreamOpened>(entry.payload())
        {
            self.nodes.insert(stream, node_name(&opened.host));
        }
        let Some((kind, text)) = entry.audit() else {
            return Ok(ControlFlow::Continue(()));
        };
        self.line.clear();
        if !self.without_node
            && let Some(node) = self.nodes.get(&stream)
        {
            self.line.extend_from_slice(b"node=");
            self.line.extend_from_slice(node.as_bytes());
            self.line.push(b' ');
        }
        if kind != WHOLE_LINE {
            self.line.extend_from_slice(b"type=");
            self.line
                .extend_from_slice(RecordType(kind).to_string().as_bytes());
            self.line.extend_from_slice(b" msg=");
        }
        self.line.extend_from_slice(text);
        take(&self.line)
    }
}

/// The host's name, as far as a name may go: anything else could forge the rest of the line.
fn node_name(host: &str) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
    host.chars()
        .map(|character| if allowed(character) { character } else { '?' })
        .collect()
}

/// Type of a record that is a whole line of a log, as it was received.
const WHOLE_LINE: u16 = 0;
/// Bytes of entries per read.
const READ_BYTES: usize = 1 << 20;
