//! Tables for people. The first has the shape of what `sort | uniq -c | sort -nr` prints: refused
//! credentials and address.

use std::fmt::Write as _;

use indelible_detect::ssh::{GroupReport, Login, Report, SourceReport};

use super::Outcome;
use super::words::{cell, key, methods, place, rate, time};

/// The tables; at most `top` rows each.
pub(crate) fn table(outcome: &Outcome, top: usize) -> String {
    let report = &outcome.report;
    let mut out = String::new();
    for source in report
        .sources
        .iter()
        .filter(|source| source.failures > 0)
        .take(top)
    {
        let _ = writeln!(out, "{:7} {}", source.failures, source.address);
    }
    let sources = report.sources.iter().map(source_row);
    push(
        &mut out,
        "Sources",
        &SOURCES,
        sources,
        report.sources.len(),
        top,
    );
    let networks = report.networks.iter().map(network_row);
    push(
        &mut out,
        "Networks",
        &NETWORKS,
        networks,
        report.networks.len(),
        top,
    );
    let users = report.users.iter().map(user_row);
    push(&mut out, "Users", &USERS, users, report.users.len(), top);
    let campaigns = report.campaigns.iter().map(|campaign| {
        vec![
            campaign.outcome.name().to_owned(),
            format!(
                "{} {}",
                campaign.key.kind(),
                cell(key(&campaign.key).as_bytes())
            ),
            campaign.attempts.to_string(),
            campaign
                .connections
                .map_or("-".into(), |count| count.to_string()),
            campaign.sources.to_string(),
            campaign.names.to_string(),
            time(campaign.seen.first_ms),
            time(campaign.seen.last_ms),
            rate(campaign.attempts, &campaign.seen).map_or("-".into(), |rate| format!("{rate:.1}")),
        ]
    });
    push(
        &mut out,
        "Campaigns",
        &CAMPAIGNS,
        campaigns,
        report.campaigns.len(),
        top,
    );
    for login in report.logins.iter().take(top) {
        push_login(&mut out, login, &outcome.files);
    }
    push_lines(&mut out, report);
    out
}

const SOURCES: [&str; 12] = [
    "address",
    "failures",
    "attempts",
    "connections",
    "logins",
    "dropped",
    "names (valid)",
    "methods",
    "first",
    "last",
    "per min",
    "outcome",
];
const NETWORKS: [&str; 7] = [
    "network",
    "failures",
    "attempts",
    "connections",
    "sources",
    "names",
    "logins",
];
const USERS: [&str; 6] = [
    "name", "account", "failures", "attempts", "sources", "logins",
];
const CAMPAIGNS: [&str; 9] = [
    "kind",
    "of",
    "attempts",
    "connections",
    "sources",
    "names",
    "first",
    "last",
    "per min",
];

fn source_row(source: &SourceReport) -> Vec<String> {
    let valid = source
        .users
        .iter()
        .filter(|user| user.valid == Some(true))
        .count();
    let methods: Vec<String> = methods(&source.methods)
        .into_iter()
        .map(|(name, refused, accepted)| match accepted {
            0 => format!("{name}:{refused}"),
            _ => format!("{name}:{refused}+{accepted}"),
        })
        .collect();
    vec![
        source.address.to_string(),
        source.failures.to_string(),
        source.attempts.to_string(),
        source.connections.to_string(),
        source.successes.to_string(),
        source.drops.to_string(),
        format!("{} ({valid})", source.names),
        if methods.is_empty() {
            "-".into()
        } else {
            methods.join(",")
        },
        time(source.seen.first_ms),
        time(source.seen.last_ms),
        rate(source.attempts, &source.seen).map_or("-".into(), |rate| format!("{rate:.1}")),
        source.outcome.name().to_owned(),
    ]
}

fn network_row(network: &GroupReport) -> Vec<String> {
    vec![
        key(&network.key),
        network.failures.to_string(),
        network.attempts.to_string(),
        network.connections.to_string(),
        network.sources.to_string(),
        network.names.to_string(),
        network.successes.to_string(),
    ]
}

fn user_row(user: &GroupReport) -> Vec<String> {
    let account = match user.valid {
        Some(true) => "valid",
        Some(false) => "invalid",
        None => "-",
    };
    vec![
        cell(key(&user.key).as_bytes()),
        account.to_owned(),
        user.failures.to_string(),
        user.attempts.to_string(),
        user.sources.to_string(),
        user.successes.to_string(),
    ]
}

/// A title, a header and aligned rows; nothing where there are no rows.
fn push(
    out: &mut String,
    title: &str,
    header: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
    all: usize,
    top: usize,
) {
    let rows: Vec<Vec<String>> = rows.take(top).collect();
    if rows.is_empty() {
        return;
    }
    let shown = match all > rows.len() {
        true => format!("{title} ({} of {all})", rows.len()),
        false => title.to_owned(),
    };
    let _ = writeln!(out, "\n{shown}");
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells
            .chain([header[column].len()])
            .max()
            .unwrap_or(0)
            .min(COLUMN_WIDTH_MAX)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            let _ = write!(text, "  {cell:width$}");
        }
        let _ = writeln!(out, "{}", text.trim_end());
    };
    line(&mut header.iter().copied());
    for row in &rows {
        line(&mut row.iter().map(String::as_str));
    }
}

/// Somebody got in: how, and what was done then.
fn push_login(out: &mut String, login: &Login, files: &[String]) {
    let user = login.user.as_deref().map_or("somebody".to_owned(), cell);
    let method = login.method.map_or("unknown", |method| method.name());
    let _ = writeln!(
        out,
        "\nCOMPROMISED: {user} from {} by {method} at {} after {} attempts ({})",
        login.address,
        time(login.time_ms),
        login.attempts_before,
        place(files, login.line),
    );
    if let Some(detail) = &login.detail {
        let _ = writeln!(out, "  key {}", cell(detail));
    }
    let Some(session) = &login.session else {
        return;
    };
    let _ = writeln!(out, "  session {} of auid {}", session.ses, session.auid);
    for command in &session.commands {
        let _ = writeln!(out, "  {} {}", time(command.time_ms), cell(&command.line));
    }
    if session.more_commands > 0 {
        let _ = writeln!(out, "  and {} commands more", session.more_commands);
    }
}

fn push_lines(out: &mut String, report: &Report) {
    let lines = &report.lines;
    let _ = writeln!(
        out,
        "\n{} lines of sshd, {} not understood; {} audit records; {} lines told twice",
        lines.sshd, lines.not_understood, lines.audit, lines.duplicates
    );
    for (shape, count) in &lines.unknown {
        let _ = writeln!(out, "  not understood, {count}: {}", cell(shape));
    }
    if lines.dropped_unnamed > 0 {
        let _ = writeln!(
            out,
            "{} connections dropped without their addresses",
            lines.dropped_unnamed
        );
    }
    if lines.unattributed > 0 {
        let _ = writeln!(
            out,
            "{} refused credentials whose source cannot be told",
            lines.unattributed
        );
    }
    let evicted = &report.evicted;
    if evicted.sources > 0 {
        let _ = writeln!(
            out,
            "{} sources with {} failures did not fit and are in the sums only",
            evicted.sources, evicted.failures
        );
    }
}

/// Wider cells are not aligned to.
const COLUMN_WIDTH_MAX: usize = 40;
