//! [`ndjson`]: one JSON object per event, on one line.
//!
//! ```text
//! {"time":"2023-11-14T22:13:20.123Z","serial":45,"node":"h1","keys":["k"],"complete":true,
//!  "records":[{"type":"CWD","fields":{"cwd":"/root"},"interpreted":{},"raw":"type=CWD …"}]}
//! ```
//!
//! `fields` holds every field of the record under its own name, decoded; a name that comes again
//! gets `#2`, `#3`. `interpreted` holds those whose meaning is more than the decoded value, the
//! enriched ones under the names of the fields that they explain. Strings are UTF-8 always: a byte
//! that is none becomes U+FFFD, and a record with such bytes also carries `raw_hex`. `missing`
//! stands in an incomplete event and names what lacks. The schema is `schemas/event.json`.

use crate::event::{Event, Missing};
use crate::field::{Field, Part, Quote};
use crate::interpret::{Interpreter, Kind, Names};
use crate::names;
use crate::number::{HEX_DIGITS, decode_hex, push_decimal};
use crate::record::Record;
use crate::scan::{ONES, TOPS, first, repeat, zeros};
use crate::write::time::push_rfc3339;

/// Appends the event as one line of JSON.
pub fn ndjson(event: &Event, names: &dyn Names, out: &mut Vec<u8>) {
    // About what the parts below add up to; saves growing in steps.
    out.reserve(event.bytes() * 4);
    out.extend_from_slice(b"{\"time\":");
    match event.stamp() {
        Some(stamp) => {
            out.push(b'"');
            push_rfc3339(stamp, out);
            out.extend_from_slice(b"\",\"serial\":");
            push_decimal(u64::from(stamp.serial), out);
        }
        None => out.extend_from_slice(b"null,\"serial\":null"),
    }
    out.extend_from_slice(b",\"node\":");
    match event.node() {
        Some(node) => push_string(node, out),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"keys\":[");
    for (index, key) in event.keys().iter().enumerate() {
        push_comma(index, out);
        push_string(key, out);
    }
    out.extend_from_slice(b"],\"complete\":");
    out.extend_from_slice(if event.is_complete() {
        b"true"
    } else {
        b"false"
    });
    push_missing(event.missing(), out);
    out.extend_from_slice(b",\"records\":[");
    let mut writer = RecordWriter::new(names);
    for (index, record) in event.records().enumerate() {
        push_comma(index, out);
        writer.push(&record, out);
    }
    out.extend_from_slice(b"]}\n");
}

fn push_missing(missing: &[Missing], out: &mut Vec<u8>) {
    if missing.is_empty() {
        return;
    }
    out.extend_from_slice(b",\"missing\":[");
    for (index, missing) in missing.iter().enumerate() {
        push_comma(index, out);
        push_string(missing.name().as_bytes(), out);
    }
    out.push(b']');
}

/// Writes records; keeps its buffers from one to the next.
struct RecordWriter<'e, 'n> {
    names: &'n dyn Names,
    /// The members of `interpreted`, which follow those of `fields` and are made with them.
    interpreted: Vec<u8>,
    seen: Seen<'e>,
}

impl<'e, 'n> RecordWriter<'e, 'n> {
    fn new(names: &'n dyn Names) -> RecordWriter<'e, 'n> {
        RecordWriter {
            names,
            // A typical record's; more where one has more.
            interpreted: Vec::with_capacity(512),
            seen: Seen::default(),
        }
    }

    fn push(&mut self, record: &Record<'e>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"type\":\"");
        record.push_type_name(out);
        out.extend_from_slice(b"\",\"fields\":{");
        self.interpreted.clear();
        self.seen.clear();
        let interpreter = Interpreter::new(record, self.names);
        for (index, field) in record.fields().enumerate() {
            if field.part == Part::Enriched {
                break;
            }
            push_comma(index, out);
            let name = out.len();
            push_name(field.name, self.seen.add(field.name), out);
            let name = name..out.len();
            let kind = interpreter.kind(&field);
            push_decoded(&field, kind, out);
            if kind.is_verbatim() {
                continue;
            }
            let before = self.interpreted.len();
            push_comma(before, &mut self.interpreted);
            self.interpreted.extend_from_slice(&out[name]);
            let start = self.interpreted.len();
            if interpreter.interpret_as(kind, &field, &mut self.interpreted) {
                escape_from(start, &mut self.interpreted);
                self.interpreted.push(b'"');
            } else {
                self.interpreted.truncate(before);
            }
        }
        out.extend_from_slice(b"},\"interpreted\":{");
        out.extend_from_slice(&self.interpreted);
        out.extend_from_slice(b"},\"raw\":");
        push_raw(record, out);
        out.push(b'}');
    }
}

