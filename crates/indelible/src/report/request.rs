//! A report as it was asked for, and the run that makes it.

use std::ops::ControlFlow;

use anyhow::Result;
use indelible_query::criteria::{Criteria, Filter};
use indelible_query::mask::{MaskError, Masks};
use indelible_query::report::{
    Change, Detail, Escape, Form, Kind, Outcome, Over, Partial, Remarks, Report, Table, Times,
};
use indelible_record::write::Locale;
use indelible_record::{Event, Names, NoNames, Stamp};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use thiserror::Error;

use super::arguments::Arguments;
use super::select::Selection;
use super::{logins, logs, steps};
use crate::search::engine::{self, Work};
use crate::search::{Manner, Source, print, resolve};
use crate::terminal::Output;
use crate::user::LocalNames;

/// Options that mean nothing. The texts are aureport's where it has the option.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum NotARequest {
    #[error(transparent)]
    Criteria(#[from] resolve::Refused),
    #[error("no report {0:?}; `indelible report --help` lists them")]
    NoSuchReport(String),
    #[error("Unknown option ({0})")]
    NoSuchForm(String),
    #[error("--rate goes with keys only: report keys --rate")]
    NoRate,
    #[error("{0:?} is no interval; write 10s, 5m, 1h or 1d")]
    NotAnInterval(String),
    #[error(transparent)]
    Timeout(#[from] resolve::NotATimeout),
    #[error(transparent)]
    Mask(#[from] MaskError),
}

/// What to report.
#[derive(Debug)]
pub(crate) struct Request {
    pub(super) what: What,
    pub(super) report: Report,
    pub(super) criteria: Criteria,
    start_s: Option<u64>,
    end_s: Option<u64>,
    timeout_ms: u64,
    manner: Manner,
    masks: Masks,
}

/// Which kind of table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// One of aureport's about events.
    Table,
    /// The times of each log file.
    Logs,
    /// Login sessions, as aulast has them.
    Logins,
    /// Something over time, in steps of so many seconds.
    Steps(Over, u64),
}

impl Request {
    /// The request that the options describe.
    pub(crate) fn new(arguments: &Arguments, manner: Manner) -> Result<Self, NotARequest> {
        let word = arguments.report.as_deref().unwrap_or("totals");
        if arguments.rate && word != "keys" {
            return Err(NotARequest::NoRate);
        }
        let interval = arguments.interval.as_deref().unwrap_or("1h");
        let interval_s = steps::interval_s(interval)
            .ok_or_else(|| NotARequest::NotAnInterval(interval.to_owned()))?;
        let (what, kind) = match word {
            "logs" => (What::Logs, Kind::Totals),
            "logins" => (What::Logins, Kind::Totals),
            "timeline" => (What::Steps(Over::Types, interval_s), Kind::Totals),
            "keys" if arguments.rate => (What::Steps(Over::Keys, interval_s), Kind::Key),
            word => {
                let kind = Kind::from_word(word);
                let kind = kind.ok_or_else(|| NotARequest::NoSuchReport(word.to_owned()))?;
                (What::Table, kind)
            }
        };
        let criteria = resolve::criteria(
            &crate::search::arguments::What {
                times: arguments.times.clone(),
                node: arguments.node.clone(),
                ..Default::default()
            },
            manner,
        )?;
        let window = criteria.window();
        let report = Report {
            detail: match arguments.summary && kind.has_summary() {
                true => Detail::Summary,
                false => Detail::Rows,
            },
            form: form(&arguments.format)?,
            outcome: match (arguments.success, arguments.failed) {
                (_, true) => Some(Outcome::Failed),
                (true, _) => Some(Outcome::Success),
                _ => None,
            },
            change: match (arguments.add, arguments.delete) {
                (_, true) => Some(Change::Delete),
                (true, _) => Some(Change::Add),
                _ => None,
            },
            no_config: arguments.no_config,
            interpret: arguments.interpret,
            escape: escape(arguments.escape.as_deref())?,
            debug: arguments.place.debug,
            ..Report::new(kind)
        };
        let request = Self {
            what,
            report,
            criteria,
            start_s: (window.from_ms > 0).then_some(window.from_ms / 1000),
            end_s: (window.until_ms < u64::MAX).then_some(window.until_ms / 1000),
            timeout_ms: resolve::timeout_ms(arguments.place.eoe_timeout.as_deref())?,
            manner,
            // The link shows what aureport does.
            masks: match manner {
                Manner::Native if report.shows_arguments() => arguments.masking.masks()?,
                _ => Masks::none(),
            },
        };
        Ok(request)
    }

    /// Whether a summary is asked for of a report that has none: what aureport says it does not
    /// implement.
    pub(crate) fn lacks_summary(&self, arguments: &Arguments) -> bool {
        let has_none = self.what != What::Table || self.report.kind == Kind::Tty;
        arguments.summary && has_none
    }

    /// Whether values are counted: aureport never calls that nothing.
    pub(crate) fn is_summary(&self) -> bool {
        self.report.detail == Detail::Summary
    }

    /// What stands above the first row.
    pub(crate) fn heading(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self.what {
            What::Table => Table::new(self.report).begin(&mut out),
            What::Logs => logs::begin(self.report.form, &mut out),
            // These write themselves at once.
            What::Logins | What::Steps(..) => {}
        }
        out
    }

    /// Reports about the source; whether there was anything to report, and what there is to say
    /// besides.
    ///
    /// # Errors
    /// A source that cannot be read, or an output that cannot be written.
    pub(crate) fn run(&self, source: &Source) -> Result<(bool, Remarks)> {
        let local_names;
        // Names of ids are those of the host that logged: in a store that is another one.
        let names: &(dyn Names + Sync) = match source {
            Source::Files(_) | Source::Spool(_)
                if self.report.interpret || self.what == What::Logins =>
            {
                local_names = match self.manner {
                    Manner::Tool => LocalNames::read_as_tool(),
                    Manner::Native => LocalNames::read(),
                };
                &local_names
            }
            _ => &NoNames,
        };
        let place = Place {
            names,
            zone: TimeZone::system(),
            century: print::has_century(),
        };
        let mut output = Output::stdout();
        output.write(&self.heading())?;
        let found = match self.what {
            What::Table => self.table(source, &place, &mut output)?,
            What::Logs => {
                logs::run(self, source, &place, &mut output)?;
                (true, Remarks::default())
            }
            What::Logins => logins::run(self, source, &place, &mut output)?,
            What::Steps(over, interval_s) => {
                steps::run(self, over, interval_s, source, &place, &mut output)?
            }
        };
        output.flush()?;
        Ok(found)
    }

    fn table(
        &self,
        source: &Source,
        place: &Place<'_>,
        output: &mut Output,
    ) -> Result<(bool, Remarks)> {
        let mut table = Table::new(self.report);
        let work = Rows {
            report: self.report,
            criteria: &self.criteria,
            masks: &self.masks,
            place,
        };
        let selection = Selection::new(&self.criteria, self.report.kind, source);
        let (mut text, mut notes) = (Vec::new(), Vec::new());
        let sink = |partial: Partial| {
            text.clear();
            notes.clear();
            table.absorb(partial, &mut text, &mut notes);
            output.write(&text)?;
            if !notes.is_empty() {
                eprint!("{}", String::from_utf8_lossy(&escaped(&notes)));
            }
            Ok(ControlFlow::Continue(()))
        };
        let sources = std::slice::from_ref(source);
        engine::run(sources, &selection, &work, sink, self.settings())?;
        let times = Times {
            first: match (self.report.kind, self.start_s, table.first()) {
                (Kind::Totals, Some(_), _) | (Kind::Totals, _, None) => self.first(sources)?,
                (.., first) => first,
            },
            start_s: self.start_s,
            end_s: self.end_s,
        };
        let mut text = Vec::new();
        let found = place.with(|locale| table.end(&times, locale, &mut text));
        output.write(&text)?;
        Ok((found, table.remarks()))
    }

    /// The first event of the sources, whatever the time that is asked for.
    fn first(&self, sources: &[Source]) -> Result<Option<Stamp>> {
        let mut first = None;
        let sink = |stamp: Option<Stamp>| {
            first = first.or(stamp);
            Ok(match first {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            })
        };
        let settings = engine::Settings {
            reports_damage: false,
            ..self.settings()
        };
        engine::run(sources, &Criteria::default(), &First, sink, settings)?;
        Ok(first)
    }

    pub(super) fn settings(&self) -> engine::Settings {
        engine::Settings {
            timeout_ms: self.timeout_ms,
            // aureport passes over them in silence.
            reports_damage: self.manner == Manner::Native,
            ..engine::Settings::default()
        }
    }
}

/// Where the report is read: names, time zone, dates.
pub(super) struct Place<'a> {
    names: &'a (dyn Names + Sync),
    zone: TimeZone,
    century: bool,
}

