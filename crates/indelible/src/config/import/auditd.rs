//! `auditd.conf`: `name = value` lines, and what they come to here.

use super::{Imported, Note};
use crate::config::disk::{DiskAction, Space};

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting<'t> {
    /// From 1.
    pub(crate) line: usize,
    /// In lower case.
    pub(crate) name: String,
    /// Without blanks around it.
    pub(crate) value: &'t str,
}

/// The settings of a file, and the lines that are none.
pub(crate) fn settings(text: &str) -> (Vec<Setting<'_>>, Vec<usize>) {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for (number, line) in text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()))
    {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => found.push(Setting {
                line: number,
                name: name.trim().to_ascii_lowercase(),
                value: value.trim(),
            }),
            _ => wrong.push(number),
        }
    }
    (found, wrong)
}

/// Takes over what has an equal.
pub(super) fn import(file: &str, text: &str, into: &mut Imported) {
    let (found, wrong) = settings(text);
    for line in wrong {
        into.notes.push(Note::new(file, line, "is no setting"));
    }
    let value = |name: &str| {
        let setting = found.iter().rfind(|setting| setting.name == name);
        setting.map(|setting| (setting.line, setting.value))
    };
    let number = |name: &str| value(name).and_then(|(_, value)| value.parse::<u64>().ok());
    // auditd keeps `num_logs` files of `max_log_file` MiB: that much stays here as local history.
    if let (Some(files), Some(mebibytes)) = (number("num_logs"), number("max_log_file")) {
        let kept = match value("max_log_file_action") {
            Some((_, action)) if action.eq_ignore_ascii_case("rotate") => files.max(1),
            _ => 1,
        };
        into.history_bytes = kept
            .checked_mul(mebibytes)
            .and_then(|mib| mib.checked_mul(1 << 20));
    }
    disk(file, &value, into);
    for setting in &found {
        let why = match setting.name.as_str() {
            "tcp_listen_port" => "a collector receives from the network, not the agent",
            "log_format" if setting.value.eq_ignore_ascii_case("enriched") => {
                "names are added as entries of their own; records stay as the kernel gave them"
            }
            "write_logs" if setting.value.eq_ignore_ascii_case("no") => {
                "entries are always spooled before they are sent"
            }
            "dispatcher" => "plugins of a dispatcher stay with auditd; outputs take their place",
            _ => continue,
        };
        into.notes.push(Note::new(file, setting.line, why));
    }
}

/// What auditd does about its disk.
fn disk<'t>(file: &str, value: &impl Fn(&str) -> Option<(usize, &'t str)>, into: &mut Imported) {
    for (name, key) in [
        ("space_left", "space-left"),
        ("admin_space_left", "admin-space-left"),
    ] {
        let Some((line, space)) = value(name) else {
            continue;
        };
        // auditd counts in MiB.
        let space = match space.ends_with('%') {
            true => space.to_owned(),
            false => format!("{space}M"),
        };
        match Space::try_from(space.clone()) {
            Ok(_) => into.disk.push((key, space)),
            Err(_) => into
                .notes
                .push(Note::new(file, line, "is no amount of space")),
        }
    }
    for (name, key) in [
        ("space_left_action", "space-left-action"),
        ("admin_space_left_action", "admin-space-left-action"),
        ("disk_full_action", "disk-full-action"),
        ("disk_error_action", "disk-error-action"),
    ] {
        let Some((line, value)) = value(name) else {
            continue;
        };
        let mut words = value.split_whitespace();
        let word = words.next().unwrap_or_default().to_ascii_lowercase();
        let action = match (word.as_str(), words.next()) {
            ("ignore" | "syslog" | "suspend" | "single" | "halt", None) => word.clone(),
            ("exec", Some(program)) => {
                if words.next().is_some() {
                    let why = "arguments are not passed on: name a script that has them";
                    into.notes.push(Note::new(file, line, why));
                }
                format!("exec:{program}")
            }
            ("email", None) => {
                let why = "no mail is sent: a finding and a line in the log say it, and alerts can be set \
                           on the metric `indelible_spool_free_bytes`";
                into.notes.push(Note::new(file, line, why));
                "syslog".to_owned()
            }
            // The spool removes its oldest files by itself, within its limits.
            ("rotate", None) => "ignore".to_owned(),
            _ => {
                into.notes.push(Note::new(file, line, "is not understood"));
                continue;
            }
        };
        if DiskAction::try_from(action.clone()).is_err() {
            into.notes.push(Note::new(file, line, "is not understood"));
            continue;
        }
        if matches!(word.as_str(), "single" | "halt") {
            // Whoever halts for want of room wants nothing dropped before.
            into.blocks = true;
        }
        into.disk.push((key, action));
    }
    let runs = |(_, value): &(_, String)| {
        matches!(value.as_str(), "single" | "halt") || value.starts_with("exec:")
    };
    if into.disk.iter().any(runs) {
        let why = "programs for the disk are run by a unit of its own: `systemctl enable --now indelible-guard`";
        into.notes.push(Note::of_file(file, why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read() {
        let (found, wrong) =
            settings("# c\n\nNum_Logs = 5\nlog_file=/var/log/a b\nnonsense\n= x\n");
        let shown: Vec<_> = found.iter().map(|s| (s.line, &*s.name, s.value)).collect();
        assert_eq!(
            shown,
            [(3, "num_logs", "5"), (4, "log_file", "/var/log/a b")]
        );
        assert_eq!(wrong, [5, 6]);
    }
}
