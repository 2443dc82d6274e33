//! `detect run`, `list`, `explain` and `test`, as a user runs them.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../record/tests/corpus/raw.log"
);

fn detect(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_indelible"))
        .arg("detect")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn case_files(kind: &str) -> Vec<PathBuf> {
    let folder = fs::read_dir(format!("{ROOT}/tests/detections/{kind}")).expect("the cases");
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

#[test]
fn every_detection_passes_its_cases() {
    let files = case_files("constructed");
    let mut arguments = vec!["test", "--format", "json"];
    arguments.extend(files.iter().map(|path| path.to_str().expect("UTF-8")));
    let output = detect(&arguments);
    let report = json(&output);
    assert_eq!(report["wrong"], Value::Array(Vec::new()));
    assert_eq!(output.status.code(), Some(0));
    let scores = report["detections"].as_array().expect("scores");
    let known = json(&detect(&["list", "--format", "json"]));
    let known = known["detections"].as_array().expect("detections");
    assert_eq!(scores.len(), known.len());
    for score in scores {
        let count = |name: &str| score[name].as_u64().expect("a count");
        assert!(count("cases") >= 8 && count("benign") >= 8, "{score}");
    }
}

/// What the real kernel recorded while procedures were performed.
#[test]
fn recorded_procedures_are_found() {
    let mut arguments = vec!["test", "--format", "json"];
    let files = case_files("recorded");
    arguments.extend(files.iter().map(|path| path.to_str().expect("UTF-8")));
    let report = json(&detect(&arguments));
    let is_recorded = |score: &&Value| {
        let id = score["id"].as_str().expect("an id");
        files
            .iter()
            .any(|path| path.file_stem().is_some_and(|stem| stem == id))
    };
    let scores = report["detections"].as_array().expect("scores");
    for score in scores.iter().filter(is_recorded) {
        let count = |name: &str| score[name].as_u64().expect("a count");
        assert!(count("cases") >= 8 && count("benign") >= 8, "{score}");
        let recall = score["recall"].as_f64().expect("a recall");
        assert!(recall >= 0.9, "{score}; {}", report["wrong"]);
    }
}

/// Also of what was written without a look at the detections.
#[test]
fn of_all_cases_nine_tenths_are_found_and_no_more_are_false() {
    let kinds = [
        "recorded",
        "constructed",
        "second/recorded",
        "third/recorded",
    ];
    let files: Vec<PathBuf> = kinds.into_iter().flat_map(case_files).collect();
    let mut arguments = vec!["test", "--format", "json"];
    arguments.extend(files.iter().map(|path| path.to_str().expect("UTF-8")));
    let report = json(&detect(&arguments));
    let scores = report["detections"].as_array().expect("scores");
    assert_eq!(scores.len(), 15);
    for score in scores {
        for name in ["recall", "precision"] {
            let part = score[name].as_f64().expect("a part");
            assert!(part >= 0.9, "{score}; {}", report["wrong"]);
        }
    }
}

#[test]
fn a_case_that_is_not_as_expected_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.toml");
    let record = r#"type=SYSCALL msg=audit(1.002:3): arch=c000003e syscall=101 success=yes a0=4 pid=7 exe="/x""#;
    let case = |name: &str, expect: &str| {
        format!("[[case]]\nname = '{name}'\nexpect = [{expect}]\nrecords = '''\n{record}\n'''\n")
    };
    let text = case("too much", "") + &case("too little", "'ptrace-injection', 'log-clearing'");
    fs::write(&path, text).expect("a file");
    let name = path.to_str().expect("UTF-8");
    let output = detect(&["test", "--format", "json", name]);
    assert_eq!(output.status.code(), Some(1));
    let report = json(&output);
    let wrong = report["wrong"].as_array().expect("lines");
    assert!(
        wrong[0]
            .as_str()
            .is_some_and(|line| line.ends_with("found too: ptrace-injection"))
    );
    assert!(
        wrong[1]
            .as_str()
            .is_some_and(|line| line.ends_with("not found: log-clearing"))
    );
    let ptrace = &report["detections"][1];
    assert_eq!(
        (&ptrace["precision"], &ptrace["recall"]),
        (&0.5.into(), &1.0.into())
    );
    fs::write(&path, case("x", "'no-such'")).expect("a file");
    assert_eq!(detect(&["test", name]).status.code(), Some(2));
}

/// What a real kernel recorded while `exercise.c` ran; the session's own end is tampering, too.
#[test]
fn a_recorded_log() {
    let output = detect(&["run", "--format", "json", "--fail-on", "high", RECORDED]);
    assert_eq!(output.status.code(), Some(1));
    let report = json(&output);
    let schema = fs::read(format!("{ROOT}/docs/schemas/detect-run.json")).expect("the schema");
    let schema = serde_json::from_slice(&schema).expect("JSON");
    let differences = indelible_testkit::schema::differences(&schema, &report);
    assert_eq!(differences, [""; 0]);
    let findings = report["findings"].as_array().expect("findings");
    let found: Vec<(&str, u64)> = findings
        .iter()
        .map(|finding| {
            let serial = finding["events"][0]["serial"].as_u64().expect("a serial");
            (finding["id"].as_str().expect("an id"), serial)
        })
        .collect();
    let expected = [
        ("privilege-escalation", 1327),
        ("module-load", 1448),
        ("credential-access", 1576),
        ("audit-tampering", 1611),
        ("audit-tampering", 1612),
        ("audit-tampering", 1613),
        ("audit-tampering", 1615),
        ("audit-tampering", 1616),
        ("audit-tampering", 2444),
    ];
    assert_eq!(found, expected);

    // A finding's search: its event is among its detection's candidates.
    for finding in findings {
        let id = finding["id"].as_str().expect("an id");
        let about = json(&detect(&["explain", id, "--format", "json"]));
        let serial = finding["events"][0]["serial"].to_string();
        let output = Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args(["search", "--format", "ndjson", "-if", RECORDED, "--where"])
            .arg(format!(
                "({}) and serial = {serial}",
                about["where"].as_str().expect("a condition")
            ))
            .stdin(Stdio::null())
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{finding}");
    }
}

#[test]
fn one_detection_over_standard_input_and_tuned() {
    let record = br#"type=SYSCALL msg=audit(1.002:3): arch=c000003e syscall=101 success=yes a0=4 pid=7 auid=4294967295 exe="/opt/debug\x1b""#;
    let run = |arguments: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_indelible"))
            .args([
                "detect",
                "run",
                "--only",
                "ptrace-injection",
                "--format",
                "ndjson",
            ])
            .args(arguments)
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut input = child.stdin.take().expect("a pipe");
        // A program that refuses its options does not read.
        let _ = input.write_all(record);
        drop(input);
        child.wait_with_output().expect("it ends")
    };
    let finding = json(&run(&[]));
    assert_eq!(finding["technique"], "T1055.008");
    assert_eq!(finding["auid"], Value::Null);
    let tuned = run(&["--tune", "ptrace-injection.allow=/opt/debug*"]);
    assert_eq!((tuned.status.code(), tuned.stdout.len()), (Some(0), 0));
    assert_eq!(
        run(&["--tune", "ptrace-injection.no=/x"]).status.code(),
        Some(2)
    );
    assert_eq!(run(&["--only", "no-such"]).status.code(), Some(2));
}
