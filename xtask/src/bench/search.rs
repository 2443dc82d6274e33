//! Searching logs: `grep -c`, ausearch and ours in turn, on a flood and on a calm log.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::flood::{self, KEY};
use super::report::Report;
use super::runs::Runs;
use crate::shell;

pub(super) fn run(report: &mut Report) -> Result<()> {
    report.bench(
        "Search",
        "Logs of 130 MB, enriched, of opened files with four records each (SYSCALL, CWD, PATH, \
         PROCTITLE): a flood of 14,000 events/s, and a calm one of 20/s. `grep -c`, ausearch and \
         `indelible search` in turn, everything in the page cache, output to a pipe that is read and \
         dropped; medians of the rounds. Then 76 links to the flood log as rotated files: 10 GB.",
    );
    let build = ["build", "--release", "--quiet", "-p", "indelible"];
    shell::run(shell::command("cargo", &build))?;
    let ours = shell::target().join("release/indelible");
    let ours = ours.to_string_lossy();
    let folder = tempfile::tempdir()?;
    for (name, per_second) in [("flood", flood::FLOOD), ("calm", 20)] {
        let log = folder.path().join(format!("{name}.log"));
        flood::write(&log, per_second, flood::BYTES)?;
        let path = log.to_string_lossy();
        let bytes = fs::metadata(&log)?.len() as f64;
        let mut grep = Runs::default();
        let mut nothing = Runs::default();
        let mut theirs = Runs::default();
        let mut all = Runs::default();
        for round in 0..ROUNDS {
            grep.run("grep", &["-c", ABSENT, &path])?;
            nothing.run(&ours, &["search", "-k", ABSENT, "--input", &path])?;
            all.run(&ours, &["search", "-k", KEY, "-i", "--input", &path])?;
            // It takes a minute on the flood.
            if round == 0 && shell::succeeds("ausearch", &["--version"]) {
                theirs.run("ausearch", &["-k", KEY, "-i", "-if", &path])?;
            }
        }
        report.line(&format!(
            "{name}: a key that is not there: grep -c {}, ours {}: {:.1} × grep, {:.1} GB per CPU second",
            grep.shown(),
            nothing.shown(),
            nothing.wall_s() / grep.wall_s(),
            bytes / nothing.cpu_s() / 1e9,
        ));
        report.line(&format!(
            "{name}: -k KEY -i, everything matches: ausearch {}, ours {}: {:.0} times as fast",
            theirs.shown(),
            all.shown(),
            theirs.wall_s() / all.wall_s(),
        ));
    }
    large(report, &ours, folder.path())
}

/// Ten gigabytes: the flood log again and again, as its rotated files.
fn large(report: &mut Report, ours: &str, folder: &Path) -> Result<()> {
    let rotated = folder.join("rotated");
    fs::create_dir(&rotated)?;
    let log = folder.join("flood.log");
    for number in 0..LINKS {
        let name = match number {
            0 => "audit.log".to_owned(),
            _ => format!("audit.log.{number}"),
        };
        fs::hard_link(&log, rotated.join(name))?;
    }
    let path = rotated.to_string_lossy();
    let gigabytes = fs::metadata(&log)?.len() as f64 * f64::from(LINKS) / 1e9;
    for (what, key, form) in [
        ("a key that is not there", ABSENT, "--raw"),
        ("everything matches, counted", KEY, "--count"),
    ] {
        let mut runs = Runs::default();
        runs.run(ours, &["search", "-k", key, form, "--input", &path])?;
        report.line(&format!(
            "{gigabytes:.1} GB: {what}: {}: {:.1} GB/s, {:.1} GB per CPU second",
            runs.shown(),
            gigabytes / runs.wall_s(),
            gigabytes / runs.cpu_s(),
        ));
    }
    Ok(())
}

const ABSENT: &str = "shadow_watch";
const LINKS: u32 = 76;
const ROUNDS: usize = 5;
