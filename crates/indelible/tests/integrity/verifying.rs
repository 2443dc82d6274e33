//! `indelible verify` over a store, over HTTP, from a mark on, against witnesses and kept heads.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::collector::{Collector, copy, run, wait_for};
use crate::witness::{Manner, Witness};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn json(words: &[&str]) -> (i32, Value) {
    let (code, text) = run(&[words, &["--format", "json"]].concat());
    let value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
    (code, value)
}

#[test]
fn over_http_as_in_the_store() {
    let mut collector = Collector::start(&[]);
    collector.grow(700);
    let (key, token) = (collector.store().join("log.vkey"), collector.token_file());
    let (mark, url) = (collector.folder().join("mark"), collector.url());
    let words = [
        "verify",
        "--url",
        &url,
        "--key",
        text(&key),
        "--token-file",
        text(&token),
    ];
    let (code, report) = json(&[&words[..], &["--mark", text(&mark), "--completeness"]].concat());
    assert_eq!((code, &report["ok"]), (0, &Value::Bool(true)), "{report}");
    assert!(report["entries"].as_u64().unwrap() >= 700, "{report}");
    assert_eq!(report["completeness"]["of"], "log", "{report}");
    // Without a token nobody can check, and another key has signed nothing here.
    let (code, said) = run(&words[..5]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("--token-file"), "{said}");
    let other = collector.folder().join("other");
    let origin = crate::collector::ORIGIN;
    let stranger = indelible_log::SigningKey::from_seed(origin, [3; 32]).unwrap();
    fs::write(&other, format!("{}\n", stranger.verifier())).unwrap();
    let strange = [
        "verify",
        "--url",
        &url,
        "--key",
        text(&other),
        "--token-file",
        text(&token),
    ];
    let (code, report) = json(&strange);
    assert_eq!(
        (code, report["problems"][0]["kind"].as_str()),
        (2, Some("key"))
    );
    // The same mark serves the store, and a store that lost what it had shown is found out.
    collector.stop();
    let store = collector.store();
    let of_store = ["verify", "--store", text(&store), "--mark", text(&mark)];
    let (code, report) = json(&of_store);
    assert_eq!(code, 0, "{report}");
    let older = collector.folder().join("older");
    copy(&store, &older);
    collector.run();
    collector.grow(20);
    collector.stop();
    assert_eq!(run(&of_store).0, 0);
    let (code, said) = run(&["verify", "--store", text(&older), "--mark", text(&mark)]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("were verified before"), "{said}");
}

#[test]
fn against_witnesses_and_what_is_known() {
    let witness = Witness::start("a.example", Manner::Honest);
    let absent = Witness::start("bb.example", Manner::Honest);
    let heads = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(&[
        "--witness",
        &witness.option(),
        "--heads",
        text(heads.path()),
    ]);
    collector.grow(30);
    wait_for("a witnessed checkpoint", || collector.shown() >= 30);
    collector.stop();
    let store = collector.store();
    let words = ["verify", "--store", text(&store), "--witness", &witness.key];
    let (code, report) = json(&words);
    assert_eq!(
        (code, report["cosigned_by"][0].as_str()),
        (0, Some("a.example")),
        "{report}"
    );
    let two = [&words[..], &["--witness", &absent.key]].concat();
    let (code, report) = json(&two);
    assert_eq!(
        (code, report["problems"][0]["kind"].as_str()),
        (2, Some("cosignature"))
    );
    assert_eq!(run(&[&two[..], &["--quorum", "1"]].concat()).0, 0);

    let older = collector.folder().join("older");
    copy(&store, &older);
    collector.run();
    collector.grow(30);
    wait_for("a witnessed checkpoint", || collector.shown() >= 60);
    collector.stop();
    // The copy by itself is whole; who knows more sees that it was rolled back.
    assert_eq!(run(&["verify", "--store", text(&older)]).0, 0);
    let head = fs::read_dir(heads.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let asked = witness.option();
    for known in [["--known", text(&head)], ["--witness", &asked]] {
        let (code, report) = json(&[&["verify", "--store", text(&older)][..], &known].concat());
        assert_eq!(code, 2, "{known:?}: {report}");
        assert_eq!(report["problems"][0]["kind"], "truncated", "{report}");
    }
    // And so does the next start.
    fs::remove_dir_all(&store).unwrap();
    copy(&older, &store);
    let said = collector.refuses();
    assert!(said.contains("rolled back"), "{said}");
}

#[test]
fn a_folder_that_is_no_store_cannot_be_checked() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes"), "nothing of a log").unwrap();
    for option in ["--store", "--spool"] {
        let (code, said) = run(&["verify", option, text(folder.path())]);
        assert_eq!(code, 3, "{said}");
        assert!(!said.contains("BROKEN"), "{said}");
    }
    let (_, said) = run(&["verify", "--store", text(folder.path())]);
    assert!(said.contains("is no store"), "{said}");
    // What is left of one is a broken store.
    fs::write(folder.path().join("checkpoint"), "").unwrap();
    let (code, said) = run(&["verify", "--store", text(folder.path())]);
    assert_eq!(code, 2, "{said}");
}

/// Each file has the proof of its newest entry, also of one that came while others were written.
#[test]
fn exports_beside_a_writer_are_proven() {
    let mut collector = Collector::start(&[]);
    collector.grow(500);
    let (store, key) = (collector.store(), collector.store().join("log.vkey"));
    let mut socket = std::net::TcpStream::connect(collector.syslog()).unwrap();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let sending = std::thread::spawn(move || {
        for number in 0.. {
            writeln!(socket, "<13>Oct 11 22:14:15 web1 app: message {number}").unwrap();
            if number % 20 == 0 && stopped.recv_timeout(Duration::from_millis(10)).is_ok() {
                return;
            }
        }
    });
    let mut sizes = Vec::new();
    for round in 0..3 {
        let before = collector.pending();
        wait_for("more", || collector.pending() > before + 100);
        let output = collector.folder().join(format!("export-{round}"));
        let words = ["export", "--store", text(&store), "--format", "raw"];
        let more = ["--rows-per-file", "500", "--output", text(&output)];
        let (code, said) = run(&[&words[..], &more].concat());
        assert_eq!(code, 0, "{said}");
        let manifest = fs::read(output.join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let files = manifest["files"].as_array().unwrap();
        assert!(files.len() > 1, "{manifest}");
        // The first one, and those that were written last.
        for file in files.iter().take(1).chain(files.iter().rev().take(2)) {
            let proof = output.join(file["proof"].as_str().unwrap());
            let index = format!("index {}\n", file["last_entry"]);
            assert!(fs::read_to_string(&proof).unwrap().contains(&index));
            let words = ["verify", "--proof", text(&proof), "--key", text(&key)];
            let (code, said) = run(&words);
            assert_eq!(code, 0, "{said}");
        }
        sizes.push(manifest["rows"].as_u64().unwrap());
    }
    assert!(sizes.is_sorted() && sizes[0] < sizes[2], "{sizes:?}");
    stop.send(()).unwrap();
    sending.join().unwrap();
    collector.stop();
}
