//! `indelible detect`: one file per detection.

mod deleted;
mod list;
mod relay;
mod run;
mod sigma;
mod sources;
mod ssh;
mod suppress;
mod test;

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
    Explain(list::Explain),
    List(list::List),
    #[command(hide = true)]
    Relay(relay::Relay),
    Run(run::Run),
    Sigma(sigma::Sigma),
    Ssh(ssh::Ssh),
    Suppress(suppress::Suppress),
    Suppressions(suppress::Suppressions),
    Test(test::Test),
    Unsuppress(suppress::Unsuppress),
}

impl Detect {
    pub(super) fn run(self) -> Result<u8> {
        match self.what {
            What::Deleted(command) => command.run(),
            What::Explain(command) => command.run(),
            What::List(command) => command.run(),
            What::Relay(command) => command.run(),
            What::Run(command) => command.run(),
            What::Sigma(command) => command.run(),
            What::Ssh(command) => command.run(),
            What::Suppress(command) => command.run(),
            What::Suppressions(command) => command.run(),
            What::Test(command) => command.run(),
            What::Unsuppress(command) => command.run(),
        }
    }
}
