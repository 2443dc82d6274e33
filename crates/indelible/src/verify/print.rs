//! What a verification found, for people and for programs.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::Result;
use indelible_log::verify::{Gap, Problem, Report, Verdict};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Checked;
use crate::account::Account;
use crate::terminal::Output;

/// Exit code where something is not as it was.
pub(crate) const BROKEN: u8 = 2;
/// Exit code where the check itself failed.
pub(crate) const COULD_NOT_CHECK: u8 = 3;

/// 0 intact, 1 with gaps or a torn tail, or where not everything adds up, 2 broken.
pub(crate) fn exit_code(report: &Report, checked: &Checked) -> u8 {
    match report.verdict() {
        Verdict::Intact if checked.account.as_ref().is_none_or(Account::is_whole) => 0,
        Verdict::Intact => 1,
        Verdict::IntactWithTailOrGaps => 1,
        Verdict::Broken => BROKEN,
    }
}

/// A summary, then a paragraph per problem.
pub(crate) fn print_text(report: &Report, checked: &Checked) -> Result<()> {
    let heads = &checked.heads;
    let mut text = String::new();
    let word = match report.verdict() {
        Verdict::Intact => "intact",
        Verdict::IntactWithTailOrGaps => "intact, with gaps",
        Verdict::Broken => "BROKEN",
    };
    let _ = write!(text, "{word}: {} entries", report.entries);
    if report.first > 0 {
        let _ = write!(text, ", those below {} as verified before", report.first);
    }
    text.push('\n');
    if report.removed > 0 {
        let _ = writeln!(
            text,
            "removed by retention: the {} entries before",
            report.removed
        );
    }
    if report.erased > 0 {
        let _ = writeln!(text, "payloads erased: {}", report.erased);
    }
    if let Some(checkpoint) = &report.checkpoint {
        let _ = writeln!(
            text,
            "checkpoint: size {}, root {}",
            checkpoint.size, checkpoint.root
        );
    }
    for restart in &report.restarts {
        let at = restart
            .time_ns
            .map_or_else(String::new, |ns| format!(" at {}", time(ns)));
        let _ = writeln!(
            text,
            "restarted from {} entries, as entry {}{at} declares; what had been signed beyond was given up",
            restart.kept, restart.entry
        );
    }
    for (name, checkpoint) in &report.given_up {
        let _ = writeln!(
            text,
            "given up by a restart: {name}, of {} entries, root {}",
            checkpoint.size, checkpoint.root
        );
    }
    if !report.cosigned_by.is_empty() {
        let _ = writeln!(text, "cosigned by: {}", report.cosigned_by.join(", "));
    }
    if heads.heads > 0 {
        let signers = heads.signers.len();
        let hosts = if signers == 1 { "host" } else { "hosts" };
        let _ = writeln!(
            text,
            "host heads: {} signed by {signers} {hosts}",
            heads.heads
        );
    }
    for problem in &report.problems {
        push_problem(problem, &mut text);
    }
    if report.more_problems > 0 {
        let _ = writeln!(text, "and {} problems more", report.more_problems);
    }
    if let Some(tail) = &report.torn_tail {
        let (file, offset, length) = (&tail.file, tail.offset, tail.len_bytes);
        let _ = writeln!(
            text,
            "torn tail: {length} bytes at byte {offset} of {file}, above everything durable"
        );
    }
    for gap in &report.gaps {
        let _ = writeln!(
            text,
            "gap: {} in stream {} sequence {} at {}",
            String::from_utf8_lossy(&gap.payload),
            gap.stream,
            gap.sequence,
            time(gap.time_ns),
        );
    }
    if report.more_gaps > 0 {
        let _ = writeln!(text, "and {} gaps more", report.more_gaps);
    }
    if report.unindexed > 0 {
        let _ = writeln!(
            text,
            "segments without an index: {}; `indelible reindex` makes them anew",
            report.unindexed
        );
    }
    for file in &report.unknown_files {
        let _ = writeln!(text, "unknown file: {file}");
    }
    if let Some(account) = &checked.account {
        text.push_str(&account.boots_text());
        text.push_str(&account.findings_text());
    }
    let mut output = Output::stdout();
    output.write(text.as_bytes())?;
    Ok(output.flush()?)
}

