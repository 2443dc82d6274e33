//! `indelible detect sigma`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use indelible_detect::sigma::Level;

use crate::detect::sigma::{Form, Wanted, list, load, run};
use crate::exit;
use crate::search::Source;
use crate::search::arguments::Place;
use crate::search::place::{self, Found};

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
    /// Logs to read: files, folders of audit.log files, - for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Read a collector's store
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    store: Option<PathBuf>,
    /// Read a host's spool
    #[arg(long, value_name = "DIR", conflicts_with_all = ["files", "store"])]
    spool: Option<PathBuf>,
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
        let sources = self.sources()?;
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
        let is_caught = match (self.fail_on, outcome.worst) {
            (Some(limit), Some(worst)) => worst >= limit,
            _ => false,
        };
        Ok(if is_caught { exit::NOTHING } else { exit::DONE })
    }

    fn sources(&self) -> Result<Vec<Source>> {
        if let Some(store) = &self.store {
            return Ok(vec![Source::Store(store.clone())]);
        }
        if let Some(spool) = &self.spool {
            return Ok(vec![Source::Spool(spool.clone())]);
        }
        if !self.files.is_empty() {
            let source = |path: &PathBuf| match path.to_str() {
                Some("-") => Source::Files("/dev/stdin".into()),
                _ => Source::Files(path.clone()),
            };
            return Ok(self.files.iter().map(source).collect());
        }
        match place::find(&Place::default()) {
            Found::Given(source) => Ok(vec![source]),
            Found::Default(source) => {
                let (Source::Files(path) | Source::Store(path) | Source::Spool(path)) = &source;
                eprintln!("reading {}", path.display());
                Ok(vec![source])
            }
            Found::Nothing(path) => bail!(
                "{} is not there; name a log, --spool or --store",
                path.display()
            ),
        }
    }
}
