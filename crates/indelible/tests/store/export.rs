//! Exports, read again by others.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use indelible_log::Kind;
use indelible_log::hash::sha256;
use serde_json::Value;

use crate::lab::{BOOT, HOST, Lab, indelible, lines, text};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../record/tests/corpus/enriched.log")
}

/// A store with recorded events and a few messages.
fn recorded() -> Lab {
    let lab = Lab::new();
    let mut payloads = lines(&corpus());
    for nth in 0..3 {
        let message = format!("<13>host app: message {nth} \u{fffd}");
        payloads.push((Kind::Syslog, message.into_bytes()));
    }
    payloads.push((Kind::FileLine, b"a line \xff".to_vec()));
    lab.fill(payloads.into_iter());
    lab
}

fn export(lab: &Lab, words: &[&str], folder: &str) -> (PathBuf, Value) {
    let folder = lab.path(folder);
    let all = [&["export", "--output", folder.to_str().unwrap()], words].concat();
    let output = lab.run(&all);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let manifest = fs::read(folder.join("manifest.json")).unwrap();
    (folder, serde_json::from_slice(&manifest).unwrap())
}

/// All files of a manifest, one after the other, with their hashes checked.
fn contents(folder: &Path, manifest: &Value) -> Vec<u8> {
    let mut all = Vec::new();
    for file in manifest["files"].as_array().unwrap() {
        let bytes = fs::read(folder.join(file["name"].as_str().unwrap())).unwrap();
        assert_eq!(sha256(&bytes).to_string(), file["sha256"].as_str().unwrap());
        assert_eq!(bytes.len() as u64, file["bytes"].as_u64().unwrap());
        all.extend(bytes);
    }
    all
}

