//! `cargo xtask detections benign`: everyday work in a scratch root on this host.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use indelible_sys::lock::FileLock;
use indelible_testkit::KernelState;

use super::procedures::{AUID, read_all};
use super::scratch::{self, ROOM};
use super::session::{Capture, lines, load, stamp};
use crate::shell;

/// Does an administrator's everyday work with all rules loaded, and prints what is found in it.
pub(super) fn run() -> Result<()> {
    if !scratch::is_inside() {
        shell::run(shell::command(
            "cargo",
            &["build", "--quiet", "-p", "indelible"],
        ))?;
        return scratch::enter(&["detections", "benign"]);
    }
    let program = Path::new(ROOM).join("indelible");
    let folder = shell::root().join("tests/detections");
    let all = read_all(&folder.join("procedures"))?;
    let work = fs::read_to_string(folder.join("benign.sh"))?;
    let built = shell::target().join("debug/indelible");
    scratch::lay()?;
    fs::copy(&built, &program).with_context(|| format!("cannot copy {}", built.display()))?;
    let rules: BTreeSet<&str> = all
        .iter()
        .flat_map(|one| &one.rules)
        .map(String::as_str)
        .collect();
    // Kept, so that what is found can be explained.
    let log = shell::target().join("detections-benign.log");
    {
        let _lock = FileLock::wait(&scratch::lock())?;
        let before = KernelState::now()?;
        let spool = Path::new(ROOM).join("spool/benign");
        let worked = worked(&program, &spool, &rules, &work);
        before.restore()?;
        let (text, seconds) = worked?;
        let events: BTreeSet<&str> = text.lines().filter_map(stamp).collect();
        println!(
            "everyday work: {seconds} s with all rules loaded, {} events, {} records, {} bytes",
            events.len(),
            text.lines().count(),
            text.len()
        );
        fs::write(&log, text)?;
    }
    let status = Command::new(&program)
        .args(["detect", "run"])
        .arg(&log)
        .stdin(Stdio::null())
        .status()?;
    ensure!(status.success(), "detect run failed: {status}");
    Ok(())
}

fn worked(
    program: &Path,
    spool: &Path,
    rules: &BTreeSet<&str>,
    work: &str,
) -> Result<(String, u64)> {
    let capture = Capture::start(program, spool)?;
    load(rules.iter().copied())?;
    let began = Instant::now();
    scratch::logged_in(work, AUID)?;
    let seconds = began.elapsed().as_secs();
    // Before the rules are put back: that would be told as tampering.
    capture.stop()?;
    Ok((lines(program, spool)?, seconds))
}
