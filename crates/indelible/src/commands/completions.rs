//! `indelible completions`.

use std::io::Write;

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::exit;

/// Print the completions of a shell
///
/// For bash: `indelible completions bash > /usr/share/bash-completion/completions/indelible`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<u8> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), NAME, &mut text);
        std::io::stdout().write_all(&text)?;
        Ok(exit::DONE)
    }
}

const NAME: &str = "indelible";
