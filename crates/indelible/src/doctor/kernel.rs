//! The kernel's side: its command line, its audit status, its rules, its clock.

use std::path::Path;
use std::process::Command;

use indelible_sys::audit::{Control, Status};

use super::{Checked, Outcome};

/// Auditing from the first process on.
pub(super) fn command_line(text: &str) -> Checked {
    let check = "kernel-command-line";
    let word = |wanted: &str| text.split_whitespace().any(|word| word == wanted);
    if word("audit=0") || word("audit=off") {
        return Checked::new(check, Outcome::Problem, "audit=0: auditing is off for good")
            .mend("replace audit=0 by audit=1 in GRUB_CMDLINE_LINUX, run update-grub (or grub2-mkconfig), and boot again");
    }
    if word("audit=1") || word("audit=on") {
        return Checked::new(check, Outcome::Fine, "audit=1");
    }
    Checked::new(
        check,
        Outcome::Warning,
        "audit=1 is missing: processes that start before the agent are never audited, and records before it are lost without being counted",
    )
    .mend("add audit=1 audit_backlog_limit=8192 to GRUB_CMDLINE_LINUX, run update-grub (or grub2-mkconfig), and boot again")
}

/// What the kernel says, and the rules that it has loaded.
pub(super) fn status() -> Vec<Checked> {
    let asked = Control::open().and_then(|mut control| {
        let status = control.status()?;
        Ok((status, control.rules()?))
    });
    match asked {
        Ok((status, rules)) => {
            let mut found = judge(&status);
            found.push(never_task(&rules));
            found
        }
        Err(error) => vec![
            Checked::new(
                "audit-status",
                Outcome::Unknown,
                format!("the kernel cannot be asked: {error}"),
            )
            .mend("run it as root, outside of containers"),
        ],
    }
}

/// Judges a status.
fn judge(status: &Status) -> Vec<Checked> {
    let mut found = Vec::new();
    found.push(match status.enabled {
        0 => Checked::new("audit-enabled", Outcome::Problem, "auditing is off")
            .mend("start the agent (capture = \"kernel\" switches it on), or auditctl -e 1"),
        1 => Checked::new("audit-enabled", Outcome::Fine, "auditing is on"),
        _ => Checked::new(
            "audit-enabled",
            Outcome::Fine,
            "auditing is on and locked until reboot",
        ),
    });
    found.push(if status.backlog_limit != 0 && status.backlog_limit < BACKLOG_WANTED {
        let detail = format!(
            "backlog_limit is {}: a short burst fills it, and system calls wait or records are lost",
            status.backlog_limit
        );
        Checked::new("backlog-limit", Outcome::Warning, detail).mend(format!("auditctl -b {BACKLOG_WANTED}"))
    } else {
        Checked::new("backlog-limit", Outcome::Fine, format!("{}", status.backlog_limit))
    });
    let waited = status.backlog_wait_time_actual.unwrap_or(0);
    found.push(match status.backlog_wait_time {
        Some(0) => Checked::new(
            "backlog-wait",
            Outcome::Warning,
            "backlog_wait_time is 0: records that find the backlog full are lost at once",
        )
        .mend("auditctl --backlog_wait_time 15000"),
        _ if waited > 0 => Checked::new(
            "backlog-wait",
            Outcome::Warning,
            format!("system calls have waited {waited} jiffies for room in the backlog"),
        )
        .mend(format!(
            "auditctl -b {} --reset_backlog_wait_time_actual",
            status.backlog_limit.max(BACKLOG_WANTED)
        )),
        _ => Checked::new("backlog-wait", Outcome::Fine, "no system call has waited"),
    });
    found.push(if status.lost > 0 {
        Checked::new(
            "records-lost",
            Outcome::Problem,
            format!("the kernel has lost {} records", status.lost),
        )
        .mend("auditctl --reset-lost, once the cause (backlog, rate limit, memory) is mended")
    } else {
        Checked::new("records-lost", Outcome::Fine, "none")
    });
    found.push(if status.rate_limit > 0 {
        let detail = format!("records above {} per second are dropped", status.rate_limit);
        Checked::new("rate-limit", Outcome::Warning, detail).mend("auditctl -r 0")
    } else {
        Checked::new("rate-limit", Outcome::Fine, "none")
    });
    if status.failure == 2 {
        let detail = "failure is 2: the kernel panics when a record is lost";
        found.push(Checked::new("failure-mode", Outcome::Warning, detail).mend("auditctl -f 1"));
    }
    found
}

