//! Enrolment against the real collector: tokens that are good once, certificates that are renewed and
//! revoked, and everything that must be refused.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

struct Site {
    folder: tempfile::TempDir,
    address: String,
    collector: Option<Child>,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Workers pass through it as another user.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let mut site = Self {
            folder,
            address: format!("127.0.0.1:{}", indelible_testkit::free_port()),
            collector: None,
        };
        let (store, pki) = (site.path("store"), site.path("pki"));
        let collector = site
            .command(&["collector", "--native", &site.address, "--supervised"])
            .arg("--store")
            .arg(store)
            .arg("--pki")
            .arg(pki)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        site.collector = Some(collector);
        wait_for("the collector", || {
            site.path("pki/log.vkey").exists()
                && std::net::TcpStream::connect(&site.address).is_ok()
        });
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_indelible"));
        command.args(words).stdin(Stdio::null());
        command.env(
            "INDELIBLE_LOG",
            std::env::var("INDELIBLE_LOG").unwrap_or("error".into()),
        );
        command
    }

    /// A token's text.
    fn token(&self, words: &[&str]) -> String {
        let output = self
            .command(&["token", "create", "--address", &self.address, "--pki"])
            .arg(self.path("pki"))
            .args(words)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Enrols with a token on standard input.
    fn enroll(&self, spool: &str, name: &str, token: &str) -> Output {
        let mut child = self
            .command(&["enroll", "--token", "-", "--name", name, "--spool"])
            .arg(self.path(spool))
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(token.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }

    fn renew(&self, spool: &str) -> Output {
        self.command(&["enroll", "--renew", "--spool"])
            .arg(self.path(spool))
            .output()
            .unwrap()
    }

    fn revoke(&self, name: &str) -> Output {
        self.command(&["revoke", "--pki"])
            .arg(self.path("pki"))
            .arg(name)
            .output()
            .unwrap()
    }

    /// Whether the store holds a text.
    fn stored(&self, text: &str) -> bool {
        let output = self
            .command(&["search", "--format", "raw", "--store"])
            .arg(self.path("store"))
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).contains(text)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut collector) = self.collector.take() {
            drop(collector.stdin.take());
            let _ = collector.wait();
        }
    }
}

/// An agent with its processes; a test that fails leaves none of them.
struct Running(Child);

impl Running {
    fn ask_to_stop(&self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            // Its own processes end with it.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

fn wait_for(what: &str, is_so: impl FnMut() -> bool) {
    indelible_testkit::wait_for(Duration::from_secs(20), what, is_so);
}

fn refused(output: &Output, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(why), "{why:?} is not in {said:?}");
}

#[test]
fn tokens_are_good_once_and_for_their_collector() {
    let site = Site::new();
    let token = site.token(&[]);
    let enrolled = site.enroll("one", "web1", &token);
    assert!(enrolled.status.success(), "{enrolled:?}");
    let key = site.path("one/worker/identity/host.pem");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o077, 0);
    refused(&site.enroll("two", "web2", &token), "used already");
    assert!(!site.path("two/worker/identity/collector.json").exists());
    refused(
        &site.enroll("two", "web2", &site.token(&["--minutes", "0"])),
        "expired",
    );
    // The name of another host, and the collector's.
    refused(
        &site.enroll("two", "web1", &site.token(&[])),
        "a host \"web1\" already",
    );
    refused(
        &site.enroll("two", "collector", &site.token(&[])),
        "own name",
    );
    refused(&site.enroll("two", "../x", &site.token(&[])), "not a name");
    refused(
        &site.enroll("two", "web3", &site.token(&["--host", "web4"])),
        "another host",
    );
    refused(&site.enroll("two", "web3", "{}"), "not a token");
    // Another authority than the token's: the secret is not even sent.
    let token = site.token(&[]);
    let mut wrong: serde_json::Value = serde_json::from_str(&token).unwrap();
    wrong["authority_sha256"] = "00".repeat(32).into();
    refused(
        &site.enroll("two", "web3", &wrong.to_string()),
        "not the collector of this token",
    );
    assert!(site.enroll("two", "web3", &token).status.success());
}

#[test]
fn certificates_are_renewed_and_revoked() {
    let site = Site::new();
    assert!(
        site.enroll("one", "web1", &site.token(&[]))
            .status
            .success()
    );
    let key = site.path("one/worker/identity/host.pem");
    let before = fs::read(&key).unwrap();
    let renewed = site.renew("one");
    assert!(renewed.status.success(), "{renewed:?}");
    assert_ne!(fs::read(&key).unwrap(), before);
    refused(&site.revoke("nobody"), "no certificate was issued");
    assert!(site.revoke("web1").status.success());
    refused(&site.renew("one"), "was revoked");
    // A certificate of a later second, with a token for this host alone.
    std::thread::sleep(Duration::from_millis(1100));
    fs::remove_dir_all(site.path("one/worker/identity")).unwrap();
    let enrolled = site.enroll("one", "web1", &site.token(&["--host", "web1"]));
    assert!(enrolled.status.success(), "{enrolled:?}");
    assert!(site.renew("one").status.success());
}

#[test]
fn an_agent_enrols_itself_and_is_cut_off_when_revoked() {
    let site = Site::new();
    let (log, token, spool) = (
        site.path("audit.log"),
        site.path("token"),
        site.path("spool"),
    );
    fs::write(&token, site.token(&[])).unwrap();
    let append = |line: &str| {
        let mut file = fs::File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        writeln!(file, "type=USER_LOGIN msg=audit(1700000000.000:{}): pid=1 uid=0 auid=0 ses=1 msg='op={line} res=success'", line.len()).unwrap();
    };
    append("first");
    let start = || {
        let mut command = site.command(&[
            "agent",
            "--name",
            "web1",
            "--capture",
            &format!("file:{}", log.display()),
        ]);
        command.arg("--spool").arg(&spool);
        command.arg("--enroll-token").arg(&token);
        Running(command.spawn().unwrap())
    };
    let stop = |mut agent: Running| {
        agent.ask_to_stop();
        let mut status = None;
        wait_for("the agent's end", || {
            status = agent.0.try_wait().unwrap();
            status.is_some()
        });
        assert!(status.unwrap().success());
    };
    let agent = start();
    wait_for("the first line", || site.stored("op=first"));
    stop(agent);
    // Enrolled for good: the token is not looked at again.
    fs::remove_file(&token).unwrap();
    append("second");
    let agent = start();
    wait_for("the second line", || site.stored("op=second"));
    assert!(site.revoke("web1").status.success());
    std::thread::sleep(Duration::from_millis(1500));
    append("third-line");
    std::thread::sleep(Duration::from_millis(700));
    assert!(!site.stored("op=third-line"));
    stop(agent);
    // Nothing is lost meanwhile: it waits in the spool.
    let spooled = site
        .command(&["search", "--format", "raw", "--spool"])
        .arg(&spool)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&spooled.stdout).contains("op=third-line"));
    assert!(Path::new(&spool).exists());
}
