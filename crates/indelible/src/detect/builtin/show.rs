//! Findings and detections as a table or as JSON.

use std::fmt::Write as _;

use indelible_detect::builtin::{About, Engine, Finding};
use indelible_record::UNSET;
use serde_json::{Value, json};

use crate::detect::print::{Form, Outcome, Shown, one_line, time};

impl Shown for Finding {
    fn row(&self) -> String {
        row(self)
    }

    fn object(&self) -> Value {
        object(self)
    }
}

/// What stands behind the findings of a run.
pub(super) fn rest(engine: &Engine, outcome: &Outcome) -> Value {
    let counted = engine.counted();
    json!({
        "events": outcome.events,
        "detections": engine.detections().map(|about| about.id).collect::<Vec<_>>(),
        "repeated": counted.repeated,
        "forgotten": {"processes": counted.processes, "other": counted.forgotten},
    })
}

/// A finding in two lines: when, how bad, what was done; who says so, of which process.
fn row(finding: &Finding) -> String {
    let last = finding.stamps.last();
    let mut text = format!(
        "{} {:<13} {}\n    {} ({})",
        last.map_or_else(|| "-".into(), |stamp| time(*stamp)),
        finding.level,
        one_line(&finding.why),
        finding.about.id,
        finding.technique,
    );
    if let Some(pid) = finding.pid {
        let _ = write!(text, "; pid {pid}");
    }
    if let Some(auid) = finding.auid.filter(|auid| *auid != UNSET) {
        let _ = write!(text, "; auid {auid}");
    }
    for stamp in &finding.stamps {
        let _ = write!(
            text,
            "; event {}.{:03}:{}",
            stamp.sec, stamp.milli, stamp.serial
        );
    }
    if let Some(node) = &finding.node {
        let _ = write!(text, "; on {}", one_line(&String::from_utf8_lossy(node)));
    }
    text.push('\n');
    text
}

fn object(finding: &Finding) -> Value {
    let lossy = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    json!({
        "id": finding.about.id,
        "title": finding.about.title,
        "level": finding.level.name(),
        "technique": finding.technique,
        "why": finding.why,
        "time": finding.stamps.last().map(|stamp| time(*stamp)),
        "events": finding.stamps.iter().map(|stamp| json!({
            "time": time(*stamp),
            "serial": stamp.serial,
        })).collect::<Vec<_>>(),
        "node": finding.node.as_ref().map(lossy),
        "pid": finding.pid,
        "exe": finding.exe.as_ref().map(lossy),
        // Nobody, where it is not set.
        "auid": finding.auid.filter(|auid| *auid != UNSET),
    })
}

/// The detections, a line each.
pub(super) fn list(all: &[&About], form: Form) -> String {
    match form {
        Form::Table => all
            .iter()
            .map(|about| {
                format!(
                    "{:<26} {:<9} {}  {}\n",
                    about.id,
                    about.level,
                    about.title,
                    about.techniques.join(" "),
                )
            })
            .collect(),
        Form::Json => {
            let all: Vec<_> = all.iter().map(|about| described(about)).collect();
            format!("{}\n", json!({"detections": all}))
        }
        Form::Ndjson => all
            .iter()
            .map(|about| format!("{}\n", described(about)))
            .collect(),
    }
}

/// A detection, in full.
pub(super) fn explain(about: &About, form: Form) -> String {
    if form != Form::Table {
        return format!("{}\n", described(about));
    }
    let mut text = format!(
        "{}: {}\n\nlevel       {} at most\ntechniques  {}\n\n{}\n\nneeds       {}\nremembers   {}\n",
        about.id,
        about.title,
        about.level,
        about.techniques.join(" "),
        wrapped(about.logic),
        about.needs,
        about.memory,
    );
    let _ = writeln!(
        text,
        "\nIts candidates:\n  indelible search --where '{}'",
        about.candidates
    );
    for list in about.tuning {
        let _ = writeln!(
            text,
            "\n{} ({}; --tune {}.{}=NAME adds one):",
            list.name, list.what, about.id, list.name
        );
        for name in list.defaults {
            let _ = writeln!(text, "  {name}");
        }
    }
    text
}

fn described(about: &About) -> Value {
    json!({
        "id": about.id,
        "title": about.title,
        "level": about.level.name(),
        "techniques": about.techniques,
        "logic": about.logic,
        "where": about.candidates,
        "needs": about.needs,
        "memory": about.memory,
        "tuning": about.tuning.iter().map(|list| json!({
            "name": list.name,
            "what": list.what,
            "defaults": list.defaults,
        })).collect::<Vec<_>>(),
    })
}

/// Broken at blanks, for a terminal of 80 columns.
fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        if column > 0 && column + 1 + word.len() > COLUMNS {
            lines.push('\n');
            column = 0;
        } else if column > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += word.len();
    }
    lines
}

const COLUMNS: usize = 79;
