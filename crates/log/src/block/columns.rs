//! Encoding 1 of a block: column by column, and the text of records field by field.
//!
//! A record of one type looks like the next: the same keys in the same order. So a text is split
//! at its spaces; the keys (up to the first `=` of each part) make a *template*, and the values
//! at one place of one template make a column. `audit(seconds.ms:serial): ` at the start of a
//! text becomes two numbers, as differences to the record before.
//!
//! Messages are not so regular. Where most of a block's are of no template that was seen before, splitting
//! them costs as much as everything else together and makes nothing smaller: the rest is left whole.
//!
//! ```text
//! raw     column* , each: varint length ‖ bytes; numbers are varints, z: zigzag difference
//!  0 streams     [u8;16] ids in order of appearance
//!  1 stream      number of the entry's stream
//!  2 sequence    z to the next one of the stream
//!  3 time        z to the entry before
//!  4 kind        u8
//!  5 flags       number
//!  6 type        of kind 1: record type
//!  7 form        2 · template + (1 where the text begins with a stamp)
//!  8 stamp       z of seconds · 1000 + ms        9 serial     z
//! 10 templates   per template: number of parts, then per part: length of the key ‖ key
//! 11 lengths     of texts without template      12 texts      without template (number 0)
//! 13 …           per template from number 1, per part: the values, each ended by a space
//!  … checks      first byte of each leaf hash
//! ```

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::codec::{Cursor, push_varint, unzigzag, zigzag};
use crate::entry::{EntryRef, Header, Kind, StreamId, push};
use crate::hash::Hash;
use crate::limits::{BLOCK_ENTRIES, BLOCK_RAW_BYTES_MAX, PAYLOAD_BYTES_MAX};

use super::{Entries, FIRST_ALLOCATION_BYTES};

