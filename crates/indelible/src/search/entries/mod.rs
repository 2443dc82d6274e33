//! Audit records in a collector's store and in a host's spool, as lines of an audit log; messages
//! among them, for those who ask for messages.

mod merged;
mod opened;
mod plan;
mod run;
mod spool;
mod store;

use std::collections::HashMap;

use anyhow::Result;
use indelible_log::read::Decoded;
use indelible_log::{EntryError, EntryRef, Kind, StreamId};
use indelible_query::scan::MESSAGE;
use indelible_record::RecordType;

use super::message::{self, Origin};
use crate::payload::StreamOpened;

pub(super) use merged::{Given, of_stores};
pub(super) use opened::Opened;
pub(crate) use opened::StoreAt;
pub(super) use plan::segments;
pub(crate) use spool::Rooms;
pub(super) use spool::of_spool;
pub(super) use store::{Block, Planned, Read, Store};

/// Lines of a store or a spool, a chunk of entries at a time.
pub(super) trait EntryLines: Send {
    /// Appends the next lines, each with its newline; no at the end.
    ///
    /// # Errors
    /// A store or spool that cannot be read.
    fn fill(&mut self, text: &mut Vec<u8>) -> Result<bool>;
}

/// Makes lines of an audit log from entries: a store's records are told apart by their node.
#[derive(Clone)]
pub(crate) struct Lines {
    /// Where streams come from; the name of each host as it stands in a line.
    origins: HashMap<StreamId, (Origin, String)>,
    without_node: bool,
    /// The number of the next message, where those are asked for.
    messages: Option<u32>,
}

impl Lines {
    /// With the names of the hosts.
    pub(crate) fn of_store(messages: bool) -> Self {
        Self {
            origins: HashMap::new(),
            without_node: false,
            messages: messages.then_some(0),
        }
    }

    /// The same, with messages or without.
    pub(super) fn with_messages(&self, messages: bool) -> Self {
        Self {
            messages: messages.then_some(0),
            ..self.clone()
        }
    }

    /// Without: a spool is one host's.
    pub(crate) fn of_spool(messages: bool) -> Self {
        Self {
            origins: HashMap::new(),
            without_node: true,
            messages: messages.then_some(0),
        }
    }

    /// The next entry's leaf index, by which a store's messages are told apart.
    pub(super) fn at(&mut self, index: u64) {
        // What is cut off tells no messages of one millisecond apart.
        self.messages = self.messages.map(|_| index as u32);
    }

    /// The host that a stream is of, as it is called and as it stands in a line.
    pub(crate) fn host(&self, stream: StreamId) -> Option<(&str, &str)> {
        let (origin, node) = self.origins.get(&stream)?;
        Some((&origin.host, node))
    }

    /// Takes note of where a stream comes from.
    pub(crate) fn opened(&mut self, stream: StreamId, opened: StreamOpened) {
        let node = node_name(&opened.host);
        let (host, source) = (opened.host, opened.source);
        self.origins.insert(stream, (Origin { host, source }, node));
    }

    /// Takes note of where a stream comes from, if the entry is its first.
    pub(in crate::search) fn note(&mut self, entry: &EntryRef<'_>) {
        if let Some((stream, opened)) = opening(entry) {
            self.opened(stream, opened);
        }
    }

    /// Appends the lines of a store's entries from `next` on that are meant, as [`Lines::entry`] does.
    ///
    /// # Errors
    /// An entry that is none.
    pub(in crate::search) fn part(
        &mut self,
        entries: &Decoded,
        next: u64,
        mut is_meant: impl FnMut(&EntryRef<'_>) -> bool,
        text: &mut Vec<u8>,
    ) -> Result<(), EntryError> {
        for (index, entry) in entries.iter_from(next) {
            let entry = EntryRef::parse(entry)?;
            if is_meant(&entry) {
                self.at(index);
                self.entry(&entry, text);
            } else {
                self.note(&entry);
            }
        }
        Ok(())
    }

    /// Appends the entry's line, if it is an audit record or a message that is asked for; takes note of
    /// a stream that begins.
    pub(crate) fn entry(&mut self, entry: &EntryRef<'_>, text: &mut Vec<u8>) {
        self.note(entry);
        let number = self.messages.unwrap_or(0);
        if self.line(entry, number, text) {
            self.messages = Some(number.wrapping_add(1));
        }
    }

    /// Appends the entry's line, if it is an audit record or a message that is asked for; whether it is
    /// a message, which gets the number.
    pub(super) fn line(&self, entry: &EntryRef<'_>, number: u32, text: &mut Vec<u8>) -> bool {
        let Some((kind, record)) = entry.audit() else {
            return self.messages.is_some() && self.message(entry, number, text);
        };
        let line = text.len();
        if !self.without_node
            && let Some((_, node)) = self.origins.get(&entry.header().stream)
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
        if memchr::memchr(b'\n', record).is_some() {
            text[begin..]
                .iter_mut()
                .filter(|byte| **byte == b'\n')
                .for_each(|byte| *byte = b' ');
        }
        text.push(b'\n');
        false
    }

    fn message(&self, entry: &EntryRef<'_>, number: u32, text: &mut Vec<u8>) -> bool {
        let unknown = Origin::default();
        let known = self.origins.get(&entry.header().stream);
        let origin = known.map_or(&unknown, |(origin, _)| origin);
        message::push_line(entry, origin, number, text)
    }
}

/// Where a stream comes from, if the entry is its first.
fn opening(entry: &EntryRef<'_>) -> Option<(StreamId, StreamOpened)> {
    let header = entry.header();
    let is_opening = header.kind == Kind::StreamOpened;
    let opened = is_opening.then(|| serde_json::from_slice(entry.payload()).ok());
    Some((header.stream, opened.flatten()?))
}

/// The host's name, as far as a name may go: anything else could forge the rest of the line.
pub(super) fn node_name(host: &str) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
    host.chars()
        .map(|character| if allowed(character) { character } else { '?' })
        .collect()
}

/// Type of a record that is a whole line of a log, as it was received.
const WHOLE_LINE: u16 = 0;
