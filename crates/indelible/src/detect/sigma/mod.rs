//! `detect sigma`: rules from a folder over the events of logs, stores and spools.
//!
//! ```text
//! folder ─▶ Loader ─▶ Engine ◀─ events, in their order ◀─ search::engine
//!                       └─▶ findings ─ show ─▶ stdout
//! ```

mod folder;
mod show;

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Result, bail};
use indelible_detect::sigma::{Engine, Finding, Level, Loader};
use indelible_query::criteria::Filter;
use indelible_record::Event;

use crate::search::Source;
use crate::search::engine::{self, Settings, Work};
use crate::terminal::Output;
pub(crate) use show::Form;
use show::Printer;

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

/// The engine of a folder's rules, or of one file's.
///
/// # Errors
/// A folder that cannot be read or that holds no rule files.
pub(crate) fn load(rules: &Path) -> Result<Engine> {
    let mut loader = Loader::default();
    let files = folder::files(rules)?;
    if files.is_empty() {
        bail!("{} holds no .yml or .yaml files", rules.display());
    }
    for file in files {
        loader.file(&file.name, &folder::read(&file.path)?);
    }
    Ok(loader.finish())
}

/// Prints the rules, and what is not evaluated and why; says whether all documents are sound.
///
/// # Errors
/// An output that cannot be written.
pub(crate) fn list(engine: &Engine, form: Form) -> Result<bool> {
    let mut output = Output::stdout();
    output.write(show::list(engine, form).as_bytes())?;
    output.flush()?;
    Ok(engine.refused().iter().all(|refused| refused.sound))
}

/// Evaluates the rules over the sources and prints what they find.
///
/// # Errors
/// A source that cannot be read, or an output that cannot be written.
pub(crate) fn run(engine: &mut Engine, sources: &[Source], wanted: Wanted) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut printer = Printer::new(wanted.form);
    let mut found: Vec<Finding> = Vec::new();
    printer.begin()?;
    let seen = engine::run(
        sources,
        &Everything,
        &Collect,
        |events: Vec<Event>| {
            // Parents and correlations need the events in their order, so this is one thread's.
            for event in &events {
                let now_ms = event.stamp().map_or(0, indelible_record::Stamp::ms);
                engine.event(now_ms, event, &mut found);
            }
            for finding in found.drain(..) {
                if finding.rule.level < wanted.level {
                    continue;
                }
                outcome.findings += 1;
                outcome.worst = outcome.worst.max(Some(finding.rule.level));
                printer.finding(&finding)?;
            }
            Ok(ControlFlow::Continue(()))
        },
        Settings::default(),
    )?;
    outcome.events = seen.events;
    printer.end(engine, &outcome)?;
    Ok(outcome)
}

/// Every event may be what a rule is about, or the parent of one.
struct Everything;

impl Filter for Everything {
    fn matches(&self, _: &Event) -> bool {
        true
    }
}

/// Gives the events on as they are.
struct Collect;

impl Work for Collect {
    type Part = Vec<Event>;

    fn part(&self) -> Vec<Event> {
        Vec::new()
    }

    fn event(&self, event: &Event, part: &mut Vec<Event>) {
        part.push(event.clone());
    }
}
