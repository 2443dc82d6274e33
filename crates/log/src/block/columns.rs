//! Encoding 1 of a block: column by column, and the text of records field by field.
//!
//! A record of one type looks like the next: the same keys in the same order. So a text is split
//! at its spaces; the keys (up to the first `=` of each part) make a *template*, and the values
//! at one place of one template make a column. `audit(seconds.ms:serial): ` at the start of a
//! text becomes two numbers, as differences to the record before.
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
use std::io::Write;

use crate::codec::{Cursor, push_varint, unzigzag, zigzag};
use crate::entry::{EntryRef, Header, Kind, StreamId, push};
use crate::hash::Hash;
use crate::limits::{BLOCK_RAW_BYTES_MAX, PAYLOAD_BYTES_MAX};

use super::Entries;

/// Lays entries out in columns.
pub(super) fn encode(entries: &[EntryRef<'_>], leaves: &[Hash]) -> Vec<u8> {
    let mut columns = Columns::default();
    entries.iter().for_each(|entry| columns.push(entry));
    let checks: Vec<u8> = leaves.iter().map(|leaf| leaf.0[0]).collect();
    let mut out = Vec::new();
    let Columns {
        fixed, templates, ..
    } = &columns;
    for column in fixed
        .iter()
        .chain(templates.iter().flatten())
        .chain([&checks])
    {
        push_varint(&mut out, column.len() as u64);
        out.extend_from_slice(column);
    }
    out
}

#[derive(Default)]
struct Columns {
    fixed: [Vec<u8>; FIXED],
    streams: HashMap<StreamId, (u64, u64)>,
    before: Before,
    /// Columns of the parts of each template, from template 1.
    templates: Vec<Vec<Vec<u8>>>,
    /// Numbers of templates by their keys, encoded as in column 10.
    numbers: HashMap<Vec<u8>, usize>,
    /// The keys of the text at hand.
    keys: Vec<u8>,
}

/// What differences are taken to.
#[derive(Default)]
struct Before {
    time_ns: u64,
    stamp_ms: u64,
    serial: u64,
}

impl Columns {
    fn number(&mut self, column: usize, value: u64) {
        push_varint(&mut self.fixed[column], value);
    }

    fn difference(&mut self, column: usize, value: u64, before: u64) {
        self.number(column, zigzag(value.wrapping_sub(before) as i64));
    }

    fn push(&mut self, entry: &EntryRef<'_>) {
        let Header {
            kind,
            flags,
            stream,
            sequence,
            time_ns,
        } = entry.header();
        let fresh = self.streams.len() as u64;
        let known = self.streams.entry(stream).or_insert_with(|| {
            self.fixed[STREAMS].extend_from_slice(&stream.0);
            (fresh, 0)
        });
        let (number, next) = *known;
        known.1 = sequence.wrapping_add(1);
        self.number(STREAM, number);
        self.difference(SEQUENCE, sequence, next);
        self.difference(TIME, time_ns, self.before.time_ns);
        self.before.time_ns = time_ns;
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
                self.text(rest, 1);
            }
            None => self.text(text, 0),
        }
    }

    fn text(&mut self, text: &[u8], stamped: u64) {
        let template = self.template(text);
        self.number(FORM, template as u64 * 2 + stamped);
        match template.checked_sub(1) {
            Some(at) => {
                let values = parts(text).map(|(_, value)| value);
                for (column, value) in self.templates[at].iter_mut().zip(values) {
                    column.extend_from_slice(value);
                    column.push(b' ');
                }
            }
            None => {
                self.number(LENGTHS, text.len() as u64);
                self.fixed[TEXTS].extend_from_slice(text);
            }
        }
    }

    /// The number of the template with these keys; 0 where there can be no more of them.
    fn template(&mut self, text: &[u8]) -> usize {
        let count = memchr::memchr_iter(b' ', text).count() + 1;
        if count > PARTS_MAX {
            return 0;
        }
        // Used again for each text: most have a template already.
        let mut keys = std::mem::take(&mut self.keys);
        keys.clear();
        push_varint(&mut keys, count as u64);
        for (key, _) in parts(text) {
            push_varint(&mut keys, key.len() as u64);
            keys.extend_from_slice(key);
        }
        let known = self.numbers.get(&keys).copied();
        let number = match known {
            Some(number) => number,
            None if self.templates.len() == TEMPLATES_MAX => 0,
            None => {
                self.fixed[TEMPLATES].extend_from_slice(&keys);
                self.templates.push(vec![Vec::new(); count]);
                self.numbers.insert(keys.clone(), self.templates.len());
                self.templates.len()
            }
        };
        self.keys = keys;
        number
    }
}

/// The parts of a text, split at its spaces, as keys and values.
fn parts(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr(b' ', text).unwrap_or(text.len());
        rest = text.get(end + 1..);
        Some(split_part(&text[..end]))
    })
}

/// Splits `key=value` after the `=`; a part without a short key is all value.
fn split_part(part: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'=', part) {
        Some(at) if at < KEY_BYTES_MAX => part.split_at(at + 1),
        _ => (&[], part),
    }
}

/// `audit(seconds.ms:serial): `, in the one way to write it.
struct Stamp {
    ms: u64,
    serial: u64,
}

