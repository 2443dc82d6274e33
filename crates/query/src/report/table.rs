//! The whole report, put together from partial ones in the order of the log.

use indelible_record::write::{Locale, push_json_string, push_rfc3339};
use indelible_record::{RecordType, Stamp};

use super::facts::Outcome;
use super::kind::Kind;
use super::partial::Partial;
use super::tally::{Numbers, Tally};
use super::totals::Totals;
use super::value::Value;
use super::write::{push_csv, push_csv_text, push_escaped, push_number, push_text};
use super::{Detail, Form, Report};
use crate::limits::REPORT_BYTES_MAX;

/// A report as far as it has come. Rows are given out as they come; counts at the end.
#[derive(Clone, Debug)]
pub struct Table {
    report: Report,
    rows: u64,
    texts: Tally,
    numbers: Numbers,
    totals: Totals,
    first: Option<Stamp>,
    last: Option<Stamp>,
    malformed: u64,
}

/// What there is to say about a report besides the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Events that could not be read.
    pub malformed: u64,
    /// Occurrences of values that had no place in the summary, because it would have become larger
    /// than [`REPORT_BYTES_MAX`].
    pub cut: u64,
    /// Whether numbers of different values are lower bounds, for the same reason.
    pub totals_cut: bool,
    /// Sessions whose end was not waited for, because too many were open.
    pub sessions_cut: u64,
}

/// The times that the report of totals begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// The first event of the logs.
    pub first: Option<Stamp>,
    /// The start that was asked for, in seconds since 1970.
    pub start_s: Option<u64>,
    /// The end that was asked for.
    pub end_s: Option<u64>,
}

impl Table {
    /// A report without events.
    pub fn new(report: Report) -> Self {
        Self {
            report,
            rows: 0,
            texts: Tally::default(),
            numbers: Numbers::default(),
            totals: Totals::default(),
            first: None,
            last: None,
            malformed: 0,
        }
    }

    /// Appends what stands above the first row.
    pub fn begin(&self, out: &mut Vec<u8>) {
        let spec = self.report.kind.spec();
        let summary = self.report.summary();
        match self.report.form {
            Form::Text => {
                out.push(b'\n');
                let (title, rule) = match summary {
                    Some(summary) => (summary.title, summary.rule),
                    None => (spec.title, spec.rule),
                };
                if summary.is_some() || self.report.kind == Kind::Totals {
                    out.extend_from_slice(self.report.prefix().as_bytes());
                }
                push_line(title, out);
                push_line(&"=".repeat(rule), out);
                if let Some(summary) = summary {
                    push_line(&format!("total  {}", summary.of), out);
                    push_line(&"=".repeat(rule), out);
                } else if self.report.kind != Kind::Totals {
                    out.extend_from_slice(b"# date time");
                    for (_, heading) in spec.columns {
                        out.push(b' ');
                        out.extend_from_slice(heading.as_bytes());
                    }
                    out.push(b'\n');
                    // aureport's second line under this heading is one longer than the first.
                    let longer = usize::from(self.report.kind == Kind::Comm);
                    push_line(&"=".repeat(rule + longer), out);
                }
            }
            Form::Json => {
                out.extend_from_slice(b"{\"report\":\"");
                out.extend_from_slice(spec.word.as_bytes());
                out.extend_from_slice(match (self.report.kind, summary) {
                    (Kind::Totals, _) => b"\",".as_slice(),
                    (_, Some(_)) => b"\",\"summary\":[",
                    (_, None) => b"\",\"rows\":[",
                });
            }
            Form::Csv => match (self.report.kind, summary) {
                (Kind::Totals, _) => out.extend_from_slice(b"name,count\r\n"),
                (_, Some(summary)) => {
                    out.extend_from_slice(format!("total,{}\r\n", summary.of).as_bytes());
                }
                (_, None) => {
                    out.extend_from_slice(b"time");
                    for (_, heading) in spec.columns {
                        out.push(b',');
                        out.extend_from_slice(heading.as_bytes());
                    }
                    out.extend_from_slice(b"\r\n");
                }
            },
        }
    }

    /// Adds what came of the next events; appends their rows to `out`, and what is said about
    /// malformed ones to `notes`.
    pub fn absorb(&mut self, partial: Partial, out: &mut Vec<u8>, notes: &mut Vec<u8>) {
        let mut start = 0;
        for end in partial.ends {
            self.rows += 1;
            match self.report.form {
                Form::Text => {
                    push_number(self.rows.cast_signed(), out);
                    out.extend_from_slice(b". ");
                }
                Form::Json if self.rows > 1 => out.extend_from_slice(b",\n"),
                Form::Json => out.push(b'\n'),
                Form::Csv => {}
            }
            out.extend_from_slice(&partial.rows[start..end]);
            start = end;
        }
        self.texts.absorb(partial.texts, REPORT_BYTES_MAX);
        self.numbers.absorb(&partial.numbers);
        self.totals.absorb(partial.totals, REPORT_BYTES_MAX);
        self.first = self.first.or(partial.first);
        self.last = partial.last.or(self.last);
        self.malformed += partial.malformed;
        notes.extend_from_slice(&partial.notes);
    }

