//! A burst of kernel events: opens of one watched file, in a process that starts after auditing
//! was enabled.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command};

use anyhow::{Context, Result};

/// `burst FILE COUNT`, run as a child of the benches.
pub(crate) fn run(file: &str, count: &str) -> Result<()> {
    for _ in 0..count.parse::<u64>()? {
        File::open(file).with_context(|| format!("cannot open {file}"))?;
    }
    Ok(())
}

/// Starts the burst.
pub(super) fn start(file: &Path, count: u64) -> Result<Child> {
    let program = std::env::current_exe()?;
    Command::new(program)
        .arg("burst")
        .arg(file)
        .arg(count.to_string())
        .spawn()
        .context("cannot start the burst")
}
