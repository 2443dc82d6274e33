//! How long a look at every process takes, beside the one-liner that it replaces.

use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::report::{Report, median};
use crate::shell;

/// Processes that are running while it is measured.
const PROCESSES: usize = 5_000;
/// Rounds, each of one and the other.
const ROUNDS: usize = 5;
const ONE_LINER: &str = "ls -l /proc/*/exe 2>/dev/null | grep deleted";

pub(super) fn run(report: &mut Report) -> Result<()> {
    report.bench(
        "Deleted executables",
        &format!(
            "`indelible detect deleted --format json` beside `{ONE_LINER}`, with {PROCESSES} more processes \
             running, {ROUNDS} rounds in turn. Ours looks at the inode behind every executable and at every \
             mapping; the one-liner reads link texts."
        ),
    );
    shell::run(shell::command(
        "cargo",
        &["build", "--release", "--quiet", "-p", "indelible"],
    ))?;
    let program = shell::target().join("release/indelible");
    let _crowd = Crowd::gather()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut scanned = String::new();
    for _ in 0..ROUNDS {
        let mut command = Command::new(&program);
        let (seconds, output) = timed(command.args(["detect", "deleted", "--format", "json"]))?;
        ours.push(seconds);
        scanned = output;
        theirs.push(timed(Command::new("sh").args(["-c", ONE_LINER]))?.0);
    }
    let count = scanned
        .rsplit("\"scanned\":")
        .next()
        .and_then(|rest| rest.split(|letter: char| !letter.is_ascii_digit()).next())
        .unwrap_or("?")
        .to_owned();
    let (ours, theirs) = (median(&ours), median(&theirs));
    report.line(&format!("one-liner: {:.0} ms", theirs * 1000.0));
    report.line(&format!(
        "ours: {:.0} ms for {count} processes ({:.2} × the one-liner)",
        ours * 1000.0,
        ours / theirs
    ));
    Ok(())
}

fn timed(command: &mut Command) -> Result<(f64, String)> {
    let started = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start")?;
    let seconds = started.elapsed().as_secs_f64();
    ensure!(output.status.code().is_some_and(|code| code < 2), "failed");
    Ok((
        seconds,
        String::from_utf8_lossy(&output.stdout).into_owned(),
    ))
}

/// Sleeping processes, which end with this.
struct Crowd(Vec<Child>);

impl Crowd {
    fn gather() -> Result<Self> {
        let mut crowd = Self(Vec::with_capacity(PROCESSES));
        for _ in 0..PROCESSES {
            let child = Command::new("sleep")
                .arg("600")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .context("cannot start so many processes")?;
            crowd.0.push(child);
        }
        Ok(crowd)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}
