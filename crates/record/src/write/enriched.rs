//! [`enriched`]: the form in which auditd stores records with `log_format = ENRICHED`.
//!
//! ```text
//! type=CWD msg=audit(…): cwd="/"<0x1D>
//! type=PATH msg=audit(…): item=0 … ouid=0 ogid=0<0x1D>OUID="root" OGID="root"
//! ```

use crate::event::Event;
use crate::field::{Field, Part};
use crate::interpret::{Interpreter, Kind, Names};
use crate::record::{ENRICHED_SEPARATOR, Record};
use crate::record_type::RecordType;
use crate::write::lines;

/// The records, each followed by the separator and its names. A record that is enriched already
/// keeps what the host resolved; EOE records, which auditd does not store, are left out.
pub fn enriched(event: &Event, names: &dyn Names, out: &mut Vec<u8>) {
    for record in event.records() {
        if record.record_type() == RecordType::EOE {
            continue;
        }
        lines::push_line(&record, true, out);
        if !record.is_enriched() {
            push_names(&record, names, out);
        }
        out.push(b'\n');
    }
}

fn push_names(record: &Record<'_>, names: &dyn Names, out: &mut Vec<u8>) {
    let interpreter = Interpreter::new(record, names);
    out.push(ENRICHED_SEPARATOR);
    let mut value = Vec::new();
    let mut first = true;
    // ARCH stands before SYSCALL, as in the record.
    for field in record.fields().filter(|field| field.part == Part::Body) {
        let kind = Kind::of(record.record_type(), &field);
        let quote: &[u8] = match kind {
            Kind::Uid | Kind::Gid => b"\"",
            Kind::Syscall | Kind::Arch | Kind::Sockaddr => b"",
            _ => continue,
        };
        value.clear();
        if !interpreter.interpret(&field, &mut value) {
            value.extend_from_slice(field.value);
        }
        if !first {
            out.push(b' ');
        }
        first = false;
        push_name(&field, out);
        out.push(b'=');
        out.extend_from_slice(quote);
        out.extend_from_slice(&value);
        out.extend_from_slice(quote);
    }
}

fn push_name(field: &Field<'_>, out: &mut Vec<u8>) {
    out.extend(field.name.iter().map(u8::to_ascii_uppercase));
}
