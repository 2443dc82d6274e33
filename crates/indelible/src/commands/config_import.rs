//! `indelible config import`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use crate::config::import::Imported;
use crate::exit;
use crate::rules::rule_files;

/// Print what auditd's and rsyslog's configuration comes to here
///
/// Nothing is changed. Without options the system's own files are read where they exist. The output
/// is a configuration of the agent; what has no equal stands at its end as comments.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// Folder of audit rules [default: /etc/audit/rules.d]
    #[arg(long, value_name = "DIR")]
    rules_d: Option<PathBuf>,
    /// Configuration of auditd [default: /etc/audit/auditd.conf]
    #[arg(long, value_name = "FILE")]
    auditd_conf: Option<PathBuf>,
    /// Configuration of rsyslog with the files that it includes [default: /etc/rsyslog.conf]
    #[arg(long, value_name = "FILE")]
    rsyslog_conf: Option<PathBuf>,
    /// The spool in the configuration that is printed
    #[arg(long, value_name = "DIR", default_value = "/var/lib/indelible/spool")]
    spool: PathBuf,
}

impl Import {
    pub(super) fn run(self) -> Result<u8> {
        let none_given =
            self.rules_d.is_none() && self.auditd_conf.is_none() && self.rsyslog_conf.is_none();
        let or_default = |given: &Option<PathBuf>, default: &str| {
            let default =
                || Some(PathBuf::from(default)).filter(|path| none_given && path.exists());
            given.clone().or_else(default)
        };
        let mut imported = Imported::default();
        if let Some(folder) = or_default(&self.rules_d, "/etc/audit/rules.d") {
            let files =
                rule_files(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
            imported.rules(&files);
        }
        if let Some(path) = or_default(&self.auditd_conf, "/etc/audit/auditd.conf") {
            imported.auditd_conf(&path.to_string_lossy(), &read(&path)?);
        }
        if let Some(path) = or_default(&self.rsyslog_conf, "/etc/rsyslog.conf") {
            rsyslog(&path, &mut imported)?;
        }
        let mut output = std::io::stdout().lock();
        output.write_all(imported.text(&self.spool).as_bytes())?;
        Ok(exit::DONE)
    }
}

/// Reads a configuration of rsyslog and what it includes, each file once.
fn rsyslog(path: &Path, imported: &mut Imported) -> Result<()> {
    let mut waiting = vec![path.to_owned()];
    let mut seen: Vec<PathBuf> = Vec::new();
    while let Some(path) = waiting.pop() {
        if seen.contains(&path) || seen.len() >= RSYSLOG_FILES_MAX {
            continue;
        }
        imported.rsyslog_conf(&path.to_string_lossy(), &read(&path)?);
        seen.push(path);
        for pattern in std::mem::take(&mut imported.includes) {
            let found = glob::glob(&pattern).into_iter().flatten().flatten();
            let mut found: Vec<PathBuf> = found.take(RSYSLOG_FILES_MAX).collect();
            found.reverse();
            waiting.extend(found);
        }
    }
    Ok(())
}

/// A file's text; bytes that are no UTF-8 are replaced.
fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let size = bytes.len();
    anyhow::ensure!(
        size <= FILE_BYTES_MAX,
        "{} has {size} bytes, more than a configuration of {FILE_BYTES_MAX}",
        path.display()
    );
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Files of one configuration of rsyslog.
const RSYSLOG_FILES_MAX: usize = 256;
/// Longest configuration file.
const FILE_BYTES_MAX: usize = 4 << 20;
