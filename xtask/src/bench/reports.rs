//! Reports: aureport and ours in turn, each summary, on the flood log.

use std::fs;

use anyhow::Result;

use super::flood;
use super::report::Report;
use super::runs::Runs;
use crate::shell;

pub(super) fn run(report: &mut Report) -> Result<()> {
    report.bench(
        "Report",
        "The flood log of the search bench (130 MB, 14,000 events/s, enriched, 90,000 pids), in the \
         page cache. aureport is slow: it is given the first 20 MB only (of pids, whose cost \
         grows with the square of the log there, 8 MB), once; ours all of it, median of three runs. \
         Compared are seconds per MB, which favours aureport. The aim is 50 times as fast in at most 64 MiB.",
    );
    let build = ["build", "--release", "--quiet", "-p", "indelible"];
    shell::run(shell::command("cargo", &build))?;
    let ours = shell::target().join("release/indelible");
    let ours = ours.to_string_lossy();
    let folder = tempfile::tempdir()?;
    let write = |name: &str, bytes: usize| -> Result<(String, f64)> {
        let path = folder.path().join(name);
        flood::write(&path, flood::FLOOD, bytes)?;
        let mb = fs::metadata(&path)?.len() as f64 / 1e6;
        Ok((path.to_string_lossy().into_owned(), mb))
    };
    let (log, log_mb) = write("flood.log", flood::BYTES)?;
    let slice = write("slice.log", SLICE_BYTES)?;
    let short_slice = write("short.log", SHORT_SLICE_BYTES)?;
    let has_peer = shell::succeeds("aureport", &["--version"]);
    if !has_peer {
        report.line("aureport is not installed: ours alone");
    }
    for words in REPORTS {
        let mut one = Runs::default();
        for _ in 0..ROUNDS {
            let before = ["report", "--input", &log];
            one.run(&ours, &[&before[..], words].concat())?;
        }
        let name = match words {
            [] => "totals".to_owned(),
            words => words.join(" "),
        };
        let speed = format!("{:.0} MB/s", log_mb / one.wall_s());
        if !has_peer {
            report.line(&format!("{name}: ours {}, {speed}", one.shown()));
            continue;
        }
        let (slice, slice_mb) = match words.first() {
            Some(&"-p") => &short_slice,
            _ => &slice,
        };
        let mut theirs = Runs::default();
        theirs.run("aureport", &[&["-if", slice.as_str()][..], words].concat())?;
        let per_mb = |theirs_s: f64, ours_s: f64| (theirs_s / slice_mb) / (ours_s / log_mb);
        report.line(&format!(
            "{name}: aureport {} for {slice_mb:.0} MB, ours {} for {log_mb:.0} MB, {speed}: {:.0} × by the \
             clock, {:.0} × in CPU time",
            theirs.shown(),
            one.shown(),
            per_mb(theirs.wall_s(), one.wall_s()),
            per_mb(theirs.cpu_s(), one.cpu_s()),
        ));
    }
    Ok(())
}

/// Totals first, then every summary whose events the flood has, as both programs spell them.
const REPORTS: &[&[&str]] = &[
    &[],
    &["-f", "--summary"],
    &["-x", "--summary"],
    &["-s", "--summary"],
    &["-k", "--summary"],
    &["-u", "--summary"],
    &["-p", "--summary"],
    &["-h", "--summary"],
    &["-tm", "--summary"],
    &["--comm", "--summary"],
    &["-e", "--summary"],
    &["-l", "--summary"],
    &["-au", "--summary"],
];
const SLICE_BYTES: usize = 20_000_000;
const SHORT_SLICE_BYTES: usize = 8_000_000;
const ROUNDS: usize = 3;
