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
use crate::field::{Field, Part};
use crate::interpret::{Interpreter, Kind, Names};
use crate::number::{HEX_DIGITS, push_decimal};
use crate::record::Record;
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
    let mut writer = RecordWriter::default();
    for (index, record) in event.records().enumerate() {
        push_comma(index, out);
        writer.push(&record, names, out);
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
#[derive(Default)]
struct RecordWriter {
    interpreted: Vec<u8>,
    value: Vec<u8>,
    /// A hash per name written, to find those that come again.
    seen: Vec<u64>,
}

impl RecordWriter {
    fn push(&mut self, record: &Record<'_>, names: &dyn Names, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"type\":");
        out.push(b'"');
        record.push_type_name(out);
        out.push(b'"');
        out.extend_from_slice(b",\"fields\":{");
        self.interpreted.clear();
        self.seen.clear();
        let interpreter = Interpreter::new(record, names);
        for field in record.fields() {
            if field.part == Part::Enriched {
                break;
            }
            let name_start = self.push_name(&field, out);
            let name_end = out.len();
            out.push(b':');
            let kind = interpreter.kind(&field);
            push_string(&field.decoded_as(kind), out);
            if kind == Kind::Plain {
                continue;
            }
            self.value.clear();
            if interpreter.interpret_as(kind, &field, &mut self.value) {
                push_comma(self.interpreted.len(), &mut self.interpreted);
                self.interpreted
                    .extend_from_slice(&out[name_start..name_end]);
                self.interpreted.push(b':');
                push_string(&self.value, &mut self.interpreted);
            }
        }
        out.extend_from_slice(b"},\"interpreted\":{");
        out.extend_from_slice(&self.interpreted);
        out.extend_from_slice(b"},\"raw\":");
        push_raw(record, out);
        out.push(b'}');
    }

    /// Appends the quoted name of a field, behind a comma if it is not the first; returns where it
    /// begins.
    fn push_name(&mut self, field: &Field<'_>, out: &mut Vec<u8>) -> usize {
        push_comma(self.seen.len(), out);
        let start = out.len();
        let hash = name_hash(field.name);
        let earlier = self.seen.iter().filter(|seen| **seen == hash).count();
        self.seen.push(hash);
        push_string(field.name, out);
        if earlier > 0 {
            out.pop();
            out.push(b'#');
            push_decimal(earlier as u64 + 1, out);
            out.push(b'"');
        }
        start
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

/// FNV-1a.
fn name_hash(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A JSON string. Control characters are escaped, those of C1 and DEL as well, so that none
/// reaches a terminal.
fn push_string(bytes: &[u8], out: &mut Vec<u8>) {
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

/// How many bytes at the start are ASCII and need no escape; eight at a time.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    let mut length = 0;
    for chunk in bytes.chunks_exact(8) {
        let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        // The lowest flagged byte is right; those above it may be flagged by a borrow.
        let flags = special_bytes(word);
        if flags != 0 {
            return length + flags.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length
        + bytes[length..]
            .iter()
            .take_while(|byte| byte.is_ascii() && !is_special(**byte))
            .count()
}

/// Sets the top bit of each byte that is a control character, a quote, a backslash or not ASCII.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let below_blank = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = zero(word ^ (ONES * 0x22));
    let backslash = zero(word ^ (ONES * 0x5c));
    let delete = zero(word ^ (ONES * 0x7f));
    (below_blank | quote | backslash | delete | word) & TOPS
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
