//! What is wrong with auditing on this host, and the command that mends it.
//!
//! Each check looks at one thing and changes nothing. What cannot be looked at is said, too: a check
//! that did not run is no good news.

mod agent;
mod kernel;
mod processes;

use std::path::Path;

use serde::Serialize;

use crate::config::{AgentConfig, Capture};

/// What one check came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Checked {
    /// A stable word.
    pub(crate) check: &'static str,
    pub(crate) outcome: Outcome,
    /// For people.
    pub(crate) detail: String,
    /// A command, or a line for a file.
    pub(crate) mend: Option<String>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// As it should be.
    Fine,
    /// Could not be looked at.
    Unknown,
    /// Better mended.
    Warning,
    /// Records are lost, or will be.
    Problem,
}

impl Outcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl Checked {
    fn new(check: &'static str, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self {
            check,
            outcome,
            detail: detail.into(),
            mend: None,
        }
    }

    fn mend(mut self, command: impl Into<String>) -> Self {
        self.mend = Some(command.into());
        self
    }
}

/// Looks at everything. Without a configuration only at the host.
pub(crate) fn run(config: Option<&AgentConfig>) -> Vec<Checked> {
    let mut found = vec![kernel::command_line(&read("/proc/cmdline"))];
    let spool = config.map(|config| config.spool.as_path());
    found.push(processes::invisible(spool, &read("/proc/cmdline")));
    found.extend(kernel::status());
    found.push(kernel::rules_on_disk(rules_folder(config)));
    found.push(processes::rivals(config));
    found.push(kernel::clock());
    if let Some(config) = config {
        found.push(agent::disk(config));
        found.extend(agent::certificates(config));
        found.extend(agent::collector(config));
    }
    found
}

/// Whose rules the host should have: ours where we are the audit daemon, and auditd's beside it.
fn rules_folder(config: Option<&AgentConfig>) -> &'static Path {
    let own = Path::new(OWN_RULES);
    let is_daemon = config.is_some_and(|config| config.capture == Capture::Kernel);
    if is_daemon && own.is_dir() {
        own
    } else {
        Path::new(AUDITD_RULES)
    }
}

/// What `indelible-rules.service` loads.
const OWN_RULES: &str = "/etc/indelible/rules.d";
/// What augenrules loads.
const AUDITD_RULES: &str = "/etc/audit/rules.d";

/// How many of each there are, the worst first.
pub(crate) fn summary(found: &[Checked]) -> String {
    let kinds = [
        (Outcome::Problem, "problem"),
        (Outcome::Warning, "warning"),
        (Outcome::Unknown, "unknown"),
        (Outcome::Fine, "fine"),
    ];
    let counted = kinds.iter().filter_map(|(outcome, word)| {
        let count = found.iter().filter(|one| one.outcome == *outcome).count();
        let is_noun = *outcome >= Outcome::Warning;
        let ending = if is_noun && count != 1 { "s" } else { "" };
        (count > 0).then(|| format!("{count} {word}{ending}"))
    });
    counted.collect::<Vec<_>>().join(", ")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_counts_the_worst_first() {
        let found = [
            Outcome::Fine,
            Outcome::Warning,
            Outcome::Fine,
            Outcome::Unknown,
            Outcome::Warning,
        ]
        .map(|outcome| Checked::new("x", outcome, ""));
        assert_eq!(summary(&found), "2 warnings, 1 unknown, 2 fine");
        assert_eq!(summary(&found[..1]), "1 fine");
    }
}
