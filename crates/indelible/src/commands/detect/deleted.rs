//! `indelible detect deleted`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::detect::deleted::{FailOn, Settings, json, scan, table};
use crate::exit;
use crate::terminal::Output;
use crate::user::LocalNames;

/// Find processes that run from files that are deleted, replaced, unmounted or were never files
///
/// In place of `ls -l /proc/*/exe | grep deleted`: compares the inode that runs with what stands
/// at its path in the process's own view, looks at scripts and libraries too, and calls an
/// upgrade an upgrade only where dpkg or rpm shows it. Needs root to see every process.
#[derive(Debug, Args)]
pub(super) struct Deleted {
    /// Form of the output
    #[arg(long, value_enum, value_name = "FORM", default_value = "table")]
    format: Form,
    /// Copy the files that run into this folder, with SHA-256 and a manifest
    #[arg(long, value_name = "DIR")]
    recover: Option<PathBuf>,
    /// Only this process; may be given several times
    #[arg(long = "pid", value_name = "PID")]
    pids: Vec<u32>,
    /// Leave out findings with a lower score
    #[arg(long, value_name = "SCORE", default_value_t = 0)]
    min_score: u8,
    /// Do not look at libraries
    #[arg(long)]
    no_libraries: bool,
    /// End with 1 if there is such a finding: any, suspicious (all but upgrades), or a score
    #[arg(long, value_name = "WHAT")]
    fail_on: Option<FailOn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Table,
    /// One JSON object
    Json,
}

impl Deleted {
    pub(super) fn run(self) -> Result<u8> {
        let mut report = scan(&Settings {
            pids: self.pids,
            recover: self.recover,
            libraries: !self.no_libraries,
        })?;
        report
            .findings
            .retain(|found| found.finding.score >= self.min_score);
        let text = match self.format {
            Form::Json => format!("{}\n", json(&report)),
            Form::Table => table(&report, &LocalNames::read()),
        };
        let mut output = Output::stdout();
        output.write(text.as_bytes())?;
        output.flush()?;
        if report.denied > 0 {
            let hint = match indelible_sys::process::is_root() {
                true => "",
                false => "; run it as root",
            };
            eprintln!("{} processes may not be looked at{hint}", report.denied);
        }
        let caught = |fail_on: FailOn| {
            report
                .findings
                .iter()
                .any(|found| fail_on.catches(&found.finding))
        };
        Ok(match self.fail_on.is_some_and(caught) {
            true => exit::NOTHING,
            false => exit::DONE,
        })
    }
}
