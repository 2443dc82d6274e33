//! What is to be done, made of what was found; nothing here touches the host but [`Change::perform`].

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::found::{BESIDE, Found, at};
use crate::config::import::Imported;

/// File changes in order, and what a person should know.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) changes: Vec<Change>,
    pub(crate) notes: Vec<String>,
}

/// A change of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// On the host.
    pub(crate) path: PathBuf,
    /// Its new content; `None` removes it.
    pub(crate) content: Option<Vec<u8>>,
    /// For people.
    pub(crate) why: String,
}

impl Plan {
    pub(crate) fn of(found: &Found) -> Self {
        let mut imported = Imported::default();
        if let Some(text) = &found.auditd_conf {
            imported.auditd_conf("/etc/audit/auditd.conf", text);
        }
        for (path, text) in &found.rsyslog {
            imported.rsyslog_conf(&path.to_string_lossy(), text);
        }
        imported.includes.clear();
        if found.journal {
            // journald owns the socket and keeps what comes to it.
            for source in &mut imported.sources {
                if source.starts_with("unix:/dev/log") {
                    *source = "journal".into();
                }
            }
        }
        imported.sources.sort();
        imported.sources.dedup();
        if imported.outputs.is_empty() {
            // rsyslog forwarded nothing: what it reads is its own affair and stays so.
            imported.sources.clear();
        }
        let mut changes = rules(found);
        changes.push(Change {
            path: DROP_IN.into(),
            content: Some(imported.text(Path::new(SPOOL)).into_bytes()),
            why: "takes over auditd.conf and what rsyslog forwards".into(),
        });
        if found.beside {
            changes.push(Change {
                path: BESIDE.into(),
                content: None,
                why: "the agent captures instead of observing".into(),
            });
        }
        let mut notes: Vec<String> = imported.notes.iter().map(ToString::to_string).collect();
        let origins: Vec<&str> = imported
            .outputs
            .iter()
            .map(|output| output.origin.as_str())
            .collect();
        changes.extend(silenced(found, &origins, &mut notes));
        Self { changes, notes }
    }

    /// For people: what is done, in order.
    pub(crate) fn text(&self) -> String {
        let mut text = String::from("stop and disable auditd.service\n");
        for change in &self.changes {
            let does = match &change.content {
                Some(_) => "write",
                None => "remove",
            };
            let _ = writeln!(text, "{does} {}: {}", change.path.display(), change.why);
        }
        if self.changes_rsyslog() {
            text.push_str("restart rsyslog.service\n");
        }
        text.push_str("enable and start indelible-agent.service, load the rules\n");
        for note in &self.notes {
            let _ = writeln!(text, "look at {note}");
        }
        text
    }

    pub(crate) fn changes_rsyslog(&self) -> bool {
        is_of_rsyslog(self.changes.iter().map(|change| change.path.as_path()))
    }
}

/// Whether one of these is rsyslog's.
pub(crate) fn is_of_rsyslog<'a>(mut paths: impl Iterator<Item = &'a Path>) -> bool {
    paths.any(|path| path.starts_with("/etc/rsyslog.d") || path == Path::new("/etc/rsyslog.conf"))
}

impl Change {
    /// Writes or removes the file: whole or not at all.
    pub(crate) fn perform(&self, root: &Path) -> Result<()> {
        let path = at(root, &self.path);
        match &self.content {
            Some(content) => write(&path, content),
            None => {
                fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))
            }
        }
    }
}

/// Writes a file under another name and renames it; the mode of a former one stays. A new one can be
/// read by the users of the services.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<()> {
    let shown = || format!("cannot write {}", path.display());
    let folder = path.parent().context("a file has a folder")?;
    fs::create_dir_all(folder).with_context(shown)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".indelible-new");
    let beside = folder.join(name);
    let mut options = fs::File::options();
    let options = options.write(true).create(true).truncate(true).mode(0o644);
    let mut file = options.open(&beside).with_context(shown)?;
    let mode = fs::metadata(path).map(|former| former.permissions());
    if let Ok(mode) = mode {
        file.set_permissions(mode).with_context(shown)?;
    }
    std::io::Write::write_all(&mut file, content).with_context(shown)?;
    file.sync_all().with_context(shown)?;
    fs::rename(&beside, path).with_context(shown)
}

/// auditd's rules, file by file, into the folder that indelible-rules.service loads.
fn rules(found: &Found) -> Vec<Change> {
    let from_auditd = found.rules.iter().map(|(path, bytes)| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Change {
            path: format!("{RULES}/from-auditd-{name}").into(),
            content: Some(bytes.clone()),
            why: format!("a copy of {}", path.display()),
        }
    });
    from_auditd.collect()
}

/// Forwarding lines of rsyslog, made comments: what the agent sends must not go twice.
fn silenced(found: &Found, origins: &[&str], notes: &mut Vec<String>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (path, text) in &found.rsyslog {
        let shown = path.to_string_lossy();
        let mut changed = 0;
        let mut lines = Vec::new();
        for (index, line) in text.split('\n').enumerate() {
            // As the import names where an output comes from.
            let origin = format!("{shown}:{}: ", index + 1);
            let is_forward = origins.iter().any(|known| known.starts_with(&origin));
            let is_whole = line.matches('(').count() == line.matches(')').count()
                && line.matches('{').count() == line.matches('}').count()
                && !line.trim_end().ends_with('\\');
            if is_forward && is_whole {
                changed += 1;
                lines.push(format!("{MARK}{line}"));
                continue;
            }
            if is_forward {
                notes.push(format!(
                    "{origin}goes on over lines; make it a comment by hand, or messages go twice"
                ));
            }
            lines.push(line.to_owned());
        }
        if changed > 0 {
            changes.push(Change {
                path: path.clone(),
                content: Some(lines.join("\n").into_bytes()),
                why: match changed {
                    1 => "1 forwarding line becomes a comment".to_owned(),
                    _ => format!("{changed} forwarding lines become comments"),
                },
            });
        }
    }
    changes
}

/// Units whose states are kept for the way back.
pub(crate) const UNITS: &[&str] = &[
    "auditd.service",
    "rsyslog.service",
    "indelible-agent.service",
    "indelible-capture.service",
    "indelible-worker.service",
    "indelible-sources.service",
    "indelible-rules.service",
];
const SPOOL: &str = "/var/lib/indelible";
const RULES: &str = "/etc/indelible/rules.d";
const DROP_IN: &str = "/etc/indelible/agent.conf.d/20-from-auditd.toml";
/// Before a line that was made a comment.
const MARK: &str = "# taken over by indelible: ";
