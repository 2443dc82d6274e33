//! The newest checkpoint, kept outside the store: a store that was rolled back to an older copy
//! is recognised at the next start.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indelible_log::{Checkpoint, VerifierKey};

use crate::files;

/// A folder with one note per origin.
#[derive(Debug)]
pub(crate) struct Heads {
    path: PathBuf,
    key: VerifierKey,
    kept_size: u64,
}

impl Heads {
    /// The note of `origin` in `folder`, which is made where it is missing.
    pub(crate) fn open(folder: &Path, key: VerifierKey) -> Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let name = key.name().replace('/', "_");
        Ok(Self {
            path: folder.join(name),
            key,
            kept_size: 0,
        })
    }

    /// The checkpoint that was kept last, if any; also one that a restart of the log has given up.
    pub(crate) fn kept(&self) -> Result<Option<Checkpoint>> {
        if !self.path.exists() {
            return Ok(None);
        }
        let shown = self.path.display();
        let note =
            fs::read_to_string(&self.path).with_context(|| format!("cannot read {shown}"))?;
        let checkpoint = self.key.open_any_note(&note).with_context(|| {
            format!("in {shown}: the store is another log's, or older than the log's key")
        })?;
        Ok(Some(checkpoint))
    }

    /// Puts aside, beside the newest, a checkpoint that a restart of the log has given up: it is what there
    /// is left of what was lost.
    pub(crate) fn put_aside(&self, given_up: &Checkpoint) -> Result<()> {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".given-up-{}", given_up.size));
        let path = PathBuf::from(path);
        files::replace(&path, 0o644, given_up.to_note(&self.key).as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// The log has a new key.
    pub(crate) fn follow(&mut self, key: VerifierKey) {
        self.key = key;
    }

    /// Keeps a newer checkpoint, durably.
    pub(crate) fn keep(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        if checkpoint.size <= self.kept_size {
            return Ok(());
        }
        let note = checkpoint.to_note(&self.key);
        files::replace(&self.path, 0o644, note.as_bytes())
            .with_context(|| format!("cannot keep the checkpoint in {}", self.path.display()))?;
        self.kept_size = checkpoint.size;
        Ok(())
    }
}
