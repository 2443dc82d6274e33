//! Times as the writers print them.

use crate::number::{push_decimal, push_padded};
use crate::stamp::Stamp;
use crate::write::Locale;

/// A date and time of day of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    year: u64,
    month: usize,
    day: u64,
    /// 0 is Sunday.
    weekday: usize,
    hour: u64,
    minute: u64,
    second: u64,
}

impl Civil {
    /// `sec` since 1970-01-01 UTC, seen from `offset_s` seconds east.
    pub(super) fn new(sec: u64, offset_s: i32) -> Civil {
        let local = sec.saturating_add_signed(i64::from(offset_s)).min(SEC_MAX);
        let (days, second_of_day) = (local / 86_400, local % 86_400);
        // Years that begin in March have their leap day last, so a month's first day is a linear
        // function; eras of 400 years repeat. 719,468 days lie between 0000-03-01 and 1970-01-01.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        Civil {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month: month as usize,
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            weekday: ((days + 4) % 7) as usize,
            hour: second_of_day / 3_600,
            minute: second_of_day / 60 % 60,
            second: second_of_day % 60,
        }
    }

    /// `22:13:20`
    pub(super) fn push_clock(self, out: &mut Vec<u8>) {
        self.push_minute(out);
        out.push(b':');
        push_padded(self.second, 2, out);
    }

    /// `11/14/23`, or `11/14/2023` with the century: what C's `%x` gives in the C and the
    /// American locale.
    pub(super) fn push_date(self, century: bool, out: &mut Vec<u8>) {
        push_padded(self.month as u64, 2, out);
        out.push(b'/');
        push_padded(self.day, 2, out);
        out.push(b'/');
        if century {
            push_padded(self.year, 4, out);
        } else {
            push_padded(self.year % 100, 2, out);
        }
    }

    /// Year, month, day, day of the week (1 is Monday), hour, milliseconds, and the distance from
    /// UTC: the columns of `ausearch --format csv --extra-time`.
    pub(super) fn padded_parts(self, milli: u16, offset_s: i32) -> [String; 7] {
        let minutes = offset_s.unsigned_abs() / 60;
        let sign = if offset_s < 0 { '-' } else { '+' };
        [
            self.year.to_string(),
            format!("{:02}", self.month),
            format!("{:02}", self.day),
            (if self.weekday == 0 { 7 } else { self.weekday }).to_string(),
            format!("{:2}", self.hour),
            milli.to_string(),
            format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        ]
    }

    /// `22:13`
    pub(super) fn push_minute(self, out: &mut Vec<u8>) {
        push_padded(self.hour, 2, out);
        out.push(b':');
        push_padded(self.minute, 2, out);
    }

    /// `Tue Nov 14`
    pub(super) fn push_day(self, out: &mut Vec<u8>) {
        out.extend_from_slice(WEEKDAYS[self.weekday].as_bytes());
        out.push(b' ');
        out.extend_from_slice(MONTHS[self.month - 1].as_bytes());
        out.extend_from_slice(if self.day < 10 { b"  " } else { b" " });
        push_decimal(self.day, out);
    }

    /// `Tue Nov 14 22:13:20 2023`
    pub(super) fn push_ctime(self, out: &mut Vec<u8>) {
        self.push_day(out);
        out.push(b' ');
        self.push_clock(out);
        out.push(b' ');
        push_decimal(self.year, out);
    }
}

/// Writes seconds as date and time of day, each once where they come one after the other: a busy log has
/// many events of one second. For one locale.
#[derive(Debug, Default)]
pub(super) struct Clock {
    latest_sec: Option<u64>,
    written: Vec<u8>,
}

impl Clock {
    /// Appends `11/14/23 22:13:20`.
    pub(super) fn push(&mut self, sec: u64, locale: &Locale<'_>, out: &mut Vec<u8>) {
        if self.latest_sec != Some(sec) {
            let civil = Civil::new(sec, (locale.offset_s)(sec));
            self.written.clear();
            civil.push_date(locale.century, &mut self.written);
            self.written.push(b' ');
            civil.push_clock(&mut self.written);
            self.latest_sec = Some(sec);
        }
        out.extend_from_slice(&self.written);
    }
}

/// `2023-11-14T22:13:20.123Z`, RFC 3339.
pub(super) fn push_rfc3339(stamp: Stamp, out: &mut Vec<u8>) {
    let civil = Civil::new(stamp.sec, 0);
    push_padded(civil.year, 4, out);
    out.push(b'-');
    push_padded(civil.month as u64, 2, out);
    out.push(b'-');
    push_padded(civil.day, 2, out);
    out.push(b'T');
    civil.push_clock(out);
    out.push(b'.');
    push_padded(u64::from(stamp.milli), 3, out);
    out.push(b'Z');
}

/// The last second of the year 9999, the last that RFC 3339 can write.
const SEC_MAX: u64 = 253_402_300_799;
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sec: u64, expect: &str) {
        let mut out = Vec::new();
        push_rfc3339(
            Stamp {
                sec,
                milli: 7,
                serial: 0,
            },
            &mut out,
        );
        out.push(b' ');
        Civil::new(sec, 3_600).push_ctime(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn times() {
        check(0, "1970-01-01T00:00:00.007Z Thu Jan  1 01:00:00 1970");
        check(
            951_782_400,
            "2000-02-29T00:00:00.007Z Tue Feb 29 01:00:00 2000",
        );
        check(
            1_700_000_000,
            "2023-11-14T22:13:20.007Z Tue Nov 14 23:13:20 2023",
        );
        check(
            4_107_542_399,
            "2100-02-28T23:59:59.007Z Mon Mar  1 00:59:59 2100",
        );
        check(
            u64::MAX,
            "9999-12-31T23:59:59.007Z Fri Dec 31 23:59:59 9999",
        );
    }
}
