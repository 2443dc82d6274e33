//! `indelible erase`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::collector::operations::Order;
use crate::collector::operations::control;
use crate::exit;

/// Erase the payload of one entry, as a law may ask for
///
/// Its envelope and leaf hash stay, and the log says who erased it and why: everything else stays
/// provable, and `verify` knows it. An entry can be erased once its segment is full; one that is held
/// cannot. The running collector does it, or this command where none runs.
#[derive(Debug, Args)]
pub(super) struct Erase {
    /// The collector's store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Leaf index of the entry
    #[arg(long, value_name = "N")]
    entry: u64,
    /// Why: it stands in the log for ever
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Erase {
    pub(super) fn run(self) -> Result<u8> {
        let Self {
            store,
            entry,
            reason,
        } = self;
        let told = control::order(&store, Order::Erase { entry, reason })?;
        writeln!(std::io::stdout(), "{told}")?;
        Ok(exit::DONE)
    }
}
