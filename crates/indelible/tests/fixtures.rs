//! What earlier releases wrote is read by the program of now (tests/fixtures/README.md).

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_indelible");

/// A copy of one release's fixtures, which may be written to.
struct Fixture {
    folder: tempfile::TempDir,
    said: String,
}

impl Fixture {
    fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
        let mut found = Vec::new();
        for entry in fs::read_dir(root).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_dir() {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let copied = Command::new("cp")
                .args(["-r", "--"])
                .args([path.join("store"), path.join("heads"), path.join("spool")])
                .arg(folder.path())
                .status()
                .unwrap();
            assert!(copied.success());
            let said = fs::read_to_string(path.join("verify.txt")).unwrap();
            found.push(Self { folder, said });
        }
        assert!(!found.is_empty());
        found
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, words: &[&str]) -> Output {
        Command::new(PROGRAM)
            .args(words)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Standard output of what must succeed.
    fn says(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{words:?}: {}{text}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }
}

#[test]
fn stores_of_earlier_releases_are_verified_and_searched() {
    for fixture in Fixture::all() {
        let now = fixture.says(&["verify", "--store", "store"]);
        // What a release says besides may grow; entries and checkpoint are what they were.
        for line in fixture.said.lines().take(2) {
            assert!(now.lines().any(|found| found == line), "{line}: {now}");
        }
        let found = fixture.says(&["search", "--store", "store", "-k", "indelible_demo", "-i"]);
        assert!(found.contains("key=indelible_demo"), "{found}");
        let sealed = fixture.says(&[
            "search",
            "--store",
            "store",
            "-k",
            "backup_reads",
            "--format",
            "ndjson",
        ]);
        assert_eq!(sealed.lines().count(), 13_200);
        let report = fixture.says(&["report", "keys", "--store", "store"]);
        assert!(report.contains("backup_reads"), "{report}");
    }
}

#[test]
fn spools_of_earlier_releases_are_verified_and_searched() {
    for fixture in Fixture::all() {
        let verified = fixture.run(&["verify", "--spool", "spool"]);
        assert!(verified.status.code() < Some(2), "{verified:?}");
        let found = fixture.says(&["search", "--spool", "spool", "-m", "USER_LOGIN"]);
        assert!(found.contains("type=USER_LOGIN"), "{found}");
    }
}

/// A store of an earlier release goes on, its heads folder is believed, and a spool that it left is
/// delivered to it.
#[test]
fn a_store_goes_on_and_takes_a_spool_of_its_time() {
    for fixture in Fixture::all() {
        let key = fs::read_to_string(fixture.at("store/log.vkey")).unwrap();
        let origin = key.split('+').next().unwrap();
        let words = [
            "--store", "store", "--heads", "heads", "--pki", "pki", "--origin", origin,
        ];
        let logins = fixture.says(&[
            "search",
            "--store",
            "store",
            "-m",
            "USER_LOGIN",
            "--format",
            "raw",
        ]);
        let before = logins.lines().count();
        let mut collector = Daemon::start(&fixture, &[&["collector"], &words[..]].concat());
        let address = collector.address();
        fixture.says(&[
            "token",
            "create",
            "--pki",
            "pki",
            "--address",
            &address,
            "--out",
            "token",
        ]);
        fs::write(
            fixture.at("log"),
            "type=TEST msg=audit(1.000:1): fixture=new\n",
        )
        .unwrap();
        let capture = format!("file:{}", fixture.at("log").display());
        let words = [
            "agent",
            "--spool",
            "spool",
            "--enroll-token",
            "token",
            "--capture",
            &capture,
            "--worker-user",
            "root",
        ];
        let agent = Daemon::start(&fixture, &words);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let found = |kind: &str| {
            let words = ["search", "--store", "store", "--format", "raw", "-m", kind];
            String::from_utf8_lossy(&fixture.run(&words).stdout).into_owned()
        };
        // The old stream's records and the new line.
        let delivered = || {
            found("USER_LOGIN").lines().count() > before && found("TEST").contains("fixture=new")
        };
        while !delivered() {
            assert!(std::time::Instant::now() < deadline, "not delivered");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        drop(agent);
        drop(collector);
        fixture.says(&["verify", "--store", "store"]);
    }
}

/// A process that is asked to stop, and waited for, at the end.
struct Daemon(Child, Option<BufReader<std::process::ChildStderr>>);

impl Daemon {
    fn start(fixture: &Fixture, words: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(words)
            .args(if words[0] == "collector" {
                &["--native", "127.0.0.1:0"][..]
            } else {
                &[]
            })
            .current_dir(fixture.folder.path())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Self(child, Some(lines))
    }

    /// Where the collector listens; what it says later is read away.
    fn address(&mut self) -> String {
        let mut lines = self.1.take().unwrap();
        let mut line = String::new();
        loop {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended");
            if line.contains("listening")
                && let Some((_, rest)) = line.split_once("address=")
            {
                let address = rest.split_whitespace().next().unwrap().to_owned();
                std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
                return address;
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        assert!(asked.unwrap().success());
        self.0.wait().unwrap();
    }
}