fn push_problem(problem: &Problem, text: &mut String) {
    let _ = write!(text, "{}: {}", problem.kind.as_str(), problem.detail);
    if let Some(entry) = problem.entry {
        let _ = write!(text, "\n  entry {entry}");
    }
    if let (Some(stream), Some(sequence)) = (problem.stream, problem.sequence) {
        let _ = write!(text, ", stream {stream}, sequence {sequence}");
    }
    if let Some(time_ns) = problem.time_ns {
        let _ = write!(text, ", captured {}", time(time_ns));
    }
    if problem.file.is_empty() {
        text.push('\n');
        return;
    }
    let _ = writeln!(text, "\n  {}, byte {}", problem.file, problem.offset);
}

/// One object, as the schema in docs describes it.
pub(crate) fn print_json(report: &Report, checked: &Checked) -> Result<()> {
    let heads = &checked.heads;
    let mut object = json!({
        "ok": report.problems.is_empty(),
        "entries": report.entries,
        "removed": report.removed,
        "erased": report.erased,
        "first": report.first,
        "cosigned_by": report.cosigned_by,
        "checkpoint": report.checkpoint.map(|checkpoint| {
            json!({ "size": checkpoint.size, "root": checkpoint.root.to_string() })
        }),
        "restarts": report.restarts.iter().map(|restart| json!({
            "entry": restart.entry,
            "kept": restart.kept,
            "time": restart.time_ns.map(time),
            "key": restart.key,
        })).collect::<Vec<_>>(),
        "given_up": report.given_up.iter().map(|(name, checkpoint)| json!({
            "known": name,
            "size": checkpoint.size,
            "root": checkpoint.root.to_string(),
        })).collect::<Vec<_>>(),
        "host_heads": {
            "signed": heads.heads,
            "signers": heads.signers.iter().map(|(signer, first, last)| {
                json!({ "signer": signer, "first_epoch": first, "last_epoch": last })
            }).collect::<Vec<_>>(),
        },
        "problems": report.problems.iter().map(problem_json).collect::<Vec<_>>(),
        "more_problems": report.more_problems,
        "torn_tail": report.torn_tail.as_ref().map(|tail| {
            json!({ "file": tail.file, "offset": tail.offset, "bytes": tail.len_bytes })
        }),
        "gaps": report.gaps.iter().map(gap_json).collect::<Vec<_>>(),
        "more_gaps": report.more_gaps,
        "unindexed": report.unindexed,
        "unknown_files": report.unknown_files,
    });
    if let Some(account) = &checked.account {
        object["completeness"] = serde_json::to_value(account)?;
    }
    let mut stdout = std::io::stdout().lock();
    Ok(writeln!(stdout, "{object}")?)
}

fn problem_json(problem: &Problem) -> Value {
    json!({
        "kind": problem.kind.as_str(),
        "entry": problem.entry,
        "stream": problem.stream.map(|stream| stream.to_string()),
        "sequence": problem.sequence,
        "time": problem.time_ns.map(time),
        "file": problem.file,
        "offset": problem.offset,
        "detail": problem.detail,
    })
}

fn gap_json(gap: &Gap) -> Value {
    let payload = String::from_utf8_lossy(&gap.payload);
    json!({
        "entry": gap.entry,
        "stream": gap.stream.to_string(),
        "sequence": gap.sequence,
        "time": time(gap.time_ns),
        "gap": serde_json::from_str::<Value>(&payload).unwrap_or_else(|_| json!(payload)),
    })
}

/// RFC 3339 in UTC; the number where no calendar has it.
fn time(ns: u64) -> String {
    match Timestamp::from_nanosecond(ns.into()) {
        Ok(time) => time.to_string(),
        Err(_) => ns.to_string(),
    }
}
