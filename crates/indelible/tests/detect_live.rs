//! Detections while entries come: found once, recorded, told, suppressed, across kill -9.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

const RULE: &str = "\
title: A tool for tunnels
id: 6f1d0a6e-1c54-4a1c-9f0e-9a2f5a1d0001
author: Somebody
level: high
tags: [attack.command-and-control, attack.t1572]
logsource: {product: linux, category: process_creation}
detection:
  selection: {Image|endswith: /chisel}
  condition: selection
";

/// A folder with everything of a collector and a host, and the processes that run.
struct Lab {
    folder: TempDir,
    address: String,
    serial: u32,
    collector: Option<Child>,
    agent: Option<Child>,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The agent's processes are other users where the test is root.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let lab = Self {
            address: format!("127.0.0.1:{}", indelible_testkit::free_port()),
            folder,
            serial: 1,
            collector: None,
            agent: None,
        };
        fs::create_dir(lab.path("rules")).unwrap();
        fs::write(lab.path("rules/tunnel.yml"), RULE).unwrap();
        fs::write(lab.path("audit.log"), "").unwrap();
        for name in ["collector", "web1"] {
            let output = lab.run(&["pki", "issue", "--dir", &lab.text("pki"), name]);
            assert!(output.status.success(), "{output:?}");
        }
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_indelible"));
        command.args(words).stdin(Stdio::null()).output().unwrap()
    }

    fn spawn(words: &[&str]) -> Child {
        let level = std::env::var("INDELIBLE_LOG").unwrap_or("error".into());
        Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args(words)
            .env("INDELIBLE_LOG", level)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn start_collector(&mut self) {
        let told = self.text("told");
        let script = format!("cat >> {told}; echo >> {told}");
        let config = format!(
            "store = '{0}/store'\nnative = '{1}'\n\
             tls = {{ ca = '{0}/pki/ca.pem', certificate = '{0}/pki/collector.pem', key = '{0}/pki/collector-key.pem' }}\n\
             [detections]\nrules = '{0}/rules'\nsilent-after-seconds = 3\n\
             [[detections.outputs]]\ncommand = ['/bin/sh', '-c', '{script}']\n",
            self.folder.path().display(),
            self.address
        );
        fs::write(self.path("collector.toml"), config).unwrap();
        let config = self.text("collector.toml");
        self.collector = Some(Self::spawn(&[
            "collector",
            "--supervised",
            "--config",
            &config,
        ]));
        let key = self.path("store/log.vkey");
        wait_for("the collector", || {
            key.exists() && std::net::TcpStream::connect(&self.address).is_ok()
        });
        fs::copy(key, self.path("pki/log.vkey")).unwrap();
    }

    /// Its detections tell a program, too.
    fn start_agent(&mut self) {
        let capture = format!("file:{}", self.text("audit.log"));
        let (told, config) = (self.text("told-by-agent"), self.text("agent.toml"));
        let text = format!(
            "spool = '{}'\n[[detections.outputs]]\ncommand = ['/bin/sh', '-c', 'cat >> {told}; echo >> {told}']\n",
            self.text("spool")
        );
        fs::write(&config, text).unwrap();
        // Where this is root, the program is run by the user of delivery.
        let file = File::options().append(true).create(true).open(&told);
        let anybody = fs::Permissions::from_mode(0o666);
        file.unwrap().set_permissions(anybody).unwrap();
        self.agent = Some(Self::spawn(&[
            "agent",
            "--config",
            &config,
            "--spool",
            &self.text("spool"),
            "--collector",
            &self.address,
            "--pki",
            &self.text("pki"),
            "--name",
            "web1",
            "--capture",
            &capture,
            "--detect",
        ]));
    }

    /// kill -9.
    fn kill_collector(&mut self) {
        let mut child = self.collector.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM.
    fn stop(child: Option<Child>) {
        if let Some(mut child) = child {
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
            child.wait().unwrap();
        }
    }

    /// An event of a program that touches a file, in its records.
    fn event(&mut self, exe: &str, syscall: u32, path: &str, kind: &str) {
        self.serial += 1;
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let stamp = format!(
            "audit({}.{:03}:{})",
            now.as_secs(),
            now.subsec_millis(),
            self.serial
        );
        let (pid, name) = (5_000 + self.serial, exe.rsplit('/').next().unwrap());
        let lines = format!(
            "type=SYSCALL msg={stamp}: arch=c000003e syscall={syscall} success=yes exit=0 a0=1 a1=2 a2=0 a3=0 items=1 ppid=1 pid={pid} auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm=\"{name}\" exe=\"{exe}\" key=(null)\n\
             type=CWD msg={stamp}: cwd=\"/root\"\n\
             type=PATH msg={stamp}: item=0 name=\"{path}\" inode=1 dev=08:01 mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype={kind}\n\
             type=EOE msg={stamp}: \n"
        );
        let log = File::options().append(true).open(self.path("audit.log"));
        log.unwrap().write_all(lines.as_bytes()).unwrap();
    }

    /// All findings of the collector's store, as a search prints them.
    fn findings(&self) -> Vec<Finding> {
        let store = self.text("store");
        let words = ["search", "--findings", "--store", &store];
        let output = self.run(&[&words[..], &["--format", "raw"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| Finding(serde_json::from_str(line).unwrap()))
            .collect()
    }

    fn wait_for_findings(&self, what: &str, count: usize, is: impl Fn(&Finding) -> bool) {
        wait_for(what, || {
            self.findings().iter().filter(|one| is(one)).count() >= count
        });
        let found = self.findings();
        let count_now = found.iter().filter(|one| is(one)).count();
        assert_eq!(count_now, count, "{what}: {found:?}");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // The agent is several processes: it ends them itself.
        if std::thread::panicking() {
            let (agent, collector) = (self.agent.take(), self.collector.take());
            Self::stop(agent);
            Self::stop(collector);
        }
    }
}

#[derive(Debug)]
struct Finding(Value);

impl Finding {
    fn is(&self, id: &str, why: &str) -> bool {
        self.0["id"] == id && self.0["why"].as_str().unwrap().contains(why)
    }

    /// Found by the collector, not by the agent.
    fn is_collectors(&self) -> bool {
        // By the host's certificate, too.
        self.0["host"].is_string() && self.0["peer"] == "web1"
    }
}

fn wait_for(what: &str, is_so: impl FnMut() -> bool) {
    indelible_testkit::wait_for(Duration::from_secs(60), what, is_so);
}

fn schema() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/schemas/finding.json"
    );
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn lines(path: &Path) -> usize {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter(|line| !line.is_empty()).count()
}

#[test]
fn what_is_found_is_recorded_once_and_told_across_kills() {
    let mut lab = Lab::new();
    lab.start_collector();
    lab.start_agent();
    wait_for("the agent's stream", || {
        lab.path("spool/detections/state").exists()
    });
    lab.event("/usr/bin/rm", 87, "/var/log/auth.log", "DELETE");
    lab.event("/opt/chisel", 59, "/opt/chisel", "NORMAL");
    let cleared = |one: &Finding| one.is("log-clearing", "/usr/bin/rm");
    let by_collector = |one: &Finding| cleared(one) && one.is_collectors();
    lab.wait_for_findings("the collector's finding", 1, by_collector);
    let by_agent = |one: &Finding| cleared(one) && !one.is_collectors();
    lab.wait_for_findings("the agent's own finding", 1, by_agent);
    let of_rule = |one: &Finding| one.0["by"] == "sigma" && one.is_collectors();
    lab.wait_for_findings("the rule's finding", 1, of_rule);
    let found = lab.findings();
    for finding in &found {
        let differences = indelible_testkit::schema::differences(&schema(), &finding.0);
        assert_eq!(differences, [""; 0], "{finding:?}");
    }
    let rule = found.iter().find(|one| of_rule(one)).unwrap();
    assert_eq!(rule.0["rule"]["author"], "Somebody");
    assert_eq!(rule.0["techniques"], serde_json::json!(["T1572"]));
    let seen = &found.iter().find(|one| by_collector(one)).unwrap().0["events"][0];
    let entries = &seen["entries"];
    let [first, last] = ["first", "last"].map(|name| entries[name].as_u64().unwrap());
    assert_eq!(last - first, 3, "{seen}");
    wait_for("the command", || lines(&lab.path("told")) >= 2);
    // The process that asks for it may start nothing itself: see below.
    wait_for("the agent's command", || {
        let told = fs::read_to_string(lab.path("told-by-agent")).unwrap_or_default();
        told.contains("\"id\":\"log-clearing\"")
    });

    // kill -9 at any moment: nothing is recorded twice, nothing is missed.
    for round in 0..3 {
        lab.event(
            "/usr/bin/shred",
            87,
            &format!("/var/log/a{round}"),
            "DELETE",
        );
        std::thread::sleep(Duration::from_millis(40 * round));
        lab.kill_collector();
        lab.event(
            "/usr/bin/shred",
            87,
            &format!("/var/log/b{round}"),
            "DELETE",
        );
        lab.start_collector();
    }
    let shredded = |one: &Finding| one.is("log-clearing", "shred") && one.is_collectors();
    lab.wait_for_findings("one finding per file", 6, shredded);
    lab.wait_for_findings("the first finding, once", 1, by_collector);

    // Suppressed: recorded, marked, told to nobody.
    let store = lab.text("store");
    let suppressed = lab.run(&[
        "detect",
        "suppress",
        "log-clearing",
        "--store",
        &store,
        "--exe",
        "/usr/bin/sed",
        "--reason",
        "the nightly job",
        "--for",
        "1h",
    ]);
    assert_eq!(suppressed.status.code(), Some(0), "{suppressed:?}");
    let id = String::from_utf8(suppressed.stdout)
        .unwrap()
        .trim()
        .to_owned();
    let state = lab.path("store/detections/state");
    wait_for("the suppression", || {
        fs::read_to_string(&state).unwrap().contains(&id)
    });
    let told = lines(&lab.path("told"));
    lab.event("/usr/bin/sed", 87, "/var/log/nightly", "DELETE");
    let marked = |one: &Finding| one.is("log-clearing", "sed") && one.0["suppressed"] == *id;
    lab.wait_for_findings("the suppressed finding", 1, marked);
    assert_eq!(lines(&lab.path("told")), told);
    let listed = lab.run(&["detect", "suppressions", "--store", &store]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(
        listed.contains(&id) && listed.contains("the nightly job"),
        "{listed}"
    );

    // An agent that is stopped is missed, and told of when it comes back.
    let told = lab.path("told");
    let has_told = |id: &str| {
        let told = fs::read_to_string(&told).unwrap();
        told.contains(&format!("\"id\":\"{id}\""))
    };
    assert!(!has_told("host-silent"));
    Lab::stop(lab.agent.take());
    lab.wait_for_findings("silence", 1, |one| {
        one.is("host-silent", "is silent") && one.is_collectors()
    });
    wait_for("the word of the silence", || has_told("host-silent"));
    lab.start_agent();
    lab.wait_for_findings("its end", 1, |one| one.is("host-back", "was silent"));
    wait_for("the word of its end", || has_told("host-back"));
    Lab::stop(lab.agent.take());
    Lab::stop(lab.collector.take());
    let verified = lab.run(&["verify", "--store", &store]);
    // Intact; the silence and the kills are gaps.
    assert!(
        matches!(verified.status.code(), Some(0 | 1)),
        "{verified:?}"
    );
    let verified = lab.run(&["verify", "--spool", &lab.text("spool")]);
    assert!(
        matches!(verified.status.code(), Some(0 | 1)),
        "{verified:?}"
    );

    // What the process of the detections is refused.
    let probe = ["agent", "--role", "detections", "--probe-sandbox"];
    let (spool, config) = (lab.text("spool"), lab.text("agent.toml"));
    let of_agent = ["--spool", &spool, "--config", &config];
    let refused = lab.run(&[&probe[..], &of_agent].concat());
    let refused = String::from_utf8(refused.stdout).unwrap();
    if refused.contains("landlock true") {
        assert!(refused.contains("file true"), "{refused}");
    } else {
        eprintln!("skipped: files of the sandbox: this kernel has no Landlock");
    }
    let calls = "execute true, netlink true, ptrace true";
    assert!(refused.contains(calls), "{refused}");
}
