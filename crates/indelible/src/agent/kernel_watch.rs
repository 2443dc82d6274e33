//! What other processes do to the kernel's auditing, seen in its status.

use indelible_sys::audit::Status;

use crate::payload::Finding;
use crate::payload::finding::{AUDIT_DISABLED, AUDIT_ENABLED, AUDIT_RECONFIGURED};

/// What another process changed between two answers of the kernel.
pub(super) fn changes(before: &Status, after: &Status) -> Vec<Finding> {
    let mut findings = Vec::new();
    if before.enabled != after.enabled {
        let known = match after.enabled {
            0 => &AUDIT_DISABLED,
            _ => &AUDIT_ENABLED,
        };
        let why = format!("enabled was {} and is {}", before.enabled, after.enabled);
        findings.push(Finding::of(known, why));
    }
    let settings = [
        ("failure", before.failure, after.failure),
        ("rate_limit", before.rate_limit, after.rate_limit),
        ("backlog_limit", before.backlog_limit, after.backlog_limit),
        (
            "backlog_wait_time",
            before.backlog_wait_time.unwrap_or(0),
            after.backlog_wait_time.unwrap_or(0),
        ),
    ];
    let changed: Vec<String> = settings
        .iter()
        .filter(|(name, before, after)| match *name {
            // More room takes nothing away, and the rules of a host make it when they are loaded. Zero
            // is room without end.
            "backlog_limit" => *before != *after && *after != 0 && (*before == 0 || after < before),
            _ => before != after,
        })
        .map(|(name, before, after)| format!("{name} was {before} and is {after}"))
        .collect();
    if !changed.is_empty() {
        findings.push(Finding::of(&AUDIT_RECONFIGURED, changed.join(", ")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_no_findings_and_settings_are() {
        let before = Status {
            enabled: 1,
            backlog_limit: 64,
            ..Status::default()
        };
        let busy = Status {
            lost: 7,
            backlog: 3,
            pid: 9,
            ..before
        };
        assert_eq!(changes(&before, &busy), []);
        let after = Status {
            enabled: 0,
            backlog_limit: 1,
            rate_limit: 5,
            ..before
        };
        let findings = changes(&before, &after);
        assert_eq!(findings[0].id, AUDIT_DISABLED.id);
        assert_eq!(
            findings[1].why,
            "rate_limit was 0 and is 5, backlog_limit was 64 and is 1"
        );
        let roomier = Status {
            backlog_limit: 8192,
            ..before
        };
        assert_eq!(changes(&before, &roomier), []);
        assert_eq!(changes(&roomier, &before).len(), 1);
    }
}
