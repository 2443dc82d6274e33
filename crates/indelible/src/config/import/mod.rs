//! Configurations of auditd and rsyslog, taken over.
//!
//! [`Imported`] gathers what the files say; [`Imported::text`] is our configuration with a comment
//! for everything that came along, and [`Imported::notes`] say what has no equal here. Reading never
//! fails on what stands in a file: what is not understood becomes a note.

mod auditd;
mod rsyslog;

use std::fmt::{self, Write as _};
use std::path::Path;

/// What other programs' configurations come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Imported {
    /// Sources, as the configuration has them.
    pub(crate) sources: Vec<String>,
    /// Outputs, each a table.
    pub(crate) outputs: Vec<Output>,
    /// Local history.
    pub(crate) history_bytes: Option<u64>,
    /// Keys of `[disk]` with their values.
    pub(crate) disk: Vec<(&'static str, String)>,
    /// A full spool halts what causes records.
    pub(crate) blocks: bool,
    /// Audit rules that were found: files and rules in them.
    pub(crate) rules: Option<(usize, usize)>,
    /// What has no equal, or another meaning.
    pub(crate) notes: Vec<Note>,
    /// Further files that a configuration includes, as it names them.
    pub(crate) includes: Vec<String>,
}

/// An output that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    /// File and line.
    pub(crate) origin: String,
    /// Destinations, as the configuration has them.
    pub(crate) to: Vec<String>,
    pub(crate) format: &'static str,
    /// Messages end with a line feed.
    pub(crate) lines: bool,
    pub(crate) select: Option<String>,
    /// Whether rsyslog would have kept messages while nobody answered.
    pub(crate) required: bool,
    pub(crate) tls: Option<TlsNames>,
}

/// Certificates of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsNames {
    pub(crate) ca: Option<String>,
    pub(crate) certificate: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) name: Option<String>,
}

/// Something to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) file: String,
    /// From 1; `None` where it is about the file.
    pub(crate) line: Option<usize>,
    pub(crate) text: String,
}

impl Note {
    fn new(file: &str, line: usize, text: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: Some(line),
            text: text.into(),
        }
    }

    fn of_file(file: &str, text: &str) -> Self {
        Self {
            file: file.into(),
            line: None,
            text: text.into(),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.text),
            None => write!(f, "{}: {}", self.file, self.text),
        }
    }
}

impl Imported {
    /// Takes over `auditd.conf`. `file` names it in notes.
    pub(crate) fn auditd_conf(&mut self, file: &str, text: &str) {
        auditd::import(file, text, self);
    }

    /// Takes over one file of rsyslog's configuration; files that it includes are named in
    /// `includes`.
    pub(crate) fn rsyslog_conf(&mut self, file: &str, text: &str) {
        rsyslog::import(file, text, self);
    }

    /// Notes how many rules there are; they are loaded from where they are, by `indelible rules load`.
    pub(crate) fn rules(&mut self, files: &[indelible_rules::merge::RuleFile]) {
        let rules = files.iter().map(|file| {
            let lines = file.content.split(|byte| *byte == b'\n');
            let is_rule = |line: &&[u8]| {
                let line = line.trim_ascii();
                !line.is_empty() && !line.starts_with(b"#")
            };
            lines.filter(is_rule).count()
        });
        self.rules = Some((files.len(), rules.sum()));
    }

    /// The agent's configuration, to be read by people first.
    pub(crate) fn text(&self, spool: &Path) -> String {
        let mut text = String::from(
            "# Taken over by `indelible config import`. What has no equal here stands at the end.\n",
        );
        let _ = writeln!(
            text,
            "spool = {}",
            toml_string(&spool.display().to_string())
        );
        text.push_str("# As the kernel's audit daemon. \"observe\" reads beside a running auditd.\ncapture = \"kernel\"\n");
        if !self.sources.is_empty() {
            text.push_str("sources = [\n");
            for source in &self.sources {
                let _ = writeln!(text, "  {},", toml_string(source));
            }
            text.push_str("]\n");
        }
        let has_limits = self.history_bytes.is_some() || self.blocks;
        if has_limits {
            text.push_str("\n[limits]\n");
        }
        if let Some(bytes) = self.history_bytes {
            let _ = writeln!(text, "history-bytes = {bytes}");
        }
        if self.blocks {
            text.push_str("when-full = \"block\"\n");
        }
        if !self.disk.is_empty() {
            text.push_str("\n[disk]\n");
            for (key, value) in &self.disk {
                let _ = writeln!(text, "{key} = {}", toml_string(value));
            }
        }
        for (number, output) in self.outputs.iter().enumerate() {
            output.push_text(number + 1, &mut text);
        }
        if let Some((files, rules)) = self.rules {
            let _ = writeln!(
                text,
                "\n# Audit rules: {rules} lines in {files} files are read where they are, by `indelible rules load`."
            );
        }
        if !self.notes.is_empty() {
            text.push_str("\n# To look at:\n");
            for note in &self.notes {
                for line in note.to_string().lines() {
                    let _ = writeln!(text, "# {line}");
                }
            }
        }
        text
    }
}