impl Place<'_> {
    /// Runs something that needs to know it.
    pub(super) fn with<T>(&self, run: impl FnOnce(&Locale<'_>) -> T) -> T {
        let offset_s = |seconds: u64| {
            let time = i64::try_from(seconds)
                .ok()
                .and_then(|seconds| Timestamp::from_second(seconds).ok());
            time.map_or(0, |time| self.zone.to_offset(time).seconds())
        };
        run(&Locale {
            names: self.names,
            offset_s: &offset_s,
            century: self.century,
        })
    }
}

/// Makes partial reports.
struct Rows<'a> {
    report: Report,
    criteria: &'a Criteria,
    masks: &'a Masks,
    place: &'a Place<'a>,
}

impl Work for Rows<'_> {
    type Part = Partial;

    fn part(&self) -> Partial {
        self.report.partial()
    }

    fn event(&self, event: &Event, part: &mut Partial) {
        if self.criteria.matches(event) {
            let masked = self.masks.event(event);
            let event = masked.as_ref().unwrap_or(event);
            self.place
                .with(|locale| self.report.event(event, locale, part));
        } else {
            self.report.time(event, part);
        }
    }
}

/// Finds the first event.
struct First;

impl Work for First {
    type Part = Option<Stamp>;

    fn part(&self) -> Option<Stamp> {
        None
    }

