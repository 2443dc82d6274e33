//! `indelible prove`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::{exit, proof};

/// Write proofs that entries are in a log, for somebody who has nothing but its public key
///
/// Of each entry two files are written: INDEX.entry, its exact bytes, and INDEX.tlog-proof, the
/// proof under the newest published checkpoint (C2SP tlog-proof). `indelible verify --proof` checks
/// them, and so does any other program that knows the format.
#[derive(Debug, Args)]
pub(super) struct Prove {
    /// A collector's store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Folder for the files [default: the current one]
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".",
        hide_default_value = true
    )]
    out: PathBuf,
    /// The records of this event, as `audit(…)` in them names it
    #[arg(long, value_name = "TIME:SERIAL", required_unless_present = "entries")]
    event: Option<String>,
    /// Leaf indexes
    #[arg(value_name = "INDEX")]
    entries: Vec<u64>,
}

impl Prove {
    pub(super) fn run(self) -> Result<u8> {
        let written = proof::write(&self.store, &self.out, self.event.as_deref(), &self.entries)?;
        for file in &written {
            writeln!(std::io::stdout(), "{}", file.display())?;
        }
        if written.is_empty() {
            eprintln!("no published entry of that event");
            return Ok(exit::NOTHING);
        }
        Ok(exit::DONE)
    }
}
