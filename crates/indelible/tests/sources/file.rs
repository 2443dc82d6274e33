//! `--capture file:PATH`: a log that is renamed, copied and cut, and a reader that is killed.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::agent::{Agent, Spooled, wait_for};

/// A log with a writer that rotates it.
struct Log {
    path: PathBuf,
    file: File,
    written: Vec<Vec<u8>>,
}

impl Log {
    fn new(folder: &Path) -> Self {
        let path = folder.join("audit.log");
        Self {
            file: File::create(&path).unwrap(),
            path,
            written: Vec::new(),
        }
    }

    fn write(&mut self, lines: usize) {
        for _ in 0..lines {
            let serial = self.written.len();
            let line = format!(
                "type=USER msg=audit(1700000000.{:03}:{serial}): pid=1 msg='line {serial}'",
                serial % 1000
            );
            // In two writes now and then: a reader may see half of it.
            let (one, other) = line.split_at(if serial.is_multiple_of(7) {
                30
            } else {
                line.len()
            });
            self.file.write_all(one.as_bytes()).unwrap();
            self.file
                .write_all(format!("{other}\n").as_bytes())
                .unwrap();
            self.written.push(line.into_bytes());
        }
    }

    fn numbered(&self, number: usize) -> PathBuf {
        PathBuf::from(format!("{}.{number}", self.path.display()))
    }

    fn shift(&self) {
        for number in (1..30).rev() {
            let _ = fs::rename(self.numbered(number), self.numbered(number + 1));
        }
    }

    /// As auditd does it.
    fn rename(&mut self) {
        self.shift();
        fs::rename(&self.path, self.numbered(1)).unwrap();
        self.file = File::create(&self.path).unwrap();
    }

    /// As logrotate's copytruncate does it, with a writer that appends.
    fn copy_and_cut(&mut self) {
        self.shift();
        fs::copy(&self.path, self.numbered(1)).unwrap();
        self.file.set_len(0).unwrap();
        self.file = File::options().append(true).open(&self.path).unwrap();
    }
}

fn agent(folder: &Path, log: &Log) -> Agent {
    let capture = format!("file:{}", log.path.display());
    Agent::new(&folder.join("spool"), "capture", &["--capture", &capture])
}

fn assert_exactly(folder: &Path, log: &Log) {
    let spooled = Spooled::read(&folder.join("spool"));
    assert_eq!(spooled.gaps, Vec::<String>::new());
    let differs = spooled
        .lines
        .iter()
        .zip(&log.written)
        .position(|(spooled, written)| spooled != written);
    assert_eq!(differs, None, "the first line that differs");
    assert_eq!(spooled.lines.len(), log.written.len());
    // Also the heads: signed, by certified keys, one epoch per start.
    assert_eq!(verify(folder), Some(0));
}

fn verify(folder: &Path) -> Option<i32> {
    let status = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .arg("verify")
        .arg("--spool")
        .arg(folder.join("spool"))
        .stdout(Stdio::null())
        .status();
    status.unwrap().code()
}

#[test]
fn kills_and_rotation_lose_and_repeat_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::new(folder.path());
    let mut agent = agent(folder.path(), &log);
    // The first start begins with the log itself, whatever was rotated before.
    agent.start();
    log.write(10);
    agent.wait_for_lines(10);
    agent.kill();
    for round in 0..12 {
        agent.start();
        log.write(400);
        // The reader is somewhere in the file, or not yet there.
        std::thread::sleep(Duration::from_millis([0, 15, 60, 250][round % 4]));
        match round % 3 {
            0 => log.rename(),
            1 => log.copy_and_cut(),
            _ => {}
        }
        log.write(100);
        if round % 2 == 1 {
            // Twice while it is away.
            agent.kill();
            log.rename();
            log.write(50);
            log.copy_and_cut();
            log.write(50);
        } else {
            std::thread::sleep(Duration::from_millis(20));
            agent.kill();
        }
    }
    agent.start();
    wait_for("the end of the log", || {
        let spooled = Spooled::read(&folder.path().join("spool"));
        spooled.lines.last() == log.written.last()
    });
    agent.stop();
    assert_exactly(folder.path(), &log);
}

