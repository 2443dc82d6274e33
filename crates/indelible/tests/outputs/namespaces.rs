//! Several hosts: network namespaces with addresses, machine ids and names of their own, and a collector
//! that they reach over links which can be cut.

use std::fs;
use std::io::Write as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use indelible_testkit::free_port;

use super::collector::wait_for;
use super::volume::events;

/// A namespace with a link to this one; dropping it takes all of it away.
struct Namespace {
    name: String,
    number: u8,
}

impl Namespace {
    /// None, with a line that says why, where namespaces and links cannot be made.
    fn new(number: u8) -> Option<Self> {
        let name = format!("indelible-{}-{number}", std::process::id());
        let namespace = Self { name, number };
        let (name, [here, there]) = (&namespace.name, namespace.links());
        let etc = namespace.etc();
        let made = run(&["netns", "add", name])
            && run(&[
                "link", "add", &here, "type", "veth", "peer", "name", &there, "netns", name,
            ])
            && run(&[
                "addr",
                "add",
                &format!("10.213.{number}.1/30"),
                "dev",
                &here,
            ])
            && run(&["link", "set", &here, "up"])
            && run(&[
                "-n",
                name,
                "addr",
                "add",
                &format!("10.213.{number}.2/30"),
                "dev",
                &there,
            ])
            && run(&["-n", name, "link", "set", &there, "up"])
            && run(&["-n", name, "link", "set", "lo", "up"]);
        if !made {
            eprintln!("skipped: several hosts: no network namespaces or links here");
            return None;
        }
        // `ip netns exec` puts what stands there in the place of /etc's.
        fs::create_dir_all(&etc).unwrap();
        fs::write(etc.join("machine-id"), format!("{number:032x}\n")).unwrap();
        Some(namespace)
    }

    fn links(&self) -> [String; 2] {
        let pid = std::process::id() % 100_000;
        ["a", "b"].map(|end| format!("in{pid}{end}{}", self.number))
    }

    fn etc(&self) -> PathBuf {
        Path::new("/etc/netns").join(&self.name)
    }

    fn cut(&self, is_cut: bool) {
        let state = if is_cut { "down" } else { "up" };
        assert!(run(&["link", "set", &self.links()[0], state]));
    }

