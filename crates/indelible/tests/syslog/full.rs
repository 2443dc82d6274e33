//! A disk that fills: nothing is acknowledged, nothing is lost, and it mends by itself.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::collector::Collector;
use super::peer::{connect, send};

/// A file system in memory; dropping it unmounts it.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts one at `path`, where that is allowed.
    fn mount(path: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(path)
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            eprintln!("skipped: cannot mount a tmpfs here");
            return None;
        }
        Some(Self {
            path: path.to_owned(),
        })
    }

    /// Takes all of the room.
    fn fill(&self) -> PathBuf {
        let path = self.path.join("filler");
        let mut file = fs::File::create(&path).unwrap();
        let bytes = [0; 64 << 10];
        while file.write_all(&bytes).is_ok() {}
        while file.write_all(&bytes[..512]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, as something may still be open.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

/// RELP answers, counted as they come.
struct Client {
    stream: TcpStream,
    sent: usize,
    answered: usize,
}

impl Client {
    fn open(collector: &Collector) -> Self {
        let mut stream = connect(collector, "relp");
        stream.write_all(b"1 open 15 commands=syslog\n").unwrap();
        let mut buffer = [0; 4096];
        assert!(stream.read(&mut buffer).unwrap() > 0);
        Self {
            stream,
            sent: 1,
            answered: 0,
        }
    }

    fn send(&mut self, count: usize) {
        for _ in 0..count {
            self.sent += 1;
            let message = format!("<13>host app: nr={}", self.sent);
            let frame = format!("{} syslog {} {message}\n", self.sent, message.len());
            self.stream.write_all(frame.as_bytes()).unwrap();
        }
    }

    /// Reads answers until `wanted` have come, or none comes for a while.
    fn read(&mut self, wanted: usize, patience: Duration) {
        self.stream.set_read_timeout(Some(patience)).unwrap();
        let mut buffer = [0; 64 << 10];
        while self.answered < wanted {
            match self.stream.read(&mut buffer) {
                Ok(0) => panic!("the collector ended the connection"),
                Ok(read) => {
                    let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
                    self.answered += text.matches("200 OK").count();
                }
                Err(_) => return,
            }
        }
    }
}

#[test]
fn a_full_disk_acknowledges_nothing_and_recovers_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&folder.path().join("store"), "64m") else {
        return;
    };
    let mut collector = Collector::start_in(folder);
    let mut client = Client::open(&collector);
    client.send(100);
    client.read(100, Duration::from_secs(20));
    assert_eq!(client.answered, 100);

    let filler = disk.fill();
    client.send(300);
    send(&collector, "syslog-tcp", b"<13>plain nr=1000\n");
    client.read(400, Duration::from_secs(3));
    // A few may fit into what the file of the newest entries has left of its last page.
    let before = client.answered;
    assert!(before < 400, "acknowledged without room");

    fs::remove_file(filler).unwrap();
    client.read(400, Duration::from_secs(20));
    assert_eq!(client.answered, 400);
    client.send(100);
    client.read(500, Duration::from_secs(20));
    assert_eq!(client.answered, 500);
    collector.wait_for_messages(501);

    let mut numbers = collector.verified(0).numbers();
    numbers.sort_unstable();
    let expected: Vec<usize> = (2..=501).chain([1000]).collect();
    assert_eq!(numbers, expected);
    drop(collector);
    drop(disk);
}
