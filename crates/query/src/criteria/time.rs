//! Times as they are written on a command line.
//!
//! ```text
//! -ts 11/14/23 22:13:20     the locale's date and time; either may be missing
//! -ts yesterday             now recent boot today yesterday this-hour this-week week-ago
//!                           this-month this-year
//! --since 2h ago            also: 2023-11-14T22:13:20Z, 2023-11-14 22:13, and all of the above
//! ```
//!
//! What is left out differs: a start without a time of day is midnight, an end is the present time
//! of that day. Nothing here asks a clock: the present is [`Present`].

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Span, Timestamp, ToSpan, Zoned};
use thiserror::Error;

/// What the words refer to.
#[derive(Clone, Debug)]
pub struct Present {
    /// The present time, in the zone of whom asks.
    pub now: Zoned,
    /// When this host was started, in seconds since 1970.
    pub boot_s: Option<i64>,
}

/// Which end of a window is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// `-ts`, `--since`
    Start,
    /// `-te`, `--until`
    End,
}

/// Why a time is none. The texts are ausearch's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotATime {
    /// The date lacks something.
    #[error("Invalid {} date ({text}). Month, Day, and Year are required.", .bound.name())]
    Date {
        /// Which end.
        bound: Bound,
        /// What was given.
        text: String,
    },
    /// Something follows the date.
    #[error("Error parsing {} date ({text})", .bound.name())]
    AfterDate {
        /// Which end.
        bound: Bound,
        /// What was given.
        text: String,
    },
    /// The time of day lacks something.
    #[error("Invalid {} time ({text}). Hour, Minute, and Second are required.", .bound.name())]
    Time {
        /// Which end.
        bound: Bound,
        /// What was given.
        text: String,
    },
    /// Something follows the time of day.
    #[error("Error parsing {} time ({text})", .bound.name())]
    AfterTime {
        /// Which end.
        bound: Bound,
        /// What was given.
        text: String,
    },
    /// Years before 1971: nothing was audited then.
    #[error("Error - year is {0}")]
    Year(i16),
    /// Nothing at all was given.
    #[error("-{} requires either date and/or time", .0.option())]
    Missing(Bound),
    /// No time of any of the accepted forms.
    #[error(
        "{0:?} is no time; give RFC 3339 (2023-11-14T22:13:20Z), a time ago (2h ago), a date of your \
         locale, or one of: {WORDS}"
    )]
    Unknown(String),
}

impl Bound {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
        }
    }

    fn option(self) -> &'static str {
        match self {
            Self::Start => "ts",
            Self::End => "te",
        }
    }
}

/// Reads what follows `-ts` or `-te`: one or two words. Seconds since 1970.
///
/// # Errors
/// Words that are no date and no time of day.
pub fn words(text: &[&str], bound: Bound, present: &Present) -> Result<i64, NotATime> {
    let (first, second) = match text {
        [] => return Err(NotATime::Missing(bound)),
        [first, rest @ ..] => (*first, rest.first().copied()),
    };
    if let Some(named) = named(first, bound, present) {
        let Some(second) = second else {
            return Ok(named.timestamp().as_second());
        };
        return at(named.date(), time_of_day(second, bound)?, present, bound);
    }
    let now = &present.now;
    if first.contains(':') {
        return at(now.date(), time_of_day(first, bound)?, present, bound);
    }
    let date = date(first, bound)?;
    let time = match second {
        Some(second) => time_of_day(second, bound)?,
        None if bound == Bound::Start => Seconds(0),
        None => Seconds(
            i64::from(now.hour()) * 3600 + i64::from(now.minute()) * 60 + i64::from(now.second()),
        ),
    };
    at(date, time, present, bound)
}

