//! Writers: an event as bytes, in the forms that people and programs read.
//!
//! | function | form |
//! |---|---|
//! | [`raw`] | the records as auditd stores them, a line each |
//! | [`raw_as_tool`] | the same as ausearch prints it |
//! | [`default`] | ausearch's default form: a time, then the records, the last first |
//! | [`interpret`] | the same with values in words (`ausearch -i`) |
//! | [`enriched`] | the records as auditd stores them with `log_format = ENRICHED` |
//! | [`text`] | a sentence per event |
//! | [`csv`] | the parts of the sentence as columns, under [`csv_header`] |
//! | [`text_as_tool`], [`csv_as_tool`] | the same in ausearch's words |
//! | [`ndjson`] | one JSON object per event |
//!
//! Writers append whole lines to a buffer and never fail. Control characters of what an attacker
//! chose are escaped in all forms but [`raw`] and [`enriched`], which keep the exact bytes; NDJSON is
//! always valid UTF-8. Whoever writes other bytes to a terminal escapes first.

mod enriched;
mod escape;
mod interpreted;
mod json;
mod lines;
mod replay;
mod sentence;
mod time;
mod tool;

pub use enriched::enriched;
pub use escape::Escape;
pub use interpreted::{interpret, interpret_again, interpret_escaped};
pub use json::ndjson;
pub use lines::{default, default_escaped, raw, raw_as_tool};
pub use replay::Interpreted;
pub use sentence::{Columns, csv, csv_header, text};
pub use tool::{csv_as_tool, text_as_tool};

use crate::interpret::{Names, NoNames};
use crate::stamp::Stamp;

/// What the forms for people need to know of the place where they are read.
#[derive(Clone, Copy)]
pub struct Locale<'a> {
    /// Names of users and groups that the records do not carry.
    pub names: &'a dyn Names,
    /// Seconds east of UTC at a time (seconds since 1970).
    pub offset_s: &'a dyn Fn(u64) -> i32,
    /// Dates as `11/14/2023` instead of `11/14/23`.
    pub century: bool,
}

impl Default for Locale<'_> {
    /// UTC, the C locale, no names.
    fn default() -> Self {
        Locale {
            names: &NoNames,
            offset_s: &|_| 0,
            century: false,
        }
    }
}

impl Locale<'_> {
    /// Appends `Tue Nov 14 22:13:20 2023`, as ausearch's default form has it.
    pub fn push_ctime(&self, stamp: Stamp, out: &mut Vec<u8>) {
        time::Civil::new(stamp.sec, (self.offset_s)(stamp.sec)).push_ctime(out);
    }

    /// Appends date and time of day as ausearch's forms have them: `11/14/23 22:13:20`, with the
    /// milliseconds where `milli` is true.
    pub fn push_time(&self, stamp: Stamp, milli: bool, out: &mut Vec<u8>) {
        let civil = time::Civil::new(stamp.sec, (self.offset_s)(stamp.sec));
        civil.push_date(self.century, out);
        out.push(b' ');
        civil.push_clock(out);
        if milli {
            out.push(b'.');
            crate::number::push_padded(u64::from(stamp.milli), 3, out);
        }
    }

    /// Appends the day as last and aulast have it: `Tue Nov 14`.
    pub fn push_day(&self, stamp: Stamp, out: &mut Vec<u8>) {
        time::Civil::new(stamp.sec, (self.offset_s)(stamp.sec)).push_day(out);
    }

    /// Appends hour and minute: `22:13`.
    pub fn push_minute(&self, stamp: Stamp, out: &mut Vec<u8>) {
        time::Civil::new(stamp.sec, (self.offset_s)(stamp.sec)).push_minute(out);
    }
}

/// Appends `2023-11-14T22:13:20.123Z`, RFC 3339.
pub fn push_rfc3339(stamp: Stamp, out: &mut Vec<u8>) {
    time::push_rfc3339(stamp, out);
}

/// Appends a JSON string of any bytes, as [`ndjson`] writes them.
pub fn push_json_string(bytes: &[u8], out: &mut Vec<u8>) {
    json::push_string(bytes, out);
}

/// Appends typed characters in words, as the interpreted form shows `data=` of TTY records:
/// `"ls ",<ret>`.
pub fn push_typed(typed: &[u8], out: &mut Vec<u8>) {
    crate::interpret::push_keys(typed, out);
}