impl Output {
    fn push_text(&self, number: usize, text: &mut String) {
        let _ = writeln!(
            text,
            "\n# {}\n[[outputs]]",
            self.origin.replace(['\n', '\r'], " ")
        );
        let _ = writeln!(text, "name = \"forward-{number}\"");
        let to: Vec<String> = self.to.iter().map(|word| toml_string(word)).collect();
        let _ = writeln!(text, "to = [{}]", to.join(", "));
        let _ = writeln!(text, "format = \"{}\"", self.format);
        if self.lines {
            text.push_str("framing = \"lines\"\n");
        }
        if self.required {
            text.push_str("required = true\n");
        }
        if let Some(select) = &self.select {
            let _ = writeln!(text, "select = {}", toml_string(select));
        }
        if let Some(tls) = &self.tls {
            let mut members = Vec::new();
            for (name, value) in [
                ("ca", &tls.ca),
                ("certificate", &tls.certificate),
                ("key", &tls.key),
                ("name", &tls.name),
            ] {
                if let Some(value) = value {
                    members.push(format!("{name} = {}", toml_string(value)));
                }
            }
            let _ = writeln!(text, "tls = {{ {} }}", members.join(", "));
        }
    }
}

fn toml_string(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AgentConfig;
    use crate::config::disk::{DiskLevel, Space};

    #[test]
    fn what_is_printed_is_read_back() {
        let mut imported = Imported::default();
        imported.auditd_conf(
            "auditd.conf",
            "num_logs = 5\nmax_log_file = 8\nmax_log_file_action = ROTATE\nadmin_space_left = 50\n\
             disk_full_action = HALT\ntcp_listen_port = 60\nadmin_space_left_action = exec /bin/tell\n\
             space_left = 10%\nspace_left_action = email\ndisk_error_action = what\n",
        );
        imported.rsyslog_conf(
            "rsyslog.conf",
            "module(load=\"imuxsock\")\nmodule(load=\"imklog\")\ninput(type=\"imfile\" file=\"/var/log/a \\\"b\\\".log\")\n\
             global(defaultNetstreamDriverCAFile=\"/etc/ca.pem\")\n\
             *.* @@(o)siem:10514;RSYSLOG_SyslogProtocol23Format\n\
             auth.* action(type=\"omfwd\" target=[\"a\",\"b\"] protocol=\"tcp\" StreamDriverMode=\"1\" port=\"6514\"\n\
             queue.type=\"LinkedList\" action.resumeRetryCount=\"-1\" StreamDriverPermittedPeers=\"siem.example\")\n\
             if $msg contains 'x' then @old\n*.* /var/log/all\n$IncludeConfig /etc/rsyslog.d/*.conf\n",
        );
        let text = imported.text(Path::new("/var/lib/indelible"));
        let config: AgentConfig =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        crate::config::outputs::check(&config.outputs).unwrap();
        assert_eq!(config.limits.history_bytes, 40 << 20);
        let disk = config.disk.unwrap();
        assert_eq!(disk.admin_space_left, Some(Space::Bytes(50 << 20)));
        assert_eq!(disk.space_left, Some(Space::Percent(10)));
        let actions = DiskLevel::ALL.map(|level| disk.action(level).to_string());
        assert_eq!(actions, ["syslog", "exec:/bin/tell", "halt", "syslog"]);
        assert_eq!(config.limits.when_full, crate::config::WhenFull::Block);
        let words: Vec<String> = config
            .sources
            .iter()
            .map(crate::config::SourceConfig::word)
            .collect();
        assert_eq!(
            words,
            ["unix:/dev/log", "kmsg", "file:/var/log/a \"b\".log"]
        );
        let to: Vec<String> = config
            .outputs
            .iter()
            .flat_map(|output| &output.to)
            .map(ToString::to_string)
            .collect();
        assert_eq!(to, ["tcp:siem:10514", "tls:a:6514", "tls:b:6514"]);
        assert!(config.outputs[1].required && !config.outputs[0].required);
        let notes: Vec<String> = imported.notes.iter().map(ToString::to_string).collect();
        for part in [
            "auditd.conf:6: a collector receives",
            "auditd.conf:9: no mail is sent: a finding",
            "auditd.conf:10: is not understood",
            "auditd.conf: programs for the disk are run by a unit of its own",
            "rsyslog.conf:8: forwards under a condition",
            "rsyslog.conf: 1 actions write on this host",
        ] {
            let found = notes.iter().any(|note| note.starts_with(part));
            assert!(found, "{part}: {notes:#?}");
        }
        assert_eq!(imported.includes, ["/etc/rsyslog.d/*.conf"]);
    }
}
