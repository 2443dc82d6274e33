//! Stores made without a collector, and the product run on them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use indelible_log::dir::RealDir;
use indelible_log::log::{LOCAL_PEER, LocalStream};
use indelible_log::{Kind, Log, LogReader, Options, StreamId};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const ORIGIN: &str = "lab.example/log";
pub(crate) const HOST: &str = "web-1";
pub(crate) const BOOT: &str = "000102030405060708090a0b0c0d0e0f";

/// A folder with a store.
pub(crate) struct Lab {
    folder: TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Fills the store with a host's records, `(kind, payload)`, under time marks of the collector.
    pub(crate) fn fill(&self, payloads: impl Iterator<Item = (Kind, Vec<u8>)>) {
        let dir = RealDir::create(self.store()).unwrap();
        let (mut log, _) = Log::open(dir, &Options::new(ORIGIN)).unwrap();
        let mut own = LocalStream::new(StreamId([1; 16]));
        let opened = format!(
            r#"{{"v":1,"source":"collector","machine_id":"","boot_id":"{BOOT}","host":"lab","predecessor":null}}"#
        );
        own.push(Kind::StreamOpened, 0, TIME_NS, opened.as_bytes());
        log.append(&own.take().unwrap(), LOCAL_PEER).unwrap();
        let mut host = LocalStream::new(StreamId([2; 16]));
        let opened = format!(
            r#"{{"v":1,"source":"kernel","machine_id":"","boot_id":"{BOOT}","host":"{HOST}","predecessor":null}}"#
        );
        host.push(Kind::StreamOpened, 0, TIME_NS, opened.as_bytes());
        for (nth, (kind, payload)) in payloads.enumerate() {
            host.push(kind, 0, TIME_NS + nth as u64, &payload);
            if nth % 5_000 == 4_999 {
                log.append(&host.take().unwrap(), HOST).unwrap();
                log.commit().unwrap();
                own.push(Kind::TimeMark, 0, TIME_NS + nth as u64, b"{\"v\":1}");
                log.append(&own.take().unwrap(), LOCAL_PEER).unwrap();
                log.commit().unwrap();
            }
        }
        if host.len_bytes() > 0 {
            log.append(&host.take().unwrap(), HOST).unwrap();
        }
        log.close().unwrap();
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command on the store.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        let mut words = words.to_vec();
        let at = if words[0] == "hold" { 2 } else { 1 };
        let store = self.store();
        words.splice(at..at, ["--store", store.to_str().unwrap()]);
        indelible(&words)
    }

    /// The same; answers standard output, or standard error where it does not exit with 0.
    pub(crate) fn told(&self, words: &[&str]) -> Result<String, String> {
        let output = self.run(words);
        match output.status.code() {
            Some(0) => Ok(text(&output.stdout)),
            _ => Err(text(&output.stderr)),
        }
    }

    /// What `verify` says; it must be intact. Its hosts are silent, which is a gap, and what the lab
    /// sealed itself has no index.
    pub(crate) fn verified(&self) -> Value {
        let output = self.run(&["verify", "--format", "json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(
            output.status.code().is_some_and(|code| code < 2),
            "{report}"
        );
        assert_eq!(report["problems"], serde_json::json!([]), "{report}");
        report
    }

    /// Operator actions in the log, in order.
    pub(crate) fn actions(&self) -> Vec<Value> {
        let reader = LogReader::open(RealDir::open(self.store()).unwrap()).unwrap();
        let (mut next, mut actions) = (0, Vec::new());
        while let Some(part) = reader.part_at(next).unwrap() {
            for (_, bytes) in reader.decode(&part).unwrap().iter_from(next) {
                let entry = indelible_log::EntryRef::parse(bytes).unwrap();
                if entry.header().kind == Kind::Operator {
                    actions.push(serde_json::from_slice(entry.payload()).unwrap());
                }
            }
            next = part.end();
        }
        actions
    }

    /// Starts a collector on the store, with more of its configuration.
    pub(crate) fn collector(&self, configuration: &str) -> Collector {
        let pki = self.path("pki");
        let store = self.store();
        let shown = pki.display();
        let files =
            ["ca", "collector", "collector-key"].map(|name| pki.join(name).with_extension("pem"));
        if !files[0].exists() {
            let words = ["pki", "issue", "--dir", pki.to_str().unwrap(), "collector"];
            assert!(indelible(&words).status.success());
        }
        let text = format!(
            "store = '{}'\norigin = '{ORIGIN}'\nnative = '127.0.0.1:0'\n\
             tls = {{ ca = '{shown}/ca.pem', certificate = '{shown}/collector.pem', key = '{shown}/collector-key.pem' }}\n\
             {configuration}\n",
            store.display()
        );
        let config = self.path("collector.toml");
        std::fs::write(&config, text).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args(["collector", "--supervised", "--config"])
            .arg(&config)
            .env("INDELIBLE_LOG", "warn")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let control = self.path("store.control");
        wait_for("the collector", || control.exists());
        Collector(child)
    }
}

/// A running collector.
pub(crate) struct Collector(Child);

impl Collector {
    /// Ends it in good order.
    pub(crate) fn stop(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn indelible(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(words)
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn wait_for(what: &str, is_so: impl FnMut() -> bool) {
    indelible_testkit::wait_for(Duration::from_secs(60), what, is_so);
}

/// Lines of an audit log as entries.
pub(crate) fn lines(path: &Path) -> Vec<(Kind, Vec<u8>)> {
    let text = std::fs::read(path).unwrap();
    let line = |line: &[u8]| {
        let mut payload = vec![0, 0];
        payload.extend_from_slice(line);
        (Kind::Audit, payload)
    };
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(line)
        .collect()
}

/// Many short records.
pub(crate) fn many(count: u64) -> impl Iterator<Item = (Kind, Vec<u8>)> {
    (0..count).map(|nth| {
        let text = format!(
            "\x05\x1baudit(1700000000.{:03}:{nth}): cwd=\"/{nth}\"",
            nth % 1_000
        );
        (Kind::Audit, text.into_bytes())
    })
}

pub(crate) const TIME_NS: u64 = 1_700_000_000_000_000_000;
