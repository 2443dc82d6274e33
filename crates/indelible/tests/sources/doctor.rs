//! `indelible doctor`: every check answers, and what is bad comes with what mends it.

use std::fs;
use std::process::{Command, Output};

use indelible_testkit::Kernel;
use serde_json::Value;

fn doctor(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["doctor", "--format", "json"])
        .args(words)
        .output()
        .unwrap()
}

fn check<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let checks = answer["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["check"] == name);
    found.unwrap_or_else(|| panic!("{name} in {answer}"))
}

#[test]
fn bad_things_come_with_what_mends_them() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("agent.toml");
    let spool = folder.path().join("spool");
    fs::create_dir(&spool).unwrap();
    fs::write(folder.path().join("bad.pem"), "no certificate").unwrap();
    let text = format!(
        "spool = {spool:?}\n[limits]\nmin-free = 4611686018427387904\n[collector]\naddress = '127.0.0.1:1'\n\
         log-key = 'x'\ntls = {{ ca = {bad:?}, certificate = {bad:?}, key = {bad:?} }}\n",
        bad = folder.path().join("bad.pem"),
    );
    fs::write(&config, text).unwrap();
    let output = doctor(&["--config", config.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["ok"], false);
    for name in ["disk", "certificate", "authority", "collector"] {
        assert_eq!(check(&answer, name)["outcome"], "problem", "{name}");
    }
    for check in answer["checks"].as_array().unwrap() {
        if ["warning", "problem"].contains(&check["outcome"].as_str().unwrap())
            && !["certificate", "authority"].contains(&check["check"].as_str().unwrap())
        {
            assert!(check["mend"].is_string(), "{check}");
        }
    }
}

#[test]
fn the_kernels_settings_are_judged() {
    let Some(kernel) = Kernel::claim("the_kernels_settings_are_judged") else {
        return;
    };
    let answer: Value = serde_json::from_slice(&doctor(&[]).stdout).unwrap();
    let status = kernel.status();
    let enabled = check(&answer, "audit-enabled");
    assert_eq!(
        enabled["outcome"] == "problem",
        status.enabled == 0,
        "{enabled}"
    );
    let lost = check(&answer, "records-lost");
    assert_eq!(lost["outcome"] == "problem", status.lost > 0, "{lost}");
    let limit = check(&answer, "backlog-limit");
    let small = status.backlog_limit != 0 && status.backlog_limit < 8192;
    assert_eq!(limit["outcome"] == "warning", small, "{limit}");
    assert_eq!(check(&answer, "never-task")["outcome"], "fine");
}
