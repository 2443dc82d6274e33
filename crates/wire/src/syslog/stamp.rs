//! Times in syslog headers: RFC 5424 (a profile of RFC 3339) and RFC 3164 (`Oct 11 22:14:15`).

use std::fmt;

/// A time as it is written; what is not written is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// RFC 3164 has no year.
    pub year: Option<u16>,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59; leap seconds are not written in syslog.
    pub second: u8,
    /// 0 to 999,999,999.
    pub nanosecond: u32,
    /// Minutes east of UTC; RFC 3164 does not say.
    pub offset_minutes: Option<i16>,
}

impl Stamp {
    /// Reads `2026-11-25T17:34:31.5+01:00`. RFC 5424 allows six digits of a second's fraction;
    /// nine are read.
    #[must_use]
    pub fn rfc5424(text: &[u8]) -> Option<Self> {
        let (head, rest) = text.split_at_checked(19)?;
        let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if separators.iter().any(|(at, byte)| head[*at] != *byte) {
            return None;
        }
        let two = |at: usize| digits(&head[at..at + 2]).and_then(|value| u8::try_from(value).ok());
        let (nanosecond, zone) = fraction(rest)?;
        let stamp = Self {
            year: Some(u16::try_from(digits(&head[..4])?).ok()?),
            month: two(5)?,
            day: two(8)?,
            hour: two(11)?,
            minute: two(14)?,
            second: two(17)?,
            nanosecond,
            offset_minutes: Some(offset(zone)?),
        };
        stamp.is_a_time().then_some(stamp)
    }

    /// Reads `Oct 11 22:14:15` from the beginning of a text, also with a year after the day or a
    /// fraction of the second, as some devices write; gives what follows the time.
    #[must_use]
    pub fn rfc3164(text: &[u8]) -> Option<(Self, &[u8])> {
        let (month, rest) = text.split_at_checked(3)?;
        let month = MONTHS.iter().position(|name| *name == month)?;
        let rest = rest.strip_prefix(b" ")?;
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let (day, rest) = number(rest, 2)?;
        let mut rest = rest.strip_prefix(b" ")?;
        let mut year = None;
        if let Some((value, tail)) = number(rest, 4)
            && value >= 1970
            && let Some(tail) = tail.strip_prefix(b" ")
        {
            (year, rest) = (u16::try_from(value).ok(), tail);
        }
        let (clock, rest) = rest.split_at_checked(8)?;
        if clock[2] != b':' || clock[5] != b':' {
            return None;
        }
        let two = |at: usize| digits(&clock[at..at + 2]).and_then(|value| u8::try_from(value).ok());
        let (nanosecond, rest) = fraction(rest)?;
        let stamp = Self {
            year,
            month: u8::try_from(month).ok()? + 1,
            day: u8::try_from(day).ok()?,
            hour: two(0)?,
            minute: two(3)?,
            second: two(6)?,
            nanosecond,
            offset_minutes: None,
        };
        stamp.is_a_time().then_some((stamp, rest))
    }

    /// Nanoseconds since 1970-01-01 UTC. Without a year it is the one that puts the time nearest
    /// to `received_ns`; without a zone it is `local_offset_minutes` east of UTC.
    #[must_use]
    pub fn unix_ns(&self, received_ns: u64, local_offset_minutes: i16) -> Option<u64> {
        let offset_s = i64::from(self.offset_minutes.unwrap_or(local_offset_minutes)) * 60;
        let in_year = |year: i64| {
            let days = days_from_civil(year, self.month, self.day);
            let clock_s =
                i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
            (days * DAY_S + clock_s - offset_s) * NS_PER_S + i64::from(self.nanosecond)
        };
        let ns = match self.year {
            // Beyond what nanoseconds in 64 bits reach.
            Some(year) if !(1970..2262).contains(&year) => return None,
            Some(year) => in_year(year.into()),
            None => {
                let received = i64::try_from(received_ns).ok()?;
                let about = 1970 + received / NS_PER_S / (365 * DAY_S + DAY_S / 4);
                (about - 1..=about + 1)
                    .map(in_year)
                    .min_by_key(|ns| ns.abs_diff(received))?
            }
        };
        u64::try_from(ns).ok()
    }