/// `-a never,task`, which distributions ship: no process that starts after it is audited.
fn never_task(rules: &[Vec<u8>]) -> Checked {
    let word = |rule: &[u8], at: usize| {
        let bytes = rule.get(at * 4..at * 4 + 4)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?))
    };
    // struct audit_rule_data: list and flags, action, number of fields.
    let is_never_task = |rule: &Vec<u8>| {
        let list = word(rule, 0).map(|list| list & !PREPEND);
        (list, word(rule, 1), word(rule, 2)) == (Some(LIST_TASK), Some(ACTION_NEVER), Some(0))
    };
    if rules.iter().any(is_never_task) {
        return Checked::new(
            "never-task",
            Outcome::Problem,
            "the rule `-a never,task` is loaded: no process that starts is audited for system calls",
        )
        .mend("auditctl -d never,task, and remove the line from /etc/audit/rules.d");
    }
    Checked::new("never-task", Outcome::Fine, "no such rule")
}

/// The rules that are loaded against those that the next boot loads.
pub(super) fn rules_on_disk(folder: &Path) -> Checked {
    let check = "rules-on-disk";
    if !folder.is_dir() {
        return Checked::new(
            check,
            Outcome::Unknown,
            format!("there is no {}", folder.display()),
        );
    }
    let ran = std::env::current_exe().and_then(|program| {
        Command::new(program)
            .args(["rules", "diff"])
            .arg(folder)
            .output()
    });
    let mend = format!("indelible rules load {}", folder.display());
    match ran {
        Ok(output) => match output.status.code() {
            Some(0) => Checked::new(check, Outcome::Fine, "the loaded rules are those on disk"),
            Some(1) => Checked::new(
                check,
                Outcome::Warning,
                format!("the loaded rules are not those of {}", folder.display()),
            )
            .mend(mend),
            _ => {
                let said = String::from_utf8_lossy(&output.stderr);
                let first = said.lines().next().unwrap_or("it ended by a signal");
                Checked::new(check, Outcome::Unknown, first.to_owned())
            }
        },
        Err(error) => Checked::new(check, Outcome::Unknown, error.to_string()),
    }
}

/// Whether somebody keeps the clock.
pub(super) fn clock() -> Checked {
    match indelible_sys::clock::is_synchronised() {
        Ok(true) => Checked::new("clock", Outcome::Fine, "synchronised"),
        Ok(false) => Checked::new(
            "clock",
            Outcome::Warning,
            "the clock is not synchronised: events of several hosts cannot be put in order",
        )
        .mend("timedatectl set-ntp true"),
        Err(error) => Checked::new("clock", Outcome::Unknown, error.to_string()),
    }
}

/// Records that should find room.
const BACKLOG_WANTED: u32 = 8192;
/// AUDIT_FILTER_TASK, AUDIT_NEVER, AUDIT_FILTER_PREPEND (include/uapi/linux/audit.h).
const LIST_TASK: u32 = 1;
const ACTION_NEVER: u32 = 0;
const PREPEND: u32 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(found: &[Checked], check: &str) -> Outcome {
        found
            .iter()
            .find(|found| found.check == check)
            .unwrap()
            .outcome
    }

    #[test]
    fn command_lines() {
        for (text, expected) in [
            ("quiet audit=1\n", Outcome::Fine),
            ("quiet", Outcome::Warning),
            ("audit=0 quiet", Outcome::Problem),
            ("audit=10", Outcome::Warning),
        ] {
            let found = command_line(text);
            assert_eq!(found.outcome, expected, "{text}");
            assert_eq!(found.mend.is_none(), expected == Outcome::Fine);
        }
    }

    #[test]
    fn statuses() {
        let good = Status {
            enabled: 1,
            backlog_limit: 8192,
            backlog_wait_time: Some(15000),
            backlog_wait_time_actual: Some(0),
            ..Status::default()
        };
        assert!(
            judge(&good)
                .iter()
                .all(|found| found.outcome == Outcome::Fine)
        );
        let bad = Status {
            enabled: 0,
            backlog_limit: 64,
            lost: 3,
            rate_limit: 10,
            failure: 2,
            backlog_wait_time: Some(0),
            ..good
        };
        let found = judge(&bad);
        assert!(
            found
                .iter()
                .all(|found| found.outcome > Outcome::Unknown && found.mend.is_some()),
            "{found:?}"
        );
        assert_eq!(outcome(&found, "audit-enabled"), Outcome::Problem);
    }

    #[test]
    fn the_rule_of_distributions() {
        let rule = |list: u32, action: u32, fields: u32| -> Vec<u8> {
            [list, action, fields]
                .iter()
                .flat_map(|word| word.to_ne_bytes())
                .collect()
        };
        assert_eq!(never_task(&[rule(1, 0, 0)]).outcome, Outcome::Problem);
        for harmless in [rule(1, 0, 1), rule(4, 0, 0), rule(1, 2, 0), Vec::new()] {
            assert_eq!(never_task(&[harmless]).outcome, Outcome::Fine);
        }
    }
}
