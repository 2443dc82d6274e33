//! `indelible detect sigma`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use indelible_detect::sigma::Level;

use super::sources::Sources;
use crate::detect::print::{Form, Wanted};
use crate::detect::sigma::{list, load, run};
use crate::exit;

/// Find what Sigma rules describe, in audit logs, a spool or a collector's store
///
/// Reads /var/log/audit unless told otherwise. Rules of service auditd see each record, rules of
/// process_creation, file_event and network_connection see what the events mean. A rule that
/// cannot be evaluated is listed with the reason.
#[derive(Debug, Args)]
pub(super) struct Sigma {
    /// Folder of rules (.yml, .yaml), or one file
    #[arg(long, value_name = "DIR")]
    rules: PathBuf,
    #[command(flatten)]
    sources: Sources,
    /// Form of the output
    #[arg(long, value_enum, value_name = "FORM", default_value = "table")]
    format: Form,
    /// Leave out findings of lower levels: informational, low, medium, high, critical
    #[arg(long, value_name = "LEVEL", default_value = "informational")]
    level: Level,
    /// End with 1 if there is a finding of this level or a higher one
    #[arg(long, value_name = "LEVEL")]
    fail_on: Option<Level>,
    /// Print the rules and what is not evaluated and why, instead; ends with 1 if a file is broken
    #[arg(long)]
    list: bool,
}

impl Sigma {
    pub(super) fn run(self) -> Result<u8> {
        let mut engine = load(&self.rules)?;
        if self.list {
            let all_sound = list(&engine, self.format)?;
            return Ok(if all_sound { exit::DONE } else { exit::NOTHING });
        }
        for refused in engine.refused().iter().filter(|refused| !refused.sound) {
            eprintln!("{}: {}", refused.header.file, refused.why);
        }
        if engine.rules().is_empty() {
            bail!("no rule can be evaluated; --list says why");
        }
        let sources = self.sources.find()?;
        let wanted = Wanted {
            form: self.format,
            level: self.level,
        };
        let outcome = run(&mut engine, &sources, wanted)?;
        eprintln!(
            "{} findings in {} events by {} rules; {} are not evaluated (--list says why)",
            outcome.findings,
            outcome.events,
            engine.rules().len(),
            engine.refused().len()
        );
        let forgotten = engine.forgotten();
        if forgotten.correlated > 0 {
            eprintln!(
                "{} groups and events of correlations were forgotten to stay inside the memory limits",
                forgotten.correlated
            );
        }
        Ok(outcome.exit_code(self.fail_on))
    }
}
