//! What stands on a host that auditd serves.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::config::INSTALLED_AGENT;

/// The files that matter, by the path that they have on the host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) rules: Vec<(PathBuf, Vec<u8>)>,
    pub(crate) auditd_conf: Option<String>,
    /// rsyslog's configuration and what it includes, in the order in which it reads them.
    pub(crate) rsyslog: Vec<(PathBuf, String)>,
    /// The drop-in that makes the agent observe.
    pub(crate) beside: bool,
    agent: bool,
    /// Whether the journal is there, which has what comes to `/dev/log`.
    pub(crate) journal: bool,
}

impl Found {
    /// Looks below a root.
    pub(crate) fn below(root: &Path) -> Result<Self> {
        let mut found = Self {
            auditd_conf: text(root, AUDITD_CONF)?,
            beside: at(root, BESIDE).exists(),
            agent: at(root, INSTALLED_AGENT).exists(),
            journal: at(root, "/run/systemd/journal").exists(),
            ..Self::default()
        };
        for path in listed(root, RULES, ".rules")? {
            let bytes = read(&at(root, &path))?.unwrap_or_default();
            found.rules.push((path.into(), bytes));
        }
        if let Some(main) = text(root, RSYSLOG_CONF)? {
            found.rsyslog.push((RSYSLOG_CONF.into(), main));
            // What Debian's and everybody else's file includes.
            for path in listed(root, RSYSLOG_FOLDER, ".conf")? {
                if let Some(text) = text(root, &path)? {
                    found.rsyslog.push((path.into(), text));
                }
            }
        }
        Ok(found)
    }

    pub(crate) fn agent_is_installed(&self) -> bool {
        self.agent
    }
}

/// A path of the host below a root.
pub(crate) fn at(root: &Path, path: impl AsRef<Path>) -> PathBuf {
    let path = path.as_ref();
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// A file's bytes; `None` where it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    ensure!(
        bytes.len() <= FILE_BYTES_MAX,
        "{} has more than {FILE_BYTES_MAX} bytes",
        path.display()
    );
    Ok(Some(bytes))
}

fn text(root: &Path, path: &str) -> Result<Option<String>> {
    let bytes = read(&at(root, path))?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn listed(root: &Path, folder: &str, ending: &str) -> Result<Vec<String>> {
    let entries = match fs::read_dir(at(root, folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {folder}")),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(ending) && !name.starts_with('.') {
            found.push(format!("{folder}/{name}"));
            ensure!(
                found.len() <= FILES_MAX,
                "{folder} holds more than {FILES_MAX} files"
            );
        }
    }
    found.sort();
    Ok(found)
}

pub(crate) const BESIDE: &str = "/etc/indelible/agent.conf.d/10-beside-auditd.toml";
const AUDITD_CONF: &str = "/etc/audit/auditd.conf";
const RULES: &str = "/etc/audit/rules.d";
const RSYSLOG_CONF: &str = "/etc/rsyslog.conf";
const RSYSLOG_FOLDER: &str = "/etc/rsyslog.d";
/// Longest file that is read.
const FILE_BYTES_MAX: usize = 4 << 20;
/// Most files of a folder.
const FILES_MAX: usize = 1024;
