//! Numbers as audit records write them: unsigned decimals, hexadecimals, and pairs of hex digits.
//!
//! Strict on purpose: no sign unless named, no blanks, no overflow. What does not read as a number
//! stays text.

/// An unsigned decimal of at least one digit.
#[inline]
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 20 {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then_some(())?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// A decimal with an optional minus sign.
pub(crate) fn signed(digits: &[u8]) -> Option<i64> {
    match digits.strip_prefix(b"-") {
        Some(rest) => 0i64.checked_sub_unsigned(decimal(rest)?),
        None => i64::try_from(decimal(digits)?).ok(),
    }
}

/// An unsigned hexadecimal of one to sixteen digits, with or without `0x`.
pub(crate) fn hexadecimal(digits: &[u8]) -> Option<u64> {
    let digits = digits.strip_prefix(b"0x").unwrap_or(digits);
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &byte| {
        Some(value << 4 | u64::from(nibble(byte)?))
    })
}

/// An unsigned octal, as modes are written: `0100644`.
pub(crate) fn octal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 22 {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 8).then_some(())?;
        value.checked_mul(8)?.checked_add(u64::from(digit))
    })
}

/// Appends the bytes that `text` encodes, or appends nothing and says no. The kernel encodes
/// strings (`audit_log_n_hex`) as an even, non-zero number of hexadecimal digits.
pub(crate) fn decode_hex(text: &[u8], out: &mut Vec<u8>) -> bool {
    // Most values that could be encoded and are not begin with a byte that is no digit.
    if !text.len().is_multiple_of(2) || text.first().is_none_or(|byte| nibble(*byte).is_none()) {
        return false;
    }
    let start = out.len();
    let mut seen = 0;
    out.extend(text.chunks_exact(2).map(|pair| {
        let (high, low) = (NIBBLES[usize::from(pair[0])], NIBBLES[usize::from(pair[1])]);
        seen |= high | low;
        high << 4 | low & 0xf
    }));
    if seen > 0xf {
        out.truncate(start);
    }
    seen <= 0xf
}

/// The value of one hexadecimal digit.
#[inline]
pub(crate) fn nibble(byte: u8) -> Option<u8> {
    match NIBBLES[byte as usize] {
        0xff => None,
        value => Some(value),
    }
}

const NIBBLES: [u8; 256] = {
    let mut table = [0xff; 256];
    let mut value = 0u8;
    while value < 16 {
        if value < 10 {
            table[(b'0' + value) as usize] = value;
        } else {
            table[(b'a' + value - 10) as usize] = value;
            table[(b'A' + value - 10) as usize] = value;
        }
        value += 1;
    }
    table
};

/// Appends a decimal.
#[inline]
pub(crate) fn push_decimal(value: u64, out: &mut Vec<u8>) {
    push_padded(value, 1, out);
}

/// Appends a decimal, filled with zeros to `width` digits, at most 20.
#[inline]
pub(crate) fn push_padded(value: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; DECIMAL_DIGITS_MAX];
    let mut at = digits.len();
    let mut rest = value;
    while rest > 0 {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[at.min(DECIMAL_DIGITS_MAX - width)..]);
}

/// Digits of the greatest u64.
const DECIMAL_DIGITS_MAX: usize = 20;

/// Appends `0x` and a hexadecimal without leading zeros.
#[inline]
pub(crate) fn push_hex(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0x");
    push_hex_digits(value, out);
}

/// Appends a hexadecimal without leading zeros.
#[inline]
pub(crate) fn push_hex_digits(value: u64, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 16];
    let mut at = digits.len();
    let mut rest = value;
    while rest > 0 {
        at -= 1;
        digits[at] = HEX_DIGITS[(rest & 15) as usize];
        rest >>= 4;
    }
    out.extend_from_slice(&digits[at.min(15)..]);
}

/// Lower-case hexadecimal digits.
pub(crate) const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals() {
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in [
            "",
            "18446744073709551616",
            "1a",
            "-1",
            " 1",
            "000000000000000000000",
        ] {
            assert_eq!(decimal(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(signed(b"-13"), Some(-13));
        assert_eq!(signed(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(signed(b"9223372036854775808"), None);
    }

    #[test]
    fn hexadecimals() {
        assert_eq!(hexadecimal(b"ffffffffFFFFFFFF"), Some(u64::MAX));
        assert_eq!(hexadecimal(b"0x1f"), Some(31));
        assert_eq!(hexadecimal(b"10000000000000000"), None);
        let mut out = Vec::new();
        assert!(decode_hex(b"2F6aFf", &mut out));
        assert_eq!(out, b"/j\xff");
        assert!(!decode_hex(b"2F6", &mut out) && !decode_hex(b"zz", &mut out));
    }

    #[test]
    fn written_numbers() {
        let mut out = Vec::new();
        push_decimal(0, &mut out);
        out.push(b' ');
        push_decimal(u64::MAX, &mut out);
        out.push(b' ');
        push_padded(7, 3, &mut out);
        out.push(b' ');
        push_hex(255, &mut out);
        assert_eq!(out, b"0 18446744073709551615 007 0xff");
    }
}
