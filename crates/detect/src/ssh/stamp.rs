//! Stamps of log lines: RFC 3164 (`Nov  5 17:40:05`) and RFC 3339 (`2026-11-05T17:40:05.123+01:00`).
//!
//! The old form has no year and no zone. The year is the latest in which the stamp is not after the
//! log's last change, plus a day for clocks that differ.

/// What old stamps leave out.
#[derive(Clone, Copy)]
pub struct Calendar<'a> {
    /// The newest that a stamp may be, s since 1970, local: the log's last change, or now.
    pub newest_local_s: i64,
    /// Local seconds since 1970 (a civil time read as if it were UTC) → UTC.
    pub to_utc: &'a dyn Fn(i64) -> i64,
}

impl std::fmt::Debug for Calendar<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Calendar({})", self.newest_local_s)
    }
}

/// The stamp at the start of a line in ms since 1970, UTC, and what follows it and one blank.
pub fn take<'a>(line: &'a [u8], calendar: &Calendar<'_>) -> Option<(u64, &'a [u8])> {
    match line.first()? {
        b'0'..=b'9' => rfc3339(line, calendar),
        b'A'..=b'Z' => rfc3164(line, calendar),
        _ => None,
    }
}

/// `Mmm dd hh:mm:ss `; some daemons put a year behind it.
fn rfc3164<'a>(line: &'a [u8], calendar: &Calendar<'_>) -> Option<(u64, &'a [u8])> {
    let stamp = line.get(..15)?;
    let month = month(&stamp[..3])?;
    let day = match &stamp[3..6] {
        [b' ', b' ', day @ b'1'..=b'9'] => i64::from(day - b'0'),
        [b' ', _, _] => digits(&stamp[4..6])?,
        _ => return None,
    };
    if stamp[6] != b' ' || !(1..=31).contains(&day) {
        return None;
    }
    let second = clock(&stamp[7..15])?;
    let rest = &line[15..];
    let (given, rest) = match rest {
        [b' ', y @ ..] if y.len() > 4 && digits(&y[..4]).is_some() && y[4] == b' ' => {
            (digits(&y[..4]), &y[4..])
        }
        _ => (None, rest),
    };
    let local = |year| civil(year, month, day).map(|days| days * 86_400 + second);
    let local_s = match given {
        Some(year) => local(year)?,
        None => {
            let newest = calendar.newest_local_s.saturating_add(86_400);
            let year = year_of(newest.div_euclid(86_400));
            // A leap day may be up to eight years back.
            (0..=8).find_map(|back| local(year - back).filter(|time| *time <= newest))?
        }
    };
    let utc_s = (calendar.to_utc)(local_s);
    Some((
        u64::try_from(utc_s).ok()?.checked_mul(1_000)?,
        rest.strip_prefix(b" ")?,
    ))
}

/// `YYYY-MM-DD{T| }hh:mm:ss[.fff…][Z|±hh:mm|±hhmm] `; without a zone it is local.
fn rfc3339<'a>(line: &'a [u8], calendar: &Calendar<'_>) -> Option<(u64, &'a [u8])> {
    let stamp = line.get(..19)?;
    if stamp[4] != b'-' || stamp[7] != b'-' || !matches!(stamp[10], b'T' | b't' | b' ') {
        return None;
    }
    let days = civil(
        digits(&stamp[..4])?,
        digits(&stamp[5..7])?,
        digits(&stamp[8..10])?,
    )?;
    let local_s = days * 86_400 + clock(&stamp[11..19])?;
    let mut rest = &line[19..];
    let mut milli = 0;
    if let [b'.' | b',', fraction @ ..] = rest {
        let length = fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        for place in 0..3 {
            let digit = fraction[..length].get(place).map_or(0, |byte| byte - b'0');
            milli = milli * 10 + u64::from(digit);
        }
        rest = &fraction[length..];
    }
    let (utc_s, rest) = match rest {
        [b'Z' | b'z', rest @ ..] => (local_s, rest),
        [sign @ (b'+' | b'-'), zone @ ..] => {
            let hours = digits(zone.get(..2)?)?;
            let (minutes, used) = match &zone[2..] {
                [b':', a, b, ..] => (digits(&[*a, *b])?, 5),
                [a @ b'0'..=b'9', b, ..] => (digits(&[*a, *b])?, 4),
                _ => (0, 2),
            };
            let offset_s = (hours * 60 + minutes) * 60;
            let utc_s = if *sign == b'+' {
                local_s - offset_s
            } else {
                local_s + offset_s
            };
            (utc_s, &zone[used..])
        }
        _ => ((calendar.to_utc)(local_s), rest),
    };
    let ms = u64::try_from(utc_s).ok()?.checked_mul(1_000)? + milli;
    Some((ms, rest.strip_prefix(b" ")?))
}

