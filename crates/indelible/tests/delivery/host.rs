//! A collector and an agent on this machine, as processes that can be killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use indelible_log::dir::RealDir;
use indelible_log::spool::SpoolReader;
use indelible_log::{EntryRef, Kind, entry};

use super::stored::Stored;

/// The daemons of one test; dropping it kills what still runs.
pub(crate) struct Host {
    folder: PathBuf,
    address: String,
    collector: Option<Child>,
    capture: Option<Child>,
    worker: Option<Child>,
    supervisor: Option<Child>,
}

/// What /proc says of a process.
#[derive(Debug)]
pub(crate) struct ProcessStatus {
    pub(crate) uid: u32,
    pub(crate) permitted_capabilities: u64,
    pub(crate) effective_capabilities: u64,
    pub(crate) seccomp: u32,
    pub(crate) no_new_privileges: u32,
}

impl Host {
    pub(crate) fn new(folder: &Path) -> Self {
        let address = format!("127.0.0.1:{}", indelible_testkit::free_port());
        Self {
            folder: folder.to_owned(),
            address,
            collector: None,
            capture: None,
            worker: None,
            supervisor: None,
        }
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.join("collector")
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.folder.join("agent")
    }

    /// The whole agent, under the bare supervisor.
    pub(crate) fn start_supervisor(&mut self) {
        let mut words = self.agent_words("");
        words.truncate(words.len() - 3);
        self.supervisor = Some(self.start(&words));
        self.wait_for("the worker", |host| host.supervised("worker").is_some());
        self.wait_for("capture", |_| {
            let status = indelible_sys::audit::Control::open().unwrap().status();
            status.unwrap().enabled == 1
        });
    }

    /// The worker that the supervisor has now; waits for one.
    pub(crate) fn worker_of_supervisor(&self) -> u32 {
        let found = std::cell::Cell::new(None);
        self.wait_for("the worker", |host| {
            found.set(host.supervised("worker"));
            found.get().is_some()
        });
        found.get().unwrap()
    }

