//! A host: a spool that is filled from a file of lines, and a worker with outputs, each a process
//! that can be killed.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

pub(crate) use super::collector::wait_for;

/// A host of a test; dropping it kills its processes.
pub(crate) struct Host {
    folder: TempDir,
    sources: Option<Child>,
    worker: Option<Child>,
}

impl Host {
    /// A host whose configuration ends with `more`; `FOLDER` in it is the host's folder.
    pub(crate) fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The worker is another user.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let shown = folder.path().display();
        let config = format!(
            "spool = \"{shown}/spool\"\nsources = [\"file:{shown}/app.log\"]\n{}",
            more.replace("FOLDER", &shown.to_string())
        );
        fs::write(folder.path().join("agent.toml"), config).unwrap();
        File::create(folder.path().join("app.log")).unwrap();
        Self {
            folder,
            sources: None,
            worker: None,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self, role: &str) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("stderr"))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args(["agent", "--supervised", "--role", role, "--config"])
            .arg(self.path("agent.toml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        // Whichever comes first makes the folders of all.
        wait_for("the spool", || self.path("spool/capture/streams").exists());
        child
    }

    pub(crate) fn start_sources(&mut self) {
        self.sources = Some(self.start("sources"));
    }

    /// Starts another role in the place of the reader of sources.
    pub(crate) fn start_role(&mut self, role: &str) {
        self.sources = Some(self.start(role));
    }

    pub(crate) fn start_worker(&mut self) {
        self.worker = Some(self.start("worker"));
    }

    /// Ends the reader of sources in good order.
    pub(crate) fn stop_sources(&mut self) {
        stop(self.sources.take());
    }

    /// Ends the worker in good order: what is left is sent for a few seconds.
    pub(crate) fn stop_worker(&mut self) {
        stop(self.worker.take());
    }

    /// kill -9.
    pub(crate) fn kill_worker(&mut self) {
        kill(self.worker.take());
    }

    /// Appends numbered lines to the file that is read.
    pub(crate) fn log(&self, numbers: std::ops::Range<usize>) {
        let lines: String = numbers
            .map(|nr| format!("nr={nr} and some words of a message\n"))
            .collect();
        let mut file = File::options()
            .append(true)
            .open(self.path("app.log"))
            .unwrap();
        file.write_all(lines.as_bytes()).unwrap();
    }

    /// What `indelible status` says.
    pub(crate) fn status(&self) -> serde_json::Value {
        let output = Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args(["status", "--format", "json", "--spool"])
            .arg(self.path("spool"))
            .output()
            .unwrap();
        assert!(!output.stdout.is_empty(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// One output in it.
    pub(crate) fn output(&self, name: &str) -> serde_json::Value {
        let status = self.status();
        let outputs = status["outputs"].as_array().unwrap().iter();
        let found = outputs.clone().find(|output| output["name"] == name);
        found.cloned().unwrap_or_default()
    }

    /// Lines of a file of the host.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        kill(self.sources.take());
        kill(self.worker.take());
        if std::thread::panicking() {
            eprintln!(
                "{}",
                fs::read_to_string(self.path("stderr")).unwrap_or_default()
            );
        }
    }
}

fn stop(child: Option<Child>) {
    let mut child = child.unwrap();
    drop(child.stdin.take());
    let status = child.wait().unwrap();
    assert!(status.success(), "the agent ended with {status}");
}

fn kill(child: Option<Child>) {
    if let Some(mut child) = child {
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// How often each number of `nr=N ` is in the lines of a file.
pub(crate) fn numbers(file: &Path) -> BTreeMap<usize, usize> {
    let text = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let number = line
            .split_once("nr=")
            .and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        if let Some(number) = number {
            *found.entry(number).or_default() += 1;
        }
    }
    found
}