/// Lays entries out in columns, in memory that it keeps from one block to the next.
#[derive(Debug, Default)]
pub(super) struct Columns {
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

/// What differences are taken to.
#[derive(Debug, Default)]
struct Before {
    time_ns: u64,
    stamp_ms: u64,
    serial: u64,
}

impl Columns {
    /// Begins the next block.
    pub(super) fn clear(&mut self) {
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
    pub(super) fn finish(&self, out: &mut Vec<u8>) {
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
    pub(super) fn push(&mut self, entry: &EntryRef<'_>, leaf: &Hash) {
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

/// `audit(seconds.ms:serial): `, in the one way to write it.
struct Stamp {
    ms: u64,
    serial: u64,
}

impl Stamp {
    fn split(text: &[u8]) -> Option<(Self, &[u8])> {
        let (seconds, rest) = split_number(text.strip_prefix(STAMP_BEGIN)?)?;
        let (ms, rest) = rest.strip_prefix(b".")?.split_first_chunk::<3>()?;
        let (serial, rest) = split_number(rest.strip_prefix(b":")?)?;
        let rest = rest.strip_prefix(STAMP_END)?;
        let ms = ms.iter().try_fold(0, |ms, digit| push_digit(ms, *digit))?;
        let ms = seconds.checked_mul(1_000)?.checked_add(ms)?;
        Some((Self { ms, serial }, rest))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let ms = (self.ms % 1_000) as u16;
        out.extend_from_slice(STAMP_BEGIN);
        push_number(out, self.ms / 1_000);
        let digits = [ms / 100, ms / 10 % 10, ms % 10].map(|digit| b'0' + digit as u8);
        out.push(b'.');
        out.extend_from_slice(&digits);
        out.push(b':');
        push_number(out, self.serial);
        out.extend_from_slice(STAMP_END);
    }
}

/// Takes a number off the front, in the one way to write it: leading zeros and signs would not come
/// back.
fn split_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(len);
    let is_plain = len == 1 || digits.first().is_some_and(|first| *first != b'0');
    let number = digits
        .iter()
        .try_fold(0, |number, digit| push_digit(number, *digit));
    number.filter(|_| is_plain).map(|number| (number, rest))
}

fn push_digit(number: u64, digit: u8) -> Option<u64> {
    let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
    number.checked_mul(10)?.checked_add(digit.into())
}

fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

/// Rebuilds the entries.
pub(super) fn decode(raw: &[u8], entries: usize) -> Result<Entries, &'static str> {
    let mut decoder = Decoder::new(raw).ok_or("the columns cannot be told apart")?;
    let mut out = Entries::default();
    // Templates and numbers come out two to three times as long.
    out.bytes
        .reserve((raw.len() * 3).min(FIRST_ALLOCATION_BYTES));
    out.spans.reserve(entries.min(BLOCK_ENTRIES as usize));
    for _ in 0..entries {
        decoder
            .entry(&mut out.bytes)
            .ok_or("a column cannot be read")?;
        let start = out
            .spans
            .last()
            .map_or(0, |(at, len)| *at as usize + usize::from(*len));
        let len = out.bytes.len() - start - LENGTH_BYTES;
        // The length that `push` wrote is known from the span.
        out.spans.push(((start + LENGTH_BYTES) as u32, len as u16));
        if out.bytes.len() > BLOCK_RAW_BYTES_MAX {
            return Err("the entries are too long");
        }
    }
    if !decoder.used_up() || decoder.checks.len() != entries {
        return Err("the columns do not belong to this many entries");
    }
    out.checks = decoder.checks.to_vec();
    Ok(out)
}

/// Whether the columns of a block give back its entries. None is kept: what is compared while it is in
/// the processor's nearest memory costs half.
pub(super) fn rebuild(raw: &[u8], entries: &Entries) -> bool {
    let Some(mut decoder) = Decoder::new(raw) else {
        return false;
    };
    let (mut again, mut bytes) = (Vec::new(), 0);
    for entry in entries.iter() {
        again.clear();
        if decoder.entry(&mut again).is_none() || again.get(LENGTH_BYTES..) != Some(entry) {
            return false;
        }
        bytes += again.len();
    }
    bytes <= BLOCK_RAW_BYTES_MAX && decoder.used_up() && decoder.checks.len() == entries.len()
}

pub(super) struct Decoder<'a> {
    fixed: [Cursor<'a>; FIXED],
    streams: Vec<(StreamId, u64)>,
    before: Before,
    templates: Vec<Template<'a>>,
    checks: &'a [u8],
}

/// The parts of a template: their keys, and what is left of their columns.
pub(super) type Template<'a> = Vec<(&'a [u8], Cursor<'a>)>;

/// What stands of an entry in the fixed columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) header: Header,
    /// Of an audit record.
    pub(super) record_type: Option<u16>,
    /// Milliseconds and serial, where the text begins with a stamp.
    pub(super) stamp: Option<(u64, u64)>,
    /// The template of the text behind it, from 1; 0 where it has none.
    pub(super) template: usize,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(raw: &'a [u8]) -> Option<Self> {
        let mut raw = Cursor(raw);
        let mut fixed = [Cursor(&[]); FIXED];
        for column in &mut fixed {
            *column = take_column(&mut raw)?;
        }
        let ids = fixed[STREAMS].0.chunks_exact(16);
        if !ids.remainder().is_empty() {
            return None;
        }
        let streams = ids
            .filter_map(|id| Some((StreamId(id.try_into().ok()?), 0)))
            .collect();
        let mut templates = Vec::new();
        let mut keys = fixed[TEMPLATES];
        while !keys.is_empty() {
            let parts = usize::try_from(keys.varint()?)
                .ok()
                .filter(|parts| *parts <= PARTS_MAX)?;
            let mut template = Vec::with_capacity(parts);
            for _ in 0..parts {
                let len = usize::try_from(keys.varint()?).ok()?;
                template.push((keys.take(len)?, take_column(&mut raw)?));
            }
            templates.push(template);
            if templates.len() > TEMPLATES_MAX {
                return None;
            }
        }
        let checks = take_column(&mut raw)?.0;
        (fixed[STREAMS], fixed[TEMPLATES]) = (Cursor(&[]), Cursor(&[]));
        let before = Before::default();
        raw.is_empty().then_some(Self {
            fixed,
            streams,
            before,
            templates,
            checks,
        })
    }

    fn difference(&mut self, column: usize, before: u64) -> Option<u64> {
        Some(before.wrapping_add(unzigzag(self.fixed[column].varint()?) as u64))
    }

    /// Reads what stands of the next entry in the fixed columns.
    #[inline]
    pub(super) fn head(&mut self) -> Option<Head> {
        let number = usize::try_from(self.fixed[STREAM].varint()?).ok()?;
        let (stream, next) = *self.streams.get(number)?;
        let sequence = self.difference(SEQUENCE, next)?;
        self.streams[number].1 = sequence.wrapping_add(1);
        let time_ns = self.difference(TIME, self.before.time_ns)?;
        self.before.time_ns = time_ns;
        let kind = Kind::try_from(self.fixed[KIND].u8()?).ok()?;
        let flags = u16::try_from(self.fixed[FLAGS].varint()?).ok()?;
        let record_type = match kind {
            Kind::Audit => Some(u16::try_from(self.fixed[TYPE].varint()?).ok()?),
            _ => None,
        };
        let form = self.fixed[FORM].varint()?;
        let mut stamp = None;
        if form % 2 == 1 {
            let ms = self.difference(STAMP, self.before.stamp_ms)?;
            let serial = self.difference(SERIAL, self.before.serial)?;
            (self.before.stamp_ms, self.before.serial) = (ms, serial);
            stamp = Some((ms, serial));
        }
        let header = Header {
            kind,
            flags,
            stream,
            sequence,
            time_ns,
        };
        Some(Head {
            header,
            record_type,
            stamp,
            template: usize::try_from(form / 2).ok()?,
        })
    }

    fn entry(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let head = self.head()?;
        self.rebuild(&head, out)
    }

    /// Appends `u16 length ‖ entry` for the next text of the head's template.
    pub(super) fn rebuild(&mut self, head: &Head, out: &mut Vec<u8>) -> Option<()> {
        let begin = out.len();
        push(out, &head.header, &[]);
        let payload = out.len();
        if let Some(record_type) = head.record_type {
            out.extend_from_slice(&record_type.to_be_bytes());
        }
        if let Some((ms, serial)) = head.stamp {
            Stamp { ms, serial }.write(out);
        }
        self.append_text(head.template, payload, out)?;
        if out.len() - payload > PAYLOAD_BYTES_MAX {
            return None;
        }
        let len = (out.len() - begin - 2) as u16;
        out[begin..begin + 2].copy_from_slice(&len.to_be_bytes());
        Some(())
    }

    /// The templates, from number 1.
    pub(super) fn templates(&self) -> &[Template<'a>] {
        &self.templates
    }

    /// Skips the next `count` texts of a template.
    pub(super) fn skip_texts(&mut self, template: usize, count: usize) -> Option<()> {
        let Some(at) = template.checked_sub(1) else {
            for _ in 0..count {
                self.text()?;
            }
            return Some(());
        };
        for (_, values) in self.templates.get_mut(at)? {
            let len = end_of_values(values.0, count)?;
            values.take(len)?;
        }
        Some(())
    }

    /// The next text without template.
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.fixed[LENGTHS].varint()?).ok()?;
        self.fixed[TEXTS].take(len)
    }

