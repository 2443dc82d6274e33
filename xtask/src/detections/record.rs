//! `cargo xtask detections record`: does the procedures on a real kernel and keeps what it audits.
//!
//! Most are done on this host, in a scratch root: needs root and the kernel's audit, which is held for one
//! detection at a time. Rules are held to a login that nobody else has; the state of the kernel's
//! audit is put back. Those that would change the whole host are done on a machine of their own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::procedures::{Procedures, read_all, read_later};
use super::scratch::{self, ROOM};
use super::{own_kernel, session};
use crate::shell;

/// Records the detections with these ids; all where none is named. `--set NAME` in front: the cases of
/// a set that was written later.
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
    let all = read_all(&folder(&[]).join("procedures"))?;
    let (mut all, only) = match words {
        [SET, _, only @ ..] => (read_later(&folder(words).join("procedures"), all)?, only),
        only => (all, only),
    };
    all.retain(|one| only.is_empty() || only.contains(&one.detection.as_str()));
    Ok(all)
}

/// The folder of the first set, or of the one that is named.
fn folder(words: &[&str]) -> PathBuf {
    let folder = shell::root().join("tests/detections");
    match words {
        [SET, name, ..] => folder.join(name),
        _ => folder,
    }
}

const SET: &str = "--set";
