//! Where a detection over events looks.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::search::Source;
use crate::search::arguments::Place;
use crate::search::place::{self, Found};

/// Logs, a store or a spool.
#[derive(Debug, Args)]
pub(super) struct Sources {
    /// Logs to read: files, folders of audit.log files, - for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Read a collector's store
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    store: Option<PathBuf>,
    /// Read a host's spool
    #[arg(long, value_name = "DIR", conflicts_with_all = ["files", "store"])]
    spool: Option<PathBuf>,
}

impl Sources {
    /// What was named, or what is there; the latter is said on standard error.
    pub(super) fn find(&self) -> Result<Vec<Source>> {
        if let Some(store) = &self.store {
            return Ok(vec![Source::store(store)]);
        }
        if let Some(spool) = &self.spool {
            return Ok(vec![Source::Spool(spool.clone())]);
        }
        if !self.files.is_empty() {
            let source = |path: &PathBuf| match path.to_str() {
                Some("-") => Source::Files(place::STANDARD_INPUT.into()),
                _ => Source::Files(path.clone()),
            };
            return Ok(self.files.iter().map(source).collect());
        }
        match place::find(&Place::default()) {
            Found::Given(source) => Ok(vec![source]),
            Found::Default(source) => {
                eprintln!("reading {source}");
                Ok(vec![source])
            }
            Found::Nothing(path) => bail!(
                "{} is not there; name a log, --spool or --store",
                path.display()
            ),
        }
    }
}
