//! Numbers as C reads them: `strtol(3)` and `strtoul(3)` with base 0, cut to 32 bits.
//!
//! Rules are full of numbers that only make sense this way: `0x` is hexadecimal, a leading 0
//! octal, and whatever follows the digits is ignored.

/// Like `strtoul(text, NULL, 0)`: a value that does not fit becomes the largest one.
#[must_use]
pub fn unsigned(text: &[u8]) -> u64 {
    let (negative, digits) = sign(text);
    match magnitude(digits) {
        Some(value) if negative => value.wrapping_neg(),
        Some(value) => value,
        None => u64::MAX,
    }
}

/// Like `strtoul`, but says when the value did not fit.
#[must_use]
pub fn checked_unsigned(text: &[u8]) -> Option<u64> {
    magnitude(sign(text).1).map(|_| unsigned(text))
}

/// Like `strtol(text, NULL, 0)`: a value that does not fit becomes the nearest one that does.
#[must_use]
pub fn signed(text: &[u8]) -> i64 {
    let (negative, digits) = sign(text);
    let magnitude = magnitude(digits).unwrap_or(u64::MAX);
    if negative {
        0_i64.checked_sub_unsigned(magnitude).unwrap_or(i64::MIN)
    } else {
        i64::try_from(magnitude).unwrap_or(i64::MAX)
    }
}

/// Hexadecimal digits with or without `0x`, as `strtoul(text, NULL, 16)`.
#[must_use]
pub fn hexadecimal(text: &[u8]) -> u64 {
    let digits = match text {
        [b'0', b'x' | b'X', rest @ ..] if rest.first().is_some_and(u8::is_ascii_hexdigit) => rest,
        other => other,
    };
    in_base(digits, 16).unwrap_or(u64::MAX)
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// The value of the digits; `None` where 64 bits do not hold it.
fn magnitude(text: &[u8]) -> Option<u64> {
    match text {
        [b'0', b'x' | b'X', digits @ ..] if digits.first().is_some_and(u8::is_ascii_hexdigit) => {
            in_base(digits, 16)
        }
        [b'0', digits @ ..] => in_base(digits, 8),
        digits => in_base(digits, 10),
    }
}

fn in_base(text: &[u8], base: u32) -> Option<u64> {
    text.iter()
        .map_while(|&byte| char::from(byte).to_digit(base))
        .try_fold(0_u64, |value, digit| {
            value.checked_mul(base.into())?.checked_add(digit.into())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_c_reads_them() {
        for (text, expect) in [
            ("0", 0),
            ("10", 10),
            ("010", 8),
            ("08", 0),
            ("0x1f", 31),
            ("0xg", 0),
            ("12abc", 12),
            ("", 0),
            ("18446744073709551615", u64::MAX),
            ("18446744073709551616", u64::MAX),
            ("-1", u64::MAX),
        ] {
            assert_eq!(unsigned(text.as_bytes()), expect, "{text}");
        }
        for (text, expect) in [
            ("-13", -13),
            ("9223372036854775808", i64::MAX),
            ("-9223372036854775809", i64::MIN),
            ("-0x10", -16),
        ] {
            assert_eq!(signed(text.as_bytes()), expect, "{text}");
        }
        assert_eq!(hexadecimal(b"c000003e"), 0xc000_003e);
        assert_eq!(hexadecimal(b"0x10"), 16);
        assert_eq!(checked_unsigned(b"99999999999999999999"), None);
    }
}
