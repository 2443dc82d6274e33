//! How findings are printed: one by one as they come, as a table or as JSON.

use anyhow::Result;
use clap::ValueEnum;
use indelible_detect::sigma::Level;
use indelible_record::Stamp;
use jiff::Timestamp;
use serde_json::Value;

use crate::exit;
use crate::terminal::Output;

/// Form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people
    Table,
    /// One JSON object
    Json,
    /// One JSON object per line
    Ndjson,
}

/// What to do with findings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) form: Form,
    /// Findings of lower levels are left out.
    pub(crate) level: Level,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) events: u64,
    pub(crate) findings: u64,
    /// The highest level among them.
    pub(crate) worst: Option<Level>,
}

impl Outcome {
    /// How a command ends that fails on findings of a level or a higher one.
    pub(crate) fn exit_code(&self, fail_on: Option<Level>) -> u8 {
        let is_caught = fail_on.is_some_and(|limit| self.worst >= Some(limit));
        if is_caught { exit::NOTHING } else { exit::DONE }
    }
}

/// Something that is printed.
pub(super) trait Shown {
    /// Lines for people, each with its newline.
    fn row(&self) -> String;

    /// One JSON object.
    fn object(&self) -> Value;
}

/// Prints findings as they come.
pub(super) struct Printer {
    form: Form,
    output: Output,
    is_first: bool,
}

impl Printer {
    pub(super) fn new(form: Form) -> Self {
        Self {
            form,
            output: Output::stdout(),
            is_first: true,
        }
    }

    pub(super) fn begin(&mut self) -> Result<()> {
        if self.form == Form::Json {
            self.output.write(b"{\"findings\":[")?;
        }
        Ok(())
    }

    pub(super) fn finding(&mut self, finding: &impl Shown) -> Result<()> {
        let text = match self.form {
            Form::Table => finding.row(),
            Form::Ndjson => format!("{}\n", finding.object()),
            Form::Json if self.is_first => format!("\n{}", finding.object()),
            Form::Json => format!(",\n{}", finding.object()),
        };
        self.is_first = false;
        self.output.write(text.as_bytes())?;
        Ok(())
    }

    /// Ends the one object with the members that stand behind its findings.
    pub(super) fn end(&mut self, rest: &Value) -> Result<()> {
        if self.form == Form::Json {
            let rest = rest.to_string();
            let text = format!("],{}\n", rest.strip_prefix('{').unwrap_or_default());
            self.output.write(text.as_bytes())?;
        }
        self.output.flush()?;
        Ok(())
    }
}

/// Text that an attacker, or a rule's author, chose cannot begin a line of its own.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .map(|character| match character.is_control() {
            true => '\u{fffd}',
            false => character,
        })
        .collect()
}

/// RFC 3339 with milliseconds, UTC.
pub(super) fn time(stamp: Stamp) -> String {
    let ms = i64::try_from(stamp.ms()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms)
        .map_or_else(|_| stamp.sec.to_string(), |time| format!("{time:.3}"))
}