    /// The supervisor's child of a role.
    fn supervised(&self, role: &str) -> Option<u32> {
        let pid = self.supervisor.as_ref()?.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        let mut children = children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok());
        children.find(|pid: &u32| {
            let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.ends_with(format!("--role\0{role}\0").as_bytes())
        })
    }

    pub(crate) fn capture_words(&self) -> Vec<String> {
        let words = self.agent_words("capture");
        words
            .into_iter()
            .filter(|word| word != "--supervised")
            .collect()
    }

    /// Has the same program take capture's place.
    pub(crate) fn upgrade_capture(&self) {
        let spool = self.path("agent");
        let status = self
            .command(&["agent", "upgrade", "--spool", &spool])
            .status()
            .unwrap();
        assert!(status.success());
    }

    pub(crate) fn make_keys(&self) {
        let status = self
            .command(&["pki", "issue", "--dir", &self.path("pki"), NAME])
            .status()
            .unwrap();
        assert!(status.success());
    }

    pub(crate) fn start_collector(&mut self) {
        if !self.folder.join("pki").exists() {
            self.make_keys();
        }
        let (store, pki) = (self.path("collector"), self.path("pki"));
        let words = [
            "collector",
            "--store",
            &store,
            "--native",
            &self.address,
            "--pki",
            &pki,
            "--supervised",
        ];
        self.collector = Some(self.start(&words));
        self.wait_for("the collector's key", |host| {
            host.folder.join("pki/log.vkey").exists()
        });
    }

    pub(crate) fn start_capture(&mut self) {
        let words = self.agent_words("capture");
        self.capture = Some(self.start(&words));
        let pid = self.capture.as_ref().unwrap().id();
        self.wait_for("capture", |_| {
            let status = indelible_sys::audit::Control::open()
                .unwrap()
                .status()
                .unwrap();
            status.pid == pid && status.enabled == 1
        });
    }

    pub(crate) fn start_worker(&mut self) {
        let words = self.agent_words("worker");
        self.worker = Some(self.start(&words));
    }

    pub(crate) fn kill_and_restart_collector(&mut self) {
        kill(&mut self.collector);
        self.start_collector();
    }

    pub(crate) fn kill_and_restart_worker(&mut self) {
        kill(&mut self.worker);
        self.start_worker();
    }

    /// Capture, then the worker, then the collector; each must end well.
    pub(crate) fn stop(&mut self) {
        for child in [
            &mut self.capture,
            &mut self.supervisor,
            &mut self.worker,
            &mut self.collector,
        ] {
            let Some(mut child) = child.take() else {
                continue;
            };
            drop(child.stdin.take());
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
            let status = child.wait().unwrap();
            assert!(status.success(), "a daemon ended with {status}");
        }
    }

    pub(crate) fn stored(&self) -> Stored {
        Stored::read(&self.store())
    }

    /// What a search of the store prints.
    pub(crate) fn search(&self, words: &[&str]) -> String {
        let store = self.path("collector");
        let output = self
            .command(&[&["search", "--store", &store], words].concat())
            .stdout(Stdio::piped())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Exit code of `verify`.
    pub(crate) fn verify(&self) -> i32 {
        let store = self.path("collector");
        self.command(&["verify", "--store", &store])
            .status()
            .unwrap()
            .code()
            .unwrap()
    }

    /// The account of the store.
    pub(crate) fn status(&self) -> serde_json::Value {
        let store = self.path("collector");
        let output = self
            .command(&["status", "--format", "json", "--store", &store])
            .stdout(Stdio::piped())
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// `search --follow` of the spool, with these words.
    pub(crate) fn follow(&self, words: &[&str]) -> Child {
        let spool = self.path("agent");
        let all = [&["search", "--follow", "--spool", &spool], words].concat();
        let mut command = self.command(&all);
        command.stdout(Stdio::piped()).spawn().unwrap()
    }

    /// Exit code of `verify` of the spool.
    pub(crate) fn verify_spool(&self) -> i32 {
        let spool = self.path("agent");
        self.command(&["verify", "--spool", &spool])
            .status()
            .unwrap()
            .code()
            .unwrap()
    }

    /// Waits for an entry of capture's whose payload holds a text, and answers the payload.
    pub(crate) fn wait_for_entry(&self, kind: Kind, text: &str) -> String {
        let mut found = None;
        let looked = std::cell::RefCell::new(&mut found);
        self.wait_for(text, |host| {
            let streams = RealDir::open(host.folder.join("agent/capture/streams")).unwrap();
            for id in SpoolReader::streams(&*streams).unwrap() {
                let mut reader = SpoolReader::open(&streams, id).unwrap();
                let mut bytes = Vec::new();
                while reader
                    .read(u32::MAX, 1 << 20, &mut bytes)
                    .unwrap()
                    .is_some()
                {}
                for entry in entry::split(&bytes) {
                    let entry = EntryRef::parse(entry.unwrap()).unwrap();
                    let payload = String::from_utf8_lossy(entry.payload());
                    if entry.header().kind == kind && payload.contains(text) {
                        **looked.borrow_mut() = Some(payload.into_owned());
                    }
                }
            }
            looked.borrow().is_some()
        });
        found.unwrap()
    }

    /// Waits until so many events' records are in the spool.
    pub(crate) fn wait_until_spooled(&self, events: u64) {
        self.wait_for("the spool", |host| {
            let streams = RealDir::open(host.folder.join("agent/capture/streams")).unwrap();
            let ids = SpoolReader::streams(&*streams).unwrap();
            ids.iter().any(|id| {
                SpoolReader::open(&streams, *id)
                    .unwrap()
                    .bounds()
                    .unwrap()
                    .1
                    > events * RECORDS_PER_EVENT
            })
        });
    }

    pub(crate) fn worker_status(&self) -> ProcessStatus {
        let pid = self.worker.as_ref().unwrap().id();
        self.wait_for("the worker", |host| {
            host.folder.join("agent/worker/receipts").exists()
        });
        process_status(pid)
    }

    /// What a worker of this host is refused.
    pub(crate) fn probe_worker_sandbox(&self) -> String {
        let mut words = self.agent_words("worker");
        words.push("--probe-sandbox".into());
        let output = self
            .command(&words)
            .stdout(Stdio::piped())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn capture_status(&self) -> ProcessStatus {
        let pid = self.capture.as_ref().unwrap().id();
        self.wait_for("capture", |_| {
            process_status(pid).permitted_capabilities.count_ones() < 10
        });
        process_status(pid)
    }

    /// The seccomp mode of each thread of capture, by its number: the main thread, the one that waits
    /// for the end of standard input, the reader, the syncer.
    pub(crate) fn capture_filters(&self) -> Vec<u32> {
        let pid = self.capture.as_ref().unwrap().id();
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let mut tasks: Vec<u32> = tasks
            .map(|task| task.unwrap().file_name().to_str().unwrap().parse().unwrap())
            .collect();
        tasks.sort_unstable();
        tasks
            .iter()
            .map(|task| process_status(*task).seccomp)
            .collect()
    }

    fn agent_words(&self, role: &str) -> Vec<String> {
        let (spool, pki) = (self.path("agent"), self.path("pki"));
        let words = [
            "agent",
            "--spool",
            &spool,
            "--collector",
            &self.address,
            "--pki",
            &pki,
            "--name",
            NAME,
            "--capture",
            "kernel",
            "--supervised",
            "--role",
            role,
        ];
        words.map(str::to_owned).to_vec()
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn start<S: AsRef<str>>(&self, words: &[S]) -> Child {
        self.command(words)
            .stdin(Stdio::piped())
            .env(
                "INDELIBLE_LOG",
                std::env::var("INDELIBLE_LOG").unwrap_or("error".into()),
            )
            .spawn()
            .unwrap()
    }

    fn command<S: AsRef<str>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_indelible"));
        command
            .args(words.iter().map(AsRef::as_ref))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    fn wait_for(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        indelible_testkit::wait_for(Duration::from_secs(60), what, || is_so(self));
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for child in [&mut self.worker, &mut self.collector] {
            kill(child);
        }
        // Not killed: they put `enabled` back when they end.
        for child in [&mut self.capture, &mut self.supervisor] {
            if let Some(mut child) = child.take() {
                drop(child.stdin.take());
                let pid = rustix::process::Pid::from_child(&child);
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
                let _ = child.wait();
            }
        }
    }
}

fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn process_status(pid: u32) -> ProcessStatus {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..]
            .split_whitespace()
            .next()
            .unwrap()
            .to_owned()
    };
    ProcessStatus {
        uid: field("Uid:").parse().unwrap(),
        permitted_capabilities: u64::from_str_radix(&field("CapPrm:"), 16).unwrap(),
        effective_capabilities: u64::from_str_radix(&field("CapEff:"), 16).unwrap(),
        seccomp: field("Seccomp:").parse().unwrap(),
        no_new_privileges: field("NoNewPrivs:").parse().unwrap(),
    }
}

/// The host's name in its certificate.
const NAME: &str = "test-host";
/// SYSCALL, CWD, PATH, PROCTITLE, EOE.
const RECORDS_PER_EVENT: u64 = 5;
