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

use super::counts::Counts;
use super::silence::Untold;
use crate::files;

/// What is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    v: u8,
    /// All before it was read, and what was found there is recorded.
    pub(super) position: Position,
    /// Findings were being written when this was kept.
    pub(super) committing: bool,
    /// By host: silences that nobody was told of yet.
    #[serde(default)]
    pub(super) silent: BTreeMap<String, Untold>,
    /// Suppressions of which the log holds an entry.
    #[serde(default)]
    pub(super) suppressions: BTreeSet<String>,
    /// Since the start of the process.
    #[serde(default)]
    pub(super) counts: Counts,
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
            silent: BTreeMap::new(),
            suppressions: BTreeSet::new(),
            counts: Counts::default(),
        }
    }

    /// Its file in a folder of detections.
    pub(super) fn file(folder: &Path) -> PathBuf {
        folder.join("state")
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
        let path = State::file(&self.0);
        let shown = || format!("cannot read {}", path.display());
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).with_context(shown)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(shown),
        }
    }

    /// Keeps a state, durably.
    pub(super) fn keep(&self, state: &State) -> Result<()> {
        replace(&State::file(&self.0), &serde_json::to_vec(state)?)
    }
}

/// Replaces a file of these folders, which administrators may read.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    files::replace(path, 0o640, bytes).with_context(|| format!("cannot write {}", path.display()))
}
