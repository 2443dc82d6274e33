//! `indelible rotate-key`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::collector::operations::{Order, control};
use crate::exit;

/// Give a log a new signing key
///
/// The old key signs the new one into the log, and nothing after that: who knows the old key accepts
/// the new one, and what the old key signs from then on is refused. Agents hear of it by themselves;
/// tell witnesses and auditors. The running collector does it, or this command where none runs.
#[derive(Debug, Args)]
pub(super) struct RotateKey {
    /// The collector's store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Why: it stands in the log for ever
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl RotateKey {
    pub(super) fn run(self) -> Result<u8> {
        let Self { store, reason } = self;
        let told = control::order(&store, Order::RotateKey { reason })?;
        writeln!(std::io::stdout(), "{told}")?;
        Ok(exit::DONE)
    }
}
