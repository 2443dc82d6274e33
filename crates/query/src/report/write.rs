//! Writing values: for people, as JSON, as CSV.

use indelible_record::write::{push_json_string, push_typed};

use super::facts::Outcome;
use super::value::Value;

/// How bytes that an attacker chose are made harmless in text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Escape {
    /// Not at all.
    Raw,
    /// Control bytes in octal.
    #[default]
    Tty,
    /// Also what a shell acts on between double quotes.
    Shell,
    /// Also what a shell acts on anywhere.
    ShellQuote,
}

/// Appends a value as text; what is missing as `missing`.
pub(super) fn push_text(value: &Value<'_>, missing: &str, escape: Escape, out: &mut Vec<u8>) {
    match value {
        Value::Missing => out.extend_from_slice(missing.as_bytes()),
        Value::Text(text) => push_escaped(text, escape, out),
        Value::Word(word) => push_escaped(word.as_bytes(), escape, out),
        Value::Number(number) => push_number(*number, out),
        Value::Outcome(outcome) => out.extend_from_slice(match outcome {
            Outcome::Unset => b"unset",
            Outcome::Failed => b"no",
            Outcome::Success => b"yes",
        }),
        Value::Decision(outcome) => out.extend_from_slice(match outcome {
            Outcome::Unset => b"unset",
            Outcome::Failed => b"denied",
            Outcome::Success => b"granted",
        }),
        Value::Typed(digits) => {
            let digit = |digit: &u8| char::from(*digit).to_digit(16).unwrap_or_default() as u8;
            let pairs = digits.chunks_exact(2);
            let typed: Vec<u8> = pairs
                .map(|pair| digit(&pair[0]) << 4 | digit(&pair[1]))
                .collect();
            push_typed(&typed, out);
        }
    }
}

/// Appends a value as JSON.
pub(super) fn push_json(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Missing | Value::Outcome(Outcome::Unset) | Value::Decision(Outcome::Unset) => {
            out.extend_from_slice(b"null");
        }
        Value::Outcome(Outcome::Success) => out.extend_from_slice(b"true"),
        Value::Outcome(Outcome::Failed) => out.extend_from_slice(b"false"),
        Value::Number(number) => push_number(*number, out),
        Value::Text(text) => push_json_string(text, out),
        other => {
            let mut text = Vec::new();
            push_text(other, "", Escape::Raw, &mut text);
            push_json_string(&text, out);
        }
    }
}

/// Appends a value as a field of CSV (RFC 4180); what is missing as nothing.
pub(super) fn push_csv(value: &Value<'_>, out: &mut Vec<u8>) {
    let mut text = Vec::new();
    match value {
        Value::Outcome(Outcome::Unset) | Value::Decision(Outcome::Unset) => {}
        other => push_text(other, "", Escape::Raw, &mut text),
    }
    push_csv_text(&text, out);
}

/// Appends a field of CSV, quoted where it must be.
pub fn push_csv_text(text: &[u8], out: &mut Vec<u8>) {
    let plain = |byte: &u8| !matches!(byte, b',' | b'"' | b'\r' | b'\n');
    if text.iter().all(plain) {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for byte in text {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

/// Appends a decimal.
pub(super) fn push_number(number: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends bytes with what is harmful escaped.
pub(super) fn push_escaped(text: &[u8], escape: Escape, out: &mut Vec<u8>) {
    let harmful: &[u8] = match escape {
        Escape::Raw => return out.extend_from_slice(text),
        Escape::Tty => b"",
        Escape::Shell => b" !\"$'()\\`|",
        Escape::ShellQuote => b" !\"#$&'()*;<=>?[\\]`{|}",
    };
    for byte in text {
        match byte {
            0..0x20 => out.extend_from_slice(&[b'\\', b'0', b'0' + (byte >> 3), b'0' + (byte & 7)]),
            byte if harmful.contains(byte) => out.extend_from_slice(&[b'\\', *byte]),
            byte => out.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let check = |escape, expect: &str| {
            let mut out = Vec::new();
            push_escaped(b"a b\x1b[;\"\\", escape, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expect, "{escape:?}");
        };
        check(Escape::Raw, "a b\x1b[;\"\\");
        check(Escape::Tty, "a b\\033[;\"\\");
        check(Escape::Shell, "a\\ b\\033[;\\\"\\\\");
        check(Escape::ShellQuote, "a\\ b\\033\\[\\;\\\"\\\\");
    }

    #[test]
    fn fields_of_csv() {
        let check = |text: &str, expect: &str| {
            let mut out = Vec::new();
            push_csv(&Value::Text(text.as_bytes()), &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expect);
        };
        check("a b", "a b");
        check("a,\"b\"", "\"a,\"\"b\"\"\"");
    }

    #[test]
    fn numbers() {
        let mut out = Vec::new();
        push_number(-1, &mut out);
        push_number(0, &mut out);
        push_number(i64::MIN, &mut out);
        assert_eq!(out, b"-10-9223372036854775808");
    }
}
