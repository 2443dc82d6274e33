//! `detect sigma`: rules from a folder over a log, as a user runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const LOG: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../record/tests/corpus/raw.log"
);

const RULES: &str = "\
title: Program from a folder
id: 11111111-1111-4111-8111-111111111111
author: A. Nonymous
level: low
tags: [attack.t1059]
logsource: {product: linux, category: process_creation}
detection: {s: {CommandLine|contains: '-'}, condition: s}
---
title: Mail
logsource: {product: linux, service: postfix}
detection: {k: [x], condition: k}
---
title: Shadow
level: high
logsource: {product: linux, service: auditd}
detection: {s: {type: PATH, name|startswith: /}, condition: s}
";

fn detect(rules: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args(["detect", "sigma", "--rules"])
        .arg(rules)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

#[test]
fn findings_as_json() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("linux")).expect("a folder");
    fs::write(folder.path().join("linux/rules.yml"), RULES).expect("a file");
    let output = detect(folder.path(), &["--format", "json", LOG]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["rules"], 2);
    assert_eq!(report["refused"][0]["title"], "Mail");
    assert_eq!(report["refused"][0]["sound"], true);
    let findings = report["findings"].as_array().expect("findings");
    let of = |title: &str| {
        let mut all = findings.iter();
        all.find(|finding| finding["rule"]["title"] == title)
            .unwrap_or_else(|| panic!("nothing by {title}"))
    };
    let shadow = of("Shadow");
    assert_eq!(shadow["record"]["type"], "PATH");
    assert!(
        shadow["fields"]["name"]
            .as_str()
            .is_some_and(|name| name.starts_with('/'))
    );
    let program = of("Program from a folder");
    assert_eq!(program["rule"]["author"], "A. Nonymous");
    assert_eq!(program["rule"]["techniques"][0], "T1059");
    assert_eq!(program["rule"]["file"], "linux/rules.yml");
    assert_eq!(program["view"], "process");

    // The same findings, a line each.
    let lines = detect(folder.path(), &["--format", "ndjson", LOG]);
    let lines: Vec<Value> = lines
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("JSON"))
        .collect();
    assert_eq!(&lines, findings);
}

#[test]
fn exit_codes() {
    let folder = tempfile::tempdir().expect("a folder");
    let code = |arguments: &[&str]| detect(folder.path(), arguments).status.code();
    assert_eq!(code(&[LOG]), Some(2), "no rules");
    fs::write(folder.path().join("rules.yml"), RULES).expect("a file");
    assert_eq!(code(&[LOG]), Some(0));
    assert_eq!(code(&["--fail-on", "high", LOG]), Some(1));
    assert_eq!(code(&["--fail-on", "critical", LOG]), Some(0));
    assert_eq!(code(&["--list"]), Some(0));
    assert_eq!(code(&["/nonexistent"]), Some(2));
    fs::write(folder.path().join("broken.yml"), "title: [").expect("a file");
    assert_eq!(code(&["--list"]), Some(1));
    let listed = detect(folder.path(), &["--list"]);
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(
        text.contains("not mapped") && text.contains("broken.yml"),
        "{text}"
    );
}