    /// Appends what stands below the last row: of a summary, all of it. Returns whether there was
    /// anything to report.
    pub fn end(&self, times: &Times, locale: &Locale<'_>, out: &mut Vec<u8>) -> bool {
        if self.report.kind == Kind::Totals {
            self.end_totals(times, locale, out);
            return true;
        }
        if self.report.detail == Detail::Rows {
            match self.report.form {
                Form::Text if self.rows == 0 => out.extend_from_slice(NOTHING),
                Form::Json => out.extend_from_slice(b"]}\n"),
                Form::Text | Form::Csv => {}
            }
            return self.rows > 0;
        }
        let entries = self.ranked();
        let escape = self.report.kind.summary_escape(self.report.escape);
        match self.report.form {
            Form::Text => {
                if entries.is_empty() {
                    out.extend_from_slice(NOTHING);
                }
                for (value, count) in &entries {
                    push_number(count.cast_signed(), out);
                    out.extend_from_slice(b"  ");
                    push_text(value, "?", escape, out);
                    out.push(b'\n');
                }
            }
            Form::Json => {
                let of = self.report.summary().map_or("", |summary| summary.of);
                for (index, (value, count)) in entries.iter().enumerate() {
                    out.extend_from_slice(if index == 0 { b"\n" } else { b",\n" });
                    out.extend_from_slice(format!("{{\"total\":{count},\"{of}\":").as_bytes());
                    super::write::push_json(value, out);
                    out.push(b'}');
                }
                let cut = self.texts.cut().occurrences;
                out.extend_from_slice(format!("],\"cut\":{cut}}}\n").as_bytes());
            }
            Form::Csv => {
                for (value, count) in &entries {
                    out.extend_from_slice(format!("{count},").as_bytes());
                    push_csv(value, out);
                    out.extend_from_slice(b"\r\n");
                }
            }
        }
        !entries.is_empty()
    }

    /// The first event that was given.
    pub fn first(&self) -> Option<Stamp> {
        self.first
    }

    /// What there is to say besides.
    pub fn remarks(&self) -> Remarks {
        Remarks {
            malformed: self.malformed,
            cut: self.texts.cut().occurrences,
            totals_cut: self.totals.is_cut(),
            sessions_cut: 0,
        }
    }

    /// The entries of a summary, in their order.
    fn ranked(&self) -> Vec<(Value<'_>, u64)> {
        let is_type = self.report.kind != Kind::Pid;
        let number = |(number, count): (u32, u64)| {
            let value = if is_type && self.report.interpret {
                type_name(number)
            } else {
                Value::Number(number.into())
            };
            (value, count)
        };
        let texts = self.texts.ranked().into_iter();
        self.numbers
            .ranked()
            .into_iter()
            .map(number)
            .chain(texts.map(|(text, count)| (Value::Text(text), count)))
            .collect()
    }

    fn end_totals(&self, times: &Times, locale: &Locale<'_>, out: &mut Vec<u8>) {
        let lines = self.totals.lines();
        let first = times.first.unwrap_or_default();
        let last = self.last.unwrap_or_default();
        let second = |sec| Stamp {
            sec,
            milli: 0,
            serial: 0,
        };
        match self.report.form {
            Form::Text => {
                out.extend_from_slice(b"Range of time in logs: ");
                locale.push_time(first, true, out);
                out.extend_from_slice(b" - ");
                locale.push_time(last, true, out);
                out.extend_from_slice(b"\nSelected time for report: ");
                locale.push_time(second(times.start_s.unwrap_or(first.sec)), false, out);
                out.extend_from_slice(b" - ");
                match times.end_s {
                    Some(end) => locale.push_time(second(end), false, out),
                    None => locale.push_time(last, true, out),
                }
                out.push(b'\n');
                for line in lines {
                    push_line(&format!("Number of {}: {}", line.text, line.count), out);
                }
                out.push(b'\n');
            }
            Form::Json => {
                for (name, stamp) in [("first", times.first), ("last", self.last)] {
                    out.extend_from_slice(format!("\"{name}\":").as_bytes());
                    push_json_time(stamp, out);
                    out.push(b',');
                }
                out.extend_from_slice(b"\"counts\":{");
                for (index, line) in lines.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    let text = format!("{comma}\"{}\":{}", line.name, line.count);
                    out.extend_from_slice(text.as_bytes());
                }
                let cut = self.totals.is_cut();
                out.extend_from_slice(format!("}},\"cut\":{cut}}}\n").as_bytes());
            }
            Form::Csv => {
                for line in lines {
                    push_csv_text(line.name.as_bytes(), out);
                    out.extend_from_slice(format!(",{}\r\n", line.count).as_bytes());
                }
            }
        }
    }
}

impl Report {
    /// The summary that is asked for, if one is.
    fn summary(&self) -> Option<super::kind::Summary> {
        match self.detail {
            Detail::Summary => self.kind.spec().summary,
            Detail::Rows => None,
        }
    }

    /// What aureport puts before a title when only one outcome is looked at.
    pub fn prefix(&self) -> &'static str {
        match self.outcome {
            Some(Outcome::Failed) => "Failed ",
            Some(Outcome::Success) => "Success ",
            _ => "",
        }
    }
}

/// The name of a record type, or its number.
fn type_name(number: u32) -> Value<'static> {
    let known = u16::try_from(number)
        .ok()
        .and_then(|number| RecordType(number).name());
    known.map_or(Value::Number(number.into()), |name| {
        Value::Word(name.into())
    })
}

fn push_line(text: &str, out: &mut Vec<u8>) {
    push_escaped(text.as_bytes(), super::Escape::Raw, out);
    out.push(b'\n');
}

fn push_json_time(stamp: Option<Stamp>, out: &mut Vec<u8>) {
    match stamp {
        Some(stamp) => {
            let mut text = Vec::new();
            push_rfc3339(stamp, &mut text);
            push_json_string(&text, out);
        }
        None => out.extend_from_slice(b"null"),
    }
}

pub(super) const NOTHING: &[u8] = b"<no events of interest were found>\n\n";
