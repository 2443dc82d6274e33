//! One value in words, by its kind.

use crate::event::UNSET;
use crate::field::Field;
use crate::interpret::{Context, Kind, Names};
use crate::number::{decimal, hexadecimal, push_hex};

/// Appends the meaning of `field`; false where there is none beyond the decoded value, and then
/// nothing is appended.
pub(super) fn interpret(
    kind: Kind,
    context: &Context,
    field: &Field<'_>,
    names: &dyn Names,
    out: &mut Vec<u8>,
) -> bool {
    let value = field.value;
    match kind {
        Kind::Uid => id(value, |uid| names.user(uid), out),
        Kind::Gid => id(value, |gid| names.group(gid), out),
        Kind::Session => match id_number(value) {
            Some(UNSET) => push(out, b"unset"),
            _ => false,
        },
        Kind::Success => match value {
            b"1" => push(out, b"yes"),
            b"0" => push(out, b"no"),
            _ => false,
        },
        Kind::Argument(_) => match hexadecimal(value) {
            Some(number) => {
                push_hex(number, out);
                true
            }
            None => false,
        },
        Kind::Proctitle => {
            let mut title = field.decoded(context.record_type).into_owned();
            title
                .iter_mut()
                .filter(|byte| **byte == 0)
                .for_each(|byte| *byte = b' ');
            push(out, &title)
        }
        _ => false,
    }
}

fn push(out: &mut Vec<u8>, text: &[u8]) -> bool {
    out.extend_from_slice(text);
    true
}

/// An id as records write it: unsigned, or `-1` where a kernel printed it signed.
fn id_number(value: &[u8]) -> Option<u32> {
    match value {
        b"-1" => Some(UNSET),
        _ => u32::try_from(decimal(value)?).ok(),
    }
}

fn id<'n>(
    value: &[u8],
    name: impl Fn(u32) -> Option<std::borrow::Cow<'n, str>>,
    out: &mut Vec<u8>,
) -> bool {
    match id_number(value) {
        None => false,
        Some(UNSET) => push(out, b"unset"),
        Some(number) => match name(number) {
            Some(name) => push(out, name.as_bytes()),
            None => false,
        },
    }
}