    /// Appends the text of a payload that begins at `payload`.
    fn append_text(&mut self, template: usize, payload: usize, out: &mut Vec<u8>) -> Option<()> {
        let Some(at) = template.checked_sub(1) else {
            out.extend_from_slice(self.text()?);
            return Some(());
        };
        for (key, values) in self.templates.get_mut(at)? {
            let len = memchr::memchr(b' ', values.0)?;
            let value = values.take(len + 1)?;
            if !key.is_empty() {
                out.extend_from_slice(key);
            }
            out.extend_from_slice(value);
            // Checked at each part: a template can be long, and is used by many entries.
            if out.len() - payload > PAYLOAD_BYTES_MAX + 1 {
                return None;
            }
        }
        // The space behind the last value separates nothing.
        out.pop();
        Some(())
    }

    fn used_up(&self) -> bool {
        self.fixed.iter().all(Cursor::is_empty)
            && self
                .templates
                .iter()
                .flatten()
                .all(|(_, values)| values.is_empty())
    }
}

/// Where the first `count` values of a column end.
pub(super) fn end_of_values(values: &[u8], count: usize) -> Option<usize> {
    let (mut at, mut left) = (0, count);
    // Blanks are counted faster than they are found one by one.
    while let Some(run) = values.get(at..at + VALUES_RUN_BYTES) {
        let blanks = memchr::memchr_iter(b' ', run).count();
        if blanks >= left {
            break;
        }
        left -= blanks;
        at += run.len();
    }
    match left.checked_sub(1) {
        None => Some(at),
        Some(before) => {
            let last = memchr::memchr_iter(b' ', &values[at..]).nth(before)?;
            Some(at + last + 1)
        }
    }
}