    fn event(&self, event: &Event, first: &mut Option<Stamp>) {
        *first = first.or(event.stamp());
    }
}

fn form(name: &str) -> Result<Form, NotARequest> {
    match name {
        "text" => Ok(Form::Text),
        "json" => Ok(Form::Json),
        "csv" => Ok(Form::Csv),
        _ => Err(NotARequest::NoSuchForm(name.to_owned())),
    }
}

fn escape(how: Option<&str>) -> Result<Escape, NotARequest> {
    match how {
        None | Some("tty") => Ok(Escape::Tty),
        Some("raw") => Ok(Escape::Raw),
        Some("shell") => Ok(Escape::Shell),
        Some("shell_quote") => Ok(Escape::ShellQuote),
        Some(other) => Err(NotARequest::NoSuchForm(other.to_owned())),
    }
}

/// Notes hold lines of the log: nothing in them may steer a terminal.
fn escaped(notes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(notes.len());
    crate::terminal::escape(notes, &mut out);
    out
}

/// Says on stderr what a report left out.
pub(crate) fn say(remarks: &Remarks) {
    if remarks.cut > 0 {
        eprintln!(
            "the report is cut: {} occurrences are of values that no longer fit into {} MiB; \
             narrow it down with -ts and -te",
            remarks.cut,
            indelible_query::limits::REPORT_BYTES_MAX >> 20
        );
    }
    if remarks.sessions_cut > 0 {
        eprintln!(
            "{} sessions stand here without their end: more than {} were open at once",
            remarks.sessions_cut,
            indelible_query::limits::REPORT_SESSIONS_MAX
        );
    }
    if remarks.totals_cut {
        eprintln!("some numbers of different values are lower bounds: there are too many of them");
    }
}