    /// The time so many nanoseconds after 1970-01-01 UTC, so many minutes east of it.
    #[must_use]
    pub fn of_unix_ns(ns: u64, offset_minutes: i16) -> Self {
        let utc_s = i64::try_from(ns / 1_000_000_000).unwrap_or(0);
        let local_s = utc_s + i64::from(offset_minutes) * 60;
        let (days, clock_s) = (local_s.div_euclid(DAY_S), local_s.rem_euclid(DAY_S));
        let (year, month, day) = civil_from_days(days);
        let small = |value: i64| u8::try_from(value).unwrap_or(0);
        Self {
            year: u16::try_from(year).ok(),
            month,
            day,
            hour: small(clock_s / 3600),
            minute: small(clock_s / 60 % 60),
            second: small(clock_s % 60),
            nanosecond: u32::try_from(ns % 1_000_000_000).unwrap_or(0),
            offset_minutes: Some(offset_minutes),
        }
    }

    fn is_a_time(&self) -> bool {
        (1..=12).contains(&self.month)
            && (1..=days_of(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
    }
}

/// As RFC 5424 writes it, where year and zone are known; otherwise as RFC 3164 does.
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            month,
            day,
            hour,
            minute,
            second,
            nanosecond,
            ..
        } = *self;
        let (Some(year), Some(offset)) = (self.year, self.offset_minutes) else {
            let name = MONTHS[usize::from(month.clamp(1, 12)) - 1];
            let name = std::str::from_utf8(name).map_err(|_| fmt::Error)?;
            return write!(f, "{name} {day:2} {hour:02}:{minute:02}:{second:02}");
        };
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if nanosecond > 0 {
            write!(f, ".{:06}", nanosecond / 1000)?;
        }
        if offset == 0 {
            return f.write_str("Z");
        }
        let sign = if offset < 0 { '-' } else { '+' };
        let offset = offset.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", offset / 60, offset % 60)
    }
}

/// `.digits`, at most nine, in nanoseconds; and what follows.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(rest) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let (value, rest) = rest.split_at(count);
    let scale = 10u32.pow(9 - u32::try_from(count).ok()?);
    Some((digits(value)? * scale, rest))
}

/// `Z` or `±hh:mm`, in minutes.
fn offset(zone: &[u8]) -> Option<i16> {
    let (sign, hours, minutes) = match zone {
        b"Z" => return Some(0),
        [b'+', h @ .., b':', a, b] => (1, h, [*a, *b]),
        [b'-', h @ .., b':', a, b] => (-1, h, [*a, *b]),
        _ => return None,
    };
    let (hours, minutes) = (digits(hours)?, digits(&minutes)?);
    let valid = zone.len() == 6 && hours < 24 && minutes < 60;
    i16::try_from(hours * 60 + minutes)
        .ok()
        .filter(|_| valid)
        .map(|offset| sign * offset)
}

/// A number of at most `digits_max` digits from the beginning of a text, and what follows.
fn number(text: &[u8], digits_max: usize) -> Option<(u32, &[u8])> {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (value, rest) = text.split_at(count);
    (1..=digits_max).contains(&count).then_some(())?;
    Some((digits(value)?, rest))
}

/// All of a text as a decimal number; at most nine digits.
fn digits(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 9 {
        return None;
    }
    text.iter().try_fold(0, |value: u32, byte| {
        byte.is_ascii_digit()
            .then(|| value * 10 + u32::from(byte - b'0'))
    })
}

fn days_of(year: Option<u16>, month: u8) -> u8 {
    let leap = year.is_none_or(|year| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    });
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and day so many days after 1970-01-01, in the proleptic Gregorian calendar: the
/// inverse of [`days_from_civil`], by eras of 400 years that begin in March.
fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let small = |value: i64| u8::try_from(value).unwrap_or(1);
    (year, small(month), small(day))
}

