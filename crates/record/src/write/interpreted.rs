//! [`interpret`]: ausearch's default form with values in words.

use std::ops::Range;

use crate::event::Event;
use crate::field::{Field, Part, Quote};
use crate::interpret::{Interpreter, Kind};
use crate::number::{decode_hex, push_decimal, push_padded};
use crate::record::Record;
use crate::stamp::Stamp;
use crate::write::lines::escape_controls;
use crate::write::replay::Interpreted;
use crate::write::time::Clock;
use crate::write::{Escape, Locale};

/// What `ausearch -i` prints: a rule, then the records, the last one first, with times and values
/// in words.
///
/// ```text
/// ----
/// type=CWD msg=audit(11/14/23 22:13:20.123:45) : cwd=/root
/// ```
pub fn interpret(event: &Event, locale: &Locale<'_>, out: &mut Vec<u8>) {
    interpret_escaped(event, locale, Escape::Tty, out);
}

/// The same with more escaped in the values: `ausearch -i --escape shell`.
pub fn interpret_escaped(event: &Event, locale: &Locale<'_>, escape: Escape, out: &mut Vec<u8>) {
    push_event(event, locale, &mut Clock::default(), out, |record, out| {
        push_fresh(record, locale, escape, out);
    });
}

/// [`interpret`] for one who shows many events: `earlier` keeps some of their records, and later
/// ones that are much like those are shown faster. The locale must stay the same.
pub fn interpret_again(
    event: &Event,
    locale: &Locale<'_>,
    earlier: &mut Interpreted,
    out: &mut Vec<u8>,
) {
    let Interpreted { bodies, clock } = earlier;
    push_event(event, locale, clock, out, |record, out| {
        if !bodies.push_body(record, locale.names, out) {
            push_fresh(record, locale, Escape::Tty, out);
        }
    });
}

fn push_event(
    event: &Event,
    locale: &Locale<'_>,
    clock: &mut Clock,
    out: &mut Vec<u8>,
    mut push_body: impl FnMut(&Record<'_>, &mut Vec<u8>),
) {
    // Words are mostly longer than their numbers, and the enriched parts fall away.
    out.reserve(event.bytes() * 2);
    out.extend_from_slice(b"----\n");
    let mut written = None;
    for record in event.records().rev() {
        push_head(&record, locale, clock, &mut written, out);
        push_body(&record, out);
        out.push(b'\n');
    }
}

fn push_fresh(record: &Record<'_>, locale: &Locale<'_>, escape: Escape, out: &mut Vec<u8>) {
    let start = out.len();
    push_body(record, locale, escape, out);
    escape_controls(start, out);
}

/// One value in words.
pub(super) fn push_value(
    interpreter: &Interpreter<'_, '_>,
    kind: Kind,
    field: &Field<'_>,
    raw: &[u8],
    out: &mut Vec<u8>,
) {
    if interpreter.interpret_as(kind, field, out) {
        return;
    }
    if kind.is_encoded() {
        push_string(field, out);
    } else {
        out.extend_from_slice(&raw[field.value_start..field.end]);
    }
}

/// `node=h1 type=CWD msg=audit(11/14/23 22:13:20.123:45) : `. The records of an event share their
/// stamp: what the first one's was written as, and where it stands in `out`, is in `written`.
fn push_head(
    record: &Record<'_>,
    locale: &Locale<'_>,
    clock: &mut Clock,
    written: &mut Option<(Option<Stamp>, Range<usize>)>,
    out: &mut Vec<u8>,
) {
    if let Some(node) = record.node() {
        out.extend_from_slice(b"node=");
        out.extend_from_slice(node);
        out.push(b' ');
    }
    out.extend_from_slice(b"type=");
    record.push_type_name(out);
    match written {
        Some((stamp, place)) if *stamp == record.stamp() => out.extend_from_within(place.clone()),
        _ => {
            let start = out.len();
            push_stamp(record.stamp(), locale, clock, out);
            *written = Some((record.stamp(), start..out.len()));
        }
    }
}

fn push_stamp(stamp: Option<Stamp>, locale: &Locale<'_>, clock: &mut Clock, out: &mut Vec<u8>) {
    out.extend_from_slice(b" msg=audit(");
    if let Some(stamp) = stamp {
        clock.push(stamp.sec, locale, out);
        out.push(b'.');
        push_padded(u64::from(stamp.milli), 3, out);
        out.push(b':');
        push_decimal(u64::from(stamp.serial), out);
    }
    out.extend_from_slice(b") : ");
}

/// The text, with values in words. What stays as it is goes over in runs, not field by field.
fn push_body(record: &Record<'_>, locale: &Locale<'_>, escape: Escape, out: &mut Vec<u8>) {
    let raw = record.raw();
    let interpreter = Interpreter::new(record, locale.names);
    let mut run = record.body_offset();
    let mut ends_typed = false;
    for field in record.fields() {
        if field.part == Part::Enriched {
            break;
        }
        let kind = interpreter.kind(&field);
        ends_typed = kind == Kind::TtyData;
        if kind.is_verbatim() && !kind.is_encoded() && escape == Escape::Tty {
            continue;
        }
        out.extend_from_slice(&raw[run..field.value_start]);
        let start = out.len();
        if interpreter.interpret_as(kind, &field, out) {
            run = field.end;
        } else if kind.is_encoded() {
            push_string(&field, out);
            run = field.end;
        } else if escape == Escape::Tty {
            run = field.value_start;
        } else {
            out.extend_from_slice(&raw[field.value_start..field.end]);
            run = field.end;
        }
        escape.apply(start, out);
    }
    let body_end = record.body_offset() + record.body().len();
    out.extend_from_slice(&raw[run.min(body_end)..body_end]);
    // A blank after each value, but not after typed characters, which have their own end.
    if !ends_typed {
        out.push(b' ');
    }
}

/// A string that means what it says: decoded, without its quotes, and with control characters as
/// `\011`.
fn push_string(field: &Field<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    if field.quote != Quote::None || !decode_hex(field.value, out) {
        out.extend_from_slice(field.value);
    }
    if !out[start..].iter().any(|byte| *byte < b' ') {
        return;
    }
    for byte in out.split_off(start) {
        if byte < b' ' {
            out.push(b'\\');
            push_padded_octal(byte, out);
        } else {
            out.push(byte);
        }
    }
}

fn push_padded_octal(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[
        b'0' + (byte >> 6),
        b'0' + (byte >> 3 & 7),
        b'0' + (byte & 7),
    ]);
}
