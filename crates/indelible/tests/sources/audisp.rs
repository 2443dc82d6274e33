//! Beside the real auditd: as its plugin, and as a reader of its `af_unix` plugin's socket.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use indelible_testkit::Kernel;

use super::agent::{Agent, Spooled, wait_for};

/// A running auditd with a configuration of the test's own.
struct Auditd(Child);

impl Auditd {
    /// `None`, with a line that says why, where there is no auditd.
    fn start(test: &str, folder: &Path, plugin: &str) -> Option<Self> {
        if !Path::new(AUDITD).exists() {
            eprintln!("skipped: {test}: no {AUDITD}");
            return None;
        }
        let config = folder.join("etc");
        let plugins = config.join("plugins.d");
        fs::create_dir_all(&plugins).unwrap();
        let log = folder.join("audit.log");
        let text = format!(
            "log_file = {}\nlog_format = ENRICHED\nwrite_logs = yes\nflush = none\n\
             num_logs = 2\nmax_log_file = 50\nmax_log_file_action = ignore\n\
             space_left = 2\nspace_left_action = ignore\nadmin_space_left = 1\n\
             admin_space_left_action = ignore\ndisk_full_action = ignore\n\
             disk_error_action = ignore\nq_depth = 2000\noverflow_action = ignore\n\
             max_restarts = 10\nplugin_dir = {}\n",
            log.display(),
            plugins.display(),
        );
        write(&config.join("auditd.conf"), &text);
        write(&plugins.join("plugin.conf"), plugin);
        let child = Command::new(AUDITD)
            .args(["-n", "-c", config.to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self(child))
    }

    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Auditd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
}

/// Opens the watched file in a process that auditing sees, and answers how often.
fn touch(file: &Path) -> usize {
    for _ in 0..20 {
        Command::new("cat")
            .arg(file)
            .stdout(Stdio::null())
            .status()
            .unwrap();
    }
    20
}

/// SYSCALL records of the watched file among the lines.
fn watched(spool: &Path) -> Vec<String> {
    Spooled::read(spool)
        .lines
        .into_iter()
        .map(|line| String::from_utf8(line).unwrap())
        .filter(|line| line.starts_with("type=SYSCALL") && line.contains(KEY))
        .collect()
}

#[test]
fn as_a_plugin_of_auditd() {
    let test = "as_a_plugin_of_auditd";
    let Some(mut kernel) = Kernel::claim(test) else {
        return;
    };
    let folder = kernel.folder().to_owned();
    let spool = folder.join("spool");
    let config = folder.join("agent.toml");
    write(
        &config,
        &format!("spool = {:?}\ncapture = \"audisp\"\n", spool.display()),
    );
    let plugin = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["agent", "--print-plugin", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    assert!(plugin.status.success());
    let plugin = String::from_utf8(plugin.stdout).unwrap();
    let Some(auditd) = Auditd::start(test, &folder, &plugin) else {
        return;
    };
    wait_for("auditd", || kernel.status().pid == auditd.0.id());
    let file = kernel.path("watched");
    fs::write(&file, "watched").unwrap();
    kernel.load(&format!(
        "-a always,exit -F path={{}}/watched -F perm=r -F key={KEY}"
    ));
    let touched = touch(&file);
    wait_for("the records", || watched(&spool).len() >= touched);
    kernel.unload();
    auditd.stop();
    let lines = watched(&spool);
    assert_eq!(lines.len(), touched);
    // Whole lines as auditd made them, its enrichment included.
    assert!(
        lines[0].contains("msg=audit(") && lines[0].contains("\u{1d}ARCH="),
        "{}",
        lines[0]
    );
    wait_for("the plugin's end", || {
        fs::read_to_string(folder.join("spool/capture/lock")).is_ok()
            && indelible_sys::lock::FileLock::try_now(&spool.join("capture/lock")).is_ok()
    });
}

#[test]
fn from_the_af_unix_socket() {
    let test = "from_the_af_unix_socket";
    let Some(mut kernel) = Kernel::claim(test) else {
        return;
    };
    let folder = kernel.folder().to_owned();
    let socket = folder.join("events");
    let plugin = if Path::new(AF_UNIX).exists() {
        format!(
            "path = {AF_UNIX}\ntype = always\nargs = 0640 {} string\n",
            socket.display()
        )
    } else {
        format!(
            "path = builtin_af_unix\ntype = builtin\nargs = 0640 {}\n",
            socket.display()
        )
    };
    let plugin = format!("active = yes\ndirection = out\nformat = string\n{plugin}");
    let Some(auditd) = Auditd::start(test, &folder, &plugin) else {
        return;
    };
    wait_for("auditd", || kernel.status().pid == auditd.0.id());
    wait_for("the socket", || socket.exists());
    let spool = folder.join("spool");
    let capture = format!("audisp:{}", socket.display());
    let mut agent = Agent::new(&spool, "capture", &["--capture", &capture]);
    agent.start();
    let file = kernel.path("watched");
    fs::write(&file, "watched").unwrap();
    kernel.load(&format!(
        "-a always,exit -F path={{}}/watched -F perm=r -F key={KEY}"
    ));
    // Nobody is told when the socket has a reader.
    wait_for("the first record", || {
        touch(&file);
        !watched(&spool).is_empty()
    });
    let before = watched(&spool).len();
    let touched = touch(&file);
    wait_for("the records", || watched(&spool).len() >= before + touched);
    kernel.unload();
    auditd.stop();
    agent.stop();
    assert!(watched(&spool)[0].contains("msg=audit("));
}

const AUDITD: &str = "/sbin/auditd";
const AF_UNIX: &str = "/sbin/audisp-af_unix";
const KEY: &str = "indelible_audisp";
