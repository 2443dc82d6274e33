//! Entries per second that the log takes, acknowledged after `fdatasync`.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::report::Report;
use crate::shell;

pub(super) fn run(report: &mut Report) -> Result<()> {
    report.bench(
        "Append",
        "Two million entries, of at least 300 bytes (short records are filled up with path names and random numbers) and as they come, in batches of 1,000, prepared (checked, hashed) on one thread, appended \
         and committed on another as fast as the disk syncs; every commit is one `fdatasync` and one \
         signed checkpoint, sealing into compressed segments included. Then opening, verification and \
         the size of the sealed segments. No peer keeps a durable tree; rsyslog's imtcp → omfile, which \
         keeps neither, takes 136,000 to 374,000 messages/s on such a machine.",
    );
    let scratch = std::env::temp_dir();
    let scratch = scratch.to_string_lossy();
    for (example, options) in [
        ("bench_log", ["2", "300"].as_slice()),
        ("bench_log", &["2"]),
        ("bench_spool", &[]),
    ] {
        let mut arguments = vec![
            "run",
            "--release",
            "--quiet",
            "-p",
            "indelible-log",
            "--example",
            example,
            "--",
            &scratch,
        ];
        arguments.extend_from_slice(options);
        let mut command = shell::command("cargo", &arguments);
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .context("cannot start the bench")?;
        ensure!(output.status.success(), "{example} failed");
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .for_each(|line| report.line(line));
    }
    Ok(())
}
