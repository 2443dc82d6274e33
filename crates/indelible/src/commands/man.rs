//! `indelible man`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man as Page;

use crate::exit;

/// Print the manual page of a command, or write all of them into a folder
///
/// `indelible man search | man -l -` shows one.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// The command and its subcommand, if it has any
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
    /// Write every page into this folder, as indelible-COMMAND.1
    #[arg(long, value_name = "DIR", conflicts_with = "words")]
    out: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self) -> Result<u8> {
        let mut root = super::Cli::command();
        // Names and inherited settings are filled in only now.
        root.build();
        match &self.out {
            Some(folder) => {
                fs::create_dir_all(folder)
                    .with_context(|| format!("cannot create {}", folder.display()))?;
                write_all(&root, folder)?;
            }
            None => {
                let command = self.words.iter().try_fold(&root, |command, word| {
                    command
                        .find_subcommand(word)
                        .with_context(|| format!("{} has no command {word:?}", command.get_name()))
                })?;
                std::io::stdout().write_all(&page(command)?)?;
            }
        }
        Ok(exit::DONE)
    }
}

/// The page of a command and of each below it, but for those that are not for people.
fn write_all(command: &Command, folder: &Path) -> Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let file = folder.join(format!("{name}.1"));
    fs::write(&file, page(command)?).with_context(|| format!("cannot write {}", file.display()))?;
    command
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
        .try_for_each(|command| write_all(command, folder))
}

fn page(command: &Command) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    Page::new(command.clone()).render(&mut text)?;
    Ok(text)
}
