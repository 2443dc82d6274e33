//! Typed characters: `data=` of TTY and USER_TTY records.
//!
//! ```text
//! 6C73200D  →  "ls ",<ret>
//! ```

use std::borrow::Cow;

use crate::interpret::value::push_octal;

/// Appends the keys in the notation of audit's tools: runs of characters quoted, others by name.
pub(crate) fn push_keys(typed: &[u8], out: &mut Vec<u8>) {
    let mut rest = typed;
    let mut first = true;
    while !rest.is_empty() {
        if !first {
            out.push(b',');
        }
        first = false;
        rest = match key(rest) {
            Some((name, length)) => {
                out.push(b'<');
                out.extend_from_slice(&name);
                out.push(b'>');
                &rest[length..]
            }
            None => push_run(rest, out),
        };
    }
}

/// Appends the characters up to the next key, quoted; returns what follows them.
fn push_run<'a>(typed: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let mut length = 0;
    out.push(b'"');
    while length < typed.len() && (length == 0 || key(&typed[length..]).is_none()) {
        match typed[length] {
            quote @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', quote]),
            plain @ b' '..=b'~' => out.push(plain),
            other => {
                out.push(b'\\');
                push_octal(u64::from(other), 3, out);
            }
        }
        length += 1;
    }
    out.push(b'"');
    &typed[length..]
}

/// The name of the key at the start of `typed`, and how many bytes it sent.
fn key(typed: &[u8]) -> Option<(Cow<'static, [u8]>, usize)> {
    let control = *typed
        .first()
        .filter(|byte| matches!(byte, 1..=0x1b | 0x7f))?;
    for (sequence, name) in SEQUENCES {
        if typed.starts_with(sequence) {
            return Some((Cow::Borrowed(name.as_bytes()), sequence.len()));
        }
    }
    Some((Cow::Owned(vec![b'^', control + b'@']), 1))
}

/// What a terminal sends for its named keys (ECMA-48, and xterm's and VT220's function keys).
/// Longer sequences stand before their beginnings.
const SEQUENCES: &[(&[u8], &str)] = &[
    (b"\x1b[A", "up"),
    (b"\x1b[B", "down"),
    (b"\x1b[C", "right"),
    (b"\x1b[D", "left"),
    (b"\x1b[H", "home"),
    (b"\x1b[F", "end"),
    (b"\x1b[1~", "home"),
    (b"\x1b[2~", "insert"),
    (b"\x1b[3~", "delete"),
    (b"\x1b[4~", "end"),
    (b"\x1b[5~", "page-up"),
    (b"\x1b[6~", "page-down"),
    (b"\x1b[Z", "back-tab"),
    (b"\x1bOA", "up"),
    (b"\x1bOB", "down"),
    (b"\x1bOC", "right"),
    (b"\x1bOD", "left"),
    (b"\x1bOH", "home"),
    (b"\x1bOF", "end"),
    (b"\x1b[[A", "F1"),
    (b"\x1b[[B", "F2"),
    (b"\x1b[[C", "F3"),
    (b"\x1b[[D", "F4"),
    (b"\x1b[[E", "F5"),
    (b"\x1bOP", "F1"),
    (b"\x1bOQ", "F2"),
    (b"\x1bOR", "F3"),
    (b"\x1bOS", "F4"),
    (b"\x1b[15~", "F5"),
    (b"\x1b[17~", "F6"),
    (b"\x1b[18~", "F7"),
    (b"\x1b[19~", "F8"),
    (b"\x1b[20~", "F9"),
    (b"\x1b[21~", "F10"),
    (b"\x1b[23~", "F11"),
    (b"\x1b[24~", "F12"),
    (b"\x1b", "esc"),
    (b"\t", "tab"),
    (b"\n", "nl"),
    (b"\r", "ret"),
    (b"\x08", "backspace"),
    (b"\x7f", "backspace"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let mut out = Vec::new();
        push_keys(b"ls \r\x1b[A\t\x7f\x04q\xff\"", &mut out);
        let expect = r#""ls ",<ret>,<up>,<tab>,<backspace>,<^D>,"q\377\"""#;
        assert_eq!(String::from_utf8_lossy(&out), expect);
    }
}
