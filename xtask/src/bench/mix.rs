//! How small a store of real events is: records of a kernel, as they were recorded for tests.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use indelible_log::dir::RealDir;
use indelible_log::log::LocalStream;
use indelible_log::{Kind, Log, Options, StreamId};
use indelible_record::RecordType;

use super::report::Report;
use crate::shell;

/// Stores the records again and again, each time later and with other serials and pids, until some
/// segments are full, and compares what is on the disk with the text of auditd's log.
///
/// A block holds fewer entries than were recorded, so none of them has one twice. The index is of a whole
/// segment, in which paths and arguments come again; what it would be without that is said beside.
pub(super) fn run(report: &mut Report, indelible: &str) -> Result<()> {
    let lines = recorded()?;
    ensure!(lines.len() > BLOCK_ENTRIES, "only {} records", lines.len());
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("store");
    let times = (SEGMENTS * SEGMENT_ENTRIES).div_ceil(lines.len());
    let text_bytes = fill(&store, &lines, times)?;
    let shown = store.to_string_lossy();
    shell::run(shell::command(indelible, &["reindex", "--store", &shown]))?;
    let segments = super::index::bytes(&store, ".seg")?;
    let index = super::index::bytes(&store, ".idx")?;
    let per_segment = SEGMENT_ENTRIES as f64 / lines.len() as f64;
    let whole_index = index * per_segment.max(1.0);
    report.line(&format!(
        "recorded mix: {} records of {:.0} bytes as auditd writes them, {times} times: segments {:.1} times smaller, \
         with the index {:.1} times, and {:.1} times were the index larger by as often as it has the same values",
        lines.len(),
        text_bytes / (SEGMENTS * SEGMENT_ENTRIES) as f64,
        text_bytes / segments,
        text_bytes / (segments + index),
        text_bytes / (segments + whole_index),
    ));
    Ok(())
}

/// Lines of audit logs that were recorded from kernels.
fn recorded() -> Result<Vec<String>> {
    let root = shell::root();
    let mut files = vec![
        root.join("crates/record/tests/corpus/raw.log"),
        root.join("crates/record/tests/corpus/kinds.log"),
    ];
    for item in fs::read_dir(root.join("tests/detections/recorded"))? {
        files.push(item?.path());
    }
    // What `cargo xtask detections benign` records of everyday work.
    let everyday = shell::target().join("detections-benign.log");
    files.extend(everyday.exists().then_some(everyday));
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        let text = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let of_audit = |line: &&str| line.starts_with("type=") && line.contains(" msg=audit(");
        lines.extend(text.lines().filter(of_audit).map(str::to_owned));
    }
    Ok(lines)
}

/// Makes the store; bytes of the text of what is in its sealed segments.
fn fill(store: &Path, lines: &[String], times: usize) -> Result<f64> {
    let (mut log, _) = Log::open(RealDir::create(store)?, &Options::new("log.example/mix"))?;
    let mut stream = LocalStream::new(StreamId([3; 16]));
    let opened =
        r#"{"v":1,"source":"kernel","machine_id":"","boot_id":"","host":"mix","predecessor":null}"#;
    stream.push(Kind::StreamOpened, 0, TIME_NS, opened.as_bytes());
    let (mut text_bytes, mut entries) = (0, 1);
    for round in 0..times as u64 {
        for line in lines {
            let (kind, text) = moved(line, round).context("a line that is no record")?;
            let payload = [&kind.to_be_bytes()[..], text.as_bytes()].concat();
            let time_ns = TIME_NS + entries as u64 * 1_000_000;
            stream.push(Kind::Audit, 0, time_ns, &payload);
            if entries < SEGMENTS * SEGMENT_ENTRIES {
                text_bytes += line.len() + 1;
            }
            entries += 1;
            if entries.is_multiple_of(BATCH_ENTRIES) {
                log.append(&stream.take()?, "mix")?;
                log.commit()?;
            }
        }
    }
    if stream.len_bytes() > 0 {
        log.append(&stream.take()?, "mix")?;
    }
    log.close()?;
    Ok(text_bytes as f64)
}

/// The record's type and text, an hour later and with other serials and pids in each round.
fn moved(line: &str, round: u64) -> Option<(u16, String)> {
    let (name, rest) = line.strip_prefix("type=")?.split_once(" msg=audit(")?;
    let kind = RecordType::from_name(name.as_bytes())?;
    let (seconds, rest) = rest.split_once('.')?;
    let (ms, rest) = rest.split_once(':')?;
    let (serial, rest) = rest.split_once(')')?;
    let seconds: u64 = seconds.parse().ok()?;
    let serial: u64 = serial.parse().ok()?;
    let mut text = format!(
        "audit({}.{ms}:{})",
        seconds + 3_600 * round,
        serial + SERIALS * round
    );
    for (nth, part) in rest.split(' ').enumerate() {
        if nth > 0 {
            text.push(' ');
        }
        match part.split_once('=') {
            Some((key @ ("pid" | "ppid"), pid)) if let Ok(pid) = pid.parse::<u64>() => {
                text += &format!("{key}={}", pid + 997 * round);
            }
            _ => text += part,
        }
    }
    Some((kind.0, text))
}

const SEGMENTS: usize = 4;
const SEGMENT_ENTRIES: usize = 65_536;
const BLOCK_ENTRIES: usize = 4_096;
const BATCH_ENTRIES: usize = 1_000;
const SERIALS: u64 = 1_000_000;
const TIME_NS: u64 = 1_790_000_000_000_000_000;
