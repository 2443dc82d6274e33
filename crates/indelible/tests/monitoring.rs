//! Alert rules and dashboard ask for metrics that the program exports, and for no others.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

/// Names that the collector exports, with the suffixes that their kinds give them.
fn exported() -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut collector = Command::new(env!("CARGO_BIN_EXE_indelible"))
        .args([
            "collector",
            "--native",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--store",
        ])
        .arg(folder.path().join("store"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(collector.stderr.take().unwrap()).lines();
    let line = lines
        .by_ref()
        .map(Result::unwrap)
        .find(|line| line.contains(" HTTP "))
        .expect("it serves HTTP");
    let address = line.split_once("address=").unwrap().1;
    let address = address.split_whitespace().next().unwrap().to_owned();
    let drain = std::thread::spawn(move || lines.for_each(drop));
    let mut connection = TcpStream::connect(&address).unwrap();
    write!(
        connection,
        "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    collector.kill().unwrap();
    collector.wait().unwrap();
    drain.join().unwrap();

    let mut names = BTreeSet::new();
    for line in answer.lines() {
        let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        let suffixes: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        names.extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
    }
    assert!(!names.is_empty(), "{answer}");
    names
}

/// Names that the agent exports, as they stand in what writes them.
fn exported_by_agent() -> BTreeSet<String> {
    let names_in = |file: &str, prefix: &str| -> Vec<String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
        let is_name = |text: &&str| {
            text.starts_with(prefix) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        let source = fs::read_to_string(source).unwrap();
        let names = source.split('"').filter(is_name);
        names.map(str::to_owned).collect()
    };
    let counters = names_in("detect/live/counts.rs", "detections_");
    let names: BTreeSet<String> = names_in("agent/metrics/figures.rs", "indelible_")
        .into_iter()
        .filter(|name| name != "indelible_")
        .chain(
            counters
                .iter()
                .map(|name| format!("indelible_{name}_total")),
        )
        .collect();
    assert!(names.len() > 10, "{names:?}");
    names
}

/// Words of ours in a text.
fn asked(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("indelible_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn queries_ask_for_what_is_exported() {
    let mut exported = exported();
    exported.extend(exported_by_agent());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/monitoring");
    let alerts = fs::read_to_string(folder.join("alerts.yml")).unwrap();
    let dashboard = fs::read_to_string(folder.join("dashboard.json")).unwrap();
    for (file, text) in [("alerts.yml", &alerts), ("dashboard.json", &dashboard)] {
        let asked = asked(text);
        assert!(asked.len() > 3, "{file}: {asked:?}");
        for name in &asked {
            assert!(
                exported.contains(name),
                "{file}: {name} is not one of {exported:?}"
            );
        }
    }
}

/// The collector's are listed by the reference, which is written from what it exports.
#[test]
fn the_book_lists_the_agents_metrics() {
    let chapter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/book/src/monitoring.md");
    let listed = asked(&fs::read_to_string(chapter).unwrap());
    assert_eq!(listed, exported_by_agent());
}

/// Each alert says what it is about, and the book explains it.
#[test]
fn alerts_are_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let alerts = fs::read_to_string(root.join("packaging/monitoring/alerts.yml")).unwrap();
    let chapter = fs::read_to_string(root.join("docs/book/src/monitoring.md")).unwrap();
    let names: Vec<&str> = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(names.len() > 4, "{names:?}");
    for name in &names {
        assert!(chapter.contains(name), "{name} is not in the book");
    }
    let count = |word: &str| alerts.matches(word).count();
    assert_eq!(count("        expr: "), names.len());
    assert_eq!(count("          summary: "), names.len());
    assert_eq!(count("          severity: "), names.len());
}

#[test]
fn the_dashboard_is_one() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/monitoring/dashboard.json");
    let dashboard: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(!panel["title"].as_str().unwrap().is_empty());
        assert!(!panel["targets"].as_array().unwrap().is_empty(), "{panel}");
    }
}
