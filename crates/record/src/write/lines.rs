//! Records as lines: [`raw`] and ausearch's [`default`] form.

use crate::event::Event;
use crate::record::{ENRICHED_SEPARATOR, Record};
use crate::scan;
use crate::write::time::Civil;
use crate::write::{Escape, Locale};

/// The records as auditd stores them, one line each, enriched parts included.
pub fn raw(event: &Event, out: &mut Vec<u8>) {
    for record in event.records() {
        push_line(&record, true, out);
        out.push(b'\n');
    }
}

/// The records as `ausearch --format raw` prints them: where a record of an event is enriched, the
/// others get the separator, too.
pub fn raw_as_tool(event: &Event, out: &mut Vec<u8>) {
    let is_enriched = event.records().any(|record| record.is_enriched());
    for record in event.records() {
        push_line(&record, true, out);
        if is_enriched && !record.is_enriched() {
            out.push(ENRICHED_SEPARATOR);
        }
        out.push(b'\n');
    }
}

/// ausearch's default form: a rule, the time, then the records without their enriched parts, the
/// last one first. Control characters are written as `\\015`, so that none reaches a terminal.
///
/// ```text
/// ----
/// time->Tue Nov 14 22:13:20 2023
/// type=CWD msg=audit(1700000000.123:45): cwd="/root"
/// ```
pub fn default(event: &Event, locale: &Locale<'_>, out: &mut Vec<u8>) {
    default_escaped(event, locale, Escape::Tty, out);
}

/// The same with more escaped: `ausearch --escape shell` escapes the whole line.
pub fn default_escaped(event: &Event, locale: &Locale<'_>, escape: Escape, out: &mut Vec<u8>) {
    out.extend_from_slice(b"----\n");
    if let Some(stamp) = event.stamp() {
        out.extend_from_slice(b"time->");
        Civil::new(stamp.sec, (locale.offset_s)(stamp.sec)).push_ctime(out);
        out.push(b'\n');
    }
    for record in event.records().rev() {
        let start = out.len();
        push_line(&record, false, out);
        escape_controls(start, out);
        escape.apply(start, out);
        out.push(b'\n');
    }
}

/// Replaces the control characters of `out[start..]`; there are hardly ever any.
pub(super) fn escape_controls(start: usize, out: &mut Vec<u8>) {
    if !scan::has_controls(&out[start..]) {
        return;
    }
    for byte in out.split_off(start) {
        match byte {
            0..=0x1f => out.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
            _ => out.push(byte),
        }
    }
}

/// One record in the form of audit.log. A kernel message gets the type that the kernel carries
/// outside of the text.
pub(super) fn push_line(record: &Record<'_>, enriched: bool, out: &mut Vec<u8>) {
    if record.is_kernel() {
        out.extend_from_slice(b"type=");
        out.extend_from_slice(record.type_name().as_bytes());
        out.extend_from_slice(b" msg=");
    }
    let raw = record.raw();
    if enriched {
        out.extend_from_slice(raw);
    } else {
        let length = raw.len() - record.enriched().len();
        let kept = &raw[..length];
        out.extend_from_slice(kept.strip_suffix(&[ENRICHED_SEPARATOR]).unwrap_or(kept));
    }
}
