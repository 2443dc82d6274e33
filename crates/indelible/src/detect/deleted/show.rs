//! Findings for people and for programs (docs/schemas/detect-deleted.json).

use std::collections::HashMap;
use std::fmt::Write;

use indelible_record::Names;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Found, Report, counted};

/// One JSON object: `findings`, and how many processes were looked at.
pub(crate) fn json(report: &Report) -> Value {
    json!({
        "findings": report.findings.iter().map(json_of).collect::<Vec<_>>(),
        "scanned": report.scanned,
        "denied": report.denied,
    })
}

/// A finding as JSON. Bytes that are no UTF-8 are replaced in texts.
pub(super) fn json_of(found: &Found) -> Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let process = &found.process;
    let ancestors: Vec<Value> = process
        .ancestors
        .iter()
        .map(|parent| json!({"pid": parent.pid, "exe": text(&parent.exe)}))
        .collect();
    let sockets: Vec<Value> = process
        .sockets
        .iter()
        .map(|socket| {
            json!({
                "protocol": socket.protocol,
                "local": socket.local.to_string(),
                "remote": (!socket.listens).then(|| socket.remote.to_string()),
                "listens": socket.listens,
            })
        })
        .collect();
    json!({
        "pid": process.pid,
        "exe": text(&found.path),
        "what": found.what.word(),
        "verdict": found.finding.verdict.word(),
        "score": found.finding.score,
        "reasons": found.finding.reasons,
        "sha256": found.sha256,
        "size": found.size,
        "comm": text(&process.comm),
        "uid": process.uid,
        "started": time(process.started_s),
        "arguments": process.arguments.iter().map(|word| text(word)).collect::<Vec<_>>(),
        "ancestors": ancestors,
        "sockets": sockets,
        "container": process.container,
        "recovered": found.recovered.as_ref().map(|path| path.to_string_lossy()),
    })
}

/// A block per file, with every process that runs it, and a line that sums them up.
pub(crate) fn table(report: &Report, names: &dyn Names) -> String {
    let mut out = String::new();
    if !report.findings.is_empty() {
        out.push_str("score verdict              what\n");
    }
    for group in grouped(&report.findings) {
        let first = group[0];
        // A String takes every write.
        let _ = writeln!(
            out,
            "{:>5} {:<20} {} {}",
            first.finding.score,
            first.finding.verdict.word(),
            first.what.word(),
            line_of(&first.path),
        );
        for reason in &first.finding.reasons {
            let _ = writeln!(out, "      {}", line_of(reason.as_bytes()));
        }
        for found in group.iter().take(PROCESSES_SHOWN_MAX) {
            let _ = writeln!(out, "      {}", process_line(found, names));
        }
        if let Some(more) = group.len().checked_sub(PROCESSES_SHOWN_MAX)
            && more > 0
        {
            let _ = writeln!(out, "      and {more} more processes");
        }
        if let Some(copy) = &first.recovered {
            let _ = writeln!(out, "      copy in {}", copy.display());
        }
    }
    let counts: Vec<String> = counted(&report.findings)
        .iter()
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    let summary = match counts.as_slice() {
        [] => "nothing found".to_owned(),
        counts => counts.join(", "),
    };
    let _ = writeln!(out, "{} processes: {summary}", report.scanned);
    out
}

/// The findings on one file together, in the order of their first.
fn grouped(findings: &[Found]) -> Vec<Vec<&Found>> {
    let mut groups: Vec<Vec<&Found>> = Vec::new();
    let mut places = HashMap::new();
    for found in findings {
        let file = (&found.path, &found.finding, &found.sha256);
        let place = *places.entry(file).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(found),
            None => groups.push(vec![found]),
        }
    }
    groups
}

/// Who, since when, started how and by whom, talking to what.
fn process_line(found: &Found, names: &dyn Names) -> String {
    let process = &found.process;
    let user = process.uid.map_or_else(
        || "?".to_owned(),
        |uid| {
            names
                .user(uid)
                .map_or_else(|| uid.to_string(), |name| name.into_owned())
        },
    );
    let command = process.arguments.join(&b' ');
    let mut line = format!(
        "pid {} of {user} since {}: {}",
        process.pid,
        time(process.started_s),
        line_of(&command[..command.len().min(COMMAND_BYTES_MAX)])
    );
    if let Some(parent) = process.ancestors.first() {
        let _ = write!(line, "; started by {} {}", parent.pid, line_of(&parent.exe));
    }
    for socket in &process.sockets {
        let _ = match socket.listens {
            true => write!(line, "; listens on {} {}", socket.protocol, socket.local),
            false => write!(
                line,
                "; {} {} to {}",
                socket.protocol, socket.local, socket.remote
            ),
        };
    }
    if let Some(container) = &process.container {
        let _ = write!(line, "; in container {}", &container[..12]);
    }
    line
}

/// Bytes that a process chose, on one line: nothing in them may begin another.
fn line_of(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    crate::terminal::escape(bytes, &mut out);
    String::from_utf8_lossy(&out)
        .replace('\n', "\\012")
        .replace('\t', "\\011")
}

/// RFC 3339, UTC.
fn time(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(|| "?".to_owned(), |time| time.to_string())
}

/// Bytes of a command line that are shown to people.
const COMMAND_BYTES_MAX: usize = 160;
/// Processes that are shown of one file.
const PROCESSES_SHOWN_MAX: usize = 5;
