//! A burst of kernel events: opens of one watched file, in a process that starts after auditing
//! was enabled; at full speed, or so many a second.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indelible_sys::clock::realtime_ns;

/// `burst FILE COUNT [PER_SECOND [TIMES]]`, run as a child of the benches. Into the file TIMES goes
/// when each open was done: ns since 1970, a little-endian u64 each.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let (file, count, per_second, times) = match words {
        [file, count] => (file, count, "0", None),
        [file, count, per_second] => (file, count, *per_second, None),
        [file, count, per_second, times] => (file, count, *per_second, Some(times)),
        _ => bail!("usage: burst FILE COUNT [PER_SECOND [TIMES]]"),
    };
    let per_second: u64 = per_second.parse()?;
    let count: u64 = count.parse()?;
    let mut done = Vec::new();
    let began = Instant::now();
    for number in 0..count {
        // At full speed nothing is due.
        if let Some(due_ns) = (number * 1_000_000_000).checked_div(per_second) {
            let due = began + Duration::from_nanos(due_ns);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        File::open(file).with_context(|| format!("cannot open {file}"))?;
        if times.is_some() {
            done.extend_from_slice(&realtime_ns().to_le_bytes());
        }
    }
    if let Some(times) = times {
        File::create(times)?.write_all(&done)?;
    }
    Ok(())
}

/// Starts a burst at full speed.
pub(super) fn start(file: &Path, count: u64) -> Result<Child> {
    started(
        Command::new(std::env::current_exe()?)
            .arg("burst")
            .arg(file)
            .arg(count.to_string()),
    )
}

/// Starts one of so many events a second, and has the times of its opens written.
pub(super) fn start_paced(file: &Path, count: u64, per_second: u64, times: &Path) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("burst").arg(file);
    command.args([count.to_string(), per_second.to_string()]);
    started(command.arg(times))
}

fn started(command: &mut Command) -> Result<Child> {
    command.spawn().context("cannot start the burst")
}
