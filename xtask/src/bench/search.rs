//! Searching logs: `grep -c`, ausearch and ours in turn, on a flood and on a calm log.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::report::{Report, median};
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
    for (name, per_second) in [("flood", 14_000), ("calm", 20)] {
        let log = folder.path().join(format!("{name}.log"));
        write_log(&log, per_second)?;
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

/// Runs of one command.
#[derive(Debug, Default)]
struct Runs {
    wall_s: Vec<f64>,
    cpu_s: Vec<f64>,
    peak_kib: u64,
}

impl Runs {
    fn run(&mut self, program: &str, arguments: &[&str]) -> Result<()> {
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

    fn wall_s(&self) -> f64 {
        median(&self.wall_s)
    }

    fn cpu_s(&self) -> f64 {
        median(&self.cpu_s)
    }

    fn shown(&self) -> String {
        format!(
            "{:.3} s ({:.2} CPU s, peak {:.0} MiB)",
            self.wall_s(),
            self.cpu_s(),
            self.peak_kib as f64 / 1024.0
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

/// A log of opened files, as auditd writes it with `log_format = ENRICHED`.
fn write_log(path: &Path, per_second: u64) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let (mut written, mut serial, mut random) = (0, 1000u64, 7u64);
    let mut event = String::new();
    while written < LOG_BYTES {
        serial += 1;
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let ms = 1_790_000_000_000 + serial * 1000 / per_second;
        let stamp = format!("audit({}.{:03}:{serial})", ms / 1000, ms % 1000);
        let (pid, session, inode) = (300 + random % 90_000, random % 40, random % 1_000_000);
        let (name, title) = NAMES[(random % 4) as usize];
        event.clear();
        let _ = writeln!(
            event,
            "type=SYSCALL msg={stamp}: arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c \
             a1=7ffd{:08x} a2=0 a3=0 items=1 ppid={} pid={pid} auid=1000 uid=0 gid=0 euid=0 suid=0 \
             fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses={session} comm=\"cat\" exe=\"/usr/bin/cat\" \
             subj=unconfined key=\"{KEY}\"\x1dARCH=x86_64 SYSCALL=openat AUID=\"alice\" UID=\"root\" \
             GID=\"root\" EUID=\"root\" SUID=\"root\" FSUID=\"root\" EGID=\"root\" SGID=\"root\" \
             FSGID=\"root\"\n\
             type=CWD msg={stamp}: cwd=\"/root\"\n\
             type=PATH msg={stamp}: item=0 name={name} inode={inode} dev=fe:00 mode=0100640 ouid=0 \
             ogid=42 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 \
             cap_frootid=0\x1dOUID=\"root\" OGID=\"shadow\"\n\
             type=PROCTITLE msg={stamp}: proctitle={title}",
            random & 0xffff_ffff,
            pid - 1,
        );
        file.write_all(event.as_bytes())?;
        written += event.len();
    }
    file.flush()?;
    Ok(())
}

/// Names as the kernel writes them, and the command lines of who opened them.
const NAMES: [(&str, &str); 4] = [
    ("\"/etc/shadow\"", "636174002F6574632F736861646F77"),
    ("\"/etc/passwd\"", "636174002F6574632F706173737764"),
    (
        "\"/usr/share/locale/de/LC_MESSAGES/coreutils.mo\"",
        "636174002F7573722F7368617265",
    ),
    (
        "2F7372762F7265706F727420323032362E747874",
        "636174002F7372762F7265706F727420323032362E747874",
    ),
];
const KEY: &str = "file_watch";
const ABSENT: &str = "shadow_watch";
const LOG_BYTES: usize = 130_000_000;
const LINKS: u32 = 76;
const ROUNDS: usize = 5;
