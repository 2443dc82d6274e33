//! `detect run`, `list`, `explain`, `test`: the built-in detections over logs, stores and spools.

mod cases;
mod score;
mod show;

use anyhow::{Result, bail};
use indelible_detect::builtin::{self, Engine, Finding};

use super::events;
use super::print::{Form, Outcome, Printer, Wanted};
use crate::search::Source;
use crate::terminal::Output;
pub(crate) use score::test;

/// Evaluates the detections over the sources and prints what they find.
///
/// # Errors
/// A source that cannot be read, or an output that cannot be written.
pub(crate) fn run(engine: &mut Engine, sources: &[Source], wanted: Wanted) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut printer = Printer::new(wanted.form);
    let mut found: Vec<Finding> = Vec::new();
    let mut tell = |found: &mut Vec<Finding>, printer: &mut Printer| -> Result<()> {
        for finding in found.drain(..) {
            if finding.level < wanted.level {
                continue;
            }
            outcome.findings += 1;
            outcome.worst = outcome.worst.max(Some(finding.level));
            printer.finding(&finding)?;
        }
        Ok(())
    };
    printer.begin()?;
    let events = events::each(sources, |event, now_ms| {
        engine.event(now_ms, event, &mut found);
        tell(&mut found, &mut printer)
    })?;
    engine.tick(u64::MAX, &mut found);
    tell(&mut found, &mut printer)?;
    outcome.events = events;
    printer.end(&show::rest(engine, &outcome))?;
    Ok(outcome)
}

/// Prints the detections.
///
/// # Errors
/// An output that cannot be written.
pub(crate) fn list(form: Form) -> Result<()> {
    print(&show::list(builtin::all(), form))
}

/// Prints all that a detection says about itself.
///
/// # Errors
/// An id that no detection has, or an output that cannot be written.
pub(crate) fn explain(id: &str, form: Form) -> Result<()> {
    let Some(about) = builtin::all().iter().find(|about| about.id == id) else {
        bail!("{id:?} is no detection; `indelible detect list` names them");
    };
    print(&show::explain(about, form))
}

fn print(text: &str) -> Result<()> {
    let mut output = Output::stdout();
    output.write(text.as_bytes())?;
    output.flush()?;
    Ok(())
}