/// Reads what follows `--since` or `--until`. Seconds since 1970.
///
/// # Errors
/// Text of none of the accepted forms.
pub fn since(text: &str, bound: Bound, present: &Present) -> Result<i64, NotATime> {
    let text = text.trim();
    let unknown = || NotATime::Unknown(text.to_owned());
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_second());
    }
    if let Ok(back) = text.parse::<Span>() {
        let then = present.now.checked_sub(back.abs()).map_err(|_| unknown())?;
        return Ok(then.timestamp().as_second());
    }
    let zone = present.now.time_zone().clone();
    let zoned = |civil: DateTime| civil.to_zoned(zone.clone()).map_err(|_| unknown());
    // A date alone would be read as a date and time at midnight.
    if let Ok(date) = text.parse::<Date>()
        && text.len() <= DATE_LENGTH
    {
        let time = match bound {
            Bound::Start => Time::midnight(),
            Bound::End => Time::constant(23, 59, 59, 0),
        };
        return Ok(zoned(date.to_datetime(time))?.timestamp().as_second());
    }
    if let Ok(civil) = text.parse::<DateTime>() {
        return Ok(zoned(civil)?.timestamp().as_second());
    }
    let pieces: Vec<&str> = text.split_whitespace().collect();
    words(&pieces, bound, present).map_err(|_| unknown())
}

/// The time that a word names.
fn named(word: &str, bound: Bound, present: &Present) -> Option<Zoned> {
    let now = &present.now;
    let midnight = |date: Date| date.to_zoned(now.time_zone().clone()).ok();
    let today = now.date();
    match word {
        "now" => Some(now.clone()),
        "recent" => now.checked_sub(10.minutes()).ok(),
        "boot" => {
            let boot = Timestamp::from_second(present.boot_s?).ok()?;
            Some(boot.to_zoned(now.time_zone().clone()))
        }
        "today" if bound == Bound::End => Some(now.clone()),
        "today" => midnight(today),
        "yesterday" => midnight(today.yesterday().ok()?),
        "this-hour" => now
            .checked_sub(SignedDuration::from_secs(
                i64::from(now.minute()) * 60 + i64::from(now.second()),
            ))
            .ok(),
        "this-week" => {
            let back = i64::from(today.weekday().to_sunday_zero_offset());
            midnight(today.checked_sub(back.days()).ok()?)
        }
        "week-ago" => midnight(today.checked_sub(7.days()).ok()?),
        "this-month" => midnight(today.first_of_month()),
        "this-year" => midnight(today.first_of_year()),
        _ => None,
    }
}

/// A time of day, in seconds after midnight: it may be 23:59:60.
#[derive(Clone, Copy)]
struct Seconds(i64);

fn at(date: Date, time: Seconds, present: &Present, bound: Bound) -> Result<i64, NotATime> {
    let Seconds(second) = time;
    let unknown = |_| NotATime::Date {
        bound,
        text: date.to_string(),
    };
    let civil = date
        .to_datetime(Time::midnight())
        .checked_add(SignedDuration::from_secs(second))
        .map_err(unknown)?;
    let zoned = civil
        .to_zoned(present.now.time_zone().clone())
        .map_err(unknown)?;
    Ok(zoned.timestamp().as_second())
}

/// `11/14/23` or `11/14/2023`: `%x` of the C and of the American locale. Days beyond the month's last go on into the next
/// month, as mktime(3) has it.
fn date(text: &str, bound: Bound) -> Result<Date, NotATime> {
    let mut rest = text;
    let wrong = || NotATime::Date {
        bound,
        text: text.to_owned(),
    };
    let month = number(&mut rest, 2, 1, 12).ok_or_else(wrong)?;
    let day = after(&mut rest, '/')
        .and_then(|()| number(&mut rest, 2, 1, 31))
        .ok_or_else(wrong)?;
    let before_year = rest.len();
    let year = after(&mut rest, '/')
        .and_then(|()| number(&mut rest, 4, 0, 9999))
        .ok_or_else(wrong)?;
    let digits = before_year - rest.len() - 1;
    if !rest.is_empty() {
        return Err(NotATime::AfterDate {
            bound,
            text: text.to_owned(),
        });
    }
    let year = match year {
        _ if digits > 2 => year,
        69.. => 1900 + year,
        _ => 2000 + year,
    };
    if year <= 1970 {
        return Err(NotATime::Year(year));
    }
    // Both are below 100: they were read with two digits.
    Date::new(year, month as i8, 1)
        .and_then(|first| first.checked_add((day - 1).days()))
        .map_err(|_| wrong())
}

