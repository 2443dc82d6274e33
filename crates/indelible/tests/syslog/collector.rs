//! A collector with all its receivers, as a process that can be killed, and what its store holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use indelible_log::dir::RealDir;
use indelible_log::entry::{CUT_BY_US, Header};
use indelible_log::{EntryRef, Hash, Kind, LogReader, StreamId};
use indelible_testkit::free_port;
use tempfile::TempDir;

/// A running collector; dropping it kills it.
pub(crate) struct Collector {
    folder: TempDir,
    options: Vec<String>,
    child: Option<Child>,
    ports: BTreeMap<&'static str, u16>,
}

/// One stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) header: Header,
    pub(crate) source: Option<String>,
    pub(crate) message: Vec<u8>,
}

/// What a store holds.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) messages: Vec<Stored>,
    pub(crate) gaps: Vec<serde_json::Value>,
    pub(crate) openings: BTreeMap<StreamId, serde_json::Value>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    /// Starts one whose store is `folder/store`.
    pub(crate) fn start_in(folder: TempDir) -> Self {
        let mut collector = Self {
            folder,
            options: Vec::new(),
            child: None,
            ports: BTreeMap::new(),
        };
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        collector.options = ["collector", "--supervised", "--store"]
            .map(str::to_owned)
            .to_vec();
        collector.options.push(text(collector.store()));
        collector
            .options
            .extend(["--pki".to_owned(), text(collector.pki())]);
        for receiver in RECEIVERS {
            let port = free_port();
            collector.ports.insert(receiver, port);
            let address = format!("127.0.0.1:{port}");
            collector.options.extend([format!("--{receiver}"), address]);
        }
        collector.run();
        collector
    }

    /// Starts the process again on the same addresses.
    pub(crate) fn run(&mut self) {
        let child = self.command(&self.options).stdin(Stdio::piped()).spawn();
        self.child = Some(child.unwrap());
        wait_for("the receivers", || {
            let port = self.port("relp-tls");
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
    }

    /// Kills it without warning.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Ends it in good order.
    pub(crate) fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }

    /// Ends it, checks that `verify` answers `code`, and reads the store.
    pub(crate) fn verified(&mut self, code: i32) -> Contents {
        self.stop();
        let (answered, text) = self.verify();
        assert_eq!(answered, Some(code), "{text}");
        self.contents()
    }

    /// What `verify` says of the store, and its exit code.
    pub(crate) fn verify(&self) -> (Option<i32>, String) {
        let words = ["verify", "--store", self.store().to_str().unwrap()].map(str::to_owned);
        let output = self
            .command(&words)
            .stdout(Stdio::piped())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text)
    }

    /// Waits until so many messages are stored.
    pub(crate) fn wait_for_messages(&self, count: usize) {
        wait_for(&format!("{count} messages"), || {
            self.contents().messages.len() >= count
        });
    }

    /// Reads the store, also beside its writer.
    pub(crate) fn contents(&self) -> Contents {
        let mut contents = Contents::default();
        self.for_each(|entry| contents.add(entry));
        contents
    }

    fn for_each(&self, mut then: impl FnMut(EntryRef<'_>)) {
        let Ok(dir) = RealDir::open(self.store()) else {
            return;
        };
        let Ok(reader) = LogReader::open(dir) else {
            return;
        };
        let mut next = 0;
        while let Some(part) = reader.part_at(next).unwrap() {
            for (_, entry) in reader.decode(&part).unwrap().iter_from(next) {
                then(EntryRef::parse(entry).unwrap());
            }
            next = part.end();
        }
    }

    /// Original lengths and hashes at the ends of the messages that we cut.
    pub(crate) fn trailers(&self) -> Vec<(u32, Hash)> {
        let mut trailers = Vec::new();
        self.for_each(|entry| {
            if entry.header().flags & CUT_BY_US != 0 {
                let (_, trailer) = entry.payload().split_last_chunk::<36>().unwrap();
                let length = u32::from_be_bytes(trailer[..4].try_into().unwrap());
                trailers.push((length, Hash::from_slice(&trailer[4..]).unwrap()));
            }
        });
        trailers
    }

    pub(crate) fn port(&self, receiver: &str) -> u16 {
        self.ports[receiver]
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub(crate) fn pki(&self) -> PathBuf {
        self.folder.path().join("pki")
    }

    /// Issues a certificate and gives its file and its key's.
    pub(crate) fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let words =
            ["pki", "issue", "--dir", self.pki().to_str().unwrap(), name].map(str::to_owned);
        assert!(self.command(&words).status().unwrap().success());
        (
            self.pki().join(format!("{name}.pem")),
            self.pki().join(format!("{name}-key.pem")),
        )
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_indelible"));
        let level = std::env::var("INDELIBLE_LOG").unwrap_or("error".into());
        command
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .env("INDELIBLE_LOG", level);
        command
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

impl Contents {
    fn add(&mut self, entry: EntryRef<'_>) {
        let header = entry.header();
        let json = || serde_json::from_slice(entry.payload()).unwrap();
        match header.kind {
            Kind::Syslog => {
                let (source, message) = entry.syslog().unwrap();
                self.messages.push(Stored {
                    header,
                    source: source.map(|source| String::from_utf8(source.to_vec()).unwrap()),
                    message: message.to_vec(),
                });
            }
            Kind::Gap => self.gaps.push(json()),
            Kind::StreamOpened => {
                self.openings.insert(header.stream, json());
            }
            _ => {}
        }
    }

    /// The messages of the streams that `receiver` opened for `peer`.
    pub(crate) fn of(&self, receiver: &str, peer: Option<&str>) -> Vec<&Stored> {
        let mine = |stored: &&Stored| {
            let opening = &self.openings[&stored.header.stream];
            opening["source"] == receiver && opening["peer"].as_str() == peer
        };
        self.messages.iter().filter(mine).collect()
    }

    /// Texts of those messages.
    pub(crate) fn texts(&self, receiver: &str, peer: Option<&str>) -> Vec<String> {
        let stored = self.of(receiver, peer);
        let text = |stored: &Stored| String::from_utf8_lossy(&stored.message).into_owned();
        stored.into_iter().map(text).collect()
    }

    /// Numbers after `nr=` in the messages, in the order of the log.
    pub(crate) fn numbers(&self) -> Vec<usize> {
        let number = |stored: &Stored| {
            let text = String::from_utf8_lossy(&stored.message).into_owned();
            text.split_once("nr=")?
                .1
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        };
        self.messages.iter().filter_map(number).collect()
    }
}

pub(crate) fn wait_for(what: &str, is_so: impl FnMut() -> bool) {
    indelible_testkit::wait_for(Duration::from_secs(60), what, is_so);
}

/// The last one is bound last.
const RECEIVERS: [&str; 6] = [
    "native",
    "syslog-udp",
    "syslog-tcp",
    "relp",
    "syslog-tls",
    "relp-tls",
];
