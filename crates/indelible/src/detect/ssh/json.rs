//! One JSON object; docs/schemas/detect-ssh.json describes it.

use indelible_detect::ssh::{Campaign, GroupReport, Login, Report, Seen, SourceReport};
use serde_json::{Map, Value, json};

use super::Outcome;
use super::words::{key, methods, place, rate, text, time};

/// The object; of sources, networks and users at most `top` each.
pub(crate) fn json(outcome: &Outcome, top: Option<usize>) -> Value {
    let report = &outcome.report;
    let files = &outcome.files;
    let top = top.unwrap_or(usize::MAX);
    json!({
        "sources": report.sources.iter().take(top).map(|one| source(one, files)).collect::<Vec<_>>(),
        "networks": report.networks.iter().take(top).map(|one| group(one, "network", files)).collect::<Vec<_>>(),
        "users": report.users.iter().take(top).map(|one| group(one, "name", files)).collect::<Vec<_>>(),
        "campaigns": report.campaigns.iter().take(top).map(|one| campaign(one, files)).collect::<Vec<_>>(),
        "findings": findings(report, files),
        "total": {
            "failures": report.total.failures,
            "attempts": report.total.attempts,
            "connections": report.total.connections,
            "successes": report.total.successes,
        },
        "lines": {
            "sshd": report.lines.sshd,
            "not_understood": report.lines.not_understood,
            "not_understood_shapes": report.lines.unknown.iter()
                .map(|(shape, count)| json!({ "shape": text(shape), "count": count })).collect::<Vec<_>>(),
            "duplicates": report.lines.duplicates,
            "audit": report.lines.audit,
            "dropped_unnamed": report.lines.dropped_unnamed,
            "unattributed": report.lines.unattributed,
        },
        "evicted": {
            "sources": report.evicted.sources,
            "failures": report.evicted.failures,
            "networks": report.evicted.networks,
            "users": report.evicted.users,
            "connections": report.evicted.connections,
        },
        "thresholds": {
            "brute": report.settings.brute,
            "window_s": report.settings.window_ms / 1_000,
            "spray": report.settings.spray,
            "slow": report.settings.slow,
            "distributed": report.settings.distributed,
            "compromised": report.settings.compromised,
            "memory_s": report.settings.memory_ms / 1_000,
        },
    })
}

fn source(source: &SourceReport, files: &[String]) -> Value {
    let users: Vec<Value> = source
        .users
        .iter()
        .map(|user| json!({ "name": text(&user.name), "valid": user.valid, "failures": user.failures }))
        .collect();
    let methods: Map<String, Value> = methods(&source.methods)
        .into_iter()
        .map(|(name, refused, accepted)| {
            (
                name.to_owned(),
                json!({ "refused": refused, "accepted": accepted }),
            )
        })
        .collect();
    let mut object = json!({
        "address": source.address.to_string(),
        "failures": source.failures,
        "attempts": source.attempts,
        "connections": source.connections,
        "successes": source.successes,
        "drops": source.drops,
        "methods": methods,
        "users": users,
        "names": source.names,
        "failures_unlisted": source.failures_unlisted,
        "rate_per_minute": rate(source.attempts, &source.seen),
        "outcome": source.outcome.name(),
    });
    put_seen(&mut object, &source.seen, files);
    object
}

fn group(group: &GroupReport, name: &str, files: &[String]) -> Value {
    let mut object = json!({
        "failures": group.failures,
        "attempts": group.attempts,
        "successes": group.successes,
        "sources": group.sources,
    });
    object[name] = json!(key(&group.key));
    if name == "name" {
        object["valid"] = json!(group.valid);
    } else {
        object["connections"] = json!(group.connections);
        object["names"] = json!(group.names);
    }
    put_seen(&mut object, &group.seen, files);
    object
}

fn campaign(campaign: &Campaign, files: &[String]) -> Value {
    let mut object = json!({
        "kind": campaign.outcome.name(),
        "by": campaign.key.kind(),
        "key": key(&campaign.key),
        "attempts": campaign.attempts,
        "failures": campaign.failures,
        "connections": campaign.connections,
        "sources": campaign.sources,
        "names": campaign.names,
        "rate_per_minute": rate(campaign.attempts, &campaign.seen),
    });
    put_seen(&mut object, &campaign.seen, files);
    object
}

/// The campaigns, and each login after failures, with the lines that show them.
fn findings(report: &Report, files: &[String]) -> Vec<Value> {
    let logins = report.logins.iter().map(|one| login(one, files));
    let campaigns = report.campaigns.iter().map(|campaign| {
        json!({
            "kind": campaign.outcome.name(),
            campaign.key.kind(): key(&campaign.key),
            "attempts": campaign.attempts,
            "first": time(campaign.seen.first_ms),
            "last": time(campaign.seen.last_ms),
            "lines": [place(files, campaign.seen.first_line), place(files, campaign.seen.last_line)],
        })
    });
    // A source that got in is told of by its logins.
    let is_told = |value: &Value| value["kind"] != "compromised" || value.get("source").is_none();
    let all_told = !report.logins.is_empty();
    logins
        .chain(campaigns.filter(|value| !all_told || is_told(value)))
        .collect()
}

fn login(login: &Login, files: &[String]) -> Value {
    json!({
        "kind": "compromised",
        "source": login.address.to_string(),
        "attempts": login.attempts_before,
        "time": time(login.time_ms),
        "user": login.user.as_deref().map(text),
        "method": login.method.map(|method| method.name()),
        "key": login.detail.as_deref().map(text),
        "lines": [place(files, login.line)],
        "session": login.session.as_ref().map(|session| json!({
            "ses": session.ses,
            "auid": session.auid,
            "commands": session.commands.iter().map(|command| json!({
                "time": time(command.time_ms),
                "command": text(&command.line),
            })).collect::<Vec<_>>(),
            "more_commands": session.more_commands,
        })),
    })
}

fn put_seen(object: &mut Value, seen: &Seen, files: &[String]) {
    object["first"] = json!(time(seen.first_ms));
    object["last"] = json!(time(seen.last_ms));
    object["first_line"] = json!(place(files, seen.first_line));
    object["last_line"] = json!(place(files, seen.last_line));
}
