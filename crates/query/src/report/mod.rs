//! Reports: tables of what happened, as aureport makes them, and the same as JSON and CSV.
//!
//! ```text
//! Event ─ facts (what a report reads of it) ─ selected? ─▶ Partial: rows, or counts
//!                                                             │  in the order of the log
//!                                                           Table ─▶ text, JSON, CSV
//! ```
//!
//! A report is driven on any number of threads: each makes [`Partial`]s of runs of events, and one
//! puts them together in a [`Table`], in the order of the log. However the events are cut into runs,
//! the table is the same.
//!
//! ```
//! use indelible_query::report::{Kind, Report, Table, Times};
//! use indelible_record::{Assembler, Record, Settings, write::Locale};
//!
//! let report = Report::new(Kind::Event);
//! let mut assembler = Assembler::new(Settings::FILE);
//! let line = b"type=CONFIG_CHANGE msg=audit(1700000000.123:45): auid=0 ses=1 op=set res=1";
//! let _none = assembler.push(0, &Record::parse(line));
//! let mut partial = report.partial();
//! for event in assembler.finish() {
//!     report.event(&event, &Locale::default(), &mut partial);
//! }
//! let (mut table, mut out) = (Table::new(report), Vec::new());
//! table.absorb(partial, &mut out, &mut Vec::new());
//! assert_eq!(out, b"1. 11/14/23 22:13:20 45 CONFIG_CHANGE 0 yes\n");
//! assert!(table.end(&Times::default(), &Locale::default(), &mut out));
//! ```

mod classes;
mod cursor;
mod facts;
mod kind;
mod logins;
mod partial;
mod read;
mod steps;
mod table;
mod tally;
mod totals;
mod value;
mod wants;
mod write;

pub use facts::Outcome;
pub use kind::{Column, Kind};
pub use logins::{End, Logins, Mark, Session, Sessions, TYPE_PREFIXES};
pub use partial::Partial;
pub use steps::{Counts, Over, Steps};
pub use table::{Remarks, Table, Times};
pub use write::{Escape, push_csv_text};

/// A report that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it is about.
    pub kind: Kind,
    /// A row per event, or a count per value.
    pub detail: Detail,
    /// How it is written.
    pub form: Form,
    /// Only events with this outcome.
    pub outcome: Option<Outcome>,
    /// Without events that take something away, or without those that add something.
    pub change: Option<Change>,
    /// Without changes of the audit configuration.
    pub no_config: bool,
    /// Numbers in words.
    pub interpret: bool,
    /// How bytes that an attacker chose are made harmless.
    pub escape: Escape,
    /// Says which events could not be read, and why.
    pub debug: bool,
}

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Detail {
    /// A row per event.
    #[default]
    Rows,
    /// How often each value occurs.
    Summary,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// As aureport prints it.
    #[default]
    Text,
    /// One JSON object (docs/schemas/report.json).
    Json,
    /// A line of headings, then a line per row.
    Csv,
}

/// Which changes are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// `--add`
    Add,
    /// `--delete`
    Delete,
}

impl Report {
    /// A report about all events, in rows of text.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            detail: Detail::Rows,
            form: Form::Text,
            outcome: None,
            change: None,
            no_config: false,
            interpret: false,
            escape: Escape::default(),
            debug: false,
        }
    }

    /// Whether it shows command lines or what was typed, in which secrets may stand: a report of what was
    /// typed does, and what is said of events that could not be read.
    pub fn shows_arguments(&self) -> bool {
        let columns = self.kind.spec().columns;
        self.debug || columns.iter().any(|(column, _)| *column == Column::Typed)
    }
}
