//! `cargo xtask detections record`: does the procedures on this kernel and keeps what it audits.
//!
//! Needs root and the kernel's audit, which is held for one detection at a time. Rules are held to a
//! login that nobody else has; the state of the kernel's audit is put back.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use indelible_sys::audit::{Control, StatusChange};
use indelible_sys::lock::FileLock;
use indelible_testkit::KernelState;

use super::HELD_OUT;
use super::procedures::{AUID, Case, Procedures, read_all, read_held_out};
use super::scratch::{self, ROOM};
use crate::shell;

/// Records the detections with these ids; all where none is named. `--held-out` in front: the cases
/// that were written after the detections were fixed.
pub(super) fn run(words: &[&str]) -> Result<()> {
    if !scratch::is_inside() {
        shell::run(shell::command(
            "cargo",
            &["build", "--quiet", "-p", "indelible"],
        ))?;
        return scratch::enter(&[&["detections", "record"], words].concat());
    }
    let program = Path::new(ROOM).join("indelible");
    let built = shell::target().join("debug/indelible");
    let mut folder = shell::root().join("tests/detections");
    let mut all = read_all(&folder.join("procedures"))?;
    let only = match words {
        ["--held-out", only @ ..] => {
            folder = folder.join(HELD_OUT);
            all = read_held_out(&folder.join("procedures"), all)?;
            only
        }
        only => only,
    };
    scratch::lay()?;
    fs::copy(&built, &program).with_context(|| format!("cannot copy {}", built.display()))?;
    for procedures in &all {
        let id = procedures.detection.as_str();
        if !only.is_empty() && !only.contains(&id) {
            continue;
        }
        if let Some(reason) = &procedures.constructed {
            println!("{id}: not recorded: {reason}");
            continue;
        }
        scratch::shell(&procedures.prepare)?;
        let recorded = recorded(procedures, &program);
        scratch::shell(
            "for pid in $(cat /mnt/pids 2>/dev/null); do kill $pid; done; rm -f /mnt/pids; true",
        )?;
        let text = text(procedures, &recorded?)?;
        let path = folder.join(format!("recorded/{id}.toml"));
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{id}: {} cases", procedures.cases.len());
    }
    Ok(())
}

/// Does an administrator's everyday work with all rules loaded, and prints what is found in it.
pub(super) fn benign() -> Result<()> {
    if !scratch::is_inside() {
        shell::run(shell::command(
            "cargo",
            &["build", "--quiet", "-p", "indelible"],
        ))?;
        return scratch::enter(&["detections", "benign"]);
    }
    let program = Path::new(ROOM).join("indelible");
    let folder = shell::root().join("tests/detections");
    let all = read_all(&folder.join("procedures"))?;
    let work = fs::read_to_string(folder.join("benign.sh"))?;
    let built = shell::target().join("debug/indelible");
    scratch::lay()?;
    fs::copy(&built, &program).with_context(|| format!("cannot copy {}", built.display()))?;
    let rules: BTreeSet<&str> = all
        .iter()
        .flat_map(|one| &one.rules)
        .map(String::as_str)
        .collect();
    // Kept, so that what is found can be explained.
    let log = shell::target().join("detections-benign.log");
    {
        let _lock = FileLock::wait(&scratch::lock())?;
        let before = KernelState::now()?;
        let spool = Path::new(ROOM).join("spool/benign");
        let worked = worked(&program, &spool, &rules, &work);
        before.restore()?;
        let (text, seconds) = worked?;
        let events: BTreeSet<&str> = text.lines().filter_map(stamp).collect();
        println!(
            "everyday work: {seconds} s with all rules loaded, {} events, {} records, {} bytes",
            events.len(),
            text.lines().count(),
            text.len()
        );
        fs::write(&log, text)?;
    }
    let status = Command::new(&program)
        .args(["detect", "run"])
        .arg(&log)
        .stdin(Stdio::null())
        .status()?;
    ensure!(status.success(), "detect run failed: {status}");
    Ok(())
}

