//! Masks: secrets in command lines and messages are replaced by `****` in what is shown or sent on.
//!
//! What is stored stays as the kernel gave it: a mask is a view. A pattern is a regular expression
//! over bytes; what its group `secret` (else its first group, else all of it) matches is replaced.
//! Command lines are shown to it with a zero byte between arguments, decoded, however the record
//! encodes them:
//!
//! ```
//! use indelible_query::mask::Masks;
//!
//! let masks = Masks::standard();
//! let line = b"type=EXECVE msg=audit(1.002:3): argc=3 a0=\"x\" a1=\"--password\" a2=\"s3cret\"";
//! assert!(masks.record(line).ends_with(b"a1=\"--password\" a2=\"****\""));
//! ```
//!
//! An argument list so long that the kernel gives it in several records is masked record by record:
//! a secret that stands in the record after its option is not found.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::ops::Range;

use indelible_record::{Event, Field, Folded, Missing, Quote, Record, RecordType};
use regex::bytes::{Regex, RegexBuilder};

use crate::limits::{MASKS_MAX, REGEX_BYTES_MAX, REGEX_NESTING_MAX};

/// Patterns of secrets.
#[derive(Clone, Debug)]
pub struct Masks {
    patterns: Vec<Regex>,
    /// Matches whatever one of the patterns matches, and is fast to say no; none where that is not known.
    hint: Option<Regex>,
}

/// Texts of records without secrets: most command lines come again, and to compare one with what it was
/// is many times as fast as to look through it. For one set of masks, and one thread.
#[derive(Debug, Default)]
pub struct Clean {
    folded: Folded,
    /// Each in the place that its bytes say.
    texts: Vec<(RecordType, Vec<u8>)>,
}

impl Clean {
    /// Whether a record's text is known, and its place.
    fn find(&mut self, record: &Record<'_>) -> (bool, usize) {
        let text = text_of(record);
        let place = self.folded.hash_one(text) as usize % CLEAN_TEXTS;
        let known = self.texts.get(place);
        let is_known = known.is_some_and(|(record_type, known)| {
            *record_type == record.record_type() && known == text
        });
        (is_known, place)
    }

    fn note(&mut self, record: &Record<'_>, place: usize) {
        let text = text_of(record);
        if text.len() > CLEAN_BYTES_MAX {
            return;
        }
        self.texts.resize_with(CLEAN_TEXTS, Default::default);
        let (record_type, known) = &mut self.texts[place];
        *record_type = record.record_type();
        known.clear();
        known.extend_from_slice(text);
    }
}

/// All of a record that decides what is masked in it, beside its type.
fn text_of<'r>(record: &Record<'r>) -> &'r [u8] {
    &record.raw()[record.body_offset()..]
}

/// Why patterns cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    /// One is no regular expression, or grows beyond the limits.
    #[error("the mask {pattern:?} cannot be used: {message}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        message: String,
    },
    /// More than the limit.
    #[error("more than {0} masks")]
    TooMany(usize),
}

impl Masks {
    /// No patterns: everything stays as it is.
    #[must_use]
    pub fn none() -> Self {
        Self {
            patterns: Vec::new(),
            hint: None,
        }
    }

    /// The usual ways in which secrets stand in command lines and messages.
    #[must_use]
    pub fn standard() -> Self {
        let masks = Self::parse(STANDARD.iter().copied());
        let hint = RegexBuilder::new(HINT).unicode(false).build();
        Self {
            hint: hint.ok(),
            ..masks.expect("invariant: the standard patterns are tested")
        }
    }

    /// Whether nothing is masked.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Reads patterns.
    ///
    /// # Errors
    /// The first that cannot be used, or more of them than the limit.
    pub fn parse<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Self, MaskError> {
        let mut compiled = Vec::new();
        for pattern in patterns {
            if compiled.len() == MASKS_MAX {
                return Err(MaskError::TooMany(MASKS_MAX));
            }
            let regex = RegexBuilder::new(pattern)
                .unicode(false)
                .size_limit(REGEX_BYTES_MAX)
                .dfa_size_limit(REGEX_BYTES_MAX)
                .nest_limit(REGEX_NESTING_MAX)
                .build()
                .map_err(|error| MaskError::Pattern {
                    pattern: pattern.to_owned(),
                    message: error.to_string(),
                })?;
            compiled.push(regex);
        }
        Ok(Self {
            patterns: compiled,
            hint: None,
        })
    }

