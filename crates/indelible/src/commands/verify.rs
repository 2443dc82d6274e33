//! `indelible verify`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use indelible_log::dir::RealDir;
use indelible_log::verify::{Report, VerifyOptions, verify_spool, verify_store};

use crate::agent::layout::Layout;
use crate::verify::{self, exit_code};

/// Check a store or a spool to its last byte
///
/// Exit codes: 0 intact, 1 intact with recorded gaps or a torn tail that nobody was told to be
/// durable, 2 broken, 3 could not check.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// A collector's store
    #[arg(long, value_name = "DIR", required_unless_present = "spool")]
    store: Option<PathBuf>,
    /// A host's spool
    #[arg(long, value_name = "DIR", conflicts_with = "store")]
    spool: Option<PathBuf>,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    format: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Text,
    /// One JSON object
    Json,
}

impl Verify {
    pub(super) fn run(self) -> Result<u8> {
        let report = match self.check() {
            Ok(report) => report,
            Err(error) => {
                crate::exit::report(&error);
                return Ok(verify::COULD_NOT_CHECK);
            }
        };
        match self.format {
            Form::Text => verify::print_text(&report)?,
            Form::Json => verify::print_json(&report)?,
        }
        Ok(exit_code(&report))
    }

    fn check(&self) -> Result<Report> {
        match (&self.store, &self.spool) {
            (Some(store), _) => {
                let dir = RealDir::open(store)
                    .with_context(|| format!("cannot open {}", store.display()))?;
                verify_store(&dir, &VerifyOptions::default()).context("cannot check the store")
            }
            (None, Some(spool)) => {
                let streams = Layout::at(spool).streams();
                let shown = streams.display();
                let dir =
                    RealDir::open(&streams).with_context(|| format!("cannot open {shown}"))?;
                verify_spool(&dir).context("cannot check the spool")
            }
            (None, None) => anyhow::bail!("neither --store nor --spool is given"),
        }
    }
}