fn worked(
    program: &Path,
    spool: &Path,
    rules: &BTreeSet<&str>,
    work: &str,
) -> Result<(String, u64)> {
    let capture = Capture::start(program, spool)?;
    load(rules.iter().copied())?;
    let began = Instant::now();
    scratch::logged_in(work, AUID)?;
    let seconds = began.elapsed().as_secs();
    // Before the rules are put back: that would be told as tampering.
    capture.stop()?;
    Ok((lines(program, spool)?, seconds))
}

/// The records of each case.
fn recorded(procedures: &Procedures, program: &Path) -> Result<Vec<String>> {
    let _lock = FileLock::wait(&scratch::lock())?;
    let before = KernelState::now()?;
    let log = session(procedures, program);
    before.restore()?;
    split(&log?, procedures.cases.len())
}

fn session(procedures: &Procedures, program: &Path) -> Result<String> {
    let spool = Path::new(ROOM).join("spool").join(&procedures.detection);
    let capture = Capture::start(program, &spool)?;
    let reset = || -> Result<()> {
        let mut control = Control::open()?;
        control.set(StatusChange::Enabled(1))?;
        control.set(StatusChange::RateLimit(0))?;
        control.set(StatusChange::BacklogLimit(16_384))?;
        control.set(StatusChange::Failure(1))?;
        load(procedures.rules.iter().map(String::as_str))
    };
    reset()?;
    for (number, case) in procedures.cases.iter().enumerate() {
        if procedures.resets {
            reset()?;
        }
        mark(BEGIN, number)?;
        procedure(case)?;
        if procedures.resets {
            // What the case switched off would hide the mark.
            Control::open()?.set(StatusChange::Enabled(1))?;
            Control::open()?.set(StatusChange::RateLimit(0))?;
        }
        mark(END, number)?;
    }
    capture.stop()?;
    lines(program, &spool)
}

/// Loads these rules and no others.
fn load<'a>(rules: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut script = String::from("auditctl -D >/dev/null 2>&1\n");
    for rule in rules {
        let words: Vec<String> = rule.split(' ').map(|word| format!("'{word}'")).collect();
        let _ = writeln!(script, "auditctl {} || exit 1", words.join(" "));
    }
    scratch::shell(&script)
}

