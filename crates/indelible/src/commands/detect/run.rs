//! `indelible detect run`.

use anyhow::{Result, anyhow};
use clap::Args;
use indelible_detect::builtin::{Engine, Tuning};
use indelible_detect::sigma::Level;

use super::sources::Sources;
use crate::detect::builtin::run;
use crate::detect::print::{Form, Wanted};

/// Find what intruders do, with the built-in detections, in audit logs, a spool or a store
///
/// Reads /var/log/audit unless told otherwise. `detect list` names the detections, `detect explain`
/// tells how each decides, what rules it needs and what it cannot see.
#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    sources: Sources,
    /// Evaluate this detection alone; may be given several times
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Add a name to a list of a detection: log-clearing.allow=/opt/bin/rotate; `detect explain`
    /// shows the lists
    #[arg(long, value_name = "ID.LIST=NAME")]
    tune: Vec<String>,
    /// Form of the output
    #[arg(long, value_enum, value_name = "FORM", default_value = "table")]
    format: Form,
    /// Leave out findings of lower levels: informational, low, medium, high, critical
    #[arg(long, value_name = "LEVEL", default_value = "informational")]
    level: Level,
    /// End with 1 if there is a finding of this level or a higher one
    #[arg(long, value_name = "LEVEL")]
    fail_on: Option<Level>,
}

impl Run {
    pub(super) fn run(self) -> Result<u8> {
        let mut tuning = Tuning::default();
        for name in &self.tune {
            tuning.add(name).map_err(|why| anyhow!("--tune: {why}"))?;
        }
        let mut engine =
            Engine::new(&self.only, &tuning).map_err(|why| anyhow!("--only: {why}"))?;
        let wanted = Wanted {
            form: self.format,
            level: self.level,
        };
        let outcome = run(&mut engine, &self.sources.find()?, wanted)?;
        eprintln!(
            "{} findings in {} events by {} detections",
            outcome.findings,
            outcome.events,
            engine.detections().count()
        );
        let counted = engine.counted();
        if counted.repeated > 0 {
            eprintln!(
                "{} findings were the same again within 10 minutes",
                counted.repeated
            );
        }
        if counted.forgotten > 0 {
            eprintln!(
                "{} processes and connections were forgotten to stay inside the memory limits",
                counted.forgotten
            );
        }
        Ok(outcome.exit_code(self.fail_on))
    }
}
