//! Searches for a byte that mostly stands near: names and values of fields are a few bytes long,
//! and eight of them fit a word.

use memchr::{memchr, memchr2};

/// The first place of `a` or `b`.
#[inline]
pub(crate) fn find_either(bytes: &[u8], a: u8, b: u8) -> Option<usize> {
    if let Some(word) = bytes.first_chunk() {
        let word = u64::from_le_bytes(*word);
        let flags = zeros(word ^ repeat(a)) | zeros(word ^ repeat(b));
        if flags != 0 {
            return Some(first(flags));
        }
        return memchr2(a, b, &bytes[8..]).map(|found| found + 8);
    }
    bytes.iter().position(|byte| *byte == a || *byte == b)
}

/// The first place of `a`.
#[inline]
pub(crate) fn find(bytes: &[u8], a: u8) -> Option<usize> {
    for at in [0, 8] {
        let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else {
            break;
        };
        let flags = zeros(u64::from_le_bytes(*word) ^ repeat(a));
        if flags != 0 {
            return Some(at + first(flags));
        }
    }
    match bytes.get(16..) {
        Some(rest) => memchr(a, rest).map(|found| found + 16),
        None => bytes.iter().position(|byte| *byte == a),
    }
}

/// Whether one is a control character of ASCII, below the blank.
#[inline]
pub(crate) fn has_controls(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks();
    let below = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        word.wrapping_sub(repeat(b' ')) & !word & TOPS
    };
    words.iter().fold(0, |seen, word| seen | below(word)) != 0
        || rest.iter().any(|byte| *byte < b' ')
}

/// Sets the top bit of each byte that is zero. Those above the lowest such byte may be set wrongly
/// by a borrow; the lowest is right.
#[inline]
pub(crate) const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & TOPS
}

/// The number of the lowest byte whose top bit is set.
#[inline]
pub(crate) const fn first(flags: u64) -> usize {
    flags.trailing_zeros() as usize / 8
}

/// A word of eight times this byte.
#[inline]
pub(crate) const fn repeat(byte: u8) -> u64 {
    byte as u64 * ONES
}

pub(crate) const ONES: u64 = 0x0101_0101_0101_0101;
pub(crate) const TOPS: u64 = 0x8080_8080_8080_8080;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place() {
        for length in 0..20 {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b' '; length];
                    text[place] = byte;
                    assert_eq!(has_controls(&text), byte < b' ');
                    text.fill(0xff);
                    text[place] = byte;
                    assert_eq!(has_controls(&text), byte < b' ');
                    let mut bytes = vec![byte.wrapping_add(1); length];
                    bytes[place] = byte;
                    assert_eq!(find(&bytes, byte), Some(place));
                    let either = byte.wrapping_add(2);
                    assert_eq!(find_either(&bytes, either, byte), Some(place));
                    assert_eq!(find(&bytes, either), None);
                }
            }
        }
    }
}
