//! The stamp of a record: `audit(1700000000.123:45)`, the time and serial that its event shares.

use memchr::{memchr, memchr_iter};

use crate::limits::PREFIX_BYTES_MAX;
use crate::scan;

/// Time and serial of an event, as the kernel prints them (`audit_log_start` in kernel/audit.c:
/// `audit(%llu.%03lu:%u): `). Ordered by time, then serial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Seconds since 1970-01-01 UTC.
    pub sec: u64,
    /// Milliseconds within the second, 0 to 999.
    pub milli: u16,
    /// The event's number since boot; it wraps at 2³².
    pub serial: u32,
}

impl Stamp {
    /// Milliseconds since 1970-01-01 UTC.
    pub fn ms(self) -> u64 {
        self.sec
            .saturating_mul(1000)
            .saturating_add(u64::from(self.milli))
    }

    /// Reads `1700000000.123:45` at the start of `text`; also says how long it was, in bytes.
    pub(crate) fn read(text: &[u8]) -> Option<(Stamp, usize)> {
        let (sec, milli, at) = match usual_time(text) {
            Some((sec, milli)) => (sec, milli, USUAL_TIME_BYTES),
            None => {
                let (sec, at) = digits(text, 0, 20)?;
                let (milli, at) = digits(text, at_after(text, at, b'.')?, 3)?;
                (sec, milli, at)
            }
        };
        let (serial, at) = digits(text, at_after(text, at, b':')?, 10)?;
        let stamp = Stamp {
            sec,
            milli: milli as u16,
            serial: u32::try_from(serial).ok()?,
        };
        Some((stamp, at))
    }
}

/// The stamp of a line or of a kernel message, without looking at anything else: for scanners that
/// skip to a time range. Agrees with [`crate::Record::stamp`].
///
/// ```
/// let line = b"node=a type=CWD msg=audit(1700000000.123:45): cwd=\"/\"";
/// let stamp = indelible_record::stamp(line).unwrap();
/// assert_eq!((stamp.sec, stamp.milli, stamp.serial), (1_700_000_000, 123, 45));
/// ```
pub fn stamp(line: &[u8]) -> Option<Stamp> {
    find(line).map(|found| found.stamp)
}

/// Where a stamp stands in a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) stamp: Stamp,
    /// Offset of `audit(`.
    pub(crate) start: usize,
    /// Offset of the closing parenthesis.
    pub(crate) close: usize,
}

/// The first `audit(sec.milli:serial)` whose opening parenthesis is near the start of the line.
pub(crate) fn find(line: &[u8]) -> Option<Found> {
    let near = &line[..line.len().min(PREFIX_BYTES_MAX)];
    // In all but syslog's lines the first parenthesis is the one.
    let first = memchr(b'(', near)?;
    if let Some(found) = at(line, first) {
        return Some(found);
    }
    memchr_iter(b'(', near)
        .skip(1)
        .find_map(|open| at(line, open))
}

fn at(line: &[u8], open: usize) -> Option<Found> {
    let start = open.checked_sub(b"audit".len())?;
    if &line[start..open] != b"audit" {
        return None;
    }
    let (stamp, length) = Stamp::read(&line[open + 1..])?;
    let close = open + 1 + length;
    (line.get(close) == Some(&b')')).then_some(Found {
        stamp,
        start,
        close,
    })
}

/// The time where seconds have ten digits, as from 2001 to 2286, and milliseconds three.
#[inline]
fn usual_time(text: &[u8]) -> Option<(u64, u64)> {
    let [head @ .., b'.', a, b, c] = text.first_chunk::<USUAL_TIME_BYTES>()? else {
        return None;
    };
    let tail = [b'0', b'0', b'0', head[8], head[9], *a, *b, *c];
    let (head, tail) = (eight_digits(*head.first_chunk()?)?, eight_digits(tail)?);
    Some((head * 100 + tail / 1000, tail % 1000))
}

/// The value of eight decimal digits, all of them at a time: neighbours are joined to pairs, pairs
/// to fours, fours to the whole.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    let digits = u64::from_le_bytes(text) ^ scan::repeat(b'0');
    // A digit is below ten: adding this to anything above reaches the top bit.
    let above = digits.wrapping_add(scan::repeat(0x80 - 10)) | digits;
    if above & scan::TOPS != 0 {
        return None;
    }
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours.wrapping_mul(10_000) + (fours >> 32)) & 0xffff_ffff)
}

/// `1700000000.123`
const USUAL_TIME_BYTES: usize = 14;

/// At least one and at most `max` decimal digits from `at`: their value and the offset after them.
fn digits(text: &[u8], at: usize, max: usize) -> Option<(u64, usize)> {
    let mut value = 0u64;
    let mut end = at;
    while let Some(byte) = text.get(end) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        if end - at == max {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
        end += 1;
    }
    (end > at).then_some((value, end))
}

fn at_after(text: &[u8], at: usize, byte: u8) -> Option<usize> {
    (text.get(at) == Some(&byte)).then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: Option<(u64, u16, u32)>) {
        let found = stamp(line.as_bytes()).map(|s| (s.sec, s.milli, s.serial));
        assert_eq!(found, expect, "{line}");
    }

    #[test]
    fn stamps() {
        check("type=CWD msg=audit(1.002:3): cwd=\"/\"", Some((1, 2, 3)));
        check(
            "audit(1700000000.123:4294967295): x",
            Some((1_700_000_000, 123, u32::MAX)),
        );
        check("audit(9999999999.999:0)", Some((9_999_999_999, 999, 0)));
        check("audit(1000000000.12:7)", Some((1_000_000_000, 12, 7)));
        check(
            "<5>Jan 1 (x) audit(5) kernel: audit: type=1400 audit(7.001:9): y",
            Some((7, 1, 9)),
        );
        for bad in [
            "",
            "audit(",
            "(1.002:3)",
            "audit(1.002:3",
            "audit(1.0022:3)",
            "audit(17000:0000.123:3)",
            "audit(1700000000.1/3:3)",
            "audit(1700000000,123:3)",
            "audit(\u{c0}\u{b0}00000000.123:3)",
            "audit(1.002:4294967296)",
            "audit(1.002:)",
            "audit(-1.002:1)",
            "audit(99999999999999999999.000:1)",
        ] {
            check(bad, None);
        }
    }
}
