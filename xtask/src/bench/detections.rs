//! The built-in detections over real records, beside what it takes ausearch to print them.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::report::Report;
use super::runs::Runs;
use crate::shell;

pub(super) fn run(report: &mut Report) -> Result<()> {
    report.bench(
        "Detections",
        "The records of all recorded cases of tests/detections, true and benign, again and again with later \
         stamps: 100 MB, and 10 MB of it for ausearch. `ausearch -i`, which prints the events, and `indelible \
         detect run`, which looks at them with all built-ins, in turn; everything in the page cache, output to \
         a pipe that is read and dropped; medians of three rounds. Every repetition is the same processes, so \
         the findings are those of the first, and of every tenth minute.",
    );
    let build = ["build", "--release", "--quiet", "-p", "indelible"];
    shell::run(shell::command("cargo", &build))?;
    let ours = shell::target().join("release/indelible");
    let ours = ours.to_string_lossy();
    let records = records(&shell::root().join("tests/detections/recorded"))?;
    let folder = tempfile::tempdir()?;
    let (log, slice) = (folder.path().join("log"), folder.path().join("slice"));
    let events = write(&records, &log, BYTES)?;
    let events_of_slice = write(&records, &slice, BYTES / 10)?;
    let (mut theirs, mut all) = (Runs::default(), Runs::default());
    for _ in 0..ROUNDS {
        if shell::succeeds("ausearch", &["--version"]) {
            theirs.run("ausearch", &["-i", "-if", &slice.to_string_lossy()])?;
        }
        all.run(&ours, &["detect", "run", &log.to_string_lossy()])?;
    }
    let (of_ausearch, of_ours) = (
        events_of_slice as f64 / theirs.cpu_s(),
        events as f64 / all.cpu_s(),
    );
    report.line(&format!(
        "ausearch -i {events_of_slice} events {}: {of_ausearch:.0} events per CPU second",
        theirs.shown(),
    ));
    report.line(&format!(
        "ours, 15 detections, {events} events {}: {of_ours:.0} events per CPU second, {:.0} by the clock, {:.1} × ausearch",
        all.shown(),
        events as f64 / all.wall_s(),
        of_ours / of_ausearch,
    ));
    Ok(())
}

/// Of all files of cases, as they follow each other.
fn records(folder: &Path) -> Result<String> {
    #[derive(Deserialize)]
    struct Cases {
        #[serde(rename = "case")]
        cases: Vec<Case>,
    }
    #[derive(Deserialize)]
    struct Case {
        records: String,
    }
    let mut text = String::new();
    for path in crate::detections::files(folder)? {
        let shown = || format!("cannot read {}", path.display());
        let file: Cases =
            toml::from_str(&fs::read_to_string(&path).with_context(shown)?).with_context(shown)?;
        for case in file.cases {
            text.push_str(&case.records);
        }
    }
    Ok(text)
}

/// Writes the records again and again, each event under a stamp of its own; gives the number of events.
fn write(records: &str, path: &Path, bytes: usize) -> Result<u64> {
    let mut file = BufWriter::new(File::create(path)?);
    let (mut written, mut serial, mut last) = (0, 0_u64, "");
    let mut line_again = String::new();
    for line in records.lines().cycle() {
        let Some((before, rest)) = line.split_once(" msg=audit(") else {
            continue;
        };
        let (stamp, after) = rest.split_once(')').context("a record without a stamp")?;
        if stamp != last {
            if written >= bytes {
                break;
            }
            (serial, last) = (serial + 1, stamp);
        }
        let ms = 1_790_000_000_000 + serial;
        line_again.clear();
        let _ = writeln!(
            line_again,
            "{before} msg=audit({}.{:03}:{serial}){after}",
            ms / 1000,
            ms % 1000
        );
        file.write_all(line_again.as_bytes())?;
        written += line_again.len();
    }
    file.flush()?;
    Ok(serial)
}

const BYTES: usize = 100_000_000;
const ROUNDS: usize = 3;