#[test]
fn a_torn_position_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::new(folder.path());
    let mut agent = agent(folder.path(), &log);
    agent.start();
    log.write(100);
    agent.wait_for_lines(100);
    std::thread::sleep(Duration::from_millis(300));
    log.write(100);
    agent.wait_for_lines(200);
    agent.stop();
    // The newer of the two slots is destroyed; the older one and the stream say the same.
    let positions = folder.path().join("spool/capture/positions");
    let position = fs::read_dir(positions)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = fs::read(&position).unwrap();
    let number = |slot: &[u8]| {
        let text = String::from_utf8_lossy(slot).into_owned();
        let (_, rest) = text.split_once("\"number\":")?;
        rest.split_once(',')?.0.parse::<u64>().ok()
    };
    let newer = usize::from(number(&bytes[1024..]) > number(&bytes[..1024]));
    bytes[newer * 1024 + 20] ^= 0xff;
    fs::write(&position, bytes).unwrap();
    log.write(100);
    agent.start();
    agent.wait_for_lines(300);
    agent.stop();
    assert_exactly(folder.path(), &log);
}

#[test]
fn a_file_that_is_gone_becomes_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::new(folder.path());
    let mut agent = agent(folder.path(), &log);
    agent.start();
    log.write(10);
    agent.wait_for_lines(10);
    agent.stop();
    fs::remove_file(&log.path).unwrap();
    // Another inode for sure: the old one may be given out again at once.
    let _other = File::create(folder.path().join("other")).unwrap();
    log.file = File::create(&log.path).unwrap();
    log.write(10);
    agent.start();
    agent.wait_for_lines(20);
    agent.stop();
    let spooled = Spooled::read(&folder.path().join("spool"));
    assert_eq!(spooled.lines, log.written);
    assert_eq!(spooled.gaps.len(), 1);
    assert!(spooled.gaps[0].contains("file-lost"), "{:?}", spooled.gaps);
}

/// Whoever takes the keys away is seen: a new chain begins, and a gap says so.
#[test]
fn a_lost_key_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::new(folder.path());
    let mut agent = agent(folder.path(), &log);
    for round in 1..=2 {
        agent.start();
        log.write(10);
        agent.wait_for_lines(10 * round);
        agent.stop();
        fs::remove_file(folder.path().join("spool/capture/epoch-key")).unwrap();
    }
    let spooled = Spooled::read(&folder.path().join("spool"));
    assert_eq!(spooled.gaps.len(), 1);
    assert!(
        spooled.gaps[0].contains("signer-lost"),
        "{:?}",
        spooled.gaps
    );
    assert_eq!(verify(folder.path()), Some(1));
}

/// A line of any bytes and of any length is bounded, hashed and followed by the next.
#[test]
fn a_line_of_50_mib_is_cut_and_the_next_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::new(folder.path());
    let chunk = vec![0xff; 1 << 20];
    for _ in 0..50 {
        log.file.write_all(&chunk).unwrap();
    }
    log.file.write_all(b"\nafter\n").unwrap();
    let mut agent = agent(folder.path(), &log);
    agent.start();
    agent.wait_for_lines(2);
    agent.kill();
    log.file.write_all(b"last\n").unwrap();
    agent.start();
    agent.wait_for_lines(3);
    agent.stop();
    let spooled = Spooled::read(&folder.path().join("spool"));
    assert_eq!(spooled.lines[0].len(), 65_000 - 2);
    assert_eq!(spooled.lines[1..], [b"after".to_vec(), b"last".to_vec()]);
    assert!(spooled.gaps.is_empty());
}
