//! Entries into columns.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::stamp::Stamp;
use super::{
    Before, FIXED, FLAGS, FORM, KIND, LENGTHS, PARTS_MAX, SEQUENCE, SERIAL, STAMP, STREAM, STREAMS,
    TEMPLATES, TEMPLATES_MAX, TEXTS, TIME, TYPE,
};
use crate::codec::{push_varint, zigzag};
use crate::entry::{EntryRef, Header, Kind, StreamId};
use crate::hash::Hash;

/// Lays entries out in columns, in memory that it keeps from one block to the next.
#[derive(Debug, Default)]
pub(in crate::block) struct Columns {
    fixed: [Vec<u8>; FIXED],
    /// Numbers of the streams, and the sequence number that is next in each.
    streams: HashMap<StreamId, usize>,
    next: Vec<u64>,
    /// The stream of the entry before: mostly it is that of the next, too.
    latest: Option<(StreamId, usize)>,
    before: Before,
    /// Columns of the parts of each template, from template 1.
    templates: Vec<Vec<Vec<u8>>>,
    /// Numbers of templates by their keys, encoded as in column 10.
    numbers: HashMap<Vec<u8>, usize, BuildHasherDefault<Crc>>,
    messages: Messages,
    checks: Vec<u8>,
    /// The text at hand: its parts, and its keys as in column 10.
    parts: Vec<Part>,
    keys: Vec<u8>,
    /// Columns of the block before, emptied.
    spare: Vec<Vec<u8>>,
}

/// How the texts of messages went, which are all but those of audit records.
#[derive(Debug, Default)]
struct Messages {
    split: usize,
    templates: usize,
    without_template: usize,
}

impl Messages {
    /// Whether another one is worth splitting.
    fn are_regular(&self) -> bool {
        self.without_template < TRIED_MIN || self.without_template * 2 < self.split
    }

    /// Whether one of keys that are new may have a template.
    fn may_add(&self) -> bool {
        self.templates < TEMPLATES_FIRST + self.split / TEXTS_PER_TEMPLATE
    }
}

/// A part of a text: a key, which may be empty, from where the part before ended, and a value.
#[derive(Clone, Copy, Debug)]
struct Part {
    value_at: usize,
    end: usize,
}

/// Tells templates apart. Keys that were made to collide cost little: there are few templates.
#[derive(Default)]
struct Crc(u32);

impl Hasher for Crc {
    fn finish(&self) -> u64 {
        // The table takes buckets from the low bits and tags from the high ones.
        u64::from(self.0) << 32 | u64::from(self.0)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = crc32c::crc32c_append(self.0, bytes);
    }
}

impl Columns {
    /// Begins the next block.
    pub(in crate::block) fn clear(&mut self) {
        self.fixed.iter_mut().for_each(Vec::clear);
        self.streams.clear();
        self.next.clear();
        self.latest = None;
        self.before = Before::default();
        self.numbers.clear();
        self.messages = Messages::default();
        self.checks.clear();
        self.spare.extend(self.templates.drain(..).flatten());
        let mut kept_bytes = 0;
        self.spare.retain_mut(|column| {
            column.clear();
            kept_bytes += column.capacity();
            kept_bytes <= SPARE_BYTES_MAX
        });
    }

    /// Appends what the entries so far became.
    pub(in crate::block) fn finish(&self, out: &mut Vec<u8>) {
        let columns = self
            .fixed
            .iter()
            .chain(self.templates.iter().flatten())
            .chain([&self.checks]);
        for column in columns {
            push_varint(out, column.len() as u64);
            out.extend_from_slice(column);
        }
    }

    fn number(&mut self, column: usize, value: u64) {
        push_varint(&mut self.fixed[column], value);
    }

    fn difference(&mut self, column: usize, value: u64, before: u64) {
        self.number(column, zigzag(value.wrapping_sub(before) as i64));
    }

    /// Adds an entry with its leaf hash.
    pub(in crate::block) fn push(&mut self, entry: &EntryRef<'_>, leaf: &Hash) {
        let Header {
            kind,
            flags,
            stream,
            sequence,
            time_ns,
        } = entry.header();
        let number = self.stream(stream);
        let next = std::mem::replace(&mut self.next[number], sequence.wrapping_add(1));
        self.number(STREAM, number as u64);
        self.difference(SEQUENCE, sequence, next);
        self.difference(TIME, time_ns, self.before.time_ns);
        self.before.time_ns = time_ns;
        self.checks.push(leaf.0[0]);
        self.fixed[KIND].push(kind as u8);
        self.number(FLAGS, flags.into());
        let text = match entry.audit() {
            Some((record_type, text)) => {
                self.number(TYPE, record_type.into());
                text
            }
            None => entry.payload(),
        };
        match Stamp::split(text) {
            Some((stamp, rest)) => {
                self.difference(STAMP, stamp.ms, self.before.stamp_ms);
                self.difference(SERIAL, stamp.serial, self.before.serial);
                (self.before.stamp_ms, self.before.serial) = (stamp.ms, stamp.serial);
                self.text(kind, rest, 1);
            }
            None => self.text(kind, text, 0),
        }
    }

