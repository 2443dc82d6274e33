//! The procedures of one detection, done on the kernel at hand, and what it audited of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use indelible_detect::builtin::Engine;
use indelible_sys::audit::{Control, StatusChange};
use indelible_sys::inodes::{self, Inode};
use indelible_sys::lock::FileLock;
use indelible_testkit::KernelState;

use super::procedures::{AUID, Case, Procedures};
use super::scratch::{self, ROOM};

/// Does the procedures of a detection, and writes the file of its recorded cases.
pub(super) fn record(procedures: &Procedures, program: &Path, folder: &Path) -> Result<()> {
    scratch::shell(&procedures.prepare)?;
    // What an agent that starts now knows.
    let known = inodes::below(Engine::watched(), FOLDER_DEPTH, usize::MAX);
    let recorded = recorded(procedures, program);
    scratch::shell(
        "for pid in $(cat /mnt/pids 2>/dev/null); do kill $pid; done; rm -f /mnt/pids; true",
    )?;
    let text = text(procedures, known, &recorded?)?;
    let path = folder.join(format!("{}.toml", procedures.detection));
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Those that the records speak of.
fn spoken_of(mut known: Vec<Inode>, recorded: &[String]) -> Vec<Inode> {
    let places: BTreeSet<String> = recorded
        .iter()
        .flat_map(|records| records.lines())
        .filter(|line| line.starts_with("type=PATH "))
        .filter_map(|line| {
            Some(format!(
                "{} {}",
                word(line, " dev=")?,
                word(line, " inode=")?
            ))
        })
        .collect();
    known.retain(|inode| places.contains(&format!("{} {}", inode.dev, inode.number)));
    known
}

/// As a file of cases has it.
fn place(inode: &Inode) -> String {
    let mode = inode.mode.map(|mode| format!(" {mode:07o}"));
    format!("{} {}{}", inode.dev, inode.number, mode.unwrap_or_default())
}

fn word<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(name)?;
    rest.split(' ').next()
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
pub(super) fn load<'a>(rules: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut script = String::from("auditctl -D >/dev/null 2>&1\n");
    for rule in rules {
        let words: Vec<String> = rule.split(' ').map(|word| format!("'{word}'")).collect();
        let _ = writeln!(script, "auditctl {} || exit 1", words.join(" "));
    }
    scratch::shell(&script)
}

/// A spool's records as lines of an audit log, in the kernel's order: a search prints them by their
/// time, which a procedure may have changed.
pub(super) fn lines(program: &Path, spool: &Path) -> Result<String> {
    let output = Command::new(program)
        .args(["search", "--format", "raw", "--spool"])
        .arg(spool)
        .stdin(Stdio::null())
        .output()?;
    ensure!(output.status.success(), "search failed: {output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_by_key(|line| serial(line));
    Ok(lines.into_iter().flat_map(|line| [line, "\n"]).collect())
}

fn serial(line: &str) -> Option<u64> {
    let (_, serial) = stamp(line)?.rsplit_once(':')?;
    serial.parse().ok()
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
            // No capabilities from the file: a root whose bounds are narrower than usual.
            && !(line.starts_with("type=BPRM_FCAPS ") && line.contains(" fp=0 "))
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
pub(super) fn stamp(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(" msg=audit(")?;
    rest.split_once(')').map(|(stamp, _)| stamp)
}

fn marked(line: &str, from: u32) -> Option<usize> {
    let (_, rest) = line.split_once(" audit_backlog_limit=")?;
    let limit: u32 = rest.split(' ').next()?.parse().ok()?;
    let number = limit.checked_sub(from).filter(|number| *number < MARKS)?;
    usize::try_from(number).ok()
}

fn text(procedures: &Procedures, known: Vec<Inode>, recorded: &[String]) -> Result<String> {
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
    let known = spoken_of(known, recorded);
    if !known.is_empty() {
        text.push_str("\n[inodes]\n");
    }
    for inode in known {
        let _ = writeln!(text, "{:?} = {:?}", inode.path, place(&inode));
    }
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
pub(super) struct Capture(Child);

impl Capture {
    pub(super) fn start(program: &Path, spool: &Path) -> Result<Self> {
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

    pub(super) fn stop(mut self) -> Result<()> {
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

/// As deep as an agent looks.
const FOLDER_DEPTH: usize = 2;
/// What detections read of events.
const KEPT: &[&str] = &[
    "SYSCALL",
    "EXECVE",
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
    "BPRM_FCAPS",
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