/// A spool's records as lines of an audit log.
fn lines(program: &Path, spool: &Path) -> Result<String> {
    let output = Command::new(program)
        .args(["search", "--format", "raw", "--spool"])
        .arg(spool)
        .stdin(Stdio::null())
        .output()?;
    ensure!(output.status.success(), "search failed: {output:?}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn procedure(case: &Case) -> Result<()> {
    scratch::logged_in(&case.run, AUID).with_context(|| case.name.clone())?;
    // What it left in the background.
    std::thread::sleep(SETTLE);
    Ok(())
}

/// The length of the kernel's queue is a mark: setting it is recorded whatever rules are loaded.
fn mark(from: u32, number: usize) -> Result<()> {
    let limit = from + u32::try_from(number)?;
    Control::open()?.set(StatusChange::BacklogLimit(limit))?;
    Ok(())
}

/// The lines between the marks of each case, without those that no detection reads.
fn split(log: &str, cases: usize) -> Result<Vec<String>> {
    let own = recorders(log);
    let mut all = vec![String::new(); cases];
    let mut current: Option<usize> = None;
    let (mut begun, mut ended) = (0, 0);
    for line in log.lines() {
        if let Some(number) = marked(line, BEGIN) {
            current = Some(number).filter(|number| *number < cases);
            begun += 1;
        } else if marked(line, END).is_some() {
            current = None;
            ended += 1;
        } else if let Some(number) = current
            && KEPT
                .iter()
                .any(|kept| line.starts_with(&format!("type={kept} ")))
            && stamp(line).is_none_or(|stamp| !own.contains(stamp))
        {
            all[number].push_str(line);
            all[number].push('\n');
        }
    }
    ensure!(
        begun == cases && ended == cases,
        "{begun} beginnings and {ended} ends of {cases} cases were recorded"
    );
    Ok(all)
}

/// The events of the recorder itself: its marks and what it puts back.
fn recorders(log: &str) -> BTreeSet<&str> {
    let program = std::env::current_exe().unwrap_or_default();
    let exe = format!(" exe=\"{}\"", program.display());
    log.lines()
        .filter(|line| line.contains(&exe))
        .filter_map(stamp)
        .collect()
}

/// The time and serial that the records of an event share.
fn stamp(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(" msg=audit(")?;
    rest.split_once(')').map(|(stamp, _)| stamp)
}

fn marked(line: &str, from: u32) -> Option<usize> {
    let (_, rest) = line.split_once(" audit_backlog_limit=")?;
    let limit: u32 = rest.split(' ').next()?.parse().ok()?;
    let number = limit.checked_sub(from).filter(|number| *number < MARKS)?;
    usize::try_from(number).ok()
}

fn text(procedures: &Procedures, recorded: &[String]) -> Result<String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mut text = format!(
        "# Recorded by `cargo xtask detections record` on Linux {} ({}): not to be edited.\n\
         # The procedures stand in ../procedures/{}.toml.\n\
         detection = \"{}\"\n",
        release.trim(),
        std::env::consts::ARCH,
        procedures.detection,
        procedures.detection,
    );
    for (case, records) in procedures.cases.iter().zip(recorded) {
        if records.contains("'''") {
            bail!("{:?}: the records cannot stand in a file", case.name);
        }
        let _ = write!(
            text,
            "\n[[case]]\nname = {:?}\nexpect = {:?}\nrecords = '''\n{records}'''\n",
            case.name, case.expect
        );
    }
    Ok(text)
}

/// Capture of the kernel's records into a spool.
struct Capture(Child);

impl Capture {
    fn start(program: &Path, spool: &Path) -> Result<Self> {
        let child = Command::new(program)
            .args([
                "agent",
                "--role",
                "capture",
                "--capture",
                "kernel",
                "--supervised",
                "--spool",
            ])
            .arg(spool)
            .env("INDELIBLE_LOG", "error")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start capture")?;
        let capture = Self(child);
        let opened: PathBuf = spool.join("capture/opened");
        let until = Instant::now() + START_TIMEOUT;
        while fs::read_dir(&opened).is_ok_and(|mut items| items.next().is_some())
            && Control::open()?.status()?.pid == 0
            || !opened.exists()
        {
            ensure!(Instant::now() < until, "capture does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        // Registered and enabled.
        while Control::open()?.status()?.enabled == 0 {
            ensure!(Instant::now() < until, "capture does not enable auditing");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(capture)
    }

    fn stop(mut self) -> Result<()> {
        std::thread::sleep(SETTLE);
        drop(self.0.stdin.take());
        let status = self.0.wait()?;
        ensure!(status.success(), "capture failed: {status}");
        Ok(())
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// What detections read of events.
const KEPT: &[&str] = &[
    "SYSCALL",
    "CWD",
    "PATH",
    "SOCKADDR",
    "OBJ_PID",
    "CONFIG_CHANGE",
    "KERN_MODULE",
    "BPF",
    "TIME_INJOFFSET",
    "TIME_ADJNTPVAL",
    "ANOM_ABEND",
    "OPENAT2",
    "DAEMON_START",
    "DAEMON_END",
];
/// Lengths of the queue from here on mark beginnings and ends of cases.
const BEGIN: u32 = 20_000;
const END: u32 = 21_000;
const MARKS: u32 = 1_000;
/// How long what a script left in the background may take.
const SETTLE: Duration = Duration::from_millis(150);
const START_TIMEOUT: Duration = Duration::from_secs(20);
