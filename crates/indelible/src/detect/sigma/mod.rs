//! `detect sigma`: rules from a folder over the events of logs, stores and spools.
//!
//! ```text
//! folder ─▶ Loader ─▶ Engine ◀─ events, in their order ◀─ search::engine
//!                       └─▶ findings ─ show ─▶ stdout
//! ```

mod folder;
mod show;

use std::path::Path;

use anyhow::{Result, bail};
use indelible_detect::sigma::{Engine, Finding, Loader};

use super::events;
use super::print::{Form, Outcome, Printer, Wanted};
use crate::search::Source;
use crate::terminal::Output;
pub(in crate::detect) use show::license;

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
    outcome.events = events::each(sources, |event, now_ms| {
        engine.event(now_ms, event, &mut found);
        for finding in found.drain(..) {
            if finding.rule.level < wanted.level {
                continue;
            }
            outcome.findings += 1;
            outcome.worst = outcome.worst.max(Some(finding.rule.level));
            printer.finding(&finding)?;
        }
        Ok(())
    })?;
    printer.end(&show::rest(engine, &outcome))?;
    Ok(outcome)
}
