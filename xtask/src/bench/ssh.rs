//! `detect ssh` beside the line of shell that it replaces.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::report::Report;
use crate::shell;

pub(super) fn run(report: &mut Report) -> Result<()> {
    report.bench(
        "Detect ssh",
        "A log of 100 MiB as a server on the internet has it, six in seven lines of sshd, from 20,000 sources. \
         `grep \"Failed password\" | awk '{print $(NF-3)}' | sort | uniq -c | sort -nr` and the grammar and \
         engine of `detect ssh`, one thread, in turn; medians and CPU time of three rounds. The shell counts one of the \
         messages and gets some of them wrong (docs/compat.md); ours reads all of them.",
    );
    let scratch = std::env::temp_dir();
    let scratch = scratch.to_string_lossy();
    let mut command = shell::command(
        "cargo",
        &[
            "run",
            "--release",
            "--quiet",
            "-p",
            "indelible-detect",
            "--example",
            "bench_ssh",
            "--",
            &scratch,
        ],
    );
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start the bench")?;
    ensure!(output.status.success(), "bench_ssh failed");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .for_each(|line| report.line(line));
    Ok(())
}
