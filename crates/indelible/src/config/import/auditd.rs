//! `auditd.conf`: `name = value` lines, and what they come to here.

use super::{Imported, Note};

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
    if let Some((line, space)) = value("admin_space_left") {
        match space.parse::<u64>() {
            Ok(mebibytes) => into.min_free = mebibytes.checked_mul(1 << 20),
            Err(_) => into.notes.push(Note::new(
                file,
                line,
                "a share of the disk is no size: set limits.min-free in bytes",
            )),
        }
    }
    let mut action = None;
    for name in [
        "disk_full_action",
        "admin_space_left_action",
        "disk_error_action",
    ] {
        if let Some((line, value)) = value(name) {
            match value
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase()
                .as_str()
            {
                "halt" => {
                    action = Some(format!(
                        "{name} = {value} becomes when-full = \"block\": system calls wait, the host goes on (line {line})"
                    ));
                }
                "single" | "suspend" | "syslog" | "ignore" | "email" | "rotate" => {}
                "exec" => into.notes.push(Note::new(
                    file,
                    line,
                    "no program is run: the metric `indelible_spool_free_bytes` tells the same",
                )),
                _ => into.notes.push(Note::new(file, line, "is not understood")),
            }
        }
    }
    if let Some(action) = action {
        into.blocks = true;
        into.notes.push(Note::of_file(file, &action));
    }
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
