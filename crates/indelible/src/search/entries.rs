//! Audit records in a collector's store and in a host's spool, as lines of an audit log; a store's
//! messages among them, for those who ask for messages.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use indelible_log::dir::{Dir, RealDir};
use indelible_log::read::Part;
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, Kind, LogReader, StreamId, entry};
use indelible_query::scan::MESSAGE;
use indelible_record::RecordType;

use super::message::{self, Origin};
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

/// Every audit record of a store as a line, under the name of its host; every message too, if those
/// are asked for.
pub(super) fn of_store(path: &Path, messages: bool) -> Result<Box<dyn EntryLines>> {
    let shown = || format!("cannot read the store {}", path.display());
    let dir = RealDir::open(path).with_context(shown)?;
    Ok(Box::new(StoreLines {
        path: path.to_owned(),
        reader: LogReader::open(dir).with_context(shown)?,
        next: 0,
        lines: Lines::of_store(messages),
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
    /// Where streams come from; the name of each host as it stands in a line.
    origins: HashMap<StreamId, (Origin, String)>,
    without_node: bool,
    /// How many messages there were, where those are asked for.
    messages: Option<u32>,
}

impl Lines {
    /// With the names of the hosts.
    pub(super) fn of_store(messages: bool) -> Self {
        Self {
            origins: HashMap::new(),
            without_node: false,
            messages: messages.then_some(0),
        }
    }

    /// Without: a spool is one host's.
    pub(super) fn of_spool() -> Self {
        Self {
            origins: HashMap::new(),
            without_node: true,
            messages: None,
        }
    }

    /// Appends the entry's line, if it is an audit record or a message that is asked for.
    pub(super) fn entry(&mut self, entry: &EntryRef<'_>, text: &mut Vec<u8>) {
        let stream = entry.header().stream;
        if entry.header().kind == Kind::StreamOpened
            && let Ok(opened) = serde_json::from_slice::<StreamOpened>(entry.payload())
        {
            let node = node_name(&opened.host);
            let (host, source) = (opened.host, opened.source);
            self.origins.insert(stream, (Origin { host, source }, node));
        }
        let Some((kind, record)) = entry.audit() else {
            self.message(entry, text);
            return;
        };
        let line = text.len();
        if !self.without_node
            && let Some((_, node)) = self.origins.get(&stream)
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
        if begin == line && record.first() == MESSAGE.first() {
            // Nor may it pass for a message.
            text.push(b' ');
        }
        text.extend_from_slice(record);
        text[begin..]
            .iter_mut()
            .filter(|byte| **byte == b'\n')
            .for_each(|byte| *byte = b' ');
        text.push(b'\n');
    }

    fn message(&mut self, entry: &EntryRef<'_>, text: &mut Vec<u8>) {
        let Some(number) = &mut self.messages else {
            return;
        };
        let unknown = Origin::default();
        let known = self.origins.get(&entry.header().stream);
        let origin = known.map_or(&unknown, |(origin, _)| origin);
        if message::push_line(entry, origin, *number, text) {
            *number = number.wrapping_add(1);
        }
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