/// `22:13:20` or `22:13`.
fn time_of_day(text: &str, bound: Bound) -> Result<Seconds, NotATime> {
    let mut rest = text;
    let wrong = || NotATime::Time {
        bound,
        text: text.to_owned(),
    };
    let hour = number(&mut rest, 2, 0, 23).ok_or_else(wrong)?;
    let minute = after(&mut rest, ':')
        .and_then(|()| number(&mut rest, 2, 0, 59))
        .ok_or_else(wrong)?;
    let second = match after(&mut rest, ':') {
        Some(()) => number(&mut rest, 2, 0, 60).ok_or_else(wrong)?,
        None => 0,
    };
    if !rest.is_empty() {
        return Err(NotATime::AfterTime {
            bound,
            text: text.to_owned(),
        });
    }
    Ok(Seconds(
        i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second),
    ))
}

/// Takes a number of at most this many digits from the front of `rest`.
fn number(rest: &mut &str, digits_max: usize, min: i16, max: i16) -> Option<i16> {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let digits = rest.bytes().take(digits_max).take_while(is_digit).count();
    let number = rest[..digits].parse().ok()?;
    *rest = &rest[digits..];
    (min..=max).contains(&number).then_some(number)
}

fn after(rest: &mut &str, separator: char) -> Option<()> {
    *rest = rest.strip_prefix(separator)?;
    Some(())
}

/// Bytes of `2023-11-14`.
const DATE_LENGTH: usize = 10;
/// The words for times.
const WORDS: &str = "now, recent, boot, today, yesterday, this-hour, this-week, week-ago, this-month, \
                     this-year";

#[cfg(test)]
mod tests {
    use super::*;

    fn present() -> Present {
        Present {
            // a Wednesday
            now: Timestamp::from_second(1_795_628_243)
                .unwrap()
                .to_zoned(jiff::tz::TimeZone::UTC),
            boot_s: Some(1_795_627_594),
        }
    }

    fn shown(time: Result<i64, NotATime>) -> String {
        match time {
            Ok(second) => Timestamp::from_second(second).unwrap().to_string(),
            Err(error) => error.to_string(),
        }
    }

    fn check(text: &str, start: &str, end: &str) {
        let pieces: Vec<&str> = text.split(' ').collect();
        assert_eq!(
            shown(words(&pieces, Bound::Start, &present())),
            start,
            "{text}"
        );
        assert_eq!(shown(words(&pieces, Bound::End, &present())), end, "{text}");
    }

    #[test]
    fn named_times() {
        let both = |text: &str, time: &str| check(text, time, time);
        both("now", "2026-11-25T17:37:23Z");
        both("recent", "2026-11-25T17:27:23Z");
        both("boot", "2026-11-25T17:26:34Z");
        check("today", "2026-11-25T00:00:00Z", "2026-11-25T17:37:23Z");
        both("yesterday", "2026-11-24T00:00:00Z");
        both("this-hour", "2026-11-25T17:00:00Z");
        both("this-week", "2026-11-22T00:00:00Z");
        both("week-ago", "2026-11-18T00:00:00Z");
        both("this-month", "2026-11-01T00:00:00Z");
        both("this-year", "2026-01-01T00:00:00Z");
        both("yesterday 10:00:00", "2026-11-24T10:00:00Z");
    }

