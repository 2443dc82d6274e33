//! [`interpret`]: ausearch's default form with values in words.

use crate::event::Event;
use crate::field::{Field, Part};
use crate::interpret::{Interpreter, Kind};
use crate::number::{push_decimal, push_padded};
use crate::record::Record;
use crate::write::Locale;
use crate::write::time::Civil;

/// What `ausearch -i` prints: a rule, then the records, the last one first, with times and values
/// in words.
///
/// ```text
/// ----
/// type=CWD msg=audit(11/14/23 22:13:20.123:45) : cwd=/root
/// ```
pub fn interpret(event: &Event, locale: &Locale<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"----\n");
    for record in event.records().rev() {
        push_record(&record, locale, out);
        out.push(b'\n');
    }
}

fn push_record(record: &Record<'_>, locale: &Locale<'_>, out: &mut Vec<u8>) {
    push_head(record, locale, out);
    let raw = record.raw();
    let interpreter = Interpreter::new(record, locale.names);
    let mut at = record.body_offset();
    let mut ends_typed = false;
    for field in record
        .fields()
        .take_while(|field| field.part != Part::Enriched)
    {
        out.extend_from_slice(&raw[at..field.value_start]);
        if !interpreter.interpret(&field, out) {
            push_uninterpreted(record, &field, out);
        }
        ends_typed = interpreter.kind(&field) == Kind::TtyData;
        at = field.end;
    }
    let body_end = record.body_offset() + record.body().len();
    out.extend_from_slice(&raw[at.min(body_end)..body_end]);
    // A blank after each value, but not after typed characters, which have their own end.
    if !ends_typed {
        out.push(b' ');
    }
}

/// A value that means what it says: strings without their quotes and with control characters as
/// `\011`, all else as it stands, quotes included.
fn push_uninterpreted(record: &Record<'_>, field: &Field<'_>, out: &mut Vec<u8>) {
    if !Kind::of(record.record_type(), field).is_encoded() {
        out.extend_from_slice(&record.raw()[field.value_start..field.end]);
        return;
    }
    for byte in field.decoded(record.record_type()).iter() {
        match byte {
            0..=0x1f => out.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
            _ => out.push(*byte),
        }
    }
}

/// `node=h1 type=CWD msg=audit(11/14/23 22:13:20.123:45) : `
fn push_head(record: &Record<'_>, locale: &Locale<'_>, out: &mut Vec<u8>) {
    if let Some(node) = record.node() {
        out.extend_from_slice(b"node=");
        out.extend_from_slice(node);
        out.push(b' ');
    }
    out.extend_from_slice(b"type=");
    out.extend_from_slice(record.type_name().as_bytes());
    out.extend_from_slice(b" msg=audit(");
    if let Some(stamp) = record.stamp() {
        let civil = Civil::new(stamp.sec, (locale.offset_s)(stamp.sec));
        civil.push_date(locale.century, out);
        out.push(b' ');
        civil.push_clock(out);
        out.push(b'.');
        push_padded(u64::from(stamp.milli), 3, out);
        out.push(b':');
        push_decimal(u64::from(stamp.serial), out);
    }
    out.extend_from_slice(b") : ");
}
