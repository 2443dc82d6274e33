//! `indelible detect`: one file per detection.

mod deleted;
mod sigma;
mod ssh;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Find what an intruder leaves: in logs, in a store, on this host
#[derive(Debug, Args)]
pub(super) struct Detect {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Deleted(deleted::Deleted),
    Sigma(sigma::Sigma),
    Ssh(ssh::Ssh),
}

impl Detect {
    pub(super) fn run(self) -> Result<u8> {
        match self.what {
            What::Deleted(command) => command.run(),
            What::Sigma(command) => command.run(),
            What::Ssh(command) => command.run(),
        }
    }
}
