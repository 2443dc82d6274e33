//! `indelible restart-log`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::collector::operations::{Order, control};
use crate::exit;

/// Let a log go on that was restored from an older copy
///
/// Agents, the heads folder and witnesses refuse a store that holds less than they have seen. This declares,
/// in the log and signed by its key, that the log goes on from what the store holds, under a new key, and
/// that what the old key had signed beyond is given up. Agents write that down, and send again what the
/// store lacks and they still have. Run it before a collector writes to the restored store. It cannot be
/// taken back, and `verify` shows it for ever.
#[derive(Debug, Args)]
pub(super) struct RestartLog {
    /// The restored store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Why: it stands in the log for ever
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Entries of the copy, where a collector has written to the store since it was restored
    /// [default: all that are there]
    #[arg(long, value_name = "ENTRIES")]
    kept: Option<u64>,
}

impl RestartLog {
    pub(super) fn run(self) -> Result<u8> {
        let Self {
            store,
            reason,
            kept,
        } = self;
        let told = control::order(&store, Order::RestartLog { kept, reason })?;
        writeln!(std::io::stdout(), "{told}")?;
        Ok(exit::DONE)
    }
}
