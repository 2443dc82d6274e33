//! What a site wants to happen when the spool's disk fills up or fails, as auditd.conf has it.
//!
//! ```toml
//! [disk]
//! space-left = "10%"
//! space-left-action = "syslog"
//! disk-full-action = "halt"
//! ```
//! Without the table the spool's limits say everything (`[limits]`): nothing but entries is ever lost.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// `[disk]`: actions of the kind of auditd's, for capture from the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct DiskConfig {
    /// Free space of the spool's file system below which `space-left-action` is taken: bytes, with `K`,
    /// `M` or `G` for powers of 1024, or a share as `10%`.
    pub(crate) space_left: Option<Space>,
    /// `ignore`, `syslog` (a finding and a line in the log), `suspend` (nothing more is written until
    /// there is room), `exec:/PROGRAM`, `single` or `halt`.
    pub(crate) space_left_action: DiskAction,
    /// The same for a second, smaller limit.
    pub(crate) admin_space_left: Option<Space>,
    /// What is done below it.
    pub(crate) admin_space_left_action: DiskAction,
    /// What is done when the disk takes nothing more, or `limits.min-free` is reached.
    pub(crate) disk_full_action: DiskAction,
    /// What is done when a write or a sync fails for another reason.
    pub(crate) disk_error_action: DiskAction,
    /// What `single` runs: `/sbin/init 1` unless given.
    pub(crate) single_command: Vec<String>,
    /// What `halt` runs: `/sbin/init 0` unless given.
    pub(crate) halt_command: Vec<String>,
}

impl Default for DiskConfig {
    fn default() -> Self {
        Self {
            space_left: None,
            space_left_action: DiskAction::Syslog,
            admin_space_left: None,
            admin_space_left_action: DiskAction::Syslog,
            disk_full_action: DiskAction::Syslog,
            disk_error_action: DiskAction::Syslog,
            single_command: vec!["/sbin/init".into(), "1".into()],
            halt_command: vec!["/sbin/init".into(), "0".into()],
        }
    }
}

impl DiskConfig {
    /// The action of a level.
    pub(crate) fn action(&self, level: DiskLevel) -> &DiskAction {
        match level {
            DiskLevel::SpaceLeft => &self.space_left_action,
            DiskLevel::AdminSpaceLeft => &self.admin_space_left_action,
            DiskLevel::DiskFull => &self.disk_full_action,
            DiskLevel::DiskError => &self.disk_error_action,
        }
    }

    /// Whether anything must be run: the guard is needed.
    pub(crate) fn runs_programs(&self) -> bool {
        let levels = DiskLevel::ALL.iter();
        levels
            .map(|level| self.action(*level))
            .any(DiskAction::runs_a_program)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DiskLevel {
    SpaceLeft,
    AdminSpaceLeft,
    DiskFull,
    DiskError,
}

impl DiskLevel {
    pub(crate) const ALL: [Self; 4] = [
        Self::SpaceLeft,
        Self::AdminSpaceLeft,
        Self::DiskFull,
        Self::DiskError,
    ];

    /// The word of the configuration.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::SpaceLeft => "space-left",
            Self::AdminSpaceLeft => "admin-space-left",
            Self::DiskFull => "disk-full",
            Self::DiskError => "disk-error",
        }
    }
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum DiskAction {
    Ignore,
    Syslog,
    Suspend,
    Exec(PathBuf),
    Single,
    Halt,
}

impl DiskAction {
    /// Whether it needs the guard, which alone may run programs.
    pub(crate) fn runs_a_program(&self) -> bool {
        matches!(self, Self::Exec(_) | Self::Single | Self::Halt)
    }
}

impl fmt::Display for DiskAction {
    /// The word that the configuration uses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignore => f.write_str("ignore"),
            Self::Syslog => f.write_str("syslog"),
            Self::Suspend => f.write_str("suspend"),
            Self::Exec(path) => write!(f, "exec:{}", path.display()),
            Self::Single => f.write_str("single"),
            Self::Halt => f.write_str("halt"),
        }
    }
}

impl TryFrom<String> for DiskAction {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Ok(match text.as_str() {
            "ignore" => Self::Ignore,
            "syslog" => Self::Syslog,
            "suspend" => Self::Suspend,
            "single" => Self::Single,
            "halt" => Self::Halt,
            other => match other.strip_prefix("exec:") {
                Some(path) if path.starts_with('/') => Self::Exec(path.into()),
                _ => {
                    return Err(format!(
                        "unknown action {text:?}; known are ignore, syslog, suspend, exec:/PROGRAM, single and halt"
                    ));
                }
            },
        })
    }
}

/// An amount of free space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Space {
    Bytes(u64),
    /// Of the file system's size.
    Percent(u8),
}

impl Space {
    /// In bytes, of a file system of a size.
    pub(crate) fn bytes(self, size_bytes: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(percent) => size_bytes / 100 * u64::from(percent),
        }
    }
}

impl TryFrom<String> for Space {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no amount of space: bytes, 75M, 2G or 10%");
        if let Some(percent) = text.strip_suffix('%') {
            let percent = percent.parse().ok().filter(|percent| *percent < 100);
            return percent.map(Self::Percent).ok_or_else(wrong);
        }
        let (digits, shift) = match text.as_bytes().last() {
            Some(b'K') => (&text[..text.len() - 1], 10),
            Some(b'M') => (&text[..text.len() - 1], 20),
            Some(b'G') => (&text[..text.len() - 1], 30),
            _ => (text.as_str(), 0),
        };
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        number
            .checked_mul(1 << shift)
            .map(Self::Bytes)
            .ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_and_amounts_come_back() {
        for word in [
            "ignore",
            "syslog",
            "suspend",
            "exec:/bin/x",
            "single",
            "halt",
        ] {
            assert_eq!(
                DiskAction::try_from(word.to_owned()).unwrap().to_string(),
                word
            );
        }
        for word in ["", "email", "exec:x", "exec:", "HALT"] {
            assert!(DiskAction::try_from(word.to_owned()).is_err(), "{word:?}");
        }
        for (text, space) in [
            ("75", Space::Bytes(75)),
            ("75M", Space::Bytes(75 << 20)),
            ("2G", Space::Bytes(2 << 30)),
            ("10%", Space::Percent(10)),
        ] {
            assert_eq!(Space::try_from(text.to_owned()), Ok(space));
        }
        for text in ["", "%", "100%", "-1", "M", "99999999999G", "1T"] {
            assert!(Space::try_from(text.to_owned()).is_err(), "{text:?}");
        }
        assert_eq!(Space::Percent(10).bytes(1_000), 100);
    }

    #[test]
    fn nothing_is_run_unless_asked_for() {
        let config: DiskConfig = toml::from_str("space-left = '5%'").unwrap();
        assert!(!config.runs_programs());
        let config: DiskConfig = toml::from_str("disk-full-action = 'halt'").unwrap();
        assert!(config.runs_programs());
        assert_eq!(config.halt_command, ["/sbin/init", "0"]);
    }
}
