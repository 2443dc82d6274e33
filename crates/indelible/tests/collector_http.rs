//! The collector over HTTP: who may see what, and that what is seen proves itself.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aws_lc_rs::digest::{SHA256, digest};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_indelible");
const SECRET: &str = "not-a-real-token";

/// A collector with a new store: its own stream opens with entry 0, and a time mark follows.
struct Collector {
    folder: TempDir,
    process: Child,
    address: String,
}

impl Collector {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let digits: String = digest(&SHA256, SECRET.as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let tokens = folder.path().join("tokens");
        fs::write(&tokens, format!("tester 2999-01-01T00:00:00Z {digits}\n")).unwrap();
        let mut process = Command::new(PROGRAM)
            .args(["collector", "--store"])
            .arg(folder.path().join("store"))
            .args([
                "--native",
                "127.0.0.1:0",
                "--http",
                "127.0.0.1:0",
                "--supervised",
            ])
            .arg("--http-tokens")
            .arg(&tokens)
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let rest = line.split("HTTP address=").nth(1)?;
                Some(rest.split(' ').next()?.to_owned())
            })
            .unwrap();
        // Its later messages must find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let collector = Self {
            folder,
            process,
            address,
        };
        while collector.size() < 2 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        collector
    }

    /// Size of the published checkpoint; 0 where there is none yet.
    fn size(&self) -> u64 {
        let (_, note) = self.get("/checkpoint", None);
        let note = String::from_utf8(note).unwrap();
        let size = note.lines().nth(1).and_then(|line| line.parse().ok());
        size.unwrap_or(0)
    }

    fn store(&self) -> std::path::PathBuf {
        self.folder.path().join("store")
    }

    /// Status and body.
    fn get(&self, path: &str, token: Option<&str>) -> (u16, Vec<u8>) {
        let answer = indelible_testkit::get(&self.address, path, token);
        assert!(answer.head.contains("nosniff"), "{}", answer.head);
        (answer.status, answer.body)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

#[test]
fn everybody_sees_the_checkpoint_and_only_readers_the_entries() {
    let collector = Collector::start();
    let size = collector.size();
    let (_, key) = collector.get("/log.vkey", None);
    assert_eq!(key, fs::read(collector.store().join("log.vkey")).unwrap());

    let tile = format!("/tile/0/000.p/{size}");
    let bundle = format!("/tile/entries/000.p/{size}");
    for path in [
        &tile,
        &bundle,
        "/api/v1/entries/1",
        "/api/v1/proofs/1",
        "/api/v1/consistency/1/2",
    ] {
        assert_eq!(collector.get(path, None).0, 401, "{path}");
        assert_eq!(collector.get(path, Some("wrong")).0, 401, "{path}");
        assert_eq!(collector.get(path, Some(SECRET)).0, 200, "{path}");
    }
    assert_eq!(collector.get(&tile, Some(SECRET)).1.len() as u64, 32 * size);
    for missing in [
        "/tile/0/000",
        "/tile/1/000.p/1",
        "/api/v1/entries/999999",
        "/nothing",
    ] {
        assert_eq!(collector.get(missing, Some(SECRET)).0, 404, "{missing}");
    }
    assert_eq!(collector.get("/tile/0/0", Some(SECRET)).0, 400);

    let metrics = String::from_utf8(collector.get("/metrics", None).1).unwrap();
    for name in [
        "indelible_collector_entries_total",
        "indelible_collector_commit_seconds_bucket",
    ] {
        assert!(metrics.contains(name), "{metrics}");
    }
    assert_eq!(collector.get("/readyz", None).0, 200);
    assert_eq!(collector.get("/healthz", None).1, b"ok\n");
}

#[test]
fn a_proof_from_the_interface_is_checked_without_the_store() {
    let collector = Collector::start();
    let out = collector.folder.path();
    let write = |name: &str, path: &str| {
        let (status, bytes) = collector.get(path, Some(SECRET));
        assert_eq!(status, 200, "{path}");
        fs::write(out.join(name), bytes).unwrap();
    };
    write("1.entry", "/api/v1/entries/1");
    write("1.tlog-proof", "/api/v1/proofs/1");
    let key = out.join("key");
    fs::write(&key, collector.get("/log.vkey", None).1).unwrap();
    let verify = |key: &Path| {
        let output = Command::new(PROGRAM)
            .args(["verify", "--key"])
            .arg(key)
            .arg("--proof")
            .arg(out.join("1.tlog-proof"))
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, text) = verify(&key);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("proven: "), "{text}");
    write("1.entry", "/api/v1/entries/0");
    let (code, text) = verify(&key);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.starts_with("NOT PROVEN: "), "{text}");
}

#[test]
fn it_is_not_opened_to_others_by_accident() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(PROGRAM)
        .args(["collector", "--store"])
        .arg(folder.path().join("store"))
        .args(["--native", "127.0.0.1:0", "--http", "0.0.0.0:0"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(
        text.contains("--http-tls") && text.contains("--http-tokens"),
        "{text}"
    );
}

/// Proofs are entries of the log, each; other reads are summed up when the minute or the collector
/// ends.
#[test]
fn what_readers_do_is_noted_in_the_log() {
    let mut collector = Collector::start();
    for path in [
        "/api/v1/proofs/0",
        "/api/v1/consistency/1/2",
        "/api/v1/entries/0",
        "/api/v1/entries/1",
    ] {
        assert_eq!(collector.get(path, Some(SECRET)).0, 200, "{path}");
    }
    assert_eq!(collector.get("/api/v1/proofs/0", Some("wrong")).0, 401);
    drop(collector.process.stdin.take());
    collector.process.wait().unwrap();
    let reader = indelible_log::LogReader::open(
        indelible_log::dir::RealDir::open(collector.store()).unwrap(),
    )
    .unwrap();
    let (mut next, mut noted) = (0, Vec::new());
    while let Some(part) = reader.part_at(next).unwrap() {
        for (_, bytes) in reader.decode(&part).unwrap().iter() {
            let entry = indelible_log::EntryRef::parse(bytes).unwrap();
            if entry.header().kind == indelible_log::Kind::Operator {
                let text: serde_json::Value = serde_json::from_slice(entry.payload()).unwrap();
                assert_eq!(text["principal"], "token:tester");
                noted.push(format!(
                    "{} {} {}",
                    text["action"], text["path"], text["count"]
                ));
            }
        }
        next = part.end();
    }
    assert_eq!(
        noted,
        [
            r#""proof" "/api/v1/proofs/0" null"#,
            r#""proof" "/api/v1/consistency/1/2" null"#,
            r#""reads" null 2"#,
        ]
    );
}
