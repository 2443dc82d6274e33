//! A spool that is full: nothing is lost where the policy is to wait, and what is dropped is counted.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::agent::{Spooled, wait_for};

/// A small file system, unmounted at the end.
struct Disk(PathBuf);

impl Disk {
    /// `None`, with a line that says why, where this process may not mount.
    fn mount(test: &str, folder: &Path, bytes: u64) -> Option<Self> {
        let path = folder.join("disk");
        fs::create_dir(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o"])
            .arg(format!("size={bytes},mode=755"))
            .arg("indelible-test")
            .arg(&path)
            .stderr(Stdio::null())
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            eprintln!("skipped: {test}: cannot mount a tmpfs");
            return None;
        }
        Some(Self(path))
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut filler = File::create(self.0.join("filler")).unwrap();
        while filler.write_all(&[7; 4096]).is_ok() {}
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Capture of lines from standard input.
fn start(spool: &Path, words: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args([
            "agent",
            "--capture",
            "audisp",
            "--role",
            "capture",
            "--spool",
        ])
        .arg(spool)
        .args(words)
        .env(
            "INDELIBLE_LOG",
            std::env::var("INDELIBLE_LOG").unwrap_or("off".into()),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn lines(count: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for serial in 0..count {
        writeln!(
            text,
            "type=USER msg=audit(1700000000.000:{serial}): {serial:0200}"
        )
        .unwrap();
    }
    text
}

/// What gap entries say is missing.
fn counted(spooled: &Spooled) -> u64 {
    let gaps = spooled.gaps.iter().map(|gap| {
        let gap: serde_json::Value = serde_json::from_str(gap).unwrap();
        assert_eq!(gap["reason"], "dropped");
        gap["count"].as_u64().unwrap()
    });
    gaps.sum()
}

#[test]
fn where_it_may_wait_a_full_disk_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(
        "where_it_may_wait_a_full_disk_loses_nothing",
        folder.path(),
        32 << 20,
    ) else {
        return;
    };
    let spool = disk.0.join("spool");
    let words = ["--when-full", "block", "--min-free", "0"];
    let mut capture = start(&spool, &words);
    let mut input = capture.stdin.take().unwrap();
    input.write_all(&lines(10)).unwrap();
    wait_for("the first lines", || {
        Spooled::read(&spool).lines.len() == 10
    });
    disk.fill();
    // More than waits in memory: the writer is held up.
    let count = 60_000;
    let writer = std::thread::spawn(move || input.write_all(&lines(count)));
    std::thread::sleep(Duration::from_millis(1500));
    assert!(!writer.is_finished());
    disk.empty();
    writer.join().unwrap().unwrap();
    assert!(capture.wait().unwrap().success());
    let spooled = Spooled::read(&spool);
    assert_eq!(spooled.gaps, Vec::<String>::new());
    assert_eq!(spooled.lines.len(), 10 + count);
    assert_eq!(verify(&spool), Some(0));
}

#[test]
fn where_it_must_go_on_a_full_disk_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(
        "where_it_must_go_on_a_full_disk_is_counted",
        folder.path(),
        64 << 20,
    ) else {
        return;
    };
    let spool = disk.0.join("spool");
    let mut capture = start(&spool, &["--when-full", "drop-oldest", "--min-free", "0"]);
    let mut input = capture.stdin.take().unwrap();
    input.write_all(&lines(10)).unwrap();
    wait_for("the first lines", || {
        Spooled::read(&spool).lines.len() == 10
    });
    disk.fill();
    let count = 80_000;
    input.write_all(&lines(count)).unwrap();
    disk.empty();
    std::thread::sleep(Duration::from_millis(600));
    input.write_all(&lines(5)).unwrap();
    drop(input);
    assert!(capture.wait().unwrap().success());
    let spooled = Spooled::read(&spool);
    let missing = (10 + count + 5 - spooled.lines.len()) as u64;
    assert!(missing > 0);
    assert_eq!(counted(&spooled), missing, "{:?}", spooled.gaps);
    assert_eq!(verify(&spool), Some(1));
}

#[test]
fn a_limit_removes_the_oldest_and_counts_them() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let words = [
        "--max-bytes",
        "2000000",
        "--min-free",
        "0",
        "--when-full",
        "drop-oldest",
    ];
    let mut capture = start(&spool, &words);
    let mut input = capture.stdin.take().unwrap();
    let count = 40_000;
    input.write_all(&lines(count)).unwrap();
    drop(input);
    assert!(capture.wait().unwrap().success());
    let spooled = Spooled::read(&spool);
    let missing = (count - spooled.lines.len()) as u64;
    assert!(missing > 0);
    // Openings, heads and gap entries of the removed streams are counted with the rest.
    let counted = counted(&spooled);
    assert!(
        (missing..missing + 500).contains(&counted),
        "{missing} missing, {counted} counted"
    );
    assert_eq!(verify(&spool), Some(1));
    let bytes: u64 = walk(&spool)
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!(bytes < 2_600_000, "{bytes}");
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}

fn verify(spool: &Path) -> Option<i32> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_indelible"));
    command.arg("verify").arg("--spool").arg(spool);
    let output = command.output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    output.status.code()
}
