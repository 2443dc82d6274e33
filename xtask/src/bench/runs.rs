//! Runs of one command, measured from outside.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::report::median;

/// Runs of one command.
#[derive(Debug, Default)]
pub(super) struct Runs {
    wall_s: Vec<f64>,
    cpu_s: Vec<f64>,
    peak_kib: u64,
}

impl Runs {
    /// Runs it once; its output goes to a pipe that is read and dropped.
    ///
    /// # Errors
    /// It cannot be started, or ends with a code of 2 or more.
    pub(super) fn run(&mut self, program: &str, arguments: &[&str]) -> Result<()> {
        let begun = Instant::now();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let mut output = child.stdout.take().context("no output")?;
        let reader = thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let pid = child.id();
        let process = Pid::from_child(&child);
        // Left as it is, so that its times can still be read.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        while waitid(WaitId::Pid(process), options)?.is_none() {
            self.peak_kib = self.peak_kib.max(peak_kib(pid));
            thread::sleep(Duration::from_millis(1));
        }
        self.wall_s.push(begun.elapsed().as_secs_f64());
        self.cpu_s.push(cpu_s(pid)?);
        let status = child.wait()?;
        ensure!(
            status.code().is_some_and(|code| code < 2),
            "{program} failed: {status}"
        );
        let copied = reader.join();
        ensure!(copied.is_ok(), "the reader of {program} died");
        Ok(())
    }

    /// Seconds of the clock, in the median.
    pub(super) fn wall_s(&self) -> f64 {
        median(&self.wall_s)
    }

    /// Seconds of the CPU, in the median.
    pub(super) fn cpu_s(&self) -> f64 {
        median(&self.cpu_s)
    }

    /// The largest resident size of all runs, in MiB.
    pub(super) fn peak_mib(&self) -> f64 {
        self.peak_kib as f64 / 1024.0
    }

    /// All figures.
    pub(super) fn shown(&self) -> String {
        format!(
            "{:.3} s ({:.2} CPU s, peak {:.0} MiB)",
            self.wall_s(),
            self.cpu_s(),
            self.peak_mib()
        )
    }
}

/// `VmHWM`: the largest resident size so far.
fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

/// User and kernel time of all threads: fields 14 and 15 of proc_pid_stat(5), in 1/100 s.
fn cpu_s(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, after_name) = stat.rsplit_once(')').context("no name in stat")?;
    let ticks: f64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    Ok(ticks / 100.0)
}
