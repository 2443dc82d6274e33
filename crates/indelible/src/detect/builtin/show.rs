//! Findings and detections as a table or as JSON.

use std::fmt::Write as _;

use anyhow::Result;
use clap::ValueEnum;
use indelible_detect::builtin::{About, Engine, Finding};
use indelible_record::{Stamp, UNSET};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Outcome;
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

    pub(super) fn finding(&mut self, finding: &Finding) -> Result<()> {
        let text = match self.form {
            Form::Table => row(finding),
            Form::Ndjson => format!("{}\n", object(finding)),
            Form::Json if self.is_first => format!("\n{}", object(finding)),
            Form::Json => format!(",\n{}", object(finding)),
        };
        self.is_first = false;
        self.output.write(text.as_bytes())?;
        Ok(())
    }

    pub(super) fn end(&mut self, engine: &Engine, outcome: &Outcome) -> Result<()> {
        if self.form == Form::Json {
            let counted = engine.counted();
            let rest = json!({
                "events": outcome.events,
                "detections": engine.detections().map(|about| about.id).collect::<Vec<_>>(),
                "repeated": counted.repeated,
                "forgotten": {"processes": counted.processes, "other": counted.forgotten},
            });
            let rest = rest.to_string();
            // The object's fields, behind the findings.
            let text = format!("],{}\n", rest.strip_prefix('{').unwrap_or_default());
            self.output.write(text.as_bytes())?;
        }
        self.output.flush()?;
        Ok(())
    }
}

/// A finding in two lines: when, how bad, what was done; who says so, of which process.
fn row(finding: &Finding) -> String {
    let last = finding.stamps.last();
    let mut text = format!(
        "{} {:<13} {}\n    {} ({})",
        last.map_or_else(|| "-".into(), |stamp| time(*stamp)),
        finding.level,
        one_line(&finding.why),
        finding.about.id,
        finding.technique,
    );
    if let Some(pid) = finding.pid {
        let _ = write!(text, "; pid {pid}");
    }
    if let Some(auid) = finding.auid.filter(|auid| *auid != UNSET) {
        let _ = write!(text, "; auid {auid}");
    }
    for stamp in &finding.stamps {
        let _ = write!(
            text,
            "; event {}.{:03}:{}",
            stamp.sec, stamp.milli, stamp.serial
        );
    }
    if let Some(node) = &finding.node {
        let _ = write!(text, "; on {}", one_line(&String::from_utf8_lossy(node)));
    }
    text.push('\n');
    text
}

/// Text that an attacker chose cannot begin a line of its own.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}

fn object(finding: &Finding) -> Value {
    let lossy = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    json!({
        "id": finding.about.id,
        "title": finding.about.title,
        "level": finding.level.name(),
        "technique": finding.technique,
        "why": finding.why,
        "time": finding.stamps.last().map(|stamp| time(*stamp)),
        "events": finding.stamps.iter().map(|stamp| json!({
            "time": time(*stamp),
            "serial": stamp.serial,
        })).collect::<Vec<_>>(),
        "node": finding.node.as_ref().map(lossy),
        "pid": finding.pid,
        "exe": finding.exe.as_ref().map(lossy),
        // Nobody, where it is not set.
        "auid": finding.auid.filter(|auid| *auid != UNSET),
    })
}

/// RFC 3339 with milliseconds, UTC.
fn time(stamp: Stamp) -> String {
    let ms = i64::try_from(stamp.ms()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms)
        .map_or_else(|_| stamp.sec.to_string(), |time| format!("{time:.3}"))
}

/// The detections, a line each.
pub(super) fn list(all: &[&About], form: Form) -> String {
    match form {
        Form::Table => all
            .iter()
            .map(|about| {
                format!(
                    "{:<26} {:<9} {}  {}\n",
                    about.id,
                    about.level,
                    about.title,
                    about.techniques.join(" "),
                )
            })
            .collect(),
        Form::Json => {
            let all: Vec<_> = all.iter().map(|about| described(about)).collect();
            format!("{}\n", json!({"detections": all}))
        }
        Form::Ndjson => all
            .iter()
            .map(|about| format!("{}\n", described(about)))
            .collect(),
    }
}

/// A detection, in full.
pub(super) fn explain(about: &About, form: Form) -> String {
    if form != Form::Table {
        return format!("{}\n", described(about));
    }
    let mut text = format!(
        "{}: {}\n\nlevel       {} at most\ntechniques  {}\n\n{}\n\nneeds       {}\nremembers   {}\n",
        about.id,
        about.title,
        about.level,
        about.techniques.join(" "),
        wrapped(about.logic),
        about.needs,
        about.memory,
    );
    let _ = writeln!(
        text,
        "\nIts candidates:\n  indelible search --where '{}'",
        about.candidates
    );
    for list in about.tuning {
        let _ = writeln!(
            text,
            "\n{} ({}; --tune {}.{}=NAME adds one):",
            list.name, list.what, about.id, list.name
        );
        for name in list.defaults {
            let _ = writeln!(text, "  {name}");
        }
    }
    text
}

fn described(about: &About) -> Value {
    json!({
        "id": about.id,
        "title": about.title,
        "level": about.level.name(),
        "techniques": about.techniques,
        "logic": about.logic,
        "where": about.candidates,
        "needs": about.needs,
        "memory": about.memory,
        "tuning": about.tuning.iter().map(|list| json!({
            "name": list.name,
            "what": list.what,
            "defaults": list.defaults,
        })).collect::<Vec<_>>(),
    })
}

/// Broken at blanks, for a terminal of 80 columns.
fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        if column > 0 && column + 1 + word.len() > COLUMNS {
            lines.push('\n');
            column = 0;
        } else if column > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += word.len();
    }
    lines
}

const COLUMNS: usize = 79;
