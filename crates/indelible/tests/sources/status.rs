//! `indelible status`: the account adds up, or says what does not.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::agent::Agent;

/// An event of three records, as a log has it.
fn event(serial: u32) -> String {
    let stamp = format!("msg=audit(1700000{:03}.000:{serial}):", serial % 1000);
    format!(
        "type=SYSCALL {stamp} arch=c000003e syscall=2 success=yes exit=3 a0=0 a1=0 a2=0 a3=0 items=1 \
         ppid=1 pid=2 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 \
         comm=\"cat\" exe=\"/bin/cat\" key=\"k\"\n\
         type=CWD {stamp} cwd=\"/\"\n\
         type=PATH {stamp} item=0 name=\"/x\" inode=1 dev=00:01 mode=0100644 ouid=0 ogid=0 rdev=00:00\n\
         type=PROCTITLE {stamp} proctitle=\"cat\"\n"
    )
}

/// Puts a log into a spool.
fn capture(folder: &Path, log: &str) {
    let path = folder.join("audit.log");
    fs::write(&path, log).unwrap();
    let capture = format!("file:{}", path.display());
    let mut agent = Agent::new(&folder.join("spool"), "capture", &["--capture", &capture]);
    agent.start();
    agent.wait_for_lines(log.lines().count());
    agent.stop();
}

/// Exit code and account.
fn status(folder: &Path) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["status", "--format", "json", "--spool"])
        .arg(folder.join("spool"))
        .output()
        .unwrap();
    let account = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code().unwrap(), account)
}

fn kinds(account: &Value) -> Vec<&str> {
    let findings = account["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| finding["kind"].as_str().unwrap())
        .collect()
}

#[test]
fn a_whole_log_adds_up() {
    let folder = tempfile::tempdir().unwrap();
    let log: String = (100..120).map(event).collect();
    capture(folder.path(), &log);
    let (code, account) = status(folder.path());
    assert_eq!(kinds(&account), Vec::<&str>::new());
    assert_eq!(code, 0);
    let boot = &account["boots"][0];
    assert_eq!(boot["records"], 80);
    assert_eq!(boot["events"]["assembled"], 20);
    assert_eq!(
        (&boot["serials"]["seen"], &boot["serials"]["missing"]),
        (&20.into(), &0.into())
    );
    assert_eq!(account["streams"][0]["oldest"], 0);
    assert!(boot["host_heads"].as_u64() > Some(0));
}

#[test]
fn holes_and_halves_are_findings() {
    let folder = tempfile::tempdir().unwrap();
    let whole: String = (100..120)
        .filter(|serial| ![104, 105].contains(serial))
        .map(event)
        .collect();
    // One event lost its PATH record.
    let log: String = whole
        .lines()
        .filter(|line| !(line.starts_with("type=PATH") && line.contains(":110)")))
        .map(|line| format!("{line}\n"))
        .collect();
    capture(folder.path(), &log);
    let (code, account) = status(folder.path());
    assert_eq!(code, 1);
    assert_eq!(kinds(&account), ["serials-missing", "events-incomplete"]);
    let serials = &account["boots"][0]["serials"];
    assert_eq!(
        (&serials["missing"], &serials["holes"][0]["first"]),
        (&2.into(), &104.into())
    );

    // Receipts for more than the stream has: somebody cut it.
    let stream = account["streams"][0]["id"].as_str().unwrap();
    let next = account["streams"][0]["next"].as_u64().unwrap();
    let released = folder.path().join("spool/worker/released").join(stream);
    fs::write(&released, (next + 5).to_be_bytes()).unwrap();
    let (_, account) = status(folder.path());
    assert!(
        kinds(&account).contains(&"stream-shorter-than-receipts"),
        "{account}"
    );
}