    /// These and those of another.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        if !others.patterns.is_empty() {
            self.hint = None;
        }
        self.patterns.extend(others.patterns);
        self
    }

    /// Whether there may be something to mask in a text; false is certain.
    #[must_use]
    pub fn may_mask(&self, text: &[u8]) -> bool {
        let hinted = |hint: &Regex| hint.is_match(text);
        !self.patterns.is_empty() && self.hint.as_ref().is_none_or(hinted)
    }

    /// The event without the secrets in its command lines; nothing where it has none.
    #[must_use]
    pub fn event(&self, event: &Event) -> Option<Event> {
        if self.patterns.is_empty() {
            return None;
        }
        // Few events have a secret: nothing is copied before one is found.
        let replaced = |record: &Record<'_>| matches!(self.replace(record), Cow::Owned(_));
        if !event.records().any(|record| replaced(&record)) {
            return None;
        }
        let lines: Vec<Vec<u8>> = event
            .records()
            .map(|record| self.replace(&record).into_owned())
            .collect();
        let mut masked = Event::default();
        let mut records = lines.iter().map(|line| Record::parse(line));
        masked.gather(&mut records, event.missing().contains(&Missing::End));
        Some(masked)
    }

    /// [`Masks::event`] for one who shows many events.
    #[must_use]
    pub fn event_again(&self, event: &Event, clean: &mut Clean) -> Option<Event> {
        let mut may_have = |record: Record<'_>| {
            if !carries_commands(record.record_type()) {
                return false;
            }
            let (is_known, place) = clean.find(&record);
            if is_known {
                return false;
            }
            let has = matches!(self.replace(&record), Cow::Owned(_));
            if !has {
                clean.note(&record, place);
            }
            has
        };
        if self.patterns.is_empty() || !event.records().any(&mut may_have) {
            return None;
        }
        self.event(event)
    }

    /// Text without its secrets.
    #[must_use]
    pub fn text<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let secrets = self.secrets(text);
        if secrets.is_empty() {
            return text.into();
        }
        masked(text, 0, &secrets).into()
    }

    /// The line of an audit record without the secrets in its command line, encoded as before.
    #[must_use]
    pub fn record<'l>(&self, line: &'l [u8]) -> Cow<'l, [u8]> {
        if self.patterns.is_empty() {
            return line.into();
        }
        self.replace(&Record::parse(line))
    }

    /// The same for a message of the kernel, which carries its type outside of its text.
    #[must_use]
    pub fn kernel_record<'l>(&self, record_type: u16, text: &'l [u8]) -> Cow<'l, [u8]> {
        if self.patterns.is_empty() {
            return text.into();
        }
        self.replace(&Record::from_kernel(record_type, text))
    }

    fn replace<'l>(&self, record: &Record<'l>) -> Cow<'l, [u8]> {
        let record_type = record.record_type();
        if !carries_commands(record_type) {
            return record.raw().into();
        }
        let carries = |field: &Field<'_>| match record_type {
            RecordType::EXECVE => argument(field.name).is_some(),
            _ => CARRIERS.iter().any(|name| field.is(name)),
        };
        let fields: Vec<Field<'l>> = record.fields().filter(|field| carries(field)).collect();
        if fields.is_empty() {
            return record.raw().into();
        }
        // The fields one after the other, as one command line.
        let mut joined: Vec<u8> = Vec::new();
        let mut places: Vec<Range<usize>> = Vec::new();
        let mut before: Option<&[u8]> = None;
        for field in &fields {
            let number = argument(field.name);
            if before.is_some() && before != number {
                joined.push(0);
            }
            before = number.or(Some(field.name));
            let start = joined.len();
            joined.extend_from_slice(&field.decoded(record_type));
            places.push(start..joined.len());
        }
        let secrets = self.secrets(&joined);
        if secrets.is_empty() {
            return record.raw().into();
        }
        let raw = record.raw();
        let mut out = Vec::with_capacity(raw.len());
        let mut copied = 0;
        for (field, place) in fields.iter().zip(places) {
            let value = masked(&joined[place.clone()], place.start, &secrets);
            if value == joined[place] {
                continue;
            }
            out.extend_from_slice(&raw[copied..field.value_start]);
            push_encoded(field, record_type, raw, &value, &mut out);
            copied = field.end;
        }
        out.extend_from_slice(&raw[copied..]);
        out.into()
    }

    /// Where secrets stand, in order and apart.
    fn secrets(&self, text: &[u8]) -> Vec<Range<usize>> {
        if !self.may_mask(text) {
            return Vec::new();
        }
        let mut found: Vec<Range<usize>> = Vec::new();
        for pattern in &self.patterns {
            for captures in pattern.captures_iter(text) {
                let secret = captures
                    .name("secret")
                    .or_else(|| captures.get(1))
                    .or_else(|| captures.get(0));
                found.extend(secret.map(|secret| secret.range()));
            }
        }
        found.retain(|range| !range.is_empty());
        found.sort_by_key(|range| (range.start, range.end));
        found.dedup_by(|next, kept| {
            let overlaps = next.start < kept.end;
            if overlaps {
                kept.end = kept.end.max(next.end);
            }
            overlaps
        });
        found
    }
}