/// Events, in an order of their own; messages are another matter.
fn sorted(text: &str) -> Vec<&str> {
    let is_message = |line: &&str| {
        ["SYSLOG", "FILE"]
            .iter()
            .any(|kind| line.contains(&format!("\"type\":\"{kind}\"")))
    };
    let mut lines: Vec<&str> = text.lines().filter(|line| !is_message(line)).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn what_is_exported_is_what_search_finds() {
    let lab = recorded();
    let searched = lab
        .told(&["search", "--format", "ndjson", "--no-resolve"])
        .unwrap();
    let (folder, manifest) = export(
        &lab,
        &["--format", "ndjson", "--rows-per-file", "7"],
        "json",
    );
    let exported = text(&contents(&folder, &manifest));
    assert_eq!(sorted(&exported), sorted(&searched));
    assert!(manifest["files"].as_array().unwrap().len() > 3);
    assert_eq!(manifest["rows"], exported.lines().count());

    // Each file's proof holds, and the key in the manifest is the log's.
    let key = lab.store().join("log.vkey");
    assert_eq!(
        manifest["log_key"],
        fs::read_to_string(&key).unwrap().trim()
    );
    for file in manifest["files"].as_array().unwrap() {
        let proof = folder.join(file["proof"].as_str().unwrap());
        let words = [
            "verify",
            "--proof",
            proof.to_str().unwrap(),
            "--key",
            key.to_str().unwrap(),
        ];
        let output = indelible(&words);
        assert!(output.status.success(), "{}", text(&output.stdout));
    }

    let (folder, manifest) = export(&lab, &["--format", "raw"], "raw");
    let raw = contents(&folder, &manifest);
    let recorded = fs::read(corpus()).unwrap();
    let count = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(count(&raw), count(&recorded) + 4);
    let (folder, manifest) = export(&lab, &["--format", "csv"], "csv");
    let csv = text(&contents(&folder, &manifest));
    assert_eq!(csv.lines().count(), exported.lines().count() + 1);

    // Times and hosts narrow it; a folder that is not empty is refused.
    let (_, none) = {
        let folder = lab.path("none");
        let words = ["export", "--format", "raw", "--host", "other", "--output"];
        let words = [&words[..], &[folder.to_str().unwrap()]].concat();
        let output = lab.run(&words);
        (folder.clone(), output.status.code())
    };
    assert_eq!(none, Some(1));
    let again = lab.run(&[
        "export",
        "--format",
        "raw",
        "--output",
        folder.to_str().unwrap(),
    ]);
    assert!(text(&again.stderr).contains("not empty"));
}

/// An export beside a running collector is an entry of its log.
#[test]
fn an_export_is_noted_in_the_log() {
    let lab = recorded();
    let collector = lab.collector("");
    let (folder, _) = export(
        &lab,
        &["--format", "raw", "--until", "2100-01-01T00:00:00Z"],
        "raw",
    );
    collector.stop();
    let actions = lab.actions();
    assert_eq!(actions.len(), 1);
    assert_eq!(actions[0]["action"], "export");
    assert_eq!(actions[0]["query"], "until 2100-01-01T00:00:00Z");
    let manifest = fs::read(folder.join("manifest.json")).unwrap();
    assert_eq!(actions[0]["manifest_sha256"], sha256(&manifest).to_string());
    lab.verified();
}

/// DuckDB and pyarrow read the same rows, and they are what search finds.
#[test]
fn others_read_parquet() {
    let lab = recorded();
    let searched = lab
        .told(&["search", "--format", "ndjson", "--no-resolve"])
        .unwrap();
    let words = ["--format", "parquet", "--rows-per-file", "50"];
    let (folder, manifest) = export(&lab, &words, "parquet");
    contents(&folder, &manifest);
    let Some(python) = python() else { return };
    let output = Command::new(python)
        .args(["-c", READ, folder.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let rows: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len() as u64, manifest["rows"].as_u64().unwrap());
    let mut messages = 0;
    let mut by_key: BTreeMap<(String, u64), &Value> = BTreeMap::new();
    for row in &rows {
        assert_eq!(row["host"], HOST);
        assert_eq!(row["boot"], BOOT);
        match row["kind"].as_str().unwrap() {
            "audit" => {
                let time = row["time"].as_str().unwrap().to_owned();
                by_key.insert((time, row["serial"].as_u64().unwrap()), row);
            }
            _ => messages += 1,
        }
    }
    assert_eq!(messages, 4);
    let mut compared = 0;
    for line in searched.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let (Some(time), Some(serial)) = (event["time"].as_str(), event["serial"].as_u64()) else {
            continue;
        };
        let row = by_key[&(time.to_owned(), serial)];
        let records = event["records"].as_array().unwrap();
        assert_eq!(row["keys"], event["keys"], "{line}");
        assert_eq!(row["leaves"], records.len(), "{line}");
        let types: Vec<&Value> = records.iter().map(|record| &record["type"]).collect();
        assert_eq!(
            row["types"].as_array().unwrap().iter().collect::<Vec<_>>(),
            types
        );
        let syscall = records.iter().find(|record| record["type"] == "SYSCALL");
        if let Some(fields) = syscall.map(|record| &record["fields"]) {
            for (column, field) in [("exe", "exe"), ("comm", "comm")] {
                assert_eq!(row[column], fields[field], "{line}");
            }
            for (column, field) in [("auid", "auid"), ("pid", "pid"), ("syscall", "syscall")] {
                let value = row[column].as_u64().unwrap().to_string();
                assert_eq!(value, fields[field].as_str().unwrap(), "{line}");
            }
        }
        let raw: Vec<&str> = records
            .iter()
            .filter_map(|record| record["raw"].as_str())
            .collect();
        assert_eq!(
            row["raw"].as_str().unwrap().trim_end(),
            raw.join("\n"),
            "{line}"
        );
        compared += 1;
    }
    assert!(compared > 20, "{compared}");
}

/// A Python that has both.
fn python() -> Option<PathBuf> {
    let prepared =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/python/bin/python");
    let found = [prepared, PathBuf::from("python3")]
        .into_iter()
        .find(|python| {
            let both = Command::new(python)
                .args(["-c", "import duckdb, pyarrow.parquet"])
                .output();
            both.is_ok_and(|output| output.status.success())
        });
    if found.is_none() {
        eprintln!("skipped: no Python with duckdb and pyarrow");
    }
    found
}

const READ: &str = r#"
import glob, json, sys
import duckdb, pyarrow.parquet as pq
files = sorted(glob.glob(sys.argv[1] + "/*.parquet"))
arrow = [row for file in files for row in pq.read_table(file).to_pylist()]
con = duckdb.connect()
con.execute("SET TimeZone='UTC'")
query = "select * from read_parquet(?) order by leaf_indexes[1]"
cursor = con.execute(query, [files])
names = [column[0] for column in cursor.description]
duck = [dict(zip(names, row)) for row in cursor.fetchall()]
arrow.sort(key=lambda row: row["leaf_indexes"][0])
assert len(arrow) == len(duck), (len(arrow), len(duck))
for one, other in zip(arrow, duck):
    one = {**one, "time": one["time"].timestamp()}
    other = {**other, "time": other["time"].timestamp()}
    assert one == other, (one, other)
for row in arrow:
    time = row["time"].strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (row["time"].microsecond // 1000)
    row = {**row, "time": time, "leaves": len(row["leaf_indexes"]), "raw": row["raw"].decode(errors="replace")}
    del row["leaf_indexes"]
    print(json.dumps(row))
"#;
