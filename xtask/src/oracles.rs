//! Differential oracles: the programs of `tests/oracles`, each of which compares ours with an
//! implementation by others and fails where they disagree.

use std::fs;

use anyhow::{Context, Result};

use crate::shell;

/// Runs every one of them.
pub(crate) fn run() -> Result<()> {
    let folder = shell::root().join("tests/oracles");
    let mut names = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry?.path();
        if path.join("Cargo.toml").exists()
            && let Some(name) = path.file_name()
        {
            names.push(format!("oracle-{}", name.to_string_lossy()));
        }
    }
    names.sort();
    for name in &names {
        let mut command = shell::command("cargo", &["run", "--release", "--quiet", "-p", name]);
        command.current_dir(&folder);
        shell::run(command)?;
    }
    Ok(())
}