/// Whether records of a type can have a command line in them.
fn carries_commands(record_type: RecordType) -> bool {
    !matches!(
        record_type,
        RecordType::SYSCALL | RecordType::PATH | RecordType::CWD | RecordType::EOE
    )
}

/// A part of a text that begins at `at` there, without the secrets.
fn masked(part: &[u8], at: usize, secrets: &[Range<usize>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(part.len());
    let mut copied = 0;
    for secret in secrets {
        let start = secret.start.max(at).min(at + part.len()) - at;
        let end = secret.end.max(at).min(at + part.len()) - at;
        if start < end {
            out.extend_from_slice(&part[copied..start]);
            out.extend_from_slice(MASK);
            copied = end;
        }
    }
    out.extend_from_slice(&part[copied..]);
    out
}

/// Writes a value as its field had it: in quotes, in hexadecimal digits or plain.
fn push_encoded(
    field: &Field<'_>,
    record_type: RecordType,
    raw: &[u8],
    value: &[u8],
    out: &mut Vec<u8>,
) {
    let is_encoded = field.quote == Quote::None && *field.decoded(record_type) != *field.value;
    if is_encoded {
        for byte in value {
            out.extend_from_slice(format!("{byte:02X}").as_bytes());
        }
        return;
    }
    // Quotes or braces, the closing one of which may be missing.
    let around = field.end - field.value_start - field.value.len();
    let open = around.min(1);
    out.extend_from_slice(&raw[field.value_start..field.value_start + open]);
    out.extend_from_slice(value);
    out.extend_from_slice(&raw[field.end - (around - open)..field.end]);
}

/// The name of the argument of which `a1` or `a1[0]` is all or a part.
fn argument(name: &[u8]) -> Option<&[u8]> {
    let digits = name.strip_prefix(b"a")?;
    let end = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let is_part = matches!(digits.get(end), None | Some(b'['));
    (end > 0 && is_part).then(|| &name[..=end])
}

/// What each of [`STANDARD`] has in it.
const HINT: &str = "(?i)pass|pwd|secret|token|key|://|authorization|mysql|curl";
const MASK: &[u8] = b"****";
/// Texts that are known to have none.
const CLEAN_TEXTS: usize = 64;
/// Longest of them.
const CLEAN_BYTES_MAX: usize = 1024;
/// Fields that carry command lines or what was typed.
const CARRIERS: [&str; 3] = ["proctitle", "cmd", "data"];
/// Patterns of [`Masks::standard`].
pub const STANDARD: [&str; 7] = [
    // password=x, "token": "x"
    r#"(?i)(?:password|passwd|passphrase|pwd|secret|token|api[-_]?key|access[-_]?key)(?:[=:]["']?|["']\s*[:=]\s*["'])([^\s\x00"'&;,]+)"#,
    // --password x, -token=x
    r#"(?i)(?:^|[\s\x00])(?:--[a-z-]*|-)(?:password|passwd|passphrase|secret|token|api-?key|access-?key)[\x00 =]["']?([^\s\x00"']+)"#,
    // scheme://user:x@host
    r"://[^/\s:@\x00]+:([^/\s@\x00]+)@",
    r#"(?i)authorization:\s*(?:basic|bearer|token)\s+([^\s\x00"']+)"#,
    r"(?:^|[\x00 /])mysql[a-z]*[\x00 ](?:[^\x00 ]+[\x00 ])*?-p([^\x00\s]+)",
    r"(?:^|[\x00 /])sshpass[\x00 ]-p[\x00 ]?([^\x00\s]+)",
    r"(?:^|[\x00 /])curl[\x00 ](?:[^\x00 ]+[\x00 ])*?(?:-u|--user)[\x00 =]?[^:\x00\s]+:([^\x00\s]+)",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: &str) {
        let masks = Masks::standard();
        let once = masks.record(line.as_bytes()).into_owned();
        assert_eq!(String::from_utf8_lossy(&once), expect);
        assert_eq!(masks.record(&once), once, "twice is once");
    }

    const EXECVE: &str = "type=EXECVE msg=audit(1700000000.123:45): ";

    #[test]
    fn command_lines() {
        let execve = |before: &str, after: &str| {
            check(&format!("{EXECVE}{before}"), &format!("{EXECVE}{after}"));
        };
        execve(
            r#"argc=2 a0="x" a1="--password=abc""#,
            r#"argc=2 a0="x" a1="--password=****""#,
        );
        execve(
            r#"argc=3 a0="curl" a1="-u" a2="me:abc""#,
            r#"argc=3 a0="curl" a1="-u" a2="me:****""#,
        );
        // "--token" and "a b" in hexadecimal digits
        execve(
            "argc=3 a0=\"x\" a1=\"--token\" a2=6120622063",
            "argc=3 a0=\"x\" a1=\"--token\" a2=2A2A2A2A20622063",
        );
        execve(
            r#"argc=2 a0="mysqldump" a1="-psecret" a2="db""#,
            r#"argc=2 a0="mysqldump" a1="-p****" a2="db""#,
        );
        execve(r#"argc=2 a0="ls" a1="-p""#, r#"argc=2 a0="ls" a1="-p""#);
        // an argument in two parts
        execve(
            r#"argc=2 a0="x" a1[0]="--secret=ab" a1[1]="cd""#,
            r#"argc=2 a0="x" a1[0]="--secret=****" a1[1]="****""#,
        );
        check(
            "type=PROCTITLE msg=audit(1.002:3): proctitle=78002D2D70617373776F72640061",
            "type=PROCTITLE msg=audit(1.002:3): proctitle=78002D2D70617373776F7264002A2A2A2A",
        );
        let syscall = "type=SYSCALL msg=audit(1.002:3): a0=7461 a1=1 comm=\"token=x\"";
        check(syscall, syscall);
    }

    #[test]
    fn events() {
        let masks = Masks::standard();
        let event = |second: &str| {
            let mut event = Event::default();
            let lines = [
                "type=SYSCALL msg=audit(1.002:3): syscall=59 items=0".to_owned(),
                format!("type=EXECVE msg=audit(1.002:3): argc=2 a0=\"x\" a1=\"{second}\""),
            ];
            let mut records = lines.iter().map(|line| Record::parse(line.as_bytes()));
            event.gather(&mut records, true);
            event
        };
        let masked = masks.event(&event("--password=abc")).unwrap();
        let shown: Vec<String> = masked
            .records()
            .map(|record| String::from_utf8_lossy(record.raw()).into_owned())
            .collect();
        assert!(shown[1].ends_with("a1=\"--password=****\""), "{shown:?}");
        assert_eq!(masked.missing(), event("x").missing());
        for harmless in ["x", "password", "--key-file"] {
            assert!(masks.event(&event(harmless)).is_none(), "{harmless}");
        }
        assert!(Masks::none().event(&event("--password=abc")).is_none());
        // What is known to be harmless hides nothing of what comes after it.
        let mut clean = Clean::default();
        for nth in 0..1_000u32 {
            let second = match nth.wrapping_mul(0x9e37_79b9) >> 29 {
                0 => "--password=abc".to_owned(),
                1 => "x".repeat(2_000),
                some => format!("{}", nth % (some * 100)),
            };
            let raw = |event: Option<Event>| event.map(|event| format!("{event:?}"));
            let event = event(&second);
            let again = masks.event_again(&event, &mut clean);
            assert_eq!(raw(again), raw(masks.event(&event)), "{second}");
        }
        let secret = event("--password=abc");
        assert!(Masks::none().event_again(&secret, &mut clean).is_none());
    }

    #[test]
    fn messages() {
        let masks = Masks::standard();
        let check = |text: &str, expect: &str| {
            let shown = masks.text(text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&shown), expect);
        };
        check(
            "Failed password for root from 1.2.3.4",
            "Failed password for root from 1.2.3.4",
        );
        check(
            "GET https://me:abc@h/ token=x&y",
            "GET https://me:****@h/ token=****&y",
        );
        check(r#"{"password": "abc"}"#, r#"{"password": "****"}"#);
        check("authorization: Bearer abc", "authorization: Bearer ****");
    }

    #[test]
    fn patterns_of_ones_own() {
        let masks = Masks::parse([r"id-(?P<x>\d+)", "all"]).unwrap();
        assert_eq!(&*masks.text(b"id-77 all"), b"id-**** ****");
        assert!(matches!(
            Masks::parse(["("]),
            Err(MaskError::Pattern { .. })
        ));
        assert_eq!(
            Masks::parse(["a"; MASKS_MAX + 1]).unwrap_err(),
            MaskError::TooMany(MASKS_MAX)
        );
        assert!(matches!(
            Masks::none().text(b"password=x"),
            Cow::Borrowed(_)
        ));
    }
}
