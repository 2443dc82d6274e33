//! `rules check` and `rules lint`: what is wrong with rules before they are loaded.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use indelible_rules::lint::{self, Level, Surroundings, fix};

use super::host::mounts;
use super::{Given, Input, file, show};
use crate::exit;
use crate::terminal::Output;

/// Says what is wrong with each line.
pub(crate) fn run(input: &Input) -> Result<u8> {
    let errors = show::faults(&input.entries);
    let rules = input.entries.iter().filter(|entry| entry.rule().is_some());
    eprintln!("{} lines, {} rules", input.entries.len(), rules.count());
    Ok(if errors { exit::NOTHING } else { exit::DONE })
}

/// Options of `rules lint`.
#[derive(Debug, Args)]
pub(crate) struct Lint {
    #[command(flatten)]
    given: Given,
    /// Form of the output
    #[arg(long, value_enum, value_name = "FORM", default_value_t = FindingForm::Text)]
    format: FindingForm,
    /// Exit with 1 where a finding is at least this grave
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = LevelArgument::Error)]
    fail_on: LevelArgument,
    /// The files are all that this host loads: tell what they lack, too
    #[arg(long)]
    complete: bool,
    /// The rules are for another host: do not look up their paths here
    #[arg(long)]
    elsewhere: bool,
    /// Write each mended file beside the original, as FILE.fixed
    #[arg(long)]
    fix: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FindingForm {
    /// A line each, and what would mend it
    Text,
    /// A JSON object a line
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LevelArgument {
    /// Worth knowing
    Info,
    /// Works, but not as well as it could
    Warning,
    /// Does not load, or does not do what it says
    Error,
}

impl LevelArgument {
    const fn level(self) -> Level {
        match self {
            Self::Info => Level::Info,
            Self::Warning => Level::Warning,
            Self::Error => Level::Error,
        }
    }
}

impl Lint {
    pub(crate) fn run(&self) -> Result<u8> {
        let input = self.given.read()?;
        let cx = self.given.context();
        let mounts = if self.elsewhere { Vec::new() } else { mounts() };
        let around = Surroundings {
            cx: &cx,
            mounts: &mounts,
            complete: self.complete,
            check_paths: !self.elsewhere,
        };
        let findings = lint::lint(&input.entries, &around);
        let mut output = Output::stdout();
        for finding in &findings {
            let line = match self.format {
                FindingForm::Text => format!("{finding}\n"),
                FindingForm::Json => serde_json::to_string(&finding.json())? + "\n",
            };
            output.write(line.as_bytes())?;
        }
        output.flush()?;
        if self.fix {
            // What a file lacks as part of a whole is mended by nobody but its author.
            let around = Surroundings {
                complete: false,
                ..around
            };
            for path in &input.files {
                mend(path, &around)?;
            }
        }
        let fail_on = self.fail_on.level();
        let failed = findings.iter().any(|finding| finding.level >= fail_on);
        Ok(if failed { exit::NOTHING } else { exit::DONE })
    }
}

/// Writes what mends itself into a file beside the original; nothing where nothing does.
fn mend(path: &Path, around: &Surroundings<'_>) -> Result<()> {
    let shown = path.display();
    let content = file::open(path)
        .with_context(|| format!("cannot read rules from {shown}"))?
        .content;
    let fixed = fix::fix(&shown.to_string(), &content, around);
    if fixed.applied.is_empty() {
        eprintln!("{shown}: nothing mends itself");
        return Ok(());
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".fixed");
    let beside = PathBuf::from(beside);
    let written = beside.display();
    std::fs::write(&beside, &fixed.content).with_context(|| format!("cannot write {written}"))?;
    eprintln!("{written}: {} findings mended", fixed.applied.len());
    Ok(())
}
