//! A collector as a process, over plain HTTP and syslog on loopback.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use indelible_log::dir::RealDir;
use indelible_log::{EntryRef, Kind, LogReader};
use indelible_testkit::free_port;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_indelible");
pub(crate) const SECRET: &str = "not-a-real-token";
pub(crate) const ORIGIN: &str = "log.example/integrity";

/// A collector; dropping it ends the process.
pub(crate) struct Collector {
    folder: TempDir,
    options: Vec<String>,
    child: Option<Child>,
    /// What it said on its standard error, line by line.
    pub(crate) said: Option<Receiver<String>>,
    http: u16,
    syslog: u16,
    native: u16,
}

impl Collector {
    /// With a new store and these options.
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut collector = Self::new(options);
        collector.run();
        collector
    }

    /// As [`Collector::start`], without the process.
    pub(crate) fn new(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let digits: String = digest(&SHA256, SECRET.as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let tokens = folder.path().join("tokens");
        fs::write(&tokens, format!("tester 2999-01-01T00:00:00Z {digits}\n")).unwrap();
        let (http, syslog, native) = (free_port(), free_port(), free_port());
        let mut collector = Self {
            folder,
            options: Vec::new(),
            child: None,
            said: None,
            http,
            syslog,
            native,
        };
        collector.options = vec![
            "collector".into(),
            "--supervised".into(),
            "--store".into(),
            collector.store().to_str().unwrap().into(),
            "--origin".into(),
            ORIGIN.into(),
            "--native".into(),
            format!("127.0.0.1:{native}"),
            "--pki".into(),
            collector.pki().to_str().unwrap().into(),
            "--http".into(),
            format!("127.0.0.1:{http}"),
            "--syslog-tcp".into(),
            format!("127.0.0.1:{syslog}"),
            "--http-tokens".into(),
            tokens.to_str().unwrap().into(),
        ];
        let options = options.iter().map(|option| (*option).to_owned());
        collector.options.extend(options);
        collector
    }

    /// Starts the process and waits until it serves.
    pub(crate) fn run(&mut self) {
        self.spawn();
        wait_for("the collector", || self.is_ready());
        let address = ("127.0.0.1", self.syslog);
        wait_for("syslog", || TcpStream::connect(address).is_ok());
    }

    fn is_ready(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.http)).is_ok() && self.get("/readyz", None).0 == 200
    }

    /// Starts the process, and waits for nothing.
    pub(crate) fn spawn(&mut self) {
        let mut child = self
            .command()
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (say, said) = channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = say.send(line);
            }
        });
        self.child = Some(child);
        self.said = Some(said);
    }

    /// Runs it where it must refuse to; answers what it said.
    pub(crate) fn refuses(&self) -> String {
        let Output { status, stderr, .. } = self.command().stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&stderr).into_owned();
        assert_eq!(status.code(), Some(2), "{text}");
        text
    }

    /// As [`Collector::refuses`], over the store of another one.
    pub(crate) fn refuses_with(&self, store: &Path) -> String {
        let mut other = self.options.clone();
        let at = other.iter().position(|option| option == "--store").unwrap();
        other[at + 1] = store.to_str().unwrap().to_owned();
        let output = Command::new(PROGRAM)
            .args(&other)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        text
    }

    pub(crate) fn syslog(&self) -> String {
        format!("127.0.0.1:{}", self.syslog)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(&self.options).env("NO_COLOR", "1");
        command
    }

    /// Ends it in good order.
    pub(crate) fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }

    /// Kills it without warning.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub(crate) fn pki(&self) -> PathBuf {
        self.folder.path().join("pki")
    }

    pub(crate) fn native(&self) -> String {
        format!("127.0.0.1:{}", self.native)
    }

    /// The file of the token that reads entries.
    pub(crate) fn token_file(&self) -> PathBuf {
        let path = self.folder.path().join("token");
        fs::write(&path, format!("{SECRET}\n")).unwrap();
        path
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    /// Waits for a line on its standard error.
    pub(crate) fn says(&self, words: &str) -> String {
        let said = self.said.as_ref().unwrap();
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = said.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("{words:?} was not said"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Sends messages and waits until they are under a published checkpoint.
    pub(crate) fn grow(&self, messages: usize) {
        let before = self.pending();
        let mut socket = TcpStream::connect(("127.0.0.1", self.syslog)).unwrap();
        for number in 0..messages {
            writeln!(socket, "<13>Oct 11 22:14:15 web1 app: message {number}").unwrap();
        }
        drop(socket);
        let size = before + messages as u64;
        wait_for("the messages", || self.pending() >= size);
    }

    /// Size of the newest checkpoint of all.
    pub(crate) fn pending(&self) -> u64 {
        size(&self.get("/pending-checkpoint", None))
    }

    /// Size of the newest shown checkpoint; 0 where there is none.
    pub(crate) fn shown(&self) -> u64 {
        size(&self.get("/checkpoint", None))
    }

    /// Status and body.
    pub(crate) fn get(&self, path: &str, token: Option<&str>) -> (u16, Vec<u8>) {
        let answer = indelible_testkit::get(&format!("127.0.0.1:{}", self.http), path, token);
        (answer.status, answer.body)
    }

    /// The JSON payloads of a kind in the store, in the order of the log.
    pub(crate) fn payloads(&self, kind: Kind) -> Vec<Value> {
        let mut found = Vec::new();
        let reader = LogReader::open(RealDir::open(self.store()).unwrap()).unwrap();
        let mut next = 0;
        while let Some(part) = reader.part_at(next).unwrap() {
            for (_, entry) in reader.decode(&part).unwrap().iter_from(next) {
                let entry = EntryRef::parse(entry).unwrap();
                if entry.header().kind == kind {
                    found.push(serde_json::from_slice(entry.payload()).unwrap());
                }
            }
            next = part.end();
        }
        found
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn size((status, note): &(u16, Vec<u8>)) -> u64 {
    let note = String::from_utf8_lossy(note);
    let size = note.lines().nth(1).and_then(|line| line.parse().ok());
    size.filter(|_| *status == 200).unwrap_or(0)
}

/// Runs the program; its exit code and what it printed.
pub(crate) fn run(words: &[&str]) -> (i32, String) {
    let output = Command::new(PROGRAM)
        .args(words)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text += &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &target);
        } else {
            fs::copy(item.path(), target).unwrap();
        }
    }
}

pub(crate) fn wait_for(what: &str, is_so: impl FnMut() -> bool) {
    indelible_testkit::wait_for(PATIENCE, what, is_so);
}

const PATIENCE: Duration = Duration::from_secs(60);
