//! An agent's process that can be killed, and what its spool holds.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use indelible_log::dir::RealDir;
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, Kind, entry};

/// One role of an agent over a spool.
pub(crate) struct Agent {
    spool: PathBuf,
    words: Vec<String>,
    environment: Vec<(String, String)>,
    child: Option<Child>,
}

impl Agent {
    /// An agent that was not started yet.
    pub(crate) fn new(spool: &Path, role: &str, words: &[&str]) -> Self {
        let mut all = vec!["agent", "--spool", spool.to_str().unwrap(), "--role", role];
        all.extend(words);
        all.push("--supervised");
        Self {
            spool: spool.to_owned(),
            words: all.into_iter().map(str::to_owned).collect(),
            environment: Vec::new(),
            child: None,
        }
    }

    /// Sets a variable of its environment.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn start(&mut self) {
        let child = Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args(&self.words)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .env(
                "INDELIBLE_LOG",
                std::env::var("INDELIBLE_LOG").unwrap_or("error".into()),
            )
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to stop; it must end well.
    pub(crate) fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        drop(child.stdin.take());
        let status = child.wait().unwrap();
        assert!(status.success(), "the agent ended with {status}");
    }

    /// Waits until the spool holds so many lines.
    pub(crate) fn wait_for_lines(&self, lines: usize) {
        wait_for("the lines", || {
            Spooled::read(&self.spool).lines.len() >= lines
        });
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The entries of a spool.
#[derive(Debug, Default)]
pub(crate) struct Spooled {
    /// Payloads of kinds 1 to 4, without the type of kind 1.
    pub(crate) lines: Vec<Vec<u8>>,
    /// Payloads of gap entries.
    pub(crate) gaps: Vec<String>,
}

impl Spooled {
    /// Reads all streams; a spool that is not there yet is empty.
    pub(crate) fn read(spool: &Path) -> Self {
        let mut spooled = Self::default();
        for room in ["capture", "sources"] {
            let Ok(streams) = RealDir::open(spool.join(room).join("streams")) else {
                continue;
            };
            for id in SpoolReader::streams(&*streams).unwrap() {
                let Ok(mut reader) = SpoolReader::open(&streams, id) else {
                    continue;
                };
                let mut bytes = Vec::new();
                while reader
                    .read(u32::MAX, 1 << 20, &mut bytes)
                    .unwrap()
                    .is_some()
                {}
                for entry in entry::split(&bytes) {
                    spooled.take(&EntryRef::parse(entry.unwrap()).unwrap());
                }
            }
        }
        spooled
    }

    fn take(&mut self, entry: &EntryRef<'_>) {
        match entry.header().kind {
            Kind::Audit => self.lines.push(entry.payload()[2..].to_vec()),
            Kind::Syslog | Kind::Journal | Kind::FileLine => {
                self.lines.push(entry.payload().to_vec());
            }
            Kind::Gap => {
                let text = String::from_utf8(entry.payload().to_vec()).unwrap();
                self.gaps.push(text);
            }
            _ => {}
        }
    }
}

pub(crate) fn wait_for(what: &str, is_so: impl FnMut() -> bool) {
    indelible_testkit::wait_for(Duration::from_secs(30), what, is_so);
}
