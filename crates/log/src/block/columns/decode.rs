//! Columns into entries.

use super::super::{Entries, FIRST_ALLOCATION_BYTES};
use super::stamp::Stamp;
use super::{
    Before, FIXED, FLAGS, FORM, KIND, LENGTHS, PARTS_MAX, SEQUENCE, SERIAL, STAMP, STREAM, STREAMS,
    TEMPLATES, TEMPLATES_MAX, TEXTS, TIME, TYPE,
};
use crate::codec::{Cursor, unzigzag};
use crate::entry::{Header, Kind, StreamId, push};
use crate::limits::{BLOCK_ENTRIES, BLOCK_RAW_BYTES_MAX, PAYLOAD_BYTES_MAX};

/// Rebuilds the entries.
pub(in crate::block) fn decode(raw: &[u8], entries: usize) -> Result<Entries, &'static str> {
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
pub(in crate::block) fn rebuild(raw: &[u8], entries: &Entries) -> bool {
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

pub(in crate::block) struct Decoder<'a> {
    fixed: [Cursor<'a>; FIXED],
    streams: Vec<(StreamId, u64)>,
    before: Before,
    templates: Vec<Template<'a>>,
    checks: &'a [u8],
}

/// The parts of a template: their keys, and what is left of their columns.
pub(in crate::block) type Template<'a> = Vec<(&'a [u8], Cursor<'a>)>;

/// What stands of an entry in the fixed columns.
#[derive(Clone, Copy, Debug)]
pub(in crate::block) struct Head {
    pub(in crate::block) header: Header,
    /// Of an audit record.
    pub(in crate::block) record_type: Option<u16>,
    /// Milliseconds and serial, where the text begins with a stamp.
    pub(in crate::block) stamp: Option<(u64, u64)>,
    /// The template of the text behind it, from 1; 0 where it has none.
    pub(in crate::block) template: usize,
}

impl<'a> Decoder<'a> {
    pub(in crate::block) fn new(raw: &'a [u8]) -> Option<Self> {
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
    pub(in crate::block) fn head(&mut self) -> Option<Head> {
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
    pub(in crate::block) fn rebuild(&mut self, head: &Head, out: &mut Vec<u8>) -> Option<()> {
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
    pub(in crate::block) fn templates(&self) -> &[Template<'a>] {
        &self.templates
    }

    /// Skips the next `count` texts of a template.
    pub(in crate::block) fn skip_texts(&mut self, template: usize, count: usize) -> Option<()> {
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
    pub(in crate::block) fn text(&mut self) -> Option<&'a [u8]> {
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
fn end_of_values(values: &[u8], count: usize) -> Option<usize> {
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
pub(in crate::block) const LENGTH_BYTES: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_skipped() {
        let values: Vec<u8> = (0..2_000u32)
            .flat_map(|number| format!("{} ", number % 7 * 1_000).into_bytes())
            .collect();
        let mut whole = Vec::new();
        for count in 0..2_000 {
            assert_eq!(end_of_values(&values, count), Some(whole.len()));
            whole.extend_from_slice(format!("{} ", count as u32 % 7 * 1_000).as_bytes());
        }
        assert_eq!(end_of_values(&values, 2_001), None);
    }
}