/// Days from 1970-01-01 in the Gregorian calendar; years begin in March to have the leap day last.
fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    let month = i64::from(month);
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let day_of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
const DAY_S: i64 = 86_400;
const NS_PER_S: i64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_from_nanoseconds() {
        for (ns, offset, shown) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (951_782_400_000_000_000, 0, "2000-02-29T00:00:00Z"),
            (
                1_700_000_000_123_456_000,
                -90,
                "2023-11-14T20:43:20.123456-01:30",
            ),
            (4_107_542_400_000_000_000, 60, "2100-03-01T01:00:00+01:00"),
        ] {
            let stamp = Stamp::of_unix_ns(ns, offset);
            assert_eq!(stamp.to_string(), shown);
            assert_eq!(stamp.unix_ns(0, 0), Some(ns));
        }
    }

    #[test]
    fn rfc5424_times() {
        let check = |text: &str, expect: Option<u64>| {
            let ns = Stamp::rfc5424(text.as_bytes()).and_then(|stamp| stamp.unix_ns(0, 0));
            assert_eq!(ns, expect, "{text}");
        };
        check("1970-01-01T00:00:00Z", Some(0));
        check("2003-10-11T22:14:15.003Z", Some(1_065_910_455_003_000_000));
        check(
            "2003-08-24T05:14:15.000003-07:00",
            Some(1_061_727_255_000_003_000),
        );
        check("2024-02-29T00:00:00+00:00", Some(1_709_164_800_000_000_000));
        check(
            "2003-10-11T22:14:15.123456789Z",
            Some(1_065_910_455_123_456_789),
        );
        for bad in [
            "2003-10-11T22:14:60Z",
            "2003-10-11T22:14:15.1234567890Z",
            "2003-10-11T22:14:15.Z",
            "2023-02-29T00:00:00Z",
            "2003-10-11 22:14:15Z",
            "2003-10-11T22:14:15",
            "2003-10-11T22:14:15+1:00",
            "2003-10-11t22:14:15z",
            "1969-12-31T23:59:59Z",
            "",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn rfc3164_times_take_the_nearest_year() {
        let check = |text: &str, received: &str, expect: &str| {
            let received = Stamp::rfc5424(received.as_bytes()).unwrap();
            let (stamp, rest) = Stamp::rfc3164(text.as_bytes()).unwrap();
            assert_eq!(rest, b" x");
            let ns = stamp.unix_ns(received.unix_ns(0, 0).unwrap(), 60);
            let expect = Stamp::rfc5424(expect.as_bytes()).unwrap();
            assert_eq!(ns, expect.unix_ns(0, 0), "{text}");
        };
        check(
            "Oct 11 22:14:15 x",
            "2026-10-11T21:14:16Z",
            "2026-10-11T22:14:15+01:00",
        );
        check(
            "Dec 31 23:59:59 x",
            "2027-01-01T00:00:05Z",
            "2026-12-31T23:59:59+01:00",
        );
        check(
            "Jan  1 00:00:00 x",
            "2026-12-31T23:59:58Z",
            "2027-01-01T00:00:00+01:00",
        );
        check(
            "Feb 29 01:00:00.5 x",
            "2024-02-29T00:00:00Z",
            "2024-02-29T01:00:00.5+01:00",
        );
        check(
            "Oct  1 2019 22:14:15 x",
            "2026-10-11T21:14:16Z",
            "2019-10-01T22:14:15+01:00",
        );
        for bad in [
            "Okt 11 22:14:15",
            "Oct 32 22:14:15",
            "Oct 11 22:14",
            "Oct 11 24:00:00",
            "",
        ] {
            assert_eq!(Stamp::rfc3164(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn written_times_come_back() {
        for text in ["2026-11-25T17:34:31Z", "2026-11-25T17:34:31.000250-07:30"] {
            assert_eq!(Stamp::rfc5424(text.as_bytes()).unwrap().to_string(), text);
        }
        let (stamp, _) = Stamp::rfc3164(b"Oct  1 22:14:15").unwrap();
        assert_eq!(stamp.to_string(), "Oct  1 22:14:15");
    }
}
