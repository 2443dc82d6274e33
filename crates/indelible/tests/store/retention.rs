//! A collector that removes what is too old.

use std::fs;

use crate::lab::{HOST, Lab, many, wait_for};

#[test]
fn old_segments_are_removed_unless_they_are_held() {
    let lab = Lab::new();
    lab.fill(many(200_000));
    let held = lab.told(&[
        "hold",
        "add",
        "--host",
        HOST,
        "--since",
        "2023-11-14T22:13:20Z",
        "--until",
        "2023-11-14T22:13:21Z",
        "--reason",
        "case 8",
    ]);
    let held = held.unwrap();
    let hold = held.trim().strip_prefix("holding ").unwrap();
    let segments = || fs::read_dir(lab.store().join("segments")).unwrap().count();
    assert_eq!(segments(), 3);

    let collector = lab.collector("[retention]\nage-days = 30");
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert_eq!(segments(), 3, "a held segment was removed");
    let released = lab.told(&["hold", "remove", hold, "--reason", "closed"]);
    released.unwrap();
    // The newest segment stays: what follows it refers to it.
    wait_for("the removal", || segments() == 1);
    collector.stop();

    let report = lab.verified();
    assert_eq!(report["removed"], 131_072);
    let actions = lab.actions();
    let removals: Vec<_> = actions
        .iter()
        .filter(|action| action["action"] == "remove")
        .collect();
    assert_eq!(removals.len(), 2);
    assert_eq!(removals[1]["to"], 131_072);
    assert_eq!(removals[1]["reason"], "age");
    // What is left is found, and is still its host's, whose stream began in what was removed.
    let count = |words: &[&str]| -> u64 {
        let found = lab.told(&[&["search", "--count"], words].concat());
        found.unwrap().trim().parse().unwrap()
    };
    let found = count(&[]);
    // Of 200,000 records: before the cut stand two openings and 26 marks beside them.
    let events = 200_000 - (131_072 - 28);
    // The collector has found that the host is silent.
    let findings = count(&["--findings"]);
    assert_eq!((found, findings), (events + 1, 1));
    assert_eq!(count(&["-n", HOST]), found);
    let rows = |form: &str, words: &[&str]| -> u64 {
        let out = lab.path(&format!("export-{form}-{}", words.len()));
        let words = [&["export", "--format", form], words].concat();
        let words = [&words[..], &["--output", out.to_str().unwrap()]].concat();
        lab.told(&words).unwrap();
        let manifest = fs::read(out.join("manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        manifest["rows"].as_u64().unwrap()
    };
    // Forms with messages have all that a search finds, the others its events.
    assert_eq!(rows("raw", &[]), found);
    assert_eq!(rows("ndjson", &[]), events);
    assert_eq!(rows("ndjson", &["--host", HOST]), events);
}
