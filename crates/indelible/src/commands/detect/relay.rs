//! `indelible detect relay`: what runs the programs that are told of findings.

use anyhow::Result;
use clap::Args;

use crate::detect::live::relay;
use crate::exit;

/// Run a program for each line of standard input, which it gets on its own; answer with a line each
#[derive(Debug, Args)]
pub(super) struct Relay {
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    words: Vec<String>,
}

impl Relay {
    pub(super) fn run(self) -> Result<u8> {
        relay(&self.words)?;
        Ok(exit::DONE)
    }
}
