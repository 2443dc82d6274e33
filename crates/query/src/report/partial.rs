//! What comes of a run of events, on one core: rows, or counts.

use indelible_record::write::{Locale, push_rfc3339};
use indelible_record::{Event, Record, RecordType, Stamp, UNSET};

use super::facts::{Decision, Facts, NO_PID, NOT_GIVEN, Outcome};
use super::kind::{Column, Kind};
use super::tally::{Numbers, Tally};
use super::totals::Totals;
use super::value::{self, Value};
use super::write::{push_csv, push_json, push_text};
use super::{Change, Detail, Form, Report, classes};

/// Rows or counts of a run of events. It grows with what it is given: a driver keeps the runs short
/// and gives each to a [`super::Table`].
#[derive(Clone, Debug)]
pub struct Partial {
    facts: Facts,
    /// Rows one after the other, without their numbers.
    pub(super) rows: Vec<u8>,
    /// Where each row ends.
    pub(super) ends: Vec<usize>,
    pub(super) texts: Tally,
    pub(super) numbers: Numbers,
    pub(super) totals: Totals,
    pub(super) first: Option<Stamp>,
    pub(super) last: Option<Stamp>,
    pub(super) malformed: u64,
    /// What is said about malformed events, in lines.
    pub(super) notes: Vec<u8>,
    scratch: Vec<u8>,
}

