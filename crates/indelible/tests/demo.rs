//! The demonstration, as root and as an ordinary user, and the stores that it leaves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use indelible_sys::process;
use indelible_testkit::{Kernel, KernelState, copy_program};
use tempfile::TempDir;

#[test]
fn as_root_it_shows_a_kernel_event_and_puts_everything_back() {
    let name = "as_root_it_shows_a_kernel_event_and_puts_everything_back";
    let Some(kernel) = Kernel::claim(name) else {
        return;
    };
    let output = Command::new(PROGRAM).arg("demo").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("proctitle=cat "), "{text}");
    assert!(!text.contains("replayed"), "{text}");
    assert!(text.contains("BROKEN"), "{text}");
    assert_eq!(&KernelState::now().unwrap(), kernel.before());
}

#[test]
fn interrupted_it_puts_everything_back() {
    let Some(kernel) = Kernel::claim("interrupted_it_puts_everything_back") else {
        return;
    };
    for delay_ms in [50, 150, 300] {
        let mut child = Command::new(PROGRAM)
            .arg("demo")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay_ms));
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        child.wait().unwrap();
        let now = KernelState::now().unwrap();
        assert_eq!(&now, kernel.before(), "after {delay_ms} ms");
    }
}

/// As under `indelible demo | head`.
#[test]
fn a_reader_that_goes_away_ends_it() {
    let user = OrdinaryUser::new();
    let mut child = user
        .command(&["demo"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn an_ordinary_user_sees_a_replay() {
    let user = OrdinaryUser::new();
    let output = user.run(&["demo"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("replayed"), "{text}");
    assert!(text.contains("BROKEN"), "{text}");
}

#[test]
fn the_stores_that_stay_answer_search_and_verify() {
    let user = OrdinaryUser::new();
    let kept = user.folder.path().join("kept");
    assert!(
        user.run(&["demo", "--keep", kept.to_str().unwrap()])
            .status
            .success()
    );
    let store = kept.join("collector");
    let store = store.to_str().unwrap();

    let found = user.run(&[
        "search",
        "--store",
        store,
        "-k",
        "indelible_demo",
        "--format",
        "ndjson",
    ]);
    assert_eq!(found.status.code(), Some(0));
    let event: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(event["keys"][0], "indelible_demo");
    assert_eq!(event["complete"], true);
    let records = event["records"].as_array().unwrap();
    let types: Vec<&str> = records
        .iter()
        .filter_map(|record| record["type"].as_str())
        .collect();
    assert_eq!(types, ["SYSCALL", "CWD", "PATH", "PROCTITLE", "EOE"]);
    let raw = user.run(&["search", "--store", store, "-k", "demo", "--raw"]);
    assert!(raw.stdout.starts_with(b"node="), "{raw:?}");
    assert_eq!(
        user.run(&["search", "--store", store, "-k", "other"])
            .status
            .code(),
        Some(1)
    );

    let intact = user.run(&["verify", "--store", store, "--format", "json"]);
    // The wiped host's silence may be a recorded gap.
    assert!(intact.status.code().is_some_and(|code| code <= 1));
    let report: serde_json::Value = serde_json::from_slice(&intact.stdout).unwrap();
    assert_eq!(
        (&report["ok"], &report["problems"]),
        (&true.into(), &serde_json::json!([]))
    );
    assert_eq!(report["checkpoint"]["size"], report["entries"]);

    let broken = user.run(&[
        "verify",
        "--store",
        kept.join("edited-copy").to_str().unwrap(),
        "--format",
        "json",
    ]);
    assert_eq!(broken.status.code(), Some(2));
    let report: serde_json::Value = serde_json::from_slice(&broken.stdout).unwrap();
    let problem = &report["problems"][0];
    assert_eq!(problem["kind"], "entry");
    assert!(
        problem["entry"].is_u64() && problem["sequence"].is_u64() && problem["time"].is_string(),
        "{problem}"
    );

    prove_and_check(&user, store, &raw.stdout);

    assert_eq!(
        user.run(&["verify", "--store", "/nonexistent"])
            .status
            .code(),
        Some(3)
    );
    let torn = kept.join("collector/wal/00000000000000000000.wal");
    let mut bytes = fs::read(&torn).unwrap();
    bytes.extend_from_slice(b"FRM1 and then the power went");
    fs::write(&torn, bytes).unwrap();
    assert_eq!(
        user.run(&["verify", "--store", store]).status.code(),
        Some(1)
    );
}

/// The event that `search --raw` printed is proven to somebody who has no store.
fn prove_and_check(user: &OrdinaryUser, store: &str, raw: &[u8]) {
    let text = String::from_utf8_lossy(raw);
    let event = text.split("audit(").nth(1).unwrap().split(')').next();
    let out = user.folder.path().join("proofs");
    let out = out.to_str().unwrap();
    let words = ["prove", "--store", store, "--out", out, "--event"];
    let proven = user.run(&[&words[..], &[event.unwrap()]].concat());
    assert_eq!(proven.status.code(), Some(0), "{proven:?}");
    let files = String::from_utf8(proven.stdout).unwrap();
    let files: Vec<&str> = files.lines().collect();
    assert_eq!(files.len(), 5, "four records and their end: {files:?}");

    let key = format!("{store}/log.vkey");
    let check =
        |file: &str| user.run(&["verify", "--key", &key, "--proof", file, "--format", "json"]);
    let answer = check(files[0]);
    assert_eq!(answer.status.code(), Some(0), "{answer:?}");
    let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(answer["ok"], true);
    assert!(answer["proofs"][0]["index"].is_u64());

    let entry = files[0].replace(".tlog-proof", ".entry");
    let mut bytes = fs::read(&entry).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&entry, bytes).unwrap();
    assert_eq!(check(files[0]).status.code(), Some(2));
    assert_eq!(check("/nonexistent.tlog-proof").status.code(), Some(3));
    let none = user.run(&[&words[..], &["1.000:1"]].concat());
    assert_eq!(none.status.code(), Some(1));
}

/// Somebody without privileges: where the tests run as root, `nobody` with a copy of the program.
struct OrdinaryUser {
    folder: TempDir,
    program: PathBuf,
}

impl OrdinaryUser {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("indelible-test-")
            .tempdir()
            .unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let program = folder.path().join("indelible");
        copy_program(PROGRAM, &program);
        Self { folder, program }
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .stdin(Stdio::null())
            .env("TMPDIR", self.folder.path());
        if process::is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_indelible");
/// The user `nobody` of Debian and its kin.
const NOBODY: u32 = 65534;
