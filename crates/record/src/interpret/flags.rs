//! Look-ups in tables of named numbers.

use crate::number::{push_hex, push_hex_digits};

/// A table of the constants: ascending by value.
pub(super) type Table = &'static [(u64, &'static str)];

/// The name of one number.
pub(super) fn name(table: Table, value: u64) -> Option<&'static str> {
    let at = table.binary_search_by_key(&value, |entry| entry.0).ok()?;
    Some(table[at].1)
}

/// How audit's tools print a number that has no name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown<'a> {
    /// `0x1f`
    Hex,
    /// `1f`
    Digits,
    /// `31`, as an int
    Decimal,
    /// As the record has it.
    Verbatim(&'a [u8]),
}

/// Appends the name, or what audit's tools print for a number without one:
/// `unknown-signal(64)`.
pub(super) fn push_name(table: Table, value: u64, what: &str, shown: Shown<'_>, out: &mut Vec<u8>) {
    match name(table, value) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => push_unknown(what, value, shown, out),
    }
}

/// `unknown-signal(64)`
pub(super) fn push_unknown(what: &str, value: u64, shown: Shown<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"unknown-");
    out.extend_from_slice(what.as_bytes());
    out.push(b'(');
    match shown {
        Shown::Hex => push_hex(value, out),
        Shown::Digits => push_hex_digits(value, out),
        Shown::Decimal => {
            let int = (value as u32).cast_signed();
            out.extend_from_slice(int.to_string().as_bytes());
        }
        Shown::Verbatim(text) => out.extend_from_slice(text),
    }
    out.push(b')');
}

/// Appends the names of the bits of `value`, with `|` between them, and what has no name as one
/// hexadecimal number. `start` is where the list begins in `out`.
pub(super) fn push_bits(table: Table, value: u64, start: usize, out: &mut Vec<u8>) {
    let mut rest = value;
    for (bit, name) in table {
        if value & bit == *bit {
            push_separator(start, out);
            out.extend_from_slice(name.as_bytes());
            rest &= !bit;
        }
    }
    if rest != 0 {
        push_separator(start, out);
        push_hex(rest, out);
    }
}

/// A `|`, unless nothing has been appended since `start`.
pub(super) fn push_separator(start: usize, out: &mut Vec<u8>) {
    if out.len() > start {
        out.push(b'|');
    }
}
