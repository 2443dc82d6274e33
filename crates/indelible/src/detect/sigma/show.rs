//! Findings and rules as a table or as JSON.

use std::fmt::Write as _;

use indelible_detect::sigma::{Engine, Finding, Header, Level};
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
    let forgotten = engine.forgotten();
    json!({
        "events": outcome.events,
        "rules": engine.rules().len(),
        "refused": engine.refused().iter().map(refused).collect::<Vec<_>>(),
        "forgotten": {"processes": forgotten.processes, "correlated": forgotten.correlated},
    })
}

/// A finding in three lines: when, how bad and what; who says so; what was seen.
fn row(finding: &Finding) -> String {
    let rule = &finding.rule;
    let mut text = format!(
        "{} {:<13} {}",
        finding.stamp.map_or_else(|| "-".into(), time),
        rule.level,
        one_line(&rule.title)
    );
    let mut about = Vec::new();
    about.push(format!(
        "by {}",
        one_line(rule.author.as_deref().unwrap_or("an unnamed author"))
    ));
    about.extend(
        rule.id
            .as_deref()
            .map(|id| format!("rule {}", one_line(id))),
    );
    about.extend(rule.techniques());
    about.push(format!("licence: {}", one_line(license(rule))));
    if let Some(stamp) = finding.stamp {
        let mut event = format!("event {}.{:03}:{}", stamp.sec, stamp.milli, stamp.serial);
        if let Some(node) = &finding.node {
            let _ = write!(event, " on {}", one_line(&String::from_utf8_lossy(node)));
        }
        if let Some((place, record_type)) = finding.record {
            let _ = write!(event, ", record {} ({record_type})", place + 1);
        }
        about.push(event);
    }
    let _ = write!(text, "\n    {}\n", about.join("; "));
    if let Some(correlated) = &finding.correlated {
        let _ = writeln!(
            text,
            "    {} of {} events",
            correlated.value,
            correlated.stamps.len()
        );
    }
    for (name, value) in &finding.fields {
        let value = String::from_utf8_lossy(value);
        let _ = writeln!(text, "    {}={}", one_line(name), one_line(&value));
    }
    text
}

fn object(finding: &Finding) -> Value {
    let fields: serde_json::Map<String, Value> = finding
        .fields
        .iter()
        .map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into()))
        .collect();
    json!({
        "time": finding.stamp.map(time),
        "serial": finding.stamp.map(|stamp| stamp.serial),
        "node": finding.node.as_deref().map(String::from_utf8_lossy),
        "rule": header(&finding.rule),
        "view": finding.view.map(|view| view.name()),
        "record": finding.record.map(|(place, record_type)| json!({
            "index": place,
            "type": record_type.to_string(),
        })),
        "fields": fields,
        "correlation": finding.correlated.as_ref().map(|correlated| json!({
            "value": correlated.value,
            "events": correlated.stamps.iter().map(|stamp| json!({
                "time": time(*stamp),
                "serial": stamp.serial,
            })).collect::<Vec<_>>(),
        })),
    })
}

fn header(rule: &Header) -> Value {
    json!({
        "id": rule.id,
        "title": rule.title,
        "level": rule.level.name(),
        "status": rule.status,
        "author": rule.author,
        "license": license(rule),
        "tags": rule.tags,
        "techniques": rule.techniques().collect::<Vec<_>>(),
        "references": rule.references,
        "file": rule.file,
    })
}

/// The licence that the rule names; most of the collection's name none, because one holds for all.
pub(in crate::detect) fn license(rule: &Header) -> &str {
    rule.license
        .as_deref()
        .unwrap_or("not named; rules of SigmaHQ are under the Detection Rule License 1.1")
}

fn refused(refused: &indelible_detect::sigma::Refused) -> Value {
    json!({
        "title": refused.header.title,
        "id": refused.header.id,
        "file": refused.header.file,
        "why": refused.why,
        "sound": refused.sound,
    })
}

/// All rules, the worst first, and the documents that are not evaluated.
pub(super) fn list(engine: &Engine, form: Form) -> String {
    let mut rules: Vec<_> = engine.rules().iter().collect();
    rules.sort_by(|a, b| {
        let by = |level: Level| std::cmp::Reverse(level);
        (by(a.header.level), &a.header.title).cmp(&(by(b.header.level), &b.header.title))
    });
    let view = |rule: &indelible_detect::sigma::RuleInfo| {
        rule.view.map_or("correlation", |view| view.name())
    };
    if form != Form::Table {
        let evaluated: Vec<Value> = rules
            .iter()
            .map(|rule| {
                json!({
                    "rule": header(&rule.header),
                    "view": view(rule),
                    "finds": rule.finds,
                })
            })
            .collect();
        let not: Vec<Value> = engine.refused().iter().map(refused).collect();
        return format!("{}\n", json!({"evaluated": evaluated, "refused": not}));
    }
    let mut text = String::new();
    for rule in rules {
        let _ = writeln!(
            text,
            "{:<13} {:<11} {} (by {})",
            rule.header.level,
            view(rule),
            one_line(&rule.header.title),
            one_line(rule.header.author.as_deref().unwrap_or("an unnamed author")),
        );
    }
    for refused in engine.refused() {
        let kind = if refused.sound {
            "not mapped"
        } else {
            "refused"
        };
        let name = match refused.header.title.as_str() {
            "" => &refused.header.file,
            title => title,
        };
        let _ = writeln!(
            text,
            "{kind:<13} {:<11} {}: {}",
            "",
            one_line(name),
            one_line(&refused.why)
        );
    }
    text
}