/// `hh:mm:ss`; a leap second counts as the next one.
fn clock(text: &[u8]) -> Option<i64> {
    if text[2] != b':' || text[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (
        digits(&text[..2])?,
        digits(&text[3..5])?,
        digits(&text[6..8])?,
    );
    (hour < 24 && minute < 60 && second <= 60).then_some((hour * 60 + minute) * 60 + second)
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit()
            .then(|| value * 10 + i64::from(byte - b'0'))
    })
}

fn month(name: &[u8]) -> Option<i64> {
    const NAMES: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let at = NAMES.chunks(3).position(|known| known == name)?;
    i64::try_from(at + 1).ok()
}

/// Days since 1970 of a date of the Gregorian calendar; `None` for dates that do not exist.
fn civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || day < 1 || day > month_days(year, month) {
        return None;
    }
    // Years from March on: the leap day comes last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The year that a day since 1970 is in.
fn year_of(days: i64) -> i64 {
    let guess = 1970 + days.div_euclid(366);
    (guess..guess + 40)
        .take_while(|year| civil(*year, 1, 1).is_some_and(|first| first <= days))
        .last()
        .unwrap_or(guess)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newest: 2026-11-25 12:00, one hour east of UTC.
    fn check(line: &str, expect: Option<(u64, &str)>) {
        let calendar = Calendar {
            newest_local_s: 1_795_608_000,
            to_utc: &|local| local - 3_600,
        };
        let found = take(line.as_bytes(), &calendar);
        let found = found.map(|(ms, rest)| (ms, std::str::from_utf8(rest).unwrap()));
        assert_eq!(found, expect, "{line}");
    }

    #[test]
    fn stamps_with_a_year() {
        check("2026-11-25T12:00:00Z h x", Some((1_795_608_000_000, "h x")));
        check(
            "2026-11-25T12:00:00.1234+01:00 h",
            Some((1_795_604_400_123, "h")),
        );
        check("2026-11-25T12:00:00-0130 h", Some((1_795_613_400_000, "h")));
        check("2026-11-25 12:00:00,5 h", Some((1_795_604_400_500, "h")));
        check("1970-01-01T00:00:00Z h", Some((0, "h")));
        check("2026-02-29T00:00:00Z h", None);
        check("2026-11-25T24:00:00Z h", None);
        check("2026-11-25T12:00:00Zh", None);
        check("9999-12-31T23:59:59Z ", Some((253_402_300_799_000, "")));
    }

    #[test]
    fn stamps_without_a_year_take_the_latest_that_fits() {
        check("Nov 25 12:00:00 h x", Some((1_795_604_400_000, "h x")));
        check("Nov 26 11:00:00 h", Some((1_795_687_200_000, "h")));
        // Two days ahead of the log's last change is last year's.
        check("Nov 27 12:00:00 h", Some((1_764_241_200_000, "h")));
        check("Dec  1 00:00:00 h", Some((1_764_543_600_000, "h")));
        check("Jan 01 00:00:00 h", Some((1_767_222_000_000, "h")));
        check("Feb 29 00:00:00 h", Some((1_709_161_200_000, "h")));
        check("Nov 25 12:00:00 2020 h", Some((1_606_302_000_000, "h")));
        check("Nov 31 12:00:00 h", None);
        check("Foo 25 12:00:00 h", None);
        check("Nov 25 12:0", None);
    }
}
