//! Search: from a source's records to the events that match, in the form that was asked for.
//!
//! ```text
//! files │ store │ spool ─ lines ─▶ Record ─ Assembler ─▶ Event ─ matches? ─▶ writer ─▶ stdout
//! ```

mod entries;
mod files;

use std::path::{Path, PathBuf};

use anyhow::Result;
use indelible_record::write::{self, Locale};
use indelible_record::{Assembler, Event, Names, NoNames, Record, Settings};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::terminal::Output;
use crate::user::LocalNames;

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// audit.log, or the files of a folder, oldest first.
    Files(PathBuf),
    /// A collector's store.
    Store(PathBuf),
    /// A host's spool.
    Spool(PathBuf),
}

/// What to find, and how to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// Part of a key.
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) form: Form,
}

/// How an event is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Raw,
    Default,
    Interpret,
    Ndjson,
}

impl Source {
    /// /var/log/audit where it exists, else the local spool; says which.
    pub(crate) fn local() -> Result<Self> {
        if Path::new(AUDIT_FOLDER).exists() {
            eprintln!("reading {AUDIT_FOLDER}");
            return Ok(Self::Files(AUDIT_FOLDER.into()));
        }
        if Path::new(SPOOL_FOLDER).exists() {
            eprintln!("reading {SPOOL_FOLDER}");
            return Ok(Self::Spool(SPOOL_FOLDER.into()));
        }
        anyhow::bail!(
            "neither {AUDIT_FOLDER} nor {SPOOL_FOLDER} exists; name a source with --if, --spool or --store"
        )
    }
}

/// Prints the events that match; returns how many.
///
/// # Errors
/// A source that cannot be read, or an output that cannot be written.
pub(crate) fn run(source: &Source, query: &Query) -> Result<u64> {
    let local_names;
    // Names of ids are those of the host that logged: in a store that is another one.
    let names: &dyn Names = match source {
        Source::Files(_) | Source::Spool(_) => {
            local_names = LocalNames::read();
            &local_names
        }
        Source::Store(_) => &NoNames,
    };
    let mut printer = Printer::new(query, names);
    match source {
        Source::Files(path) => files::read(path, &mut printer)?,
        Source::Store(path) => entries::read_store(path, &mut printer)?,
        Source::Spool(path) => entries::read_spool(path, &mut printer)?,
    }
    printer.finish()
}

/// Takes lines, puts events together and prints those that match.
struct Printer<'a> {
    query: &'a Query,
    names: &'a dyn Names,
    zone: TimeZone,
    assembler: Assembler,
    text: Vec<u8>,
    output: Output,
    found: u64,
}

impl<'a> Printer<'a> {
    fn new(query: &'a Query, names: &'a dyn Names) -> Self {
        Self {
            query,
            names,
            zone: TimeZone::system(),
            assembler: Assembler::new(Settings::FILE),
            text: Vec::new(),
            output: Output::stdout(),
            found: 0,
        }
    }

    /// Takes one record.
    fn record(&mut self, record: &Record<'_>) -> Result<()> {
        let events: Vec<Event> = self.assembler.push(0, record).collect();
        events.iter().try_for_each(|event| self.event(event))
    }

    /// Closes the events that wait for more records; returns how many matched.
    fn finish(mut self) -> Result<u64> {
        let events: Vec<Event> = self.assembler.finish().collect();
        events.iter().try_for_each(|event| self.event(event))?;
        self.output.flush()?;
        Ok(self.found)
    }

    fn event(&mut self, event: &Event) -> Result<()> {
        if !self.matches(event) {
            return Ok(());
        }
        self.found += 1;
        self.text.clear();
        let offset_s = |seconds: u64| {
            let time = i64::try_from(seconds)
                .ok()
                .and_then(|seconds| Timestamp::from_second(seconds).ok());
            time.map_or(0, |time| self.zone.to_offset(time).seconds())
        };
        let locale = Locale {
            names: self.names,
            offset_s: &offset_s,
            century: false,
        };
        match self.query.form {
            Form::Raw => write::raw(event, &mut self.text),
            Form::Default => write::default(event, &locale, &mut self.text),
            Form::Interpret => write::interpret(event, &locale, &mut self.text),
            Form::Ndjson => write::ndjson(event, self.names, &mut self.text),
        }
        self.output.write(&self.text)?;
        Ok(())
    }

    fn matches(&self, event: &Event) -> bool {
        match &self.query.key {
            Some(wanted) => event.keys().iter().any(|key| contains(key, wanted)),
            None => true,
        }
    }
}

/// Whether `part` stands in `text`.
pub(crate) fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

const AUDIT_FOLDER: &str = "/var/log/audit";
const SPOOL_FOLDER: &str = "/var/lib/indelible/spool";
