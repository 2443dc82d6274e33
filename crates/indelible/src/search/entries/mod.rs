//! Audit records in a collector's store and in a host's spool, as lines of an audit log; messages
//! among them, for those who ask for messages.

mod spool;
mod store;

use std::collections::HashMap;

use anyhow::Result;
use indelible_log::{EntryRef, Kind, StreamId};
use indelible_query::scan::MESSAGE;
use indelible_record::RecordType;

use super::message::{self, Origin};
use crate::payload::StreamOpened;

pub(super) use spool::{Rooms, of_spool};
pub(super) use store::of_store;

/// Lines of a store or a spool, a chunk of entries at a time.
pub(super) trait EntryLines: Send {
    /// Appends the next lines, each with its newline; no at the end.
    ///
    /// # Errors
    /// A store or spool that cannot be read.
    fn fill(&mut self, text: &mut Vec<u8>) -> Result<bool>;
}

/// Makes lines of an audit log from entries: a store's records are told apart by their node.
pub(crate) struct Lines {
    /// Where streams come from; the name of each host as it stands in a line.
    origins: HashMap<StreamId, (Origin, String)>,
    without_node: bool,
    /// How many messages there were, where those are asked for.
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

    /// Without: a spool is one host's.
    pub(super) fn of_spool(messages: bool) -> Self {
        Self {
            origins: HashMap::new(),
            without_node: true,
            messages: messages.then_some(0),
        }
    }

    /// Takes note of where a stream comes from.
    pub(super) fn opened(&mut self, stream: StreamId, opened: StreamOpened) {
        let node = node_name(&opened.host);
        let (host, source) = (opened.host, opened.source);
        self.origins.insert(stream, (Origin { host, source }, node));
    }

    /// Appends the entry's line, if it is an audit record or a message that is asked for.
    pub(crate) fn entry(&mut self, entry: &EntryRef<'_>, text: &mut Vec<u8>) {
        let stream = entry.header().stream;
        if entry.header().kind == Kind::StreamOpened
            && let Ok(opened) = serde_json::from_slice::<StreamOpened>(entry.payload())
        {
            self.opened(stream, opened);
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
pub(super) fn node_name(host: &str) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
    host.chars()
        .map(|character| if allowed(character) { character } else { '?' })
        .collect()
}

/// Type of a record that is a whole line of a log, as it was received.
const WHOLE_LINE: u16 = 0;
