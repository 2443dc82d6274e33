//! The terms of a record.

use std::borrow::Cow;

use indelible_record::{Field, Part, Record, RecordType, SocketAddress, UnixName};

use super::TermField;

/// Gives the terms of a record; one may come more than once.
pub fn each(record: &Record<'_>, take: &mut dyn FnMut(TermField, &[u8])) {
    let record_type = record.record_type();
    let mut digits = [0; 5];
    take(TermField::Type, decimal(record_type.0, &mut digits));
    for field in record.fields() {
        match field.part {
            Part::Enriched => enriched(&field, take),
            Part::Body | Part::Message => of_field(record_type, &field, take),
        }
    }
}

fn of_field(record_type: RecordType, field: &Field<'_>, take: &mut dyn FnMut(TermField, &[u8])) {
    let term = match field.name {
        b"key" => {
            let mut keys = |value: &[u8]| {
                let keys = value.split(|byte| *byte == KEY_SEPARATOR);
                keys.for_each(|key| take(TermField::Key, key));
            };
            return both(record_type, field, &mut keys);
        }
        b"saddr" if record_type == RecordType::SOCKADDR => return address(field.value, take),
        b"exe" => TermField::Exe,
        b"comm" => TermField::Comm,
        b"name" | b"cwd" | b"path" => TermField::Path,
        b"pid" => TermField::Pid,
        b"auid" | b"new auid" => TermField::Auid,
        b"uid" | b"euid" => TermField::Uid,
        b"syscall" => TermField::Syscall,
        b"hostname" | b"addr" | b"saddr" => {
            return both(record_type, field, &mut |value| {
                take(TermField::Address, value);
                // The daemon writes `addr=192.0.2.7:60`.
                if let Some(colon) = memchr::memchr(b':', value) {
                    take(TermField::Address, &value[..colon]);
                }
            });
        }
        _ => return,
    };
    both(record_type, field, &mut |value| take(term, value));
}

/// The value decoded, and as it stands where that is something else.
fn both(record_type: RecordType, field: &Field<'_>, take: &mut dyn FnMut(&[u8])) {
    match field.decoded(record_type) {
        Cow::Borrowed(value) => take(value),
        Cow::Owned(value) => {
            take(&value);
            take(field.value);
        }
    }
}

/// The names that auditd resolved.
fn enriched(field: &Field<'_>, take: &mut dyn FnMut(TermField, &[u8])) {
    let term = match field.name {
        b"AUID" => TermField::Auid,
        b"UID" | b"EUID" => TermField::Uid,
        _ => return,
    };
    take(term, field.value);
}

fn address(digits: &[u8], take: &mut dyn FnMut(TermField, &[u8])) {
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    let byte = |pair: &[u8]| Some((nibble(pair[0])? << 4 | nibble(pair[1])?) as u8);
    // What follows digits that cannot be read is not looked at by anybody.
    let bytes: Vec<u8> = digits.chunks_exact(2).map_while(byte).collect();
    match SocketAddress::read(&bytes) {
        Some(SocketAddress::Inet { address, .. }) => {
            take(TermField::Address, address.to_string().as_bytes());
        }
        Some(SocketAddress::Inet6 { address, .. }) => {
            take(TermField::Address, address.to_string().as_bytes());
            let canonical = address.to_canonical();
            take(TermField::Address, canonical.to_string().as_bytes());
        }
        Some(SocketAddress::Unix(UnixName::Path(name) | UnixName::Abstract(name))) => {
            take(TermField::Path, &name);
        }
        _ => {}
    }
}

fn decimal(mut number: u16, digits: &mut [u8; 5]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

/// Joins the keys of one rule.
const KEY_SEPARATOR: u8 = 1;
