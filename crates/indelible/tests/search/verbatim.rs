//! `ausearch -k shadow_watch -i`, as it stands, where ausearch looks by itself: on a log of the
//! real auditd, on a host's spool, on a collector's store. Each is put in its usual place inside a
//! mount namespace of the one process that searches.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use indelible_testkit::Kernel;

#[test]
fn on_a_log_of_auditd() {
    let Some(mut kernel) = Kernel::claim("on_a_log_of_auditd") else {
        return;
    };
    let log = kernel.path("log");
    fs::create_dir(&log).unwrap();
    let Some(daemon) = auditd(kernel.path("etc"), &log) else {
        eprintln!("skipped: on_a_log_of_auditd: auditd is not installed");
        return;
    };
    look_at_shadow(&mut kernel);
    let place = format!("mount --bind {} /var/log/audit", log.display());
    let ours = wait_for_match(&place, OURS);
    daemon.end();
    // What came since is the daemon's own end, which has no key.
    let ours_again = search(&place, OURS);
    let theirs = search(&place, "/sbin/ausearch");
    let text = String::from_utf8_lossy(&theirs.stdout);
    assert!(text.contains("key=shadow_watch"), "{text}");
    assert_eq!(ours.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ours_again.stdout), text);
    assert_eq!(ours_again.stderr, theirs.stderr);
    assert_eq!(ours_again.status.code(), theirs.status.code());
}

#[test]
fn on_a_spool_and_a_store() {
    let Some(mut kernel) = Kernel::claim("on_a_spool_and_a_store") else {
        return;
    };
    let folder = kernel.folder().to_owned();
    let path = |name: &str| folder.join(name).display().to_string();
    let address = format!("127.0.0.1:{}", indelible_testkit::free_port());
    let issued = Command::new(BINARY)
        .args(["pki", "issue", "--dir", &path("pki"), "h1"])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(issued.success());
    let (store, spool, pki) = (path("collector"), path("agent"), path("pki"));
    let collector = Daemon::start(
        BINARY,
        &[
            "collector",
            "--store",
            &store,
            "--native",
            &address,
            "--pki",
            &pki,
            "--supervised",
        ],
    );
    wait_until("the collector", || {
        Path::new(&pki).join("log.vkey").exists()
    });
    let agent = [
        "agent",
        "--spool",
        &spool,
        "--collector",
        &address,
        "--pki",
        &pki,
        "--name",
        "h1",
        "--capture",
        "kernel",
        "--supervised",
        "--role",
    ];
    let role = |role| [&agent[..], &[role]].concat();
    let capture = Daemon::start(BINARY, &role("capture"));
    let pid = capture.child.id();
    wait_until("capture", || {
        kernel.status().pid == pid && kernel.status().enabled == 1
    });
    let worker = Daemon::start(BINARY, &role("worker"));
    look_at_shadow(&mut kernel);

    let hidden = "mount -t tmpfs none /var/log/audit && mount -t tmpfs none /var/lib \
                  && mkdir -p /var/lib/indelible/";
    let place = |name: &str, path: &str| {
        format!("{hidden}{name} && mount --bind {path} /var/lib/indelible/{name}")
    };
    for (place, line) in [
        (place("spool", &spool), "\ntype="),
        (place("store", &store), "\nnode="),
    ] {
        let found = wait_for_match(&place, OURS);
        let text = String::from_utf8_lossy(&found.stdout).into_owned();
        let shadow = format!("name={}", path("shadow"));
        assert!(text.contains(&shadow), "{text}");
        assert!(text.contains(" key=shadow_watch "), "{text}");
        assert!(text.contains(" syscall=openat "), "{text}");
        assert!(text.contains(line), "{text}");
        assert_eq!(found.status.code(), Some(0));
    }
    for daemon in [worker, capture, collector] {
        daemon.end();
    }
}

/// Loads the rule that everybody writes, on a file of the test's own, and reads the file.
fn look_at_shadow(kernel: &mut Kernel) {
    let file = kernel.path("shadow");
    fs::write(&file, "root:*").unwrap();
    kernel.load("-a always,exit -F path={}/shadow -F perm=r -F key=shadow_watch");
    // What ran before auditing was switched on is not seen.
    let read = Command::new("cat")
        .arg(&file)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(read.success());
    kernel.unload();
}

/// The search itself, where `place` was put together.
fn search(place: &str, program: &str) -> Output {
    let script = format!("{place} && exec -a ausearch {program} -k shadow_watch -i");
    Command::new("unshare")
        .args(["--mount", "bash", "-c", &script])
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn wait_for_match(place: &str, program: &str) -> Output {
    let began = Instant::now();
    loop {
        let output = search(place, program);
        if output.status.success() {
            return output;
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "nothing was found: {said}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{what} did not come"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The real auditd, in the foreground, with a log of its own; none where it is not installed.
pub(crate) fn auditd(configuration: PathBuf, log: &Path) -> Option<Daemon> {
    if !Path::new(AUDITD).exists() {
        return None;
    }
    let plugins = configuration.join("plugins.d");
    fs::create_dir_all(&plugins).unwrap();
    let text = format!(
        "local_events = yes\nwrite_logs = yes\nlog_file = {}/audit.log\nlog_format = ENRICHED\n\
         flush = NONE\nmax_log_file = 8\nmax_log_file_action = IGNORE\nspace_left = 2\n\
         space_left_action = IGNORE\nadmin_space_left = 1\nadmin_space_left_action = IGNORE\n\
         disk_full_action = IGNORE\ndisk_error_action = IGNORE\nplugin_dir = {}\n",
        log.display(),
        plugins.display()
    );
    let file = configuration.join("auditd.conf");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let configuration = configuration.display().to_string();
    let daemon = Daemon::start(AUDITD, &["-n", "-c", &configuration]);
    let pid = daemon.child.id();
    let log = log.join("audit.log");
    // It says that it is there before it has told the kernel so.
    wait_until("auditd", || {
        let status = indelible_sys::audit::Control::open().and_then(|mut control| control.status());
        fs::read(&log).is_ok_and(|text| text.starts_with(b"type=DAEMON_START"))
            && status.is_ok_and(|status| status.pid == pid)
    });
    indelible_sys::audit::Control::open()
        .and_then(|mut control| control.set(indelible_sys::audit::StatusChange::Enabled(1)))
        .unwrap();
    Some(daemon)
}

/// A daemon of the test's; it is told to end, and waited for, also on failure.
pub(crate) struct Daemon {
    child: Child,
}

impl Daemon {
    fn start(program: &str, words: &[&str]) -> Self {
        let child = Command::new(program)
            .args(words)
            .env("INDELIBLE_LOG", "error")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child }
    }

    pub(crate) fn end(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        // After it was waited for, its number may be another's.
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // Ours end with their standard input, auditd with a signal.
        drop(self.child.stdin.take());
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.child.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

const BINARY: &str = env!("CARGO_BIN_EXE_indelible");
const OURS: &str = BINARY;
const AUDITD: &str = "/sbin/auditd";
