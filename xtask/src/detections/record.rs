//! `cargo xtask detections record`: does the procedures on a real kernel and keeps what it audits.
//!
//! Most are done on this host, in a scratch root: needs root and the kernel's audit, which is held for one
//! detection at a time. Rules are held to a login that nobody else has; the state of the kernel's
//! audit is put back. Those that would change the whole host are done on a machine of their own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::procedures::{Procedures, read_all, read_held_out};
use super::scratch::{self, ROOM};
use super::{HELD_OUT, own_kernel, session};
use crate::shell;

/// Records the detections with these ids; all where none is named. `--held-out` in front: the cases
/// that were written after the detections were fixed.
pub(super) fn run(words: &[&str]) -> Result<()> {
    if let [own_kernel::INSIDE, cases] = words {
        return own_kernel::inside(Path::new(cases));
    }
    let (of_machine, of_host): (Vec<_>, Vec<_>) = wanted(words)?
        .into_iter()
        .partition(|procedures| procedures.needs_machine);
    let to = folder(words).join("recorded");
    if scratch::is_inside() {
        return on_this_host(&of_host, &to);
    }
    shell::run(shell::command(
        "cargo",
        &["build", "--quiet", "-p", "indelible"],
    ))?;
    if !of_host.is_empty() {
        scratch::enter(&[&["detections", "record"], words].concat())?;
    }
    if !of_machine.is_empty() {
        own_kernel::record(&of_machine, &to)?;
    }
    Ok(())
}

fn on_this_host(all: &[Procedures], to: &Path) -> Result<()> {
    let built = shell::target().join("debug/indelible");
    scratch::lay()?;
    let program = Path::new(ROOM).join("indelible");
    fs::copy(&built, &program).with_context(|| format!("cannot copy {}", built.display()))?;
    for procedures in all {
        session::record(procedures, &program, to)?;
        println!("{}: {} cases", procedures.detection, procedures.cases.len());
    }
    Ok(())
}

/// The procedures that the words name.
fn wanted(words: &[&str]) -> Result<Vec<Procedures>> {
    let all = read_all(&procedures_of(&folder(&[])))?;
    let (mut all, only) = match words {
        [WITH_HELD_OUT, only @ ..] => (read_held_out(&procedures_of(&folder(words)), all)?, only),
        only => (all, only),
    };
    all.retain(|one| only.is_empty() || only.contains(&one.detection.as_str()));
    Ok(all)
}

/// The folder of all cases, or of those that are held out.
fn folder(words: &[&str]) -> PathBuf {
    let folder = shell::root().join("tests/detections");
    match words {
        [WITH_HELD_OUT, ..] => folder.join(HELD_OUT),
        _ => folder,
    }
}

fn procedures_of(folder: &Path) -> PathBuf {
    folder.join("procedures")
}

const WITH_HELD_OUT: &str = "--held-out";
