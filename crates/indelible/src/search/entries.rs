//! Audit records in a collector's store and in a host's spool, as lines of an audit log.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use indelible_log::dir::{Dir, RealDir};
use indelible_log::read::Part;
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, Kind, LogReader, StreamId, entry};
use indelible_record::RecordType;

use crate::agent::layout::Layout;
use crate::payload::StreamOpened;

/// Lines of a store or a spool, a chunk of entries at a time.
pub(super) trait EntryLines: Send {
    /// Appends the next lines, each with its newline; no at the end.
    ///
    /// # Errors
    /// A store or spool that cannot be read.
    fn fill(&mut self, text: &mut Vec<u8>) -> Result<bool>;
}

/// Every audit record of a store as a line, under the name of its host.
pub(super) fn of_store(path: &Path) -> Result<Box<dyn EntryLines>> {
    let shown = || format!("cannot read the store {}", path.display());
    let dir = RealDir::open(path).with_context(shown)?;
    Ok(Box::new(StoreLines {
        path: path.to_owned(),
        reader: LogReader::open(dir).with_context(shown)?,
        next: 0,
        lines: Lines::of_store(),
    }))
}

struct StoreLines {
    path: PathBuf,
    reader: LogReader,
    next: u64,
    lines: Lines,
}

impl StoreLines {
    /// Whether a part can hold an event that is looked for. Where an index of the part's words will
    /// say so, a part that cannot is not unpacked.
    fn may_match(&self, _part: &Part) -> bool {
        true
    }
}

impl EntryLines for StoreLines {
    fn fill(&mut self, text: &mut Vec<u8>) -> Result<bool> {
        let shown = || format!("cannot read the store {}", self.path.display());
        let Some(part) = self.reader.part_at(self.next).with_context(shown)? else {
            return Ok(false);
        };
        if self.may_match(&part) {
            let entries = self.reader.decode(&part).with_context(shown)?;
            for (_, entry) in entries.iter_from(self.next) {
                let entry = EntryRef::parse(entry).with_context(shown)?;
                self.lines.entry(&entry, text);
            }
        }
        self.next = part.end();
        Ok(true)
    }
}

/// Every audit record of a spool as a line, stream by stream.
pub(super) fn of_spool(path: &Path) -> Result<Box<dyn EntryLines>> {
    let shown = || format!("cannot read the spool {}", path.display());
    let streams = RealDir::open(Layout::at(path).streams()).with_context(shown)?;
    let ids = SpoolReader::streams(&*streams).with_context(shown)?;
    Ok(Box::new(SpoolLines {
        path: path.to_owned(),
        streams,
        ids: ids.into(),
        reader: None,
        entries: Vec::new(),
        lines: Lines::of_spool(),
    }))
}

struct SpoolLines {
    path: PathBuf,
    streams: Arc<dyn Dir>,
    /// Those that are not begun.
    ids: VecDeque<StreamId>,
    reader: Option<SpoolReader>,
    entries: Vec<u8>,
    lines: Lines,
}

impl EntryLines for SpoolLines {
    fn fill(&mut self, text: &mut Vec<u8>) -> Result<bool> {
        let shown = || format!("cannot read the spool {}", self.path.display());
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => {
                let Some(id) = self.ids.pop_front() else {
                    return Ok(false);
                };
                none.insert(SpoolReader::open(&self.streams, id).with_context(shown)?)
            }
        };
        self.entries.clear();
        let chunk = reader
            .read(u32::MAX, READ_BYTES, &mut self.entries)
            .with_context(shown)?;
        if chunk.is_none() {
            self.reader = None;
        }
        for entry in entry::split(&self.entries) {
            let entry = entry.and_then(EntryRef::parse).with_context(shown)?;
            self.lines.entry(&entry, text);
        }
        Ok(true)
    }
}

/// Makes lines of an audit log from entries: a store's records are told apart by their node.
pub(super) struct Lines {
    /// Names of hosts by stream.
    nodes: HashMap<StreamId, String>,
    without_node: bool,
}

impl Lines {
    /// With the names of the hosts.
    pub(super) fn of_store() -> Self {
        Self {
            nodes: HashMap::new(),
            without_node: false,
        }
    }

    /// Without: a spool is one host's.
    pub(super) fn of_spool() -> Self {
        Self {
            nodes: HashMap::new(),
            without_node: true,
        }
    }

    /// Appends the entry's line, if it is an audit record.
    pub(super) fn entry(&mut self, entry: &EntryRef<'_>, text: &mut Vec<u8>) {
        let stream = entry.header().stream;
        if entry.header().kind == Kind::StreamOpened
            && let Ok(opened) = serde_json::from_slice::<StreamOpened>(entry.payload())
        {
            self.nodes.insert(stream, node_name(&opened.host));
        }
        let Some((kind, record)) = entry.audit() else {
            return;
        };
        if !self.without_node
            && let Some(node) = self.nodes.get(&stream)
        {
            text.extend_from_slice(b"node=");
            text.extend_from_slice(node.as_bytes());
            text.push(b' ');
        }
        if kind != WHOLE_LINE {
            text.extend_from_slice(b"type=");
            match RecordType(kind).name() {
                Some(name) => text.extend_from_slice(name.as_bytes()),
                None => text.extend_from_slice(RecordType(kind).to_string().as_bytes()),
            }
            text.extend_from_slice(b" msg=");
        }
        // A newline in a record would make two of it, and the second would be a forgery.
        let begin = text.len();
        text.extend_from_slice(record);
        text[begin..]
            .iter_mut()
            .filter(|byte| **byte == b'\n')
            .for_each(|byte| *byte = b' ');
        text.push(b'\n');
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
