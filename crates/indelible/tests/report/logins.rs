//! Login sessions beside the real aulast.

use std::process::{Command, Stdio};

use crate::cases::path;
use crate::forms::run;

const LOGS: [&str; 8] = [
    "logins",
    "sessions",
    "accounts",
    "anomalies",
    "files",
    "truncated",
    "raw",
    "empty",
];

/// What aulast prints, if it is here.
fn aulast(log: &str, words: &[&str]) -> Option<String> {
    let output = Command::new("aulast")
        .args(words)
        .arg("-f")
        .arg(path(log))
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(_) => {
            eprintln!("skipped: aulast is missing; install the package auditd");
            None
        }
    }
}

#[test]
fn sessions_are_aulasts() {
    let mut rows = 0;
    for log in LOGS {
        for (theirs, ours) in [
            (&[][..], &["logins"][..]),
            (&["--bad"], &["logins", "--failed"]),
        ] {
            let Some(theirs) = aulast(log, theirs) else {
                return;
            };
            let input = format!("--input={}", path(log).display());
            let (text, code) = run(&[ours, &[&input]].concat());
            assert_eq!(text, theirs, "{ours:?} on {log}");
            assert_eq!(
                code,
                Some(i32::from(theirs.is_empty())),
                "{ours:?} on {log}"
            );
            rows += theirs.lines().count();
        }
    }
    assert!(rows > 25, "only {rows} rows");
}

/// What aulast does not tell: the serials, and how a session ended, for programs.
#[test]
fn sessions_as_json_and_csv() {
    let input = format!("--input={}", path("logins").display());
    let (json, code) = run(&["logins", "--format=json", &input]);
    assert_eq!(code, Some(0));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let row = |index: usize, name: &str| json["rows"][index][name].clone();
    assert_eq!(json["rows"].as_array().map(Vec::len), Some(3));
    assert_eq!(row(0, "host"), "192.0.2.7");
    assert_eq!(row(0, "end"), "logout");
    assert_eq!(row(0, "auid"), 1000);
    assert_eq!(row(0, "session"), 4);
    assert_eq!(row(0, "time"), "2023-11-14T22:13:22.000Z");
    assert_eq!(row(0, "until"), "2023-11-14T22:13:35.020Z");
    let serials = ["event", "login_event", "end_event"].map(|name| row(0, name));
    assert_eq!(serials, [108, 110, 162]);
    assert_eq!(row(1, "user"), "reboot");
    assert_eq!(row(1, "end"), "shutdown");
    assert!(row(2, "end").is_null() && row(2, "until").is_null());
    let (csv, _) = run(&["logins", "--failed", "--format=csv", &input]);
    assert!(
        csv.starts_with("time,user,auid,terminal,host,session,pid,end,"),
        "{csv}"
    );
    assert!(
        csv.contains(",in valid,,ssh,203.0.113.9,,,failed,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 7, "{csv}");
    // Sessions have no summary.
    assert_eq!(run(&["logins", "--summary", &input]).1, Some(2));
}