/// `"name":"`, with a number if the name comes again.
fn push_name(name: &[u8], earlier: u32, out: &mut Vec<u8>) {
    out.push(b'"');
    push_bytes(name, out);
    if earlier > 0 {
        out.push(b'#');
        push_decimal(u64::from(earlier) + 1, out);
    }
    out.extend_from_slice(b"\":\"");
}

/// The decoded value and the closing quote.
fn push_decoded(field: &Field<'_>, kind: Kind, out: &mut Vec<u8>) {
    let start = out.len();
    if kind.is_encoded() && field.quote == Quote::None && decode_hex(field.value, out) {
        escape_from(start, out);
    } else {
        push_bytes(field.value, out);
    }
    out.push(b'"');
}

/// Escapes what has been appended since `start`; mostly there is nothing to escape.
fn escape_from(start: usize, out: &mut Vec<u8>) {
    let plain = plain_length(&out[start..]);
    if start + plain < out.len() {
        let rest = out.split_off(start + plain);
        push_bytes(&rest, out);
    }
}

/// The names of a record's fields, to find those that come again.
#[derive(Default)]
struct Seen<'e> {
    /// A bit for each name by its fingerprint: where it is not set the name is new.
    bits: u64,
    /// The fingerprint of each name, so that the names need not be looked at.
    fingerprints: Vec<u64>,
    /// Each name, and how often it came.
    names: Vec<(&'e [u8], u32)>,
}

impl<'e> Seen<'e> {
    fn clear(&mut self) {
        self.bits = 0;
        self.fingerprints.clear();
        self.names.clear();
    }

    /// Takes a name; returns how often it came before.
    fn add(&mut self, name: &'e [u8]) -> u32 {
        let fingerprint = names::fingerprint(name);
        let bit = 1 << (fingerprint >> 58);
        if self.bits & bit != 0
            && let Some(index) = self.find(fingerprint, name)
        {
            let (_, count) = &mut self.names[index];
            *count += 1;
            return *count - 1;
        }
        self.bits |= bit;
        self.fingerprints.push(fingerprint);
        self.names.push((name, 1));
        0
    }

    fn find(&self, fingerprint: u64, name: &[u8]) -> Option<usize> {
        let mut from = 0;
        let found = |from: usize| {
            let mut rest = self.fingerprints[from..].iter();
            rest.position(|known| *known == fingerprint)
        };
        while let Some(place) = found(from) {
            let index = from + place;
            if names::same(self.names[index].0, name) {
                return Some(index);
            }
            from = index + 1;
        }
        None
    }
}

/// The record's line; beside it, where that is not UTF-8, its bytes in hexadecimal.
fn push_raw(record: &Record<'_>, out: &mut Vec<u8>) {
    let raw = record.raw();
    out.push(b'"');
    if record.is_kernel() {
        out.extend_from_slice(b"type=");
        record.push_type_name(out);
        out.extend_from_slice(b" msg=");
    }
    let is_text = push_bytes(raw, out);
    out.push(b'"');
    if !is_text {
        out.extend_from_slice(b",\"raw_hex\":\"");
        for byte in raw {
            out.push(HEX_DIGITS[usize::from(byte >> 4)]);
            out.push(HEX_DIGITS[usize::from(byte & 15)]);
        }
        out.push(b'"');
    }
}

fn push_comma(written: usize, out: &mut Vec<u8>) {
    if written > 0 {
        out.push(b',');
    }
}

/// A JSON string. Control characters are escaped, those of C1 and DEL as well, so that none
/// reaches a terminal.
pub(super) fn push_string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    push_bytes(bytes, out);
    out.push(b'"');
}

/// The inside of a JSON string; says whether the bytes were UTF-8.
#[inline]
fn push_bytes(mut bytes: &[u8], out: &mut Vec<u8>) -> bool {
    loop {
        let length = plain_length(bytes);
        out.extend_from_slice(&bytes[..length]);
        match bytes.get(length) {
            None => return true,
            Some(special) if special.is_ascii() => push_escape(*special, out),
            Some(_) => return push_unicode(&bytes[length..], out),
        }
        bytes = &bytes[length + 1..];
    }
}