impl Report {
    /// Nothing yet.
    pub fn partial(&self) -> Partial {
        Partial {
            facts: Facts::new(),
            rows: Vec::new(),
            ends: Vec::new(),
            texts: Tally::default(),
            numbers: Numbers::default(),
            totals: Totals::default(),
            first: None,
            last: None,
            malformed: 0,
            notes: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Adds an event.
    pub fn event(&self, event: &Event, locale: &Locale<'_>, partial: &mut Partial) {
        if event.stamp().is_none() {
            return;
        }
        partial.note_time(event);
        let count = event.records().len();
        let types = event.records().map(|record| record.record_type());
        let alone = types
            .take(count - 1)
            .take_while(|found| classes::ends_alone(*found))
            .count();
        for index in 0..alone {
            let record = event.records().skip(index).take(1);
            self.records(event.stamp(), record, locale, partial);
        }
        self.records(event.stamp(), event.records().skip(alone), locale, partial);
    }

    /// Adds only the time of an event that is not reported about: the totals begin with the times
    /// of all events.
    pub fn time(&self, event: &Event, partial: &mut Partial) {
        partial.note_time(event);
    }

    /// Adds what aureport calls an event.
    fn records<'e>(
        &self,
        stamp: Option<Stamp>,
        records: impl Iterator<Item = Record<'e>>,
        locale: &Locale<'_>,
        partial: &mut Partial,
    ) {
        let mut facts = std::mem::replace(&mut partial.facts, Facts::new());
        match facts.read(stamp, records, self.kind.spec().wants, self.interpret) {
            Ok(()) if self.selects(&facts) => self.add(&facts, locale, partial),
            Ok(()) => {}
            Err(malformed) => {
                partial.malformed += 1;
                if self.debug {
                    let code = malformed.code;
                    let note = format!("Malformed event skipped, rc={code}. ");
                    partial.notes.extend_from_slice(note.as_bytes());
                    partial.notes.extend_from_slice(malformed.record.raw());
                    partial.notes.push(b'\n');
                }
            }
        }
        partial.facts = facts;
    }

    /// Whether the event is among those that are reported about: by its outcome and its type.
    fn selects(&self, facts: &Facts) -> bool {
        let head = facts.head.unwrap_or_default();
        self.outcome.is_none_or(|wanted| facts.outcome == wanted)
            && !(self.no_config && head == RecordType::CONFIG_CHANGE)
            && match self.change {
                None => true,
                Some(Change::Add) => !classes::takes_away(head),
                Some(Change::Delete) => !classes::adds(head),
            }
    }

    fn add(&self, facts: &Facts, locale: &Locale<'_>, partial: &mut Partial) {
        if self.kind == Kind::Totals {
            return partial.totals.add(facts);
        }
        if !classes::is_about(self.kind, self.detail, facts) {
            return;
        }
        match self.detail {
            Detail::Rows => self.rows(facts, locale, partial),
            Detail::Summary => self.count(facts, locale, partial),
        }
    }

    fn rows(&self, facts: &Facts, locale: &Locale<'_>, partial: &mut Partial) {
        let has_row = match self.kind {
            Kind::Comm => facts.comm.is_some(),
            Kind::File => !facts.files.is_empty(),
            Kind::Host => facts.host.is_some(),
            Kind::Key => !facts.keys.is_empty(),
            Kind::Pid => facts.pid != NO_PID,
            Kind::Syscall => facts.syscall != 0 && facts.arch.is_some(),
            Kind::Terminal => facts.terminal.is_some(),
            Kind::User => facts.uid != NOT_GIVEN,
            Kind::Executable => facts.exe.is_some(),
            _ => true,
        };
        if !has_row {
            return;
        }
        if self.kind == Kind::Avc {
            for decision in &facts.decisions {
                self.row(facts, Some(decision), locale, partial);
            }
        } else {
            self.row(facts, None, locale, partial);
        }
    }

    /// Appends a row, in the form that was asked for.
    fn row(
        &self,
        facts: &Facts,
        decision: Option<&Decision>,
        locale: &Locale<'_>,
        partial: &mut Partial,
    ) {
        let spec = self.kind.spec();
        let stamp = facts.stamp.unwrap_or_default();
        let out = &mut partial.rows;
        let value = |column| value::value(column, facts, decision, self.interpret, locale);
        match self.form {
            Form::Text => {
                locale.push_time(stamp, false, out);
                for (column, _) in spec.columns {
                    out.push(b' ');
                    let missing = match column {
                        Column::Comm | Column::Syscall => "?",
                        _ => spec.missing,
                    };
                    let escape = self.kind.escape(*column, self.escape);
                    push_text(&value(*column), missing, escape, out);
                }
                out.push(b'\n');
            }
            Form::Json => {
                out.extend_from_slice(b"{\"time\":\"");
                push_rfc3339(stamp, out);
                out.push(b'"');
                for (column, heading) in spec.columns {
                    out.extend_from_slice(b",\"");
                    out.extend_from_slice(heading.as_bytes());
                    out.extend_from_slice(b"\":");
                    push_json(&value(*column), out);
                }
                out.push(b'}');
            }
            Form::Csv => {
                push_rfc3339(stamp, out);
                for (column, _) in spec.columns {
                    out.push(b',');
                    push_csv(&value(*column), out);
                }
                out.extend_from_slice(b"\r\n");
            }
        }
        partial.ends.push(partial.rows.len());
    }

    /// Counts the values of the summary.
    fn count(&self, facts: &Facts, locale: &Locale<'_>, partial: &mut Partial) {
        let texts = &mut partial.texts;
        let mut text = |span: &Option<super::facts::Span>| {
            if let Some(text) = facts.maybe(span) {
                texts.add(text);
            }
        };
        match self.kind {
            Kind::Comm => text(&facts.comm),
            Kind::Host => text(&facts.host),
            Kind::Terminal => text(&facts.terminal),
            Kind::Executable => text(&facts.exe),
            Kind::File => facts
                .files
                .iter()
                .for_each(|file| texts.add(facts.text(file))),
            Kind::Key => facts.keys.iter().for_each(|key| texts.add(facts.text(key))),
            Kind::Avc => facts
                .decisions
                .iter()
                .filter(|decision| decision.outcome != Outcome::Unset)
                .for_each(|decision| text(&decision.object)),
            Kind::Auth if facts.acct.is_some() => text(&facts.acct),
            Kind::Login if facts.acct.is_some() && facts.auid == UNSET => text(&facts.acct),
            Kind::Pid if facts.pid != NO_PID => partial.numbers.add(facts.pid),
            Kind::Pid => {}
            Kind::User if facts.auid == NOT_GIVEN => {}
            Kind::Auth | Kind::Login | Kind::User => {
                let user = value::auid(facts, self.interpret, locale);
                add_value(&user, &mut partial.scratch, texts);
            }
            Kind::Syscall if facts.syscall > 0 && facts.arch.is_some() => {
                let call = match value::syscall(facts, self.interpret) {
                    Value::Missing => Value::Number(facts.syscall.into()),
                    call => call,
                };
                add_value(&call, &mut partial.scratch, texts);
            }
            Kind::Syscall | Kind::Totals | Kind::Tty => {}
            Kind::Config
            | Kind::Crypto
            | Kind::Event
            | Kind::Integrity
            | Kind::Mods
            | Kind::Mac
            | Kind::Anomaly
            | Kind::Response
            | Kind::Virt => {
                if let Some(head) = facts.head {
                    partial.numbers.add(head.0.into());
                }
            }
        }
    }
}

impl Partial {
    fn note_time(&mut self, event: &Event) {
        self.first = self.first.or(event.stamp());
        self.last = event.stamp().or(self.last);
    }
}

fn add_value(value: &Value<'_>, scratch: &mut Vec<u8>, texts: &mut Tally) {
    scratch.clear();
    push_text(value, "?", super::Escape::Raw, scratch);
    texts.add(scratch);
}
