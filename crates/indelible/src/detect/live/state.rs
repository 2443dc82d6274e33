//! How far the detections have read, kept across restarts.
//!
//! ```text
//! detections/
//!   state           one JSON object, replaced whole
//!   origins         a line per stream: {"stream", "host", "source"}, of a collector's log
//!   suppressions/   see `suppress`
//! ```
//!
//! Before findings are written, the state says so ([`State::committing`]); after they are durable it
//! says how far everything was read. A start in between reads which of them stand in the log.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::silence::KeptHost;
use crate::files;

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    v: u8,
    /// All before it was read, and what was found there is recorded.
    pub(super) position: Position,
    /// Findings were being written when this was kept.
    pub(super) committing: bool,
    /// Hosts that were heard.
    #[serde(default)]
    pub(super) hosts: BTreeMap<String, KeptHost>,
    /// Suppressions of which the log holds an entry.
    #[serde(default)]
    pub(super) suppressions: BTreeSet<String>,
}

/// A place in what is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Position {
    /// Leaf index of the next entry of a log.
    Log(u64),
    /// By stream: sequence number of the next entry.
    Spool(BTreeMap<String, u64>),
}

impl State {
    pub(super) fn at(position: Position) -> Self {
        Self {
            v: 1,
            position,
            committing: false,
            hosts: BTreeMap::new(),
            suppressions: BTreeSet::new(),
        }
    }
}

/// The folder of the detections of one log or spool.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Made where it is missing.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let folder = Self(path.to_owned());
        for path in [path.to_owned(), folder.suppressions()] {
            fs::create_dir_all(&path)
                .with_context(|| format!("cannot create {}", path.display()))?;
        }
        Ok(folder)
    }

    pub(super) fn suppressions(&self) -> PathBuf {
        self.0.join("suppressions")
    }

    pub(super) fn origins(&self) -> PathBuf {
        self.0.join("origins")
    }

    /// What was kept last; none at the first start.
    pub(super) fn load(&self) -> Result<Option<State>> {
        let path = self.0.join("state");
        let shown = || format!("cannot read {}", path.display());
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).with_context(shown)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(shown),
        }
    }

    /// Keeps a state, durably.
    pub(super) fn keep(&self, state: &State) -> Result<()> {
        replace(&self.0.join("state"), &serde_json::to_vec(state)?)
    }
}

/// Replaces a file of these folders, which administrators may read.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    files::replace(path, 0o640, bytes).with_context(|| format!("cannot write {}", path.display()))
}