/// [`push_bytes`] from the first byte that is not ASCII.
fn push_unicode(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    let mut is_text = true;
    for chunk in bytes.utf8_chunks() {
        push_text(chunk.valid(), out);
        if !chunk.invalid().is_empty() {
            is_text = false;
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    is_text
}

fn push_text(text: &str, out: &mut Vec<u8>) {
    let mut plain = 0;
    for (at, character) in text.char_indices() {
        let is_special = u8::try_from(character).is_ok_and(is_special) || character.is_control();
        if is_special {
            out.extend_from_slice(&text.as_bytes()[plain..at]);
            // All control characters are below U+00A0.
            push_escape(character as u8, out);
            plain = at + character.len_utf8();
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
}

fn push_escape(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\t' => out.extend_from_slice(b"\\t"),
        b'\r' => out.extend_from_slice(b"\\r"),
        _ => {
            let (high, low) = (
                HEX_DIGITS[usize::from(byte >> 4)],
                HEX_DIGITS[usize::from(byte & 15)],
            );
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
    }
}

/// How many bytes at the start are ASCII and need no escape.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    // Long ones first in blocks, which the compiler makes vector instructions of.
    while let Some(block) = bytes[at..].first_chunk::<32>() {
        if block
            .iter()
            .fold(false, |any, byte| any | is_escaped(*byte))
        {
            break;
        }
        at += 32;
    }
    while let Some(word) = bytes[at..].first_chunk() {
        let flags = special_bytes(u64::from_le_bytes(*word));
        if flags != 0 {
            return at + first(flags);
        }
        at += 8;
    }
    let rest = &bytes[at..];
    if let (Some(head), Some(tail)) = (rest.first_chunk(), rest.last_chunk()) {
        // Four to seven: two halves that overlap.
        let word =
            u64::from(u32::from_le_bytes(*head)) | u64::from(u32::from_le_bytes(*tail)) << 32;
        if special_bytes(word) == 0 {
            return bytes.len();
        }
    }
    at + rest.iter().take_while(|byte| !is_escaped(**byte)).count()
}

/// Sets the top bit of each byte for which [`is_escaped`] holds. The lowest flagged byte is right;
/// those above it may be flagged by a borrow or a carry.
#[inline]
fn special_bytes(word: u64) -> u64 {
    // With bit 1 turned, the quote 0x22 stands right behind the control characters.
    let control_or_quote = (word ^ (ONES * 2)).wrapping_sub(ONES * 0x21) & !word;
    let backslash = zeros(word ^ repeat(b'\\'));
    let delete = word.wrapping_add(ONES);
    (control_or_quote | backslash | delete | word) & TOPS
}

/// Whether a byte is not ASCII or is [special](is_special).
#[inline]
fn is_escaped(byte: u8) -> bool {
    // One comparison for both ends of what is printed.
    (byte.wrapping_sub(b' ') > b'~' - b' ') | (byte == b'"') | (byte == b'\\')
}

#[inline]
fn is_special(byte: u8) -> bool {
    matches!(byte, 0..=0x1f | b'"' | b'\\' | 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expect: &str) {
        let mut out = Vec::new();
        push_string(bytes, &mut out);
        let json: String = serde_json::from_slice(&out).expect("valid JSON");
        assert_eq!(json, expect);
        assert!(!out.iter().any(|byte| byte.is_ascii_control()));
    }

    #[test]
    fn strings() {
        check(b"", "");
        check(
            b"plain text of more than eight bytes",
            "plain text of more than eight bytes",
        );
        check(
            b"0123456\"\\\n\x01\x7f89abcdef",
            "0123456\"\\\n\u{1}\u{7f}89abcdef",
        );
        check(
            "grüße\u{9b}31m\u{1f600}\"".as_bytes(),
            "grüße\u{9b}31m\u{1f600}\"",
        );
        check(b"a\xffb\xe2\x82\"", "a\u{fffd}b\u{fffd}\"");
    }

    #[test]
    fn every_byte_at_every_place() {
        for place in 0..20 {
            for byte in 0..=0x7f {
                let mut bytes = [b'x'; 20];
                bytes[place] = byte;
                check(&bytes, std::str::from_utf8(&bytes).expect("ASCII"));
            }
        }
    }
}