impl Stamp {
    fn split(text: &[u8]) -> Option<(Self, &[u8])> {
        let rest = text.strip_prefix(STAMP_BEGIN)?;
        let end = memchr::memchr(b')', &rest[..rest.len().min(STAMP_BYTES_MAX)])?;
        let (numbers, rest) = rest.split_at(end);
        let rest = rest.strip_prefix(STAMP_END)?;
        let numbers = std::str::from_utf8(numbers).ok()?;
        let (seconds, rest_numbers) = numbers.split_once('.')?;
        let (ms, serial) = rest_numbers.split_once(':')?;
        let seconds: u64 = seconds.parse().ok()?;
        let stamp = Self {
            ms: seconds.checked_mul(1_000)?.checked_add(ms.parse().ok()?)?,
            serial: serial.parse().ok()?,
        };
        // Leading zeros, signs and milliseconds beyond 999 would not come back.
        let mut again = Vec::with_capacity(STAMP_BYTES_MAX + STAMP_BEGIN.len());
        stamp.write(&mut again);
        text.starts_with(&again).then_some((stamp, rest))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (seconds, ms) = (self.ms / 1_000, self.ms % 1_000);
        out.extend_from_slice(STAMP_BEGIN);
        write!(out, "{seconds}.{ms:03}:{}", self.serial).expect("writing to memory cannot fail");
        out.extend_from_slice(STAMP_END);
    }
}

/// Rebuilds the entries.
pub(super) fn decode(raw: &[u8], entries: usize) -> Result<Entries, &'static str> {
    let mut decoder = Decoder::new(raw).ok_or("the columns cannot be told apart")?;
    let mut out = Entries::default();
    for _ in 0..entries {
        decoder
            .entry(&mut out.bytes)
            .ok_or("a column cannot be read")?;
        let start = out
            .spans
            .last()
            .map_or(0, |(at, len)| *at as usize + usize::from(*len));
        let len = out.bytes.len() - start - 2;
        // The length that `push` wrote is known from the span.
        out.spans.push((start as u32 + 2, len as u16));
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

struct Decoder<'a> {
    fixed: [Cursor<'a>; FIXED],
    streams: Vec<(StreamId, u64)>,
    before: Before,
    templates: Vec<Vec<(&'a [u8], Cursor<'a>)>>,
    checks: &'a [u8],
    text: Vec<u8>,
}

impl<'a> Decoder<'a> {
    fn new(raw: &'a [u8]) -> Option<Self> {
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
            text: Vec::new(),
        })
    }

    fn difference(&mut self, column: usize, before: u64) -> Option<u64> {
        Some(before.wrapping_add(unzigzag(self.fixed[column].varint()?) as u64))
    }

    fn entry(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let number = usize::try_from(self.fixed[STREAM].varint()?).ok()?;
        let (stream, next) = *self.streams.get(number)?;
        let sequence = self.difference(SEQUENCE, next)?;
        self.streams[number].1 = sequence.wrapping_add(1);
        let time_ns = self.difference(TIME, self.before.time_ns)?;
        self.before.time_ns = time_ns;
        let kind = Kind::try_from(self.fixed[KIND].u8()?).ok()?;
        let flags = u16::try_from(self.fixed[FLAGS].varint()?).ok()?;
        self.text.clear();
        if kind == Kind::Audit {
            let record_type = u16::try_from(self.fixed[TYPE].varint()?).ok()?;
            self.text.extend_from_slice(&record_type.to_be_bytes());
        }
        let form = self.fixed[FORM].varint()?;
        if form % 2 == 1 {
            let ms = self.difference(STAMP, self.before.stamp_ms)?;
            let serial = self.difference(SERIAL, self.before.serial)?;
            (self.before.stamp_ms, self.before.serial) = (ms, serial);
            Stamp { ms, serial }.write(&mut self.text);
        }
        self.append_text(usize::try_from(form / 2).ok()?)?;
        if self.text.len() > PAYLOAD_BYTES_MAX {
            return None;
        }
        push(
            out,
            &Header {
                kind,
                flags,
                stream,
                sequence,
                time_ns,
            },
            &self.text,
        );
        Some(())
    }

    fn append_text(&mut self, template: usize) -> Option<()> {
        let Some(at) = template.checked_sub(1) else {
            let len = usize::try_from(self.fixed[LENGTHS].varint()?).ok()?;
            self.text.extend_from_slice(self.fixed[TEXTS].take(len)?);
            return Some(());
        };
        for (key, values) in self.templates.get_mut(at)? {
            let len = memchr::memchr(b' ', values.0)?;
            let value = values.take(len + 1)?;
            self.text.extend_from_slice(key);
            self.text.extend_from_slice(value);
            // Checked at each part: a template can be long, and is used by many entries.
            if self.text.len() > PAYLOAD_BYTES_MAX + 1 {
                return None;
            }
        }
        // The space behind the last value separates nothing.
        self.text.pop();
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

fn take_column<'a>(raw: &mut Cursor<'a>) -> Option<Cursor<'a>> {
    let len = usize::try_from(raw.varint()?).ok()?;
    raw.take(len).map(Cursor)
}

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
const PARTS_MAX: usize = 256;
const KEY_BYTES_MAX: usize = 32;
const STAMP_BEGIN: &[u8] = b"audit(";
const STAMP_END: &[u8] = b"): ";
const STAMP_BYTES_MAX: usize = 48;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::leaf_hash;

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
        let decoded = decode(&encode(&entries, &leaves), entries.len()).unwrap();
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