    #[test]
    fn dates_and_times() {
        check("11/20/26", "2026-11-20T00:00:00Z", "2026-11-20T17:37:23Z");
        let both = |text: &str, time: &str| check(text, time, time);
        both("11/20/26 10:00:01", "2026-11-20T10:00:01Z");
        both("10:00", "2026-11-25T10:00:00Z");
        both("11/20/2026 10:00:01", "2026-11-20T10:00:01Z");
        both("1/2/26 23:59:60", "2026-01-03T00:00:00Z");
        check("02/30/26", "2026-03-02T00:00:00Z", "2026-03-02T17:37:23Z");
        check("11/25/68", "2068-11-25T00:00:00Z", "2068-11-25T17:37:23Z");
    }

    #[test]
    fn what_is_none() {
        let date = |text: &str| {
            let say = |end: &str| {
                format!("Invalid {end} date ({text}). Month, Day, and Year are required.")
            };
            check(text, &say("start"), &say("end"));
        };
        [
            "",
            "foo",
            "2026-11-25",
            "13/45/2023",
            "00/10/26",
            "1/2",
            "TODAY",
        ]
        .into_iter()
        .for_each(date);
        check(
            "11/25/26x",
            "Error parsing start date (11/25/26x)",
            "Error parsing end date (11/25/26x)",
        );
        check("11/25/190", "Error - year is 190", "Error - year is 190");
        check("11/25/70", "Error - year is 1970", "Error - year is 1970");
        let time = |text: &str| {
            let say = |end: &str| {
                format!("Invalid {end} time ({text}). Hour, Minute, and Second are required.")
            };
            check(&format!("11/25/26 {text}"), &say("start"), &say("end"));
        };
        ["10", "24:00:00", "10:60:00", "today"]
            .into_iter()
            .for_each(time);
        check(
            "10:00:00x",
            "Error parsing start time (10:00:00x)",
            "Error parsing end time (10:00:00x)",
        );
        assert_eq!(
            shown(words(&[], Bound::Start, &present())),
            "-ts requires either date and/or time"
        );
    }

    #[test]
    fn since_and_until() {
        let check = |text: &str, expect: &str| {
            assert_eq!(
                shown(since(text, Bound::Start, &present())),
                expect,
                "{text}"
            );
        };
        check("2023-11-14T22:13:20Z", "2023-11-14T22:13:20Z");
        check("2023-11-14T22:13:20+02:00", "2023-11-14T20:13:20Z");
        check("2023-11-14 22:13:20", "2023-11-14T22:13:20Z");
        check("2023-11-14T22:13", "2023-11-14T22:13:00Z");
        check("2023-11-14", "2023-11-14T00:00:00Z");
        check("2h ago", "2026-11-25T15:37:23Z");
        check("1 day 2 hours ago", "2026-11-24T15:37:23Z");
        check("90m", "2026-11-25T16:07:23Z");
        check("yesterday 10:00", "2026-11-24T10:00:00Z");
        check("11/20/26", "2026-11-20T00:00:00Z");
        assert_eq!(
            shown(since("2023-11-14", Bound::End, &present())),
            "2023-11-14T23:59:59Z"
        );
        assert!(shown(since("soon", Bound::End, &present())).contains("is no time"));
    }

    /// Any text is a time or none; nothing panics.
    #[test]
    fn any_text() {
        let seed = std::process::id();
        println!("seed {seed}");
        let mut state = u64::from(seed) | 1;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        let pieces = [
            "1", "9", "99", "/", ":", " ", "-", "T", "Z", "ago", "h", "today", "é", "+", "recent",
        ];
        for _ in 0..20_000 {
            let text: String = (0..random(9))
                .map(|_| pieces[random(pieces.len())])
                .collect();
            for bound in [Bound::Start, Bound::End] {
                let _ = since(&text, bound, &present());
                let _ = words(&text.split(' ').collect::<Vec<_>>(), bound, &present());
            }
        }
    }
}
