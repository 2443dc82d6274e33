//! `cargo xtask detections`: precision and recall of the built-in detections on the cases of
//! `tests/detections`, those that the real kernel recorded and those that are constructed.

mod benign;
mod benign_guest;
mod own_kernel;
mod procedures;
mod record;
mod scratch;
mod session;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::shell;

/// `cargo xtask detections [record [--set NAME] [ID…] | benign [--guest [MINUTES]]]`.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    match words {
        [] => score(),
        ["record", words @ ..] => record::run(words),
        ["benign"] => benign::run(),
        ["benign", "--guest"] => benign_guest::run(benign_guest::MINUTES),
        ["benign", "--guest", minutes] => benign_guest::run(minutes.parse().context("MINUTES")?),
        _ => bail!(
            "usage: cargo xtask detections [record [--set NAME] [ID…] | benign [--guest [MINUTES]]]"
        ),
    }
}

/// Runs `indelible detect test` over every file of cases, the recorded ones first. The detections were
/// corrected by all but the held-out ones, of which the outcome alone is shown.
fn score() -> Result<()> {
    let folder = shell::root().join("tests/detections");
    let mut is_sound = true;
    for (set, is_exact) in SETS {
        println!("\n{set}");
        let mut command = shell::command(
            "cargo",
            &["run", "--quiet", "-p", "indelible", "--", "detect", "test"],
        );
        command.args(files(&folder.join(set))?);
        is_sound &= command.status()?.success() || !is_exact;
    }
    ensure!(
        is_sound,
        "some cases are not as expected; they are named above"
    );
    Ok(())
}

/// The files of a folder, by their names.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let shown = || format!("cannot list {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(shown)? {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

/// The sets of cases, and whether all of their cases have to be as expected. The second was held out once;
/// what the detections still get wrong of it is explained in the book.
const SETS: [(&str, bool); 4] = [
    ("recorded", true),
    ("constructed", true),
    ("second/recorded", false),
    ("held-out/recorded", false),
];
