//! What a report knows of one event.
//!
//! The facts are copied into one buffer that is used again for the next event, so an event costs no
//! allocation. Later records overwrite what earlier ones said, as in aureport; that is how a
//! LOGIN record changes the auid of the syscall that made it.

use std::ops::Range;

use indelible_record::{Record, RecordType, Stamp};

use super::cursor::{self, Encoded};
use super::read;
use super::wants::Wants;
use crate::limits::{REPORT_FILES_MAX, REPORT_TYPES_MAX};

/// An event that a report cannot read: a record lacks what records of its type have. aureport skips
/// such events, and so do the reports.
#[derive(Clone, Copy, Debug)]
pub(super) struct Malformed<'e> {
    /// The record.
    pub(super) record: Record<'e>,
    /// What it lacks, in aureport's numbers.
    pub(super) code: u8,
}

/// Whether what was tried was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// No record says.
    #[default]
    Unset,
    /// It was refused or failed.
    Failed,
    /// It was done.
    Success,
}

/// What SELinux decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) outcome: Outcome,
    pub(super) subject: Option<Span>,
    pub(super) object: Option<Span>,
    pub(super) class: Option<Span>,
    pub(super) permission: Option<Span>,
}

/// Where a text stands in the facts' buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span(Range<usize>);

/// The facts of one event.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    bytes: Vec<u8>,
    pub(super) stamp: Option<Stamp>,
    /// Type of the first record; none where it has no name or number.
    pub(super) head: Option<RecordType>,
    /// Types of the records, each once.
    pub(super) types: Vec<RecordType>,
    pub(super) arch: Option<u32>,
    pub(super) syscall: i32,
    pub(super) pid: u32,
    pub(super) auid: u32,
    pub(super) uid: u32,
    pub(super) session: u32,
    pub(super) outcome: Outcome,
    pub(super) acct: Option<Span>,
    pub(super) host: Option<Span>,
    pub(super) terminal: Option<Span>,
    pub(super) exe: Option<Span>,
    pub(super) comm: Option<Span>,
    pub(super) cwd: Option<Span>,
    pub(super) typed: Option<Span>,
    /// Names that auditd resolved when it wrote the record.
    pub(super) auid_name: Option<Span>,
    pub(super) syscall_name: Option<Span>,
    pub(super) files: Vec<Span>,
    pub(super) keys: Vec<Span>,
    pub(super) decisions: Vec<Decision>,
}

/// No process id was given.
pub(super) const NO_PID: u32 = u32::MAX;
/// No uid, auid or session was given; [`indelible_record::UNSET`] is what a record says.
pub(super) const NOT_GIVEN: u32 = u32::MAX - 1;

impl Facts {
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            stamp: None,
            head: None,
            types: Vec::new(),
            arch: None,
            syscall: 0,
            pid: NO_PID,
            auid: NOT_GIVEN,
            uid: NOT_GIVEN,
            session: NOT_GIVEN,
            outcome: Outcome::Unset,
            acct: None,
            host: None,
            terminal: None,
            exe: None,
            comm: None,
            cwd: None,
            typed: None,
            auid_name: None,
            syscall_name: None,
            files: Vec::new(),
            keys: Vec::new(),
            decisions: Vec::new(),
        }
    }

    /// Reads what is wanted of some records of an event, in place of what was read before.
    ///
    /// # Errors
    /// A record lacks what it must have.
    pub(super) fn read<'e>(
        &mut self,
        stamp: Option<Stamp>,
        records: impl Iterator<Item = Record<'e>>,
        wants: Wants,
        interpret: bool,
    ) -> Result<(), Malformed<'e>> {
        self.clear();
        self.stamp = stamp;
        for (index, record) in records.enumerate() {
            let known = Some(record.record_type()).filter(|found| *found != RecordType(0));
            if index == 0 {
                self.head = known;
            }
            if let Some(record_type) = known
                && !self.types.contains(&record_type)
                && self.types.len() < REPORT_TYPES_MAX
            {
                self.types.push(record_type);
            }
            read::record(&record, wants, self).map_err(|code| Malformed { record, code })?;
            if interpret && record.is_enriched() {
                self.read_names(&record);
            }
        }
        Ok(())
    }

    /// Reads the names that auditd resolved when it wrote a record.
    pub(super) fn read_names(&mut self, record: &Record<'_>) {
        if let Some(name) = record.get_enriched(b"auid") {
            self.auid_name = Some(self.keep(name));
        }
        if let Some(name) = record.get_enriched(b"syscall") {
            self.syscall_name = Some(self.keep(name));
        }
    }

    fn clear(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        let mut types = std::mem::take(&mut self.types);
        let mut files = std::mem::take(&mut self.files);
        let mut keys = std::mem::take(&mut self.keys);
        let mut decisions = std::mem::take(&mut self.decisions);
        bytes.clear();
        types.clear();
        files.clear();
        keys.clear();
        decisions.clear();
        *self = Self {
            bytes,
            types,
            files,
            keys,
            decisions,
            ..Self::new()
        };
    }

    /// The text of a span.
    pub(super) fn text(&self, span: &Span) -> &[u8] {
        &self.bytes[span.0.clone()]
    }

    /// The text of a span that may be missing.
    pub(super) fn maybe<'a>(&'a self, span: &Option<Span>) -> Option<&'a [u8]> {
        span.as_ref().map(|span| self.text(span))
    }

    /// Keeps a text.
    pub(super) fn keep(&mut self, text: &[u8]) -> Span {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        Span(start..self.bytes.len())
    }

    /// Keeps the bytes that hexadecimal digits stand for.
    pub(super) fn keep_decoded(&mut self, digits: &[u8]) -> Span {
        let start = self.bytes.len();
        cursor::decode(digits, &mut self.bytes);
        Span(start..self.bytes.len())
    }

    /// Keeps a string; none for what is no string.
    pub(super) fn keep_string(&mut self, string: Encoded<'_>) -> Option<Span> {
        match string {
            Encoded::Plain(text) => Some(self.keep(text)),
            Encoded::Hexadecimal(digits) => Some(self.keep_decoded(digits)),
            Encoded::Nothing | Encoded::Open => None,
        }
    }

    /// Keeps two texts as one.
    pub(super) fn keep_joined(&mut self, directory: &Span, name: &Span) -> Span {
        let start = self.bytes.len();
        self.bytes.extend_from_within(directory.0.clone());
        self.bytes.push(b'/');
        self.bytes.extend_from_within(name.0.clone());
        Span(start..self.bytes.len())
    }

    pub(super) fn add_file(&mut self, file: Span) {
        if self.files.len() < REPORT_FILES_MAX {
            self.files.push(file);
        }
    }

    /// Adds the keys of one rule, which the kernel joins with 0x01.
    pub(super) fn add_keys(&mut self, joined: &Span) {
        let mut start = joined.0.start;
        while start < joined.0.end {
            let rest = &self.bytes[start..joined.0.end];
            let length = memchr::memchr(KEY_SEPARATOR, rest).unwrap_or(rest.len());
            if length > 0 && self.keys.len() < REPORT_FILES_MAX {
                self.keys.push(Span(start..start + length));
            }
            start += length + 1;
        }
    }

    /// Whether one of the event's records is of such a type.
    pub(super) fn has(&self, is: impl Fn(RecordType) -> bool) -> bool {
        self.types.iter().any(|found| is(*found))
    }
}

impl Span {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Between the keys of one rule.
const KEY_SEPARATOR: u8 = 1;
