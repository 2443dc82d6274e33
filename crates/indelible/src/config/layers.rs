//! What a configuration is made of: its file, the drop-ins beside it, the environment; later ones win.
//!
//! ```text
//! /etc/indelible/agent.toml                  the file
//! /etc/indelible/agent.conf.d/*.toml         drop-ins, in the order of their names
//! INDELIBLE_AGENT__LIMITS__MAX_BYTES=…       one key each: `__` between tables, `_` for `-`
//! ```
//! Tables are joined key by key, everything else is replaced whole. A text `credential:NAME` stands
//! for the path of a systemd credential, so that no secret needs a readable file of its own.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use thiserror::Error;

use super::node::{Node, Origin};

/// A configuration that can be written to a file.
pub(crate) trait Configuration: serde::de::DeserializeOwned {
    /// `agent` or `collector`: what its environment variables are named after.
    const NAME: &'static str;
}

/// A mistake in a configuration, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{origin}: {message}")]
pub(crate) struct Mistake {
    pub(crate) origin: Origin,
    pub(crate) message: String,
}

/// What `credential:NAME` becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credentials<'a> {
    /// A file in this folder; an error where there is none.
    In(Option<&'a Path>),
    /// Itself: the file is looked at, not used.
    Named,
}

/// Reads a configuration with all that is laid over it.
///
/// # Errors
/// A file that cannot be read, and a [`Mistake`] in one.
pub(crate) fn read(
    path: &Path,
    name: &str,
    environment: &[(OsString, OsString)],
    credentials: Credentials<'_>,
) -> Result<Node> {
    let mut node = file(path)?;
    for drop_in in drop_ins(path)? {
        node.lay(file(&drop_in)?);
    }
    for over in variables(name, environment) {
        node.lay(over);
    }
    node.each_text(&mut |text, origin| credential(text, origin, credentials))?;
    Ok(node)
}

/// The folder of a file's drop-ins.
pub(crate) fn drop_in_folder(path: &Path) -> PathBuf {
    path.with_extension("conf.d")
}

fn file(path: &Path) -> Result<Node> {
    let shown = path.display().to_string();
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text))
        .with_context(|| format!("cannot read {shown}"))?;
    ensure!(
        text.len() as u64 <= FILE_BYTES_MAX,
        "{shown} is longer than {FILE_BYTES_MAX} bytes"
    );
    Node::parse(&shown, &text).map_err(|error| {
        let mistake = Mistake {
            origin: error.origin,
            message: error.message,
        };
        mistake.into()
    })
}

fn drop_ins(path: &Path) -> Result<Vec<PathBuf>> {
    let folder = drop_in_folder(path);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", folder.display()));
        }
    };
    let mut files = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let is_ours = name
            .to_str()
            .is_some_and(|name| name.ends_with(".toml") && !name.starts_with('.'));
        if is_ours {
            files.push(folder.join(name));
            ensure!(
                files.len() <= DROP_INS_MAX,
                "{} holds more than {DROP_INS_MAX} files",
                folder.display()
            );
        }
    }
    files.sort();
    Ok(files)
}

/// One layer per variable, in the order of their names.
fn variables(name: &str, environment: &[(OsString, OsString)]) -> Vec<Node> {
    let prefix = format!("INDELIBLE_{}__", name.to_ascii_uppercase());
    let mut layers: Vec<(&str, Node)> = Vec::new();
    for (variable, value) in environment {
        let (Some(variable), Some(value)) = (variable.to_str(), value.to_str()) else {
            continue;
        };
        let Some(keys) = variable.strip_prefix(&prefix) else {
            continue;
        };
        let keys: Vec<String> = keys
            .split("__")
            .map(|key| key.to_ascii_lowercase().replace('_', "-"))
            .collect();
        let node = Node::of_variable(variable, value);
        layers.push((variable, node.under(keys.iter().map(String::as_str))));
    }
    layers.sort_by_key(|(variable, _)| *variable);
    layers.into_iter().map(|(_, node)| node).collect()
}

fn credential(
    text: &mut String,
    origin: &Origin,
    credentials: Credentials<'_>,
) -> Result<(), Mistake> {
    let Some(name) = text.strip_prefix("credential:") else {
        return Ok(());
    };
    let mistake = |message: String| Mistake {
        origin: origin.clone(),
        message,
    };
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err(mistake(format!("{name:?} is no name of a credential")));
    }
    let Credentials::In(folder) = credentials else {
        return Ok(());
    };
    let folder = folder.ok_or_else(|| {
        mistake(format!(
            "no credentials were given to this process; the unit needs LoadCredential={name}:FILE"
        ))
    })?;
    *text = folder.join(name).to_string_lossy().into_owned();
    Ok(())
}

/// Longest configuration file.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Most drop-ins of one file.
const DROP_INS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(node: &Node) -> Vec<String> {
        let line =
            |(keys, node): (Vec<&str>, &Node)| format!("{} = {}", keys.join("."), node.value);
        node.leaves().into_iter().map(line).collect()
    }

    #[test]
    fn later_layers_win() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        fs::write(
            &path,
            "spool = '/a'\nsandbox = true\n[limits]\nmin-free = 1\n",
        )
        .unwrap();
        let beside = drop_in_folder(&path);
        fs::create_dir(&beside).unwrap();
        fs::write(beside.join("20-b.toml"), "limits = { max-bytes = 3 }").unwrap();
        fs::write(
            beside.join("10-a.toml"),
            "spool = '/b'\nlimits.max-bytes = 2",
        )
        .unwrap();
        fs::write(beside.join("30.toml.save"), "spool = '/never'").unwrap();
        let environment = [
            ("INDELIBLE_AGENT__LIMITS__MIN_FREE", "5"),
            ("INDELIBLE_COLLECTOR__STORE", "/never"),
            ("INDELIBLE_AGENT__CAPTURE", "observe"),
            ("INDELIBLE_LOG", "debug"),
        ]
        .map(|(name, value)| (name.into(), value.into()));
        let node = read(&path, "agent", &environment, Credentials::In(None)).unwrap();
        assert_eq!(
            shown(&node),
            [
                "capture = \"observe\"",
                "limits.max-bytes = 3",
                "limits.min-free = 5",
                "sandbox = true",
                "spool = \"/b\""
            ]
        );
    }

    #[test]
    fn credentials_become_paths() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        fs::write(&path, "[tls]\nkey = 'credential:host.key'\n").unwrap();
        let given = Credentials::In(Some(Path::new("/run/credentials/x")));
        let node = read(&path, "agent", &[], given).unwrap();
        assert_eq!(shown(&node), ["tls.key = \"/run/credentials/x/host.key\""]);
        let error = read(&path, "agent", &[], Credentials::In(None)).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("agent.toml:2:7: no credentials"),
            "{message}"
        );
        let node = read(&path, "agent", &[], Credentials::Named).unwrap();
        assert_eq!(shown(&node), ["tls.key = \"credential:host.key\""]);
        fs::write(&path, "key = 'credential:../host.key'\n").unwrap();
        assert!(read(&path, "agent", &[], Credentials::Named).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        let error = read(&path, "agent", &[], Credentials::Named).unwrap_err();
        assert!(error.to_string().contains("cannot read"), "{error}");
        fs::write(&path, vec![b'#'; (FILE_BYTES_MAX + 1) as usize]).unwrap();
        let error = read(&path, "agent", &[], Credentials::Named).unwrap_err();
        assert!(error.to_string().contains("longer than"), "{error}");
    }
}
