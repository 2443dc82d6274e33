//! What is found while entries come, and who is told of it; the same table for agent and collector.

use std::path::PathBuf;

use indelible_detect::sigma::Level;
use serde::Deserialize;

/// `[detections]`: detections run where the table is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct DetectionsConfig {
    /// Built-in detections that run, by their ids; all of them where none is named.
    pub(crate) only: Vec<String>,
    /// Names added to lists of detections: `log-clearing.allow=/opt/bin/rotate`.
    pub(crate) tune: Vec<String>,
    /// Folder of Sigma rules, read at the start.
    pub(crate) rules: Option<PathBuf>,
    /// Whether tries to get in over ssh are counted.
    pub(crate) ssh: bool,
    /// Findings of lower levels are not recorded.
    pub(crate) level: FindingLevel,
    /// How long a host may be silent before anybody is told, in seconds; 0 for any time. Its silence
    /// is a finding in the log after 3 s. On a collector alone.
    pub(crate) silent_after_seconds: u32,
    /// Findings of one kind about one host that are recorded in a minute; the rest are counted in a
    /// finding of their own.
    pub(crate) findings_per_minute: u32,
    /// Who is told, beside the log of the service.
    pub(crate) outputs: Vec<FindingOutput>,
}

impl Default for DetectionsConfig {
    fn default() -> Self {
        Self {
            only: Vec::new(),
            tune: Vec::new(),
            rules: None,
            ssh: true,
            level: FindingLevel::Low,
            silent_after_seconds: 60,
            findings_per_minute: 30,
            outputs: Vec::new(),
        }
    }
}

/// One that is told of findings: `webhook`, `syslog` or `command`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FindingOutput {
    /// A server; each finding is posted to it as JSON.
    pub(crate) webhook: Option<WebhookConfig>,
    /// The socket of a syslog daemon: `/dev/log`.
    pub(crate) syslog: Option<PathBuf>,
    /// A program and its arguments; it gets each finding as JSON on standard input.
    pub(crate) command: Option<Vec<String>>,
    /// Findings of lower levels are not told here.
    #[serde(default)]
    pub(crate) level: FindingLevel,
    /// Findings that are told in a minute; of the rest, the number.
    #[serde(default = "per_minute")]
    pub(crate) per_minute: u32,
}

/// How bad findings are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FindingLevel {
    /// To know of
    Informational,
    /// Low
    #[default]
    Low,
    /// Medium
    Medium,
    /// High
    High,
    /// Critical
    Critical,
}

impl From<FindingLevel> for Level {
    fn from(level: FindingLevel) -> Self {
        match level {
            FindingLevel::Informational => Self::Informational,
            FindingLevel::Low => Self::Low,
            FindingLevel::Medium => Self::Medium,
            FindingLevel::High => Self::High,
            FindingLevel::Critical => Self::Critical,
        }
    }
}

/// A server that takes findings over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WebhookConfig {
    /// `https://…`, or `http://…` on a network that is trusted.
    pub(crate) url: String,
    /// Certificates of the authorities that the server must come from; needed for `https`.
    pub(crate) ca: Option<PathBuf>,
    /// File with a token that goes into `Authorization: Bearer`.
    pub(crate) token_file: Option<PathBuf>,
}

fn per_minute() -> u32 {
    60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_named_and_unknown_keys_refused() {
        let text = "rules = '/r'\nlevel = 'high'\n\
                    [[outputs]]\nwebhook.url = 'https://x/y'\nlevel = 'critical'\n\
                    [[outputs]]\nsyslog = '/dev/log'\n\
                    [[outputs]]\ncommand = ['/bin/page', '-x']\nper-minute = 2\n";
        let config: DetectionsConfig = toml::from_str(text).expect("a configuration");
        assert_eq!((config.level, config.ssh), (FindingLevel::High, true));
        assert_eq!(config.outputs[0].level, FindingLevel::Critical);
        assert_eq!(config.outputs[1].syslog, Some("/dev/log".into()));
        assert_eq!(config.outputs[2].per_minute, 2);
        for wrong in [
            "levl = 'high'\n",
            "level = 'worst'\n",
            "[[outputs]]\nto = 1\n",
        ] {
            assert!(
                toml::from_str::<DetectionsConfig>(wrong).is_err(),
                "{wrong}"
            );
        }
    }
}