fn take_column<'a>(raw: &mut Cursor<'a>) -> Option<Cursor<'a>> {
    let len = usize::try_from(raw.varint()?).ok()?;
    raw.take(len).map(Cursor)
}

/// Values are skipped in runs of so many bytes.
const VALUES_RUN_BYTES: usize = 256;
/// Bytes of an entry's length before it.
pub(super) const LENGTH_BYTES: usize = 2;
/// Bytes of memory for the columns of templates that are kept for the next block.
const SPARE_BYTES_MAX: usize = 4 << 20;

const STREAMS: usize = 0;
const STREAM: usize = 1;
const SEQUENCE: usize = 2;
const TIME: usize = 3;
const KIND: usize = 4;
const FLAGS: usize = 5;
const TYPE: usize = 6;
const FORM: usize = 7;
const STAMP: usize = 8;
const SERIAL: usize = 9;
const TEMPLATES: usize = 10;
const LENGTHS: usize = 11;
const TEXTS: usize = 12;
const FIXED: usize = 13;

const TEMPLATES_MAX: usize = 512;
/// Templates of messages that are made at once.
const TEMPLATES_FIRST: usize = 32;
/// Messages for which one more is made.
const TEXTS_PER_TEMPLATE: usize = 16;
/// Messages without template from which on it is asked whether most are.
const TRIED_MIN: usize = 64;
const PARTS_MAX: usize = 256;
/// Longest key without its `=`; its length fits one byte of a varint.
const KEY_BYTES_MAX: usize = 32;
pub(super) const STAMP_BEGIN: &[u8] = b"audit(";
pub(super) const STAMP_END: &[u8] = b"): ";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::leaf_hash;

    fn encode(entries: &[EntryRef<'_>], leaves: &[Hash]) -> Vec<u8> {
        encode_with(&mut Columns::default(), entries, leaves)
    }

    fn encode_with(columns: &mut Columns, entries: &[EntryRef<'_>], leaves: &[Hash]) -> Vec<u8> {
        let mut raw = Vec::new();
        columns.clear();
        for (entry, leaf) in entries.iter().zip(leaves) {
            columns.push(entry, leaf);
        }
        columns.finish(&mut raw);
        raw
    }

    /// Encodes texts of audit records and compares what comes back.
    fn check(texts: &[&[u8]]) {
        let mut framed = Vec::new();
        for (sequence, text) in (3..).zip(texts) {
            let stream = StreamId([sequence as u8 % 2; 16]);
            let kind = if sequence % 5 == 4 {
                Kind::Syslog
            } else {
                Kind::Audit
            };
            let payload = [&1300u16.to_be_bytes(), *text].concat();
            push(
                &mut framed,
                &Header {
                    kind,
                    flags: 0,
                    stream,
                    sequence,
                    time_ns: sequence / 2,
                },
                &payload,
            );
        }
        let entries: Vec<EntryRef<'_>> = crate::entry::split(&framed)
            .map(|entry| EntryRef::parse(entry.unwrap()).unwrap())
            .collect();
        let leaves: Vec<Hash> = entries.iter().map(EntryRef::leaf_hash).collect();
        let raw = encode(&entries, &leaves);
        // What was kept of another block leaves no trace.
        let mut columns = Columns::default();
        encode_with(&mut columns, &entries[entries.len() / 2..], &leaves);
        assert_eq!(encode_with(&mut columns, &entries, &leaves), raw);
        let decoded = decode(&raw, entries.len()).unwrap();
        assert!(rebuild(&raw, &decoded));
        assert!(!rebuild(&raw[..raw.len() - 1], &decoded));
        for (at, entry) in entries.iter().enumerate() {
            assert_eq!(decoded.bytes(at), entry.bytes());
            assert!(decoded.check_holds(at, &leaf_hash(entry.bytes())));
        }
    }

    #[test]
    fn texts_come_back() {
        check(&[
            b"audit(1700000000.001:7): arch=c000003e syscall=59 key=\"a\"",
            b"audit(1700000000.001:7): arch=c000003e syscall=60 key=(null)",
            b"audit(01.001:7): leading zero",
            b"audit(1.1000:7): ms",
            b"audit(1.001:+7): sign",
            b"audit(18446744073709551615.000:1): overflow",
            b"audit(1.001:7):",
            b"audit(1.001:7): ",
            b"",
            b" ",
            b"  two  spaces ",
            b"=",
            b"a=b=c =d e=",
            b"\xff\x00=\n",
        ]);
    }

    #[test]
    fn messages_that_are_not_regular_are_left_whole() {
        let raw = |regular: bool| {
            let texts: Vec<String> = (0..2_000)
                .map(|nth| match regular {
                    true => format!("user={nth} failed from port {}", nth * 7),
                    false => format!("a{nth}=1 b{}=2 c", nth * 7),
                })
                .collect();
            let mut framed = Vec::new();
            for (sequence, text) in (1..).zip(&texts) {
                let header = Header {
                    kind: Kind::Syslog,
                    flags: 0,
                    stream: StreamId([1; 16]),
                    sequence,
                    time_ns: 5,
                };
                push(&mut framed, &header, text.as_bytes());
            }
            let entries: Vec<EntryRef<'_>> = crate::entry::split(&framed)
                .map(|entry| EntryRef::parse(entry.unwrap()).unwrap())
                .collect();
            let leaves: Vec<Hash> = entries.iter().map(EntryRef::leaf_hash).collect();
            let raw = encode(&entries, &leaves);
            let decoded = decode(&raw, entries.len()).unwrap();
            assert!(entries.iter().map(EntryRef::bytes).eq(decoded.iter()));
            Decoder::new(&raw).unwrap().templates.len()
        };
        assert_eq!(raw(true), 1);
        assert!((TEMPLATES_FIRST..64).contains(&raw(false)));
    }

    proptest! {
        #[test]
        fn any_texts_come_back(texts in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..80),
                "[a-c =]{0,40}".prop_map(String::into_bytes),
                "audit\\([0-9]{1,3}\\.[0-9]{2,4}:[0-9]{1,9}\\):? [ab]{1,3}=[0-9]{0,3}".prop_map(String::into_bytes),
            ],
            1..40,
        )) {
            let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
            check(&texts);
        }

        #[test]
        fn any_bytes_decode_or_not(raw in prop::collection::vec(any::<u8>(), 0..300), entries in 0usize..50) {
            let _ = decode(&raw, entries);
        }
    }
}
