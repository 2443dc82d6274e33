//! Which checkpoints agents were shown last: retention keeps what proves that the log continues them.
//!
//! An agent asks for a proof from the checkpoint that it holds, and the collector answers with a newer
//! one that it then holds, if the answer arrived. Both are remembered for each agent, in the file
//! `shown` of the store, written each minute: what a crash loses is younger than that.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indelible_log::limits::STREAMS_MAX;
use serde::{Deserialize, Serialize};

use crate::files;

/// The sizes of the checkpoints that each agent may hold.
#[derive(Debug)]
pub(super) struct Shown {
    path: PathBuf,
    sizes: BTreeMap<Arc<str>, [u64; 2]>,
    written_at: Instant,
    is_changed: bool,
}

/// The file.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    v: u8,
    shown: BTreeMap<String, [u64; 2]>,
}

impl Shown {
    /// Goes on with what the store's file says. A file that cannot be read is begun anew: it holds
    /// nothing that proves anything.
    pub(super) fn open(store: &Path) -> Self {
        let kept = read(store).unwrap_or_else(|error| {
            tracing::warn!("{error:#}");
            BTreeMap::new()
        });
        let sizes = kept.into_iter().map(|(peer, sizes)| (peer.into(), sizes));
        Self {
            path: path(store),
            sizes: sizes.collect(),
            written_at: Instant::now(),
            is_changed: false,
        }
    }

    /// Notes that an agent holds the checkpoint of one size and is shown that of the other.
    pub(super) fn note(&mut self, peer: &Arc<str>, held: u64, shown: u64) {
        // Beyond what a log can have of hosts nobody is added.
        if self.sizes.len() >= STREAMS_MAX && !self.sizes.contains_key(peer) {
            return;
        }
        self.sizes.insert(peer.clone(), [held, shown]);
        self.is_changed = true;
    }

    /// Writes the file, if anything changed and a minute has passed.
    pub(super) fn write_each_minute(&mut self) {
        if self.is_changed && self.written_at.elapsed() >= WRITE_EVERY {
            self.write();
        }
    }

    /// Writes the file; what goes wrong is told, and tried again.
    pub(super) fn write(&mut self) {
        self.written_at = Instant::now();
        let kept = Kept {
            v: 1,
            shown: self
                .sizes
                .iter()
                .map(|(peer, sizes)| (peer.to_string(), *sizes))
                .collect(),
        };
        let written = serde_json::to_vec(&kept)
            .map_err(std::io::Error::from)
            .and_then(|bytes| files::replace(&self.path, 0o644, &bytes));
        match written {
            Ok(()) => self.is_changed = false,
            Err(error) => tracing::warn!("cannot write {}: {error}", self.path.display()),
        }
    }
}

/// All sizes in a store's file, ascending.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn sizes(store: &Path) -> Result<Vec<u64>> {
    let mut sizes: Vec<u64> = read(store)?.into_values().flatten().collect();
    sizes.sort_unstable();
    sizes.dedup();
    Ok(sizes)
}

fn read(store: &Path) -> Result<BTreeMap<String, [u64; 2]>> {
    let path = path(store);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        other => other.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let kept: Kept =
        serde_json::from_slice(&bytes).with_context(|| format!("in {}", path.display()))?;
    Ok(kept.shown)
}

fn path(store: &Path) -> PathBuf {
    store.join("shown")
}

/// How often the file is written.
const WRITE_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_each_agent_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut shown = Shown::open(folder.path());
        assert!(sizes(folder.path()).unwrap().is_empty());
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        shown.note(&a, 3, 9);
        shown.note(&b, 9, 12);
        shown.note(&a, 9, 40);
        shown.write();
        assert_eq!(sizes(folder.path()).unwrap(), [9, 12, 40]);
        let mut again = Shown::open(folder.path());
        again.note(&b, 12, 41);
        again.write();
        assert_eq!(sizes(folder.path()).unwrap(), [9, 12, 40, 41]);
        fs::write(folder.path().join("shown"), "{").unwrap();
        assert!(sizes(folder.path()).is_err());
        assert!(Shown::open(folder.path()).sizes.is_empty());
    }
}