    /// A role of the agent of this host, called as it is.
    fn start(&self, role: &str, config: &Path) -> Child {
        let program = env!("CARGO_BIN_EXE_indelible");
        let line = format!(
            "hostname host-{}; exec {program} agent --supervised --role {role} --config {}",
            self.number,
            config.display()
        );
        Command::new("ip")
            .args([
                "netns", "exec", &self.name, "unshare", "--uts", "sh", "-c", &line,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .env("INDELIBLE_LOG", "error")
            .spawn()
            .unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = run(&["link", "del", &self.links()[0]]);
        let _ = run(&["netns", "del", &self.name]);
        let _ = fs::remove_dir_all(self.etc());
    }
}

fn run(words: &[&str]) -> bool {
    let status = Command::new("ip")
        .args(words)
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// One host: its processes, and the dispatcher that its capture reads from.
struct Host {
    namespace: Namespace,
    dispatcher: UnixStream,
    children: Vec<Child>,
}

impl Host {
    fn new(number: u8, folder: &Path, port: u16) -> Option<Self> {
        let namespace = Namespace::new(number)?;
        let folder = folder.join(format!("host-{number}"));
        fs::create_dir(&folder).unwrap();
        let (shown, pki) = (folder.display(), folder.with_file_name("pki"));
        let name = format!("host-{number}");
        assert!(indelible(&[
            "pki",
            "issue",
            "--dir",
            pki.to_str().unwrap(),
            &name
        ]));
        let pki = pki.display();
        let config = folder.join("agent.toml");
        fs::write(
            &config,
            format!(
                "spool = \"{shown}/spool\"\nworker-user = \"root\"\ncontext = false\n\
                 capture = \"audisp:{shown}/dispatcher\"\n\
                 [collector]\naddress = \"10.213.{number}.1:{port}\"\nlog-key = \"{pki}/log.vkey\"\n\
                 tls = {{ ca = \"{pki}/ca.pem\", certificate = \"{pki}/{name}.pem\", key = \"{pki}/{name}-key.pem\" }}\n"
            ),
        )
        .unwrap();
        let listener = UnixListener::bind(folder.join("dispatcher")).unwrap();
        let children = ["capture", "worker"].map(|role| namespace.start(role, &config));
        let (dispatcher, _) = listener.accept().unwrap();
        Some(Self {
            namespace,
            dispatcher,
            children: children.into(),
        })
    }

    fn say(&mut self, serials: std::ops::Range<u32>) {
        let key = format!("key-{}", self.namespace.number);
        self.dispatcher
            .write_all(events(&key, serials).as_bytes())
            .unwrap();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for child in &mut self.children {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

fn indelible(words: &[&str]) -> bool {
    let status = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(words)
        .stdout(Stdio::null())
        .status();
    status.unwrap().success()
}

/// Three hosts; the link of one is cut for some seconds while all go on. The collector says that this
/// one was silent, and of no other; afterwards everything of all is there, under its own host.
#[test]
fn a_host_behind_a_cut_link_is_silent_and_then_complete() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let (store, pki) = (folder.path().join("store"), folder.path().join("pki"));
    let mut hosts = Vec::new();
    let mut collector = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["collector", "--supervised", "--native"])
        .arg(format!("0.0.0.0:{port}"))
        .arg("--store")
        .arg(&store)
        .arg("--pki")
        .arg(&pki)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .env("INDELIBLE_LOG", "error")
        .spawn()
        .unwrap();
    wait_for("the collector", || pki.join("log.vkey").exists());
    for number in 1..=3 {
        let Some(host) = Host::new(number, folder.path(), port) else {
            drop(collector.stdin.take());
            collector.wait().unwrap();
            return;
        };
        hosts.push(host);
    }
    let count = |key: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args(["search", "--count", "-k", key, "--store"])
            .arg(&store)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.trim().parse::<usize>().unwrap_or(0)
    };
    let gaps = || -> Vec<serde_json::Value> {
        let output = Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args(["verify", "--format", "json", "--store"])
            .arg(&store)
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let gaps = report["gaps"].as_array().cloned().unwrap_or_default();
        gaps.into_iter()
            .filter(|gap| gap.to_string().contains("silence"))
            .collect()
    };
    hosts.iter_mut().for_each(|host| host.say(0..100));
    wait_for("the first part", || {
        (1..=3).all(|n| count(&format!("key-{n}")) == 100)
    });
    hosts[1].namespace.cut(true);
    hosts.iter_mut().for_each(|host| host.say(100..200));
    wait_for("the others", || {
        [1, 3].iter().all(|n| count(&format!("key-{n}")) == 200)
    });
    wait_for("the silence", || {
        gaps().iter().any(|gap| gap.to_string().contains("host-2"))
    });
    assert_eq!(count("key-2"), 100);
    hosts[1].namespace.cut(false);
    wait_for("the rest", || count("key-2") == 200);
    // Its end is told, too.
    std::thread::sleep(Duration::from_secs(1));
    let gaps = gaps();
    let others = gaps
        .iter()
        .filter(|gap| !gap.to_string().contains("host-2"));
    assert_eq!(others.count(), 0, "{gaps:?}");
    drop(hosts);
    drop(collector.stdin.take());
    assert!(collector.wait().unwrap().success());
    for number in 1..=3 {
        let output = Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args([
                "search",
                "-k",
                &format!("key-{number}"),
                "--format",
                "ndjson",
                "--store",
            ])
            .arg(&store)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let node = format!("\"node\":\"host-{number}\"");
        assert_eq!(
            text.lines().filter(|line| line.contains(&node)).count(),
            200
        );
    }
}