    fn stream(&mut self, id: StreamId) -> usize {
        if let Some((latest, number)) = self.latest
            && latest == id
        {
            return number;
        }
        let fresh = self.streams.len();
        let number = *self.streams.entry(id).or_insert_with(|| {
            self.fixed[STREAMS].extend_from_slice(&id.0);
            self.next.push(0);
            fresh
        });
        self.latest = Some((id, number));
        number
    }

    fn text(&mut self, kind: Kind, text: &[u8], stamped: u64) {
        let template = match kind {
            Kind::Audit => self.template(text, true),
            _ if self.messages.are_regular() => self.template_of_message(text),
            _ => 0,
        };
        self.number(FORM, template as u64 * 2 + stamped);
        match template.checked_sub(1) {
            Some(at) => {
                let columns = self.templates[at].iter_mut();
                for (column, part) in columns.zip(&self.parts) {
                    // With the space behind it, which all parts have but the last.
                    match text.get(part.value_at..=part.end) {
                        Some(value) => column.extend_from_slice(value),
                        None => {
                            column.extend_from_slice(&text[part.value_at..]);
                            column.push(b' ');
                        }
                    }
                }
            }
            None => {
                self.number(LENGTHS, text.len() as u64);
                self.fixed[TEXTS].extend_from_slice(text);
            }
        }
    }

    fn template_of_message(&mut self, text: &[u8]) -> usize {
        let before = self.templates.len();
        let template = self.template(text, self.messages.may_add());
        self.messages.split += 1;
        self.messages.templates += self.templates.len() - before;
        self.messages.without_template += usize::from(template == 0);
        template
    }

    /// The number of the template with the text's keys; 0 where it has none and may get none.
    fn template(&mut self, text: &[u8], may_add: bool) -> usize {
        if !split(text, &mut self.parts) {
            return 0;
        }
        let keys = &mut self.keys;
        keys.clear();
        push_varint(keys, self.parts.len() as u64);
        let mut begin = 0;
        for part in &self.parts {
            let key = &text[begin..part.value_at];
            keys.push(key.len() as u8);
            keys.extend_from_slice(key);
            begin = part.end + 1;
        }
        if let Some(number) = self.numbers.get(keys) {
            return *number;
        }
        if !may_add || self.templates.len() == TEMPLATES_MAX {
            return 0;
        }
        self.fixed[TEMPLATES].extend_from_slice(keys);
        let columns = self.parts.iter();
        let columns = columns.map(|_| self.spare.pop().unwrap_or_default());
        self.templates.push(columns.collect());
        self.numbers.insert(keys.clone(), self.templates.len());
        self.templates.len()
    }
}

/// Splits a text at its spaces, and each part after its first `=`, if that ends a short key; no where
/// there are too many parts.
fn split(text: &[u8], parts: &mut Vec<Part>) -> bool {
    parts.clear();
    let (mut begin, mut value_at) = (0, 0);
    for at in memchr::memchr2_iter(b' ', b'=', text) {
        if text[at] == b' ' {
            parts.push(Part { value_at, end: at });
            (begin, value_at) = (at + 1, at + 1);
            if parts.len() == PARTS_MAX {
                return false;
            }
        } else if value_at == begin && at - begin < KEY_BYTES_MAX {
            value_at = at + 1;
        }
    }
    let end = text.len();
    parts.push(Part { value_at, end });
    true
}

/// Bytes of memory for the columns of templates that are kept for the next block.
const SPARE_BYTES_MAX: usize = 4 << 20;
/// Templates of messages that are made at once.
pub(super) const TEMPLATES_FIRST: usize = 32;
/// Messages for which one more is made.
const TEXTS_PER_TEMPLATE: usize = 16;
/// Messages without template from which on it is asked whether most are.
const TRIED_MIN: usize = 64;
/// Longest key without its `=`; its length fits one byte of a varint.
const KEY_BYTES_MAX: usize = 32;
