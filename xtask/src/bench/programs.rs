//! Benches that are programs of their own: what they print goes into the report.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::report::Report;
use crate::shell;

/// Records: tokenising beside linux-audit-parser, and the ways from lines to every form.
pub(super) fn records(report: &mut Report) -> Result<()> {
    report.bench(
        "Records",
        "All fields of typical SYSCALL, PATH, CWD, EXECVE and PROCTITLE records, and of the log \
         recorded from a kernel, read by ours and by linux-audit-parser in turn, shortest of nine \
         rounds. Then execve events of five records (0.8 KB raw, 1.0 KB enriched): reading, putting \
         together (files, in the order of time) and writing, one thread, its CPU time. Laurel makes \
         14,000 to 21,000 events/s of JSON on such a machine.",
    );
    let oracle = [
        "run",
        "--release",
        "--quiet",
        "--manifest-path",
        "tests/oracles/Cargo.toml",
        "-p",
        "oracle-parser",
    ];
    lines(report, &oracle)?;
    let ours = [
        "run",
        "--release",
        "--quiet",
        "-p",
        "indelible-record",
        "--example",
        "bench",
    ];
    lines(report, &ours)
}

/// Rules: text to the kernel's bytes and back.
pub(super) fn rules(report: &mut Report) -> Result<()> {
    report.bench(
        "Rules",
        "10,000 rules as people write them (watches, masked syscall rules, exclusions), no two the \
         same: read and compiled to the kernel's bytes, printed again, and planned as a load over \
         half of them; shortest of twenty rounds on one thread. The promise is 100 ms for the first.",
    );
    lines(
        report,
        &[
            "bench",
            "--quiet",
            "-p",
            "indelible-rules",
            "--bench",
            "compile",
        ],
    )
}

/// Sigma: rules over events, beside rsigma-eval.
pub(super) fn sigma(report: &mut Report) -> Result<()> {
    report.bench(
        "Sigma",
        "250 rules of SigmaHQ (where the folder holds fewer, some of them again under other titles) \
         over the log recorded from a kernel and as many execve events of ordinary programs, one \
         thread, its CPU time, shortest of five rounds in turn. Ours reads the fields from the events' records; \
         rsigma-eval is given JSON that is made beforehand, for the views that rules have.",
    );
    lines(
        report,
        &[
            "run",
            "--release",
            "--quiet",
            "--manifest-path",
            "tests/oracles/Cargo.toml",
            "-p",
            "oracle-sigma",
            "--",
            "bench",
        ],
    )
}

/// Runs cargo and reports what the program prints.
fn lines(report: &mut Report, arguments: &[&str]) -> Result<()> {
    let output = shell::command("cargo", arguments)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    ensure!(
        output.status.success(),
        "cargo {} failed",
        arguments.join(" ")
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| !line.trim().is_empty())
        .for_each(|line| report.line(&line.split_whitespace().collect::<Vec<_>>().join(" ")));
    Ok(())
}
