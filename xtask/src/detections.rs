//! `cargo xtask detections`: precision and recall of the built-in detections on the cases of
//! `tests/detections`.

use std::fs;

use anyhow::{Context, Result};

use crate::shell;

/// Runs `indelible detect test` over every file of cases.
pub(crate) fn run() -> Result<()> {
    let folder = shell::root().join("tests/detections");
    let shown = || format!("cannot list {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).with_context(shown)? {
        files.push(entry?.path());
    }
    files.sort();
    let mut command = shell::command(
        "cargo",
        &["run", "--quiet", "-p", "indelible", "--", "detect", "test"],
    );
    command.args(files);
    shell::run(command)
}
